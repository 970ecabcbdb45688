"""Which runs belong together, and what does the group look like from this run? Derived from the store, evidence like any other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sibling:
    """Another run of the campaign, as far as the store knows it. Times ISO 8601 UTC or empty."""

    run_id: str
    job_id: str
    name: str
    state: str
    submission: str
    command: str
    """What was typed, numbers replaced by `#`: look-alike submissions have equal ones."""
    submitted_at: str
    started_at: str
    ended_at: str
    partition: str = ""
    dependency: str = ""
    core_seconds: float | None = None
    shape: str = ""
    """Hash over the batch script with numbers replaced: equal for look-alikes."""


@dataclass(frozen=True)
class Link:
    """An output digest of `source` is an input digest of `target` (run ids)."""

    source: str
    target: str
    path: str
    sha256: str


@dataclass(frozen=True)
class Campaign:
    """Runs joined by label, array, dependency or data; this run's place in it.

    cycle: run ids on a feedback loop through this run's code: the same script shape recurs along a data path.
    iterations: how many times that shape recurs.
    """

    run_id: str
    why: tuple[str, ...]
    """Which of `label`, `array`, `dependency`, `data` joined them."""
    siblings: tuple[Sibling, ...]
    links: tuple[Link, ...]
    array_size: int
    array_throttle: int
    iterations: int
    cycle: tuple[str, ...]
    lookalikes: tuple[str, ...]
    """Run ids of separate submissions, not one array, whose command and script differ from this run's only in numbers."""


@dataclass(frozen=True)
class Touch:
    """A run that read (`input`) or made (`output`) a file with this content."""

    run_id: str
    role: str
    path: str
    sha256: str


@dataclass(frozen=True)
class Family:
    """A run and those around it with all their files: what a provenance document is made of. The run itself comes first."""

    runs: tuple[Sibling, ...]
    touches: tuple[Touch, ...]
