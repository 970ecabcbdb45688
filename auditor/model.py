"""Which nouns does everybody share? Frozen dataclasses, standard library only (DESIGN sections 2 and 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
        return hashlib.sha256("\0".join((*key, self.job_id)).encode("utf-8", "surrogateescape")).hexdigest()[:16]


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

    absent: what it means when every such piece of evidence says "looked, not there".
    optional: where there is no `ok` evidence, the check is called with `Absent` if it was looked for and is not there, else with None.
    """

    kind: type
    phases: tuple[Phase, ...] = ()
    absent: Outcome = Outcome.UNKNOWN
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
    """One of the twelve: text, why, what to do, and its checks."""

    number: int
    slug: str
    title: str
    why: str
    advice: str
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Finding:
    """One answer of one audit."""

    check: str
    tip: int
    level: int
    title: str
    outcome: Outcome
    grade: Grade
    message: str
    fix: str
    settles: str
    source: str
    cites: tuple[str, ...]
    """Evidence ids."""


@dataclass(frozen=True)
class TipScore:
    """A tip's findings and the level (0-3) they reach: `low` for sure, `high` if every unknown turned out well."""

    number: int
    slug: str
    title: str
    why: str
    advice: str
    low: int
    high: int
    applicable: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Cited:
    """A piece of evidence as the report shows it; `excerpt` is its data with long lists and texts cut, saying so."""

    id: str
    probe: str
    kind: str
    phase: Phase
    attempt: int
    status: Status
    grade: Grade
    source: str
    reason: str
    taken_at: str
    host: str
    excerpt: Any = None


@dataclass(frozen=True)
class Rung:
    """A step of the reproducibility ladder: captured, pinned, rebuildable, repeatable, replayed-elsewhere."""

    name: str
    reached: bool
    reason: str
    cites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """Something that was not the same at submit and at start (drift), or in two runs (diff)."""

    what: str
    """`called-file`, `image`, `module`, `input`, `package`, `environment`, `git` ..."""
    name: str
    before: str
    after: str
    cites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span:
    """A bar on the time line: an attempt or a step, in ISO 8601 UTC; `end` empty while it runs."""

    name: str
    state: str
    queued: str
    start: str
    end: str
    attempt: int


@dataclass(frozen=True)
class Gauge:
    """A resource asked for and used. `unit`: `byte`, `s` (seconds), `core`, `gpu`, `core-s`. None: not known."""

    name: str
    unit: str
    asked: float | None
    used: float | None
    source: str


@dataclass(frozen=True)
class Node:
    """A run or a file in the lineage picture. `kind`: `run`, `this-run`, `file`."""

    id: str
    kind: str
    label: str


@dataclass(frozen=True)
class Edge:
    """`source` went into, or made, `target`."""

    source: str
    target: str


@dataclass(frozen=True)
class Story:
    """What the pictures show, computed once so that formats compute nothing."""

    attempts: tuple[Span, ...] = ()
    gauges: tuple[Gauge, ...] = ()
    drift: tuple[Change, ...] = ()
    drift_state: str = "unknown"
    """`unknown` (a snapshot is missing), `none` (both there, equal) or `found`."""
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()


@dataclass(frozen=True)
class RunCard:
    """Who and what: the head of a report. Empty text: not known."""

    id: str
    name: str
    job_id: str
    cluster: str
    scheduler: str
    user: str
    state: str
    command: str
    workdir: str
    submitted_at: str
    started_at: str
    ended_at: str
    attempts: int
    label: str = ""


@dataclass(frozen=True)
class Scorecard:
    """All findings of one audit. low, high, coverage: 0-100; None when no tip applies."""

    run: RunCard
    low: float | None
    high: float | None
    coverage: float | None
    verifiable: bool
    """False: an integrity check failed, and the headline says `not verifiable` instead of a number."""
    integrity: str
    rungs: tuple[Rung, ...]
    tips: tuple[TipScore, ...]
    story: Story
    evidence: tuple[Cited, ...]
    ruleset: str
    """Version of the rules and the sha256 over them: `1-<64 hex>`."""
    auditor: str
    schema: int = 1


@dataclass(frozen=True)
class Format:
    """A way to write a scorecard down. `render` is pure: same scorecard, same bytes."""

    name: str
    suffix: str
    render: Callable[[Scorecard], bytes]
    media_type: str = "text/plain"
    extra: Mapping[str, str] = field(default_factory=dict)
