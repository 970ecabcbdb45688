"""Which rows does the store give out? Frozen, plain; times ISO 8601 UTC or empty, unknown numbers None."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunRow:
    """A line of `auditor list`. low, high, coverage (0-100) and rung: of the last audit; elapsed in seconds.

    state: the scheduler's word; before accounting is known `submitted`, `started` or `ended`, from the captures we have.
    """

    id: str
    job_id: str
    name: str
    state: str
    submitted: str
    elapsed: float | None
    low: float | None
    high: float | None
    coverage: float | None
    label: str
    rung: str


@dataclass(frozen=True)
class Event:
    """Something that happened to a run, in our own words."""

    run_id: str
    seen_at: str
    what: str
    detail: str


@dataclass(frozen=True)
class FileUse:
    """A run that read (`input`) or made (`output`) a file with this content."""

    run_id: str
    role: str
    path: str
    sha256: str
    size: int
    taken_at: str


@dataclass(frozen=True)
class PackageVersion:
    """One version of a package: how many runs had it, from when to when they were submitted, and the newest of them."""

    name: str
    version: str
    runs: int
    first: str
    last: str
    newest_run: str


@dataclass(frozen=True)
class SoftwareUse:
    """A run whose environment held this piece of software. digest: of what was installed, or of the image; empty: not known.

    when: `submit`, `start`, `end`, or `later`: seen only after the run, so perhaps changed since.
    """

    run_id: str
    job_id: str
    submitted: str
    ecosystem: str
    name: str
    version: str
    digest: str
    when: str
