"""What is kept of a workflow run as evidence? Groups of like-named tasks, what binds them, and how it went: bounded, however many tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from probes.workflows import Asked, Construct, Definition, Environment, Event, File, Metric, Place, State

MAX_RUNS = 20
MAX_GROUPS = 100
MAX_LINKS = 300
MAX_IDS = 20_000
MAX_FILES = 200
MAX_LISTED = 50
"""Definitions, environments, constructs, events, metrics, parameters, gaps: each."""


@dataclass(frozen=True)
class FileCount:
    """Files of one role. sized: of how many the size is known, bytes: their sum; hashed: how many have a digest of their content."""

    files: int = 0
    sized: int = 0
    bytes: int = 0
    hashed: int = 0


@dataclass(frozen=True)
class TaskGroup:
    """Tasks of one name (rule, process, step, app, function). Each sum goes over the tasks for which it is known, `..._of` says how many.

    seconds: wall time, summed over tasks; core_seconds_asked (cpus x seconds) and core_seconds_used go over the same tasks, those for which
    cpus, seconds and CPU time are all known. asked: the largest request of each kind. memory_used: the highest peak, in bytes.
    concurrent: most of them at the same time. waited: seconds from submission to start, summed.
    """

    name: str
    tasks: int
    states: Mapping[str, int]
    attempts: int
    retried: int
    place: Place | None = None
    started: str = ""
    ended: str = ""
    concurrent: int = 0
    seconds: float = 0.0
    seconds_of: int = 0
    median_seconds: float | None = None
    longest_seconds: float | None = None
    waited: float = 0.0
    waited_of: int = 0
    asked: Asked = field(default_factory=Asked)
    core_seconds_asked: float = 0.0
    core_seconds_used: float = 0.0
    core_seconds_of: int = 0
    memory_used: int | None = None
    read: int | None = None
    written: int | None = None
    read_calls: int | None = None
    write_calls: int | None = None
    gpu_percent: float | None = None
    """Mean over the tasks for which it was measured."""
    inputs: FileCount = FileCount()
    outputs: FileCount = FileCount()
    environments: tuple[Environment, ...] = ()
    command: str = ""
    """Of the first one."""
    parameters: tuple[str, ...] = ()
    """Their names."""
    reasons: tuple[str, ...] = ()
    """Of failures: the first different ones."""


@dataclass(frozen=True)
class GroupLink:
    """Tasks of `source` made what tasks of `target` read (by `file`), or had to end first (by `dependency`). count: pairs of tasks."""

    source: str
    target: str
    count: int
    by: str


@dataclass(frozen=True)
class WorkflowSeen:
    """One run of an engine. relation to the audited run: `inside` (it began while the run ran), `task` (the run is one of its tasks:
    its job number is among native_ids), `folder` (its record lies below the work directory, nothing else is known).

    width: most tasks that wait for none of each other's levels (the largest level of the graph); depth: levels; concurrent: most tasks at the
    same time, among the `timed` ones. cyclic: the record's graph has a cycle, which no run can have. loops: names on a cycle between groups
    (feedback), each with how often the loop went around (`iterations`, the same order). native_ids: the scheduler's job numbers.
    files: the run's own inputs (made by no task) and its final outputs (read by none), up to MAX_FILES of `files_total`.
    omitted: what was cut to stay small, one line each.
    """

    system: str
    version: str
    id: str
    folder: str
    state: State
    proof: str
    relation: str = "folder"
    name: str = ""
    command: str = ""
    started: str = ""
    ended: str = ""
    zone_assumed: bool = False
    tasks: int = 0
    states: Mapping[str, int] = field(default_factory=dict)
    attempts: int = 0
    retried: int = 0
    groups: tuple[TaskGroup, ...] = ()
    links: tuple[GroupLink, ...] = ()
    width: int = 0
    depth: int = 0
    concurrent: int = 0
    timed: int = 0
    workers: int | None = None
    cyclic: bool = False
    loops: tuple[tuple[str, ...], ...] = ()
    iterations: tuple[int, ...] = ()
    native_ids: tuple[str, ...] = ()
    definitions: tuple[Definition, ...] = ()
    environments: tuple[Environment, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    constructs: tuple[Construct, ...] = ()
    events: tuple[Event, ...] = ()
    event_counts: Mapping[str, int] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    files_total: int = 0
    places: tuple[Place, ...] = ()
    gaps: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorkflowRuns:
    """Kind of the probe `workflow-runs` (later). runs: those that belong to the audited run first, newest first, at most MAX_RUNS of `seen`.

    unread: records that were found and could not be read, `system folder: why`. walked_all: was the whole tree below the work directory looked
    through, or did the budget end the search?
    """

    runs: tuple[WorkflowSeen, ...]
    seen: int
    unread: tuple[str, ...] = ()
    walked_all: bool = True
