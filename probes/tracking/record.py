"""What is kept of tracked runs as evidence? Those of the job first, whole; of the others some, and how many there are: bounded."""

from __future__ import annotations

from dataclasses import dataclass

from probes.tracking import TrackedRun

MAX_RUNS = 200
MAX_OTHERS = 50
"""Of `runs`, those that are only in the folder."""
MAX_COUNTS = 200
MAX_NAMES = 100
"""Parameters, metrics of one run, each; of a run that is only in the folder: MAX_FEW."""
MAX_FEW = 20
MAX_LISTED = 50


@dataclass(frozen=True)
class TrackedSeen(TrackedRun):
    """A tracked run, and what it has to do with the audited one.

    relation: `task` (its record names the job's number, or our run id: MLFLOW_RUN_CONTEXT), `inside` (it began while the job ran),
    `folder` (it lies below the work directory or where the environment points to, nothing else is known).
    omitted: what was cut to stay small, one line each.
    """

    relation: str = "folder"
    omitted: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunCount:
    """How many runs a tracker has of one experiment in one state, by `relation`."""

    system: str
    experiment: str
    state: str
    relation: str
    runs: int


@dataclass(frozen=True)
class Experiments:
    """Kind of the probe `experiments` (later). runs: `task` before `inside` before `folder`, newest first, at most MAX_RUNS of `seen`.

    counts: all that were seen, also those not in `runs`. unread: records that were found and could not be read, `system place: why`.
    elsewhere: servers (without logins) that the job's environment or script names as tracker; they are not asked.
    walked_all: was the whole tree below the work directory looked through, and every record read to its end?
    """

    runs: tuple[TrackedSeen, ...]
    seen: int
    counts: tuple[RunCount, ...] = ()
    unread: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    walked_all: bool = True
