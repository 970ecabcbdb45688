"""Which nouns does everybody share? Frozen dataclasses, standard library only; what a judgement hands on is in auditor.scorecard."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from auditor.world import World

T = TypeVar("T")


class AuditError(Exception):
    """The user's mistake or a thing that is missing: one line, one hint, exit status 2."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Phase(StrEnum):
    """When a snapshot was taken: at submission, in the job at its start and end, and after the record is final."""

    SUBMIT = "submit"
    START = "start"
    END = "end"
    LATER = "later"


class Grade(StrEnum):
    """How far evidence may be trusted; it caps the level a check can reach (1, 2, 3)."""

    DECLARED = "declared"
    OBSERVED = "observed"
    VERIFIED = "verified"

    @property
    def cap(self) -> int:
        return {"declared": 1, "observed": 2, "verified": 3}[self.value]


class Status(StrEnum):
    """Seen; looked and not there; could not look; seen and not stored."""

    OK = "ok"
    ABSENT = "absent"
    FAILED = "failed"
    WITHHELD = "withheld"


class Outcome(StrEnum):
    """What a check concluded. The runner, never the check, decides `unknown` and `error`."""

    PASSED = "passed"
    WEAK = "weak"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"
    ERROR = "error"


@dataclass(frozen=True)
class Job:
    """The job a probe is asked about, as far as it is known in that phase. Unknown texts are empty."""

    scheduler: str
    """`slurm` or `local`."""
    job_id: str
    """As the scheduler prints it: `123`, for an array task `123_4`, for a heterogeneous component `22+1`."""
    cluster: str = ""
    submission: str = ""
    """Id of the act of submitting; all tasks of one array share it."""
    workdir: str = ""
    script: str = ""
    """The batch script's text, or the command line of `auditor run --`."""
    script_path: str = ""
    argv: tuple[str, ...] = ()
    """What the user typed after `auditor sbatch` or `auditor run`, quoting intact."""
    user: str = ""
    submitted_at: str = ""
    """ISO 8601, UTC, whole seconds."""
    attempt: int = 0
    inputs: tuple[str, ...] = ()
    """Declared inputs: paths or globs, relative to `workdir`."""
    outputs: tuple[str, ...] = ()
    label: str = ""
    is_array: bool = False
    """The submission of a whole array: its tasks are the runs, this is not one; what was seen at submit holds for all of them."""
    started_at: str = ""
    """Start of the attempt, same form; empty before the job ran. Files changed since are candidates for outputs."""
    ended_at: str = ""
    """End of the attempt, same form; empty while it is not over. Outputs are looked for once it is set."""
    hook: str = ""
    """`installed`, or why the in-job hook is not there; empty: not known."""

    @property
    def run_id(self) -> str:
        """16 hex digits. A submission of ours is known by its id; an adopted job by cluster, number and submission time."""
        key = (self.submission,) if self.submission else (self.cluster, self.submitted_at)
        return hashlib.sha256("\0".join((*key, self.job_id)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True)
class Absent:
    """We looked and it is not there."""

    reason: str


@dataclass(frozen=True)
class Withheld:
    """It is there and we do not store it."""

    reason: str


@dataclass(frozen=True)
class Found(Generic[T]):
    """A probe's answer with its own source (the rung of a ladder, a path, a command) and grade."""

    value: T
    source: str
    grade: Grade = Grade.OBSERVED


@dataclass(frozen=True)
class Probe(Generic[T]):
    """One observation. `collect` returns its data type, `Absent` or `Withheld`, and raises when it could not look.

    records: files (globs allowed) that the in-job hook saves so that `collect` can run later over a `RecordedWorld`.
    guest: `collect` must run inside the job itself (it hashes content), with nothing but the standard library.
    """

    name: str
    kind: type[T]
    collect: Callable[[World, Job], T | Found[T] | Absent | Withheld]
    phases: frozenset[Phase]
    version: int = 1
    grade: Grade = Grade.OBSERVED
    source: str = ""
    records: tuple[str, ...] = ()
    guest: bool = False


@dataclass(frozen=True)
class Evidence:
    """One observation as stored: immutable; its id is the sha256 of its canonical JSON (see auditor.codec)."""

    probe: str
    version: int
    kind: str
    phase: Phase
    attempt: int
    status: Status
    grade: Grade
    source: str
    reason: str
    taken_at: str
    host: str
    data: Mapping[str, Any] | None = None

    @property
    def id(self) -> str:
        from auditor.codec import digest

        return digest(self)


@dataclass(frozen=True)
class Capture:
    """One spool file: which run, and what was seen of it in one phase."""

    job: Job
    phase: Phase
    evidence: tuple[Evidence, ...]
    schema: int = 1


@dataclass(frozen=True)
class Fact(Generic[T]):
    """Evidence with its data as the probe's type: what a check is given."""

    value: T
    evidence_id: str
    grade: Grade
    phase: Phase
    attempt: int
    source: str


@dataclass(frozen=True)
class Need:
    """What a check asks for: the newest `ok` evidence of this type, in one of these phases (any, if empty).

    absent: what it means when every such piece of evidence says "looked, not there"; None: the check is called with `Absent` and decides.
    optional: where there is no `ok` evidence, the check is called with `Absent` if it was looked for and is not there, else with None.
    """

    kind: type
    phases: tuple[Phase, ...] = ()
    absent: Outcome | None = Outcome.UNKNOWN
    optional: bool = False
    fix: str = ""
    """Something to paste where `absent` is a fault."""


@dataclass(frozen=True)
class Verdict:
    """What a check says: outcome, the sentence with the observed value, and something to paste."""

    outcome: Outcome
    message: str
    fix: str = ""
    rests: tuple[str, ...] = ()
    """Evidence ids it rests on, whose lowest grade caps it; empty: on all that it was given."""


@dataclass(frozen=True)
class Check:
    """One question of a tip. `judge` gets one `Fact` (or None) per need, in that order, and never looks outside.

    id: kebab-case noun naming the thing, preferring the failing state (`dirty-tree`).
    level: 1 it is there, 2 it was seen to work at run time, 3 it is proved.
    settles: what would turn `unknown` into an answer, in words a user can act on.
    source: page, section or guide where the rule or threshold comes from.
    """

    id: str
    level: int
    title: str
    needs: tuple[Need, ...]
    judge: Callable[..., Verdict]
    settles: str
    source: str = "arXiv 2606.07491"


@dataclass(frozen=True)
class Tip:
    """One of the twelve: text, why, what to do, and its checks.

    checks: asked of each run. campaign: asked once of a whole campaign; their needs are of kind auditor.campaign.CampaignRecord.
    """

    number: int
    slug: str
    title: str
    why: str
    advice: str
    checks: tuple[Check, ...]
    campaign: tuple[Check, ...] = ()
