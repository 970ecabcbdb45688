"""What did a bisection of two runs find? The type that the search writes, the store keeps and the report shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """A difference of which the certificate says that it matters. before, after: its states in run A and run B.

    layer: data, code, parameters, environment, packages, hardware. how: by what it was carried over; cites: evidence of both runs.
    """

    id: str
    layer: str
    name: str
    before: str
    after: str
    how: str
    cites: tuple[str, ...] = ()
    detail: tuple[str, ...] = ()
    """Lines of a text file that are not the same, as `-` and `+`."""


@dataclass(frozen=True)
class NotApplied:
    """A difference that no experiment here can carry over, and why."""

    layer: str
    name: str
    before: str
    after: str
    because: str


@dataclass(frozen=True)
class Trial:
    """One run that was made. run: its id, the name of its folder. taken: ids of the differences that were carried from B over to A.

    answer: `as-b`, `as-a`, `neither`, `unresolved` (it did not start). purpose: control, search, certificate, stabiliser.
    """

    run: str
    purpose: str
    taken: tuple[str, ...]
    answer: str
    seconds: float


@dataclass(frozen=True)
class Proof:
    """One line of the certificate. runs: the ids of the runs it rests on."""

    claim: str
    expected: str
    answers: tuple[str, ...]
    holds: bool
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Bisection:
    """Why run A and run B differ, as far as it was proved.

    certified: every proof holds. reason: the verdict in one sentence; where nothing is certified, why. causes: smallest set
    that was found. stabilisers: what had to be held still on both sides. outputs: those that were compared.
    """

    a: str
    b: str
    certified: bool
    reason: str
    causes: tuple[Cause, ...]
    proofs: tuple[Proof, ...]
    trials: tuple[Trial, ...]
    stabilisers: tuple[str, ...]
    differences: int
    """How many could be carried over; those that could not are in `not_applied`."""
    not_applied: tuple[NotApplied, ...]
    outputs: tuple[str, ...]
    notes: tuple[str, ...]
    where: str
    sandbox: str
    rules: str
    """How outputs were compared: the tolerance."""
    search_runs: int
    runs: int
    seconds: float
    started_at: str
    ended_at: str
    auditor: str
