"""What does an experiment tracker leave behind? One normalised model for all of them; one reader a tracker beside this file.

The rules of probes.workflows hold here too: declared is not enacted (a commit tag is set on a dirty tree), a run killed hard stays
`RUNNING` in the record, nothing is unpickled, a value that is not there is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from auditor.world import World
from probes.workflows import Digest, Place, State


@dataclass(frozen=True)
class Metric:
    """A named series: its last and extreme values, how many points, the last step. None: not told or not a number."""

    name: str
    last: float | None
    count: int
    lowest: float | None = None
    highest: float | None = None
    step: int | None = None


@dataclass(frozen=True)
class DataSet:
    """Data that a tracked run says it used. role: `train`, `validation`, `test`, or as the tracker has it; source: a URI or path."""

    name: str
    source: str = ""
    role: str = ""
    digests: tuple[Digest, ...] = ()


@dataclass(frozen=True)
class Model:
    """A model that a tracked run made (`made`) or read (`used`). registered: its name and version in a registry, empty if in none.
    flavour: `sklearn`, `pytorch`, `checkpoint`, ...; size in bytes."""

    name: str
    role: str
    path: str = ""
    flavour: str = ""
    registered: str = ""
    size: int | None = None
    digests: tuple[Digest, ...] = ()


@dataclass(frozen=True)
class TrackedRun:
    """One tracked run, trial or stage. Times ISO 8601 UTC, empty where not told; zone_assumed: local without a zone, and ours was taken.

    parent: id of the run that it is nested in. metrics: series; system_metrics: names only, of the machine's own (`system/...`).
    commit: as the tracker tagged it, declared only; dirty: whether the tracker says the tree was changed (most say nothing: None).
    job_ids: scheduler's job numbers that the record itself names. tags: allow-listed ones only.
    """

    system: str
    """`mlflow`, `optuna`, `hydra`, `dvc`, `wandb`, `tensorboard`, `lightning`, `ray-tune`."""
    id: str
    folder: str
    state: State
    proof: str
    version: str = ""
    name: str = ""
    experiment: str = ""
    parent: str = ""
    started: str = ""
    ended: str = ""
    zone_assumed: bool = False
    user: str = ""
    host: str = ""
    source: str = ""
    """The program: script or entry point."""
    commit: str = ""
    dirty: bool | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    system_metrics: tuple[str, ...] = ()
    datasets: tuple[DataSet, ...] = ()
    models: tuple[Model, ...] = ()
    artifacts: int | None = None
    artifact_bytes: int | None = None
    seeds: Mapping[str, str] = field(default_factory=dict)
    """Parameters that are seeds, by the name they have."""
    job_ids: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    environment: tuple[str, ...] = ()
    """Files in which the tracker kept the environment (`requirements.txt`, `conda.yaml`)."""
    place: Place | None = None
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reader:
    """How one tracker is known and read; a new tracker is one file with one constant READER. As probes.workflows.Reader: `marks` are names in
    a folder, `read` gives the runs kept there, newest first, bounded in memory and time; raises probes.workflows.Unreadable or OSError."""

    system: str
    marks: tuple[str, ...]
    read: Callable[[World, str], Iterator[TrackedRun]]
