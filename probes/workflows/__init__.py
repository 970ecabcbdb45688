"""What does a workflow engine leave behind? One normalised model for all of them; one reader an engine beside this file.

Rules of the family, learnt from real runs of every engine:
declared is not enacted: an environment has a place for each, and the second is empty unless something shows that it was used;
success must be proved: a task is `succeeded` only by what the engine's own format allows to conclude, else `unknown`;
a value that is not there is absent (None, empty), never guessed; every fact can be followed to its `Place`;
nothing is unpickled, nothing is run, secrets are cut out before anything is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from auditor.world import World


class Unreadable(Exception):
    """These files are not what they look like, or are damaged so that nothing can be told: one line why."""


class State(StrEnum):
    """Of a run, a task or an attempt."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RUNNING = "running"
    """The engine says that it goes on, and nothing speaks against that."""
    KILLED = "killed"
    """It ended without the engine's noticing: the record was never closed."""
    CACHED = "cached"
    """Not done again: an earlier result was taken."""
    NOT_RUN = "not-run"
    """Planned, and never begun (what it waits for failed, or the run ended before)."""
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Place:
    """Where a fact was read. path: relative to the run's folder where it lies inside. locator: `line 12`, `table try`, `$.launches[3]`, `key rule`."""

    path: str
    locator: str = ""


@dataclass(frozen=True)
class Digest:
    """algorithm: `sha256`, `sha1`, `md5`, `nextflow`, ...; value: as lower-case hex where it is one.

    scope: `content` (the file's bytes), `listing` (a folder's names and contents), `state` (path, size and time: not a content hash).
    """

    algorithm: str
    value: str
    scope: str = "content"


@dataclass(frozen=True)
class File:
    """A file that a task read (`input`), made (`output`) or wrote beside (`log`). path: relative to the run's folder where inside. size in bytes."""

    path: str
    role: str
    size: int | None = None
    digests: tuple[Digest, ...] = ()


@dataclass(frozen=True)
class Environment:
    """What a task was to run in. kind: `container`, `conda`, `spack`, `module`, `python`, `venv`, `software` (packages by name).

    declared: where somebody asked for it. enacted: where it shows that it was used. refused: where the engine says that it was not
    (`Singularity containers: ignored`, `--no-container`). Each None where nothing was found.
    """

    kind: str
    name: str
    declared: Place | None = None
    enacted: Place | None = None
    refused: Place | None = None
    digests: tuple[Digest, ...] = ()


@dataclass(frozen=True)
class Asked:
    """Resources asked for, for one task. memory, disk in bytes; seconds of wall time. None: not asked or not told. other: name → value as written."""

    cpus: float | None = None
    gpus: float | None = None
    memory: int | None = None
    disk: int | None = None
    seconds: float | None = None
    nodes: int | None = None
    tasks: int | None = None
    """Ranks (MPI) of one task."""
    partition: str = ""
    other: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Used:
    """What was measured by the engine or its monitor. Bytes and seconds; memory is the peak. None: not measured."""

    seconds: float | None = None
    cpu_seconds: float | None = None
    memory: int | None = None
    read: int | None = None
    written: int | None = None
    read_calls: int | None = None
    write_calls: int | None = None
    gpu_percent: float | None = None
    place: Place | None = None


@dataclass(frozen=True)
class Attempt:
    """One try of a task. number: from 1. Times ISO 8601 UTC, empty where not told. native_id: the scheduler's job number (`812_3`), empty for local ones."""

    number: int
    state: State
    native_id: str = ""
    host: str = ""
    submitted: str = ""
    started: str = ""
    ended: str = ""
    exit_code: int | None = None
    reason: str = ""
    """Of a failure, the engine's words, one line, cleaned."""
    place: Place | None = None


@dataclass(frozen=True)
class Task:
    """One job of the engine: a rule with its wildcards, a process with its tag, a step, an app call, a firework, a trial.

    name: what its like are called (rule, process, step, function). id: unique in the run. needs: ids of tasks it waits for.
    state: of the task as a whole, by the rule `success must be proved`. attempts: as far as they are recorded, at least one if it began.
    """

    id: str
    name: str
    state: State
    attempts: tuple[Attempt, ...] = ()
    needs: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    asked: Asked = Asked()
    used: Used = Used()
    environments: tuple[Environment, ...] = ()
    command: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Wildcards, scatter values, arguments: as text."""
    place: Place | None = None


@dataclass(frozen=True)
class Definition:
    """A file that describes the workflow. kind: `workflow`, `config`, `environment`, `profile`. revision: the commit, where the engine says it."""

    path: str
    kind: str
    digests: tuple[Digest, ...] = ()
    revision: str = ""
    place: Place | None = None


@dataclass(frozen=True)
class Metric:
    """A named number that the engine keeps: last value, how often it was recorded."""

    name: str
    value: float
    count: int = 1
    place: Place | None = None


@dataclass(frozen=True)
class Event:
    """Something that happened in the run. what: `retry`, `loop`, `detour`, `worker-lost`, `rescheduled`, `agent`, `locked`, `resumed`, ..."""

    what: str
    text: str
    when: str = ""
    task: str = ""
    place: Place | None = None


@dataclass(frozen=True)
class Construct:
    """Something the engine is told outright, and that matters for a tip. what: `loop` (the engine's own way to iterate: checkpoint, recurse,
    join app, detour, `loop`), `array` (an array submission), `retries`, `resume`, `limit` (of parallel work), `staging`, `cache`."""

    what: str
    text: str
    place: Place | None = None


@dataclass(frozen=True)
class WorkflowRun:
    """One run of an engine, whole. Times ISO 8601 UTC. folder: absolute; all paths inside are relative to it.

    state, proof: how it ended, and the sentence that shows it. zone_assumed: times were local without a zone, and ours was taken.
    gaps: what could not be told, one line each (a rotated log, a missing table, a schema that we do not know).
    """

    system: str
    """`snakemake`, `nextflow`, `cwltool`, `parsl`, `pegasus`, `fireworks`, `dask`, `ray`, or what a Workflow Run RO-Crate names."""
    version: str
    id: str
    folder: str
    state: State
    proof: str
    name: str = ""
    command: str = ""
    user: str = ""
    host: str = ""
    started: str = ""
    ended: str = ""
    zone_assumed: bool = False
    definitions: tuple[Definition, ...] = ()
    environments: tuple[Environment, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    tasks: tuple[Task, ...] = ()
    inputs: tuple[File, ...] = ()
    """Of the workflow as a whole, where the engine says so."""
    outputs: tuple[File, ...] = ()
    metrics: tuple[Metric, ...] = ()
    events: tuple[Event, ...] = ()
    constructs: tuple[Construct, ...] = ()
    workers: int | None = None
    """Places to work at the same time: cores given, workers x blocks, maximal jobs; None: not told."""
    places: tuple[Place, ...] = ()
    """The files that were read."""
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reader:
    """How one engine is known and read; a new engine is one file with one constant READER.

    marks: names in a folder (globs allowed, `.snakemake`, `runinfo/monitoring.db`) of which one says that the system was here.
    read: the runs whose record lies in that folder (the one that holds the mark), newest first; bounded in memory and time.
    Raises Unreadable or OSError. A single broken run is a WorkflowRun with `gaps`, not an exception.
    """

    system: str
    marks: tuple[str, ...]
    read: Callable[[World, str], Iterator[WorkflowRun]]
