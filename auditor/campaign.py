"""Which runs belong together, and what does the group look like from this run? Derived from the store, evidence like any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.model import Evidence, Job


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
    """Which of `label`, `array`, `dependency`, `data`, `engine` (the same run of a workflow engine) joined them."""
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
class Held:
    """A run that read a registered data set, or the folder `part` of one. digest: `sha256:<hex>` of its tree as the registry has it.

    state: as in probes.data.Reference; only of an `unchanged` one is it known that the digest is what was read.
    """

    run_id: str
    path: str
    name: str
    digest: str
    state: str
    part: str = ""
    version: str = ""
    doi: str = ""
    license: str = ""
    url: str = ""
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Family:
    """A run and those around it with all their files: what a provenance document is made of. The run itself comes first."""

    runs: tuple[Sibling, ...]
    touches: tuple[Touch, ...]
    datasets: tuple[Held, ...] = ()


@dataclass(frozen=True)
class Sign:
    """Why a piece of work is taken for a phase. phase: `prepare`, `simulate`, `train`, `infer`, `analyse`.

    by: `project` (the user's own rule), `task`, `command`, `call`, `import`, `artefact`. text: what was read; place: where
    (`train.sh:4`, a path); evidence: the id of the evidence that holds it.
    """

    phase: str
    by: str
    text: str
    place: str = ""
    evidence: str = ""


@dataclass(frozen=True)
class Member:
    """One run of a campaign. Times ISO 8601 UTC, memory in bytes, durations in seconds. None or empty: not known.

    state: the scheduler's word for the last attempt; outcome: `succeeded`, `failed`, `timeout`, `cancelled`, `going` or `unknown`.
    waited: from the moment it could have started to its start, over all attempts; seconds: wall time, over all attempts.
    lost_seconds: wall time of attempts that did not succeed. cores, nodes, gpus: allocated, else asked.
    """

    run_id: str
    job_id: str
    cluster: str = ""
    scheduler: str = ""
    name: str = ""
    user: str = ""
    labels: tuple[str, ...] = ()
    array: str = ""
    """The array's job number; empty: no task of one."""
    array_throttle: int = 0
    state: str = ""
    outcome: str = "unknown"
    final: bool = False
    attempts: int = 0
    submitted: str = ""
    started: str = ""
    ended: str = ""
    waited: float | None = None
    seconds: float | None = None
    lost_seconds: float | None = None
    partition: str = ""
    nodes: int | None = None
    asked_cores: int | None = None
    used_cores: int | None = None
    cpu_seconds: float | None = None
    """Of all cores together, in the last attempt."""
    asked_memory: int | None = None
    used_memory: int | None = None
    asked_seconds: int | None = None
    last_seconds: float | None = None
    """Wall time of the last attempt: what asked_seconds and cpu_seconds are held against."""
    gpus: int | None = None
    gpu_type: str = ""
    steps: int | None = None
    """srun steps of the last attempt, without `batch` and `extern`."""
    dependency: str = ""
    """As it was asked for: `afterok:12`, `singleton`."""
    command: str = ""
    """What was typed, numbers replaced by `#`."""
    shape: str = ""
    """Hash over the batch script, numbers replaced: equal for look-alikes."""
    retry_of: str = ""
    """Run id of an earlier submission of the very same work that did not succeed."""
    commit: str = ""
    dirty: bool | None = None
    images: tuple[str, ...] = ()
    """Digests of images that ran or were identified as the job started."""
    environment: str = ""
    """Digest over the installed Python packages."""
    inputs: int | None = None
    outputs: int | None = None
    """Files known by content; None: nobody looked."""
    bytes_in: int | None = None
    bytes_out: int | None = None
    phases: tuple[str, ...] = ()
    signs: tuple[Sign, ...] = ()
    engine: str = ""
    """Key of the engine run (EngineRun.key) that started it or that it started."""
    tracked: tuple[str, ...] = ()
    """Ids of tracked runs that this run made, `system:id`."""
    seeds: bool | None = None
    """Is a seed recorded? None: nobody looked."""
    evidence: tuple[str, ...] = ()
    """Ids of the evidence that this row rests on."""


@dataclass(frozen=True)
class Tie:
    """`source` came before `target` (run ids) by `data` (an output is an input), `dependency` or `engine` (it was started by that one).

    files, bytes: how many different contents passed, and how large; path: one of them as the reader names it.
    """

    source: str
    target: str
    by: str
    files: int = 0
    bytes: int = 0
    path: str = ""


@dataclass(frozen=True)
class Flow:
    """What passes between phases, or between engine groups: how many pairs of runs or tasks, by what (`data`, `dependency`, `engine`)."""

    source: str
    target: str
    by: str
    pairs: int
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class EngineGroup:
    """Like-named tasks of an engine run (a rule, a process, a step), with their phase; states: state -> tasks."""

    name: str
    tasks: int
    states: Mapping[str, int]
    attempts: int
    retried: int
    concurrent: int
    seconds: float
    waited: float
    phases: tuple[str, ...] = ()
    signs: tuple[Sign, ...] = ()
    partition: str = ""
    gpus: float | None = None
    cpus: float | None = None


@dataclass(frozen=True)
class EngineRun:
    """One run of a workflow engine, as its record tells it (probes.workflows.record.WorkflowSeen holds the whole).

    key: `system id folder`. driver: run ids of the audited runs that held the engine;
    members: run ids of the campaign that were its tasks. width: most tasks that do not wait for each other; concurrent: most at the same time.
    loops: group names that come around again; iterations: how often, in the same order.
    definitions: files that define it; versioned: how many of them are known by digest or commit. retries, resumable: what the engine is told.
    """

    key: str
    system: str
    version: str
    id: str
    folder: str
    name: str
    state: str
    proof: str
    started: str = ""
    ended: str = ""
    tasks: int = 0
    states: Mapping[str, int] = field(default_factory=dict)
    attempts: int = 0
    retried: int = 0
    width: int = 0
    depth: int = 0
    concurrent: int = 0
    workers: int | None = None
    cyclic: bool = False
    loops: tuple[tuple[str, ...], ...] = ()
    iterations: tuple[int, ...] = ()
    groups: tuple[EngineGroup, ...] = ()
    flows: tuple[Flow, ...] = ()
    definitions: tuple[str, ...] = ()
    versioned: int = 0
    constructs: tuple[str, ...] = ()
    """`what: text` of everything the engine is told outright (`retries: 3`, `loop: checkpoint`)."""
    driver: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    jobs: int = 0
    """How many job numbers of the scheduler its record names."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrackedCount:
    """Tracked runs of one tracker: how many, and of how many something is recorded."""

    system: str
    runs: int
    succeeded: int = 0
    failed: int = 0
    with_parameters: int = 0
    with_metrics: int = 0
    with_commit: int = 0
    dirty: int = 0
    with_data: int = 0
    with_model: int = 0
    with_seed: int = 0
    joined: int = 0
    """Of how many it is known which run of the campaign made them."""
    phases: Mapping[str, int] = field(default_factory=dict)
    """Phase -> tracked runs, by their programs and names; those of which nothing is said are left out."""
    signs: tuple[Sign, ...] = ()
    """Of the first tracked run of each phase."""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class PhaseSum:
    """One phase of a campaign: runs that are in it and in no other, and what they cost. mixed: runs that are in this one and in others too."""

    phase: str
    runs: int
    mixed: int
    succeeded: int
    failed: int
    started: str = ""
    ended: str = ""
    core_seconds: float = 0.0
    gpu_seconds: float = 0.0
    waited: float = 0.0
    partitions: tuple[str, ...] = ()
    engine_tasks: int = 0
    """Tasks of engines that are in it, as far as they are no runs of their own."""


@dataclass(frozen=True)
class Totals:
    """Sums over the runs for which the figure is known; `..._of` says over how many. Seconds; core_seconds are wall time x cores.

    wasted: core-seconds of attempts that ended as `failed` (and out of memory, node failure), as `timeout`, as `cancelled`.
    useful: runs that succeeded and left at least one output that no other run of the campaign left too; results: those outputs.
    concurrent: most runs at the same time. span: from the first submission to the last end.
    """

    runs: int = 0
    succeeded: int = 0
    failed: int = 0
    timeout: int = 0
    cancelled: int = 0
    going: int = 0
    unknown: int = 0
    retried: int = 0
    """Runs that are another submission of work that did not succeed, or that had more than one attempt."""
    seconds: float = 0.0
    core_seconds: float = 0.0
    core_seconds_of: int = 0
    cpu_seconds: float = 0.0
    cpu_of_core_seconds: float = 0.0
    """The core-seconds of those runs for which CPU time is known."""
    gpu_seconds: float = 0.0
    waited: float = 0.0
    waited_of: int = 0
    wasted_failed: float = 0.0
    wasted_timeout: float = 0.0
    wasted_cancelled: float = 0.0
    concurrent: int = 0
    span: float | None = None
    useful: int = 0
    results: int = 0


@dataclass(frozen=True)
class CampaignRecord:
    """A campaign as a whole: runs that belong together, what binds them, what engines and trackers say of it. Kind of derived evidence
    (phase `later`); every row names the evidence it rests on.

    name: label, else array, engine run or first run. known: runs that belong to it; `members` has at most 10,000 of them,
    the nearest to what was named, of equals the newest, oldest first; `left` says how many are not in it: what was not looked at is not known.
    cycles: run ids that wait for each other in a circle, which no scheduler would ever start: the records are wrong.
    iterations: how often the same code recurs at most along a data path; loop: run ids of one turn.
    """

    name: str
    why: tuple[str, ...]
    """Which of `label`, `array`, `dependency`, `data`, `engine` joined them."""
    known: int
    left: int
    members: tuple[Member, ...]
    ties: tuple[Tie, ...]
    ties_left: int = 0
    arrays: Mapping[str, int] = field(default_factory=dict)
    """Array's job number -> tasks that are known."""
    lookalikes: tuple[tuple[str, ...], ...] = ()
    """Groups of run ids: separate submissions of one user and day that differ only in numbers and do not wait for each other."""
    iterations: int = 0
    loop: tuple[str, ...] = ()
    cycles: tuple[str, ...] = ()
    phases: tuple[PhaseSum, ...] = ()
    flows: tuple[Flow, ...] = ()
    """Between phases."""
    engines: tuple[EngineRun, ...] = ()
    trackers: tuple[TrackedCount, ...] = ()
    totals: Totals = Totals()
    gaps: tuple[str, ...] = ()
    """What could not be told, one line each."""


@dataclass(frozen=True)
class Row:
    """A line of `auditor campaign`: what to ask for (`ask`), how many runs, of which outcome (`states`: the scheduler's word -> runs)."""

    ask: str
    name: str
    why: tuple[str, ...]
    runs: int
    states: Mapping[str, int]
    first: str
    last: str
    """Submission of the first and the last of them."""


@dataclass(frozen=True)
class Group:
    """Runs that belong together, before anybody looked at their evidence: what the store knows. runs: ids, oldest first.

    engines: engine run -> (run ids that held it, run ids that were its tasks). The rest as in CampaignRecord.
    """

    name: str
    why: tuple[str, ...]
    runs: tuple[str, ...]
    known: int
    ties: tuple[Tie, ...] = ()
    ties_left: int = 0
    arrays: Mapping[str, int] = field(default_factory=dict)
    engines: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    lookalikes: tuple[tuple[str, ...], ...] = ()
    iterations: int = 0
    loop: tuple[str, ...] = ()
    cycles: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunSeen:
    """One run of a group with all that is known of it; its own place in the group as the store would tell it of that run alone."""

    job: Job
    evidence: tuple[Evidence, ...]
    place: Campaign
    labels: tuple[str, ...] = ()
    command: str = ""
    shape: str = ""
    """As in Member."""
