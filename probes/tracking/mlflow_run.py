"""What does a run of MLflow mean, from whichever store? Status, tags and models in the words of all trackers. mlflow.org, "Backend Stores"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from probes.records.lines import one_line
from probes.records.times import epoch
from probes.tracking import DataSet, Metric, TrackedRun
from probes.tracking.mlflow_model import Modelled
from probes.tracking.series import number
from probes.tracking.told import bounded, job_ids, kept, seeds
from probes.workflows import Digest, Place, State

STATUS = {
    "FINISHED": State.SUCCEEDED,
    "FAILED": State.FAILED,
    "KILLED": State.KILLED,
    "SCHEDULED": State.NOT_RUN,
    "RUNNING": State.RUNNING,
}
NUMBERS = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
"""As the file store writes them (mlflow/protos/service.proto, RunStatus)."""
HUGE = 1.79e308  # MLflow keeps an infinity as the largest number there is
_PLACES = ("uri", "url", "path", "table_name", "table", "query")


@dataclass(frozen=True)
class Recorded:
    """A run as either store has it. Times in milliseconds since 1970; seen: of the newest metric; status: the word or its number."""

    id: str
    place: Place
    folder: str
    status: str
    start: Any = None
    end: Any = None
    seen: Any = None
    name: str = ""
    experiment: str = ""
    user: str = ""
    source: str = ""
    commit: str = ""
    lifecycle: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    datasets: tuple[DataSet, ...] = ()
    models: Modelled = field(default_factory=Modelled)
    artifacts: int | None = None
    artifact_bytes: int | None = None
    gaps: tuple[str, ...] = ()


def tracked(r: Recorded) -> TrackedRun:
    status = NUMBERS.get(r.status, r.status)
    parameters = bounded(r.parameters)
    own = tuple(m for m in r.metrics if not m.name.startswith("system/"))
    deleted = ("it was deleted in MLflow and is still in its store",) if r.lifecycle == "deleted" else ()
    return TrackedRun(
        system="mlflow",
        id=one_line(r.id, 64),
        folder=r.folder,
        state=STATUS.get(status, State.UNKNOWN),
        proof=_proof(status, moment(r.end), moment(r.seen)),
        version=r.models.version,
        name=one_line(r.name or r.tags.get("mlflow.runName", "")),
        experiment=one_line(r.experiment),
        parent=one_line(r.tags.get("mlflow.parentRunId", ""), 64),
        started=moment(r.start),
        ended=moment(r.end),
        user=one_line(r.tags.get("mlflow.user", "") or r.user, 100),
        source=one_line(r.tags.get("mlflow.source.name", "") or r.source, 500),
        commit=one_line(r.tags.get("mlflow.source.git.commit", "") or r.commit, 64),
        dirty={"true": True, "false": False}.get(r.tags.get("mlflow.source.git.dirty", "").lower()),
        parameters=parameters,
        metrics=own,
        system_metrics=tuple(m.name for m in r.metrics if m.name.startswith("system/")),
        datasets=r.datasets,
        models=r.models.models,
        artifacts=r.artifacts,
        artifact_bytes=r.artifact_bytes,
        seeds=seeds(parameters),
        job_ids=job_ids(r.tags),
        tags=kept(r.tags),
        environment=r.models.environment,
        place=r.place,
        gaps=(*r.gaps, *deleted),
    )


def _proof(status: str, ended: str, seen: str) -> str:
    if status == "RUNNING":
        last = f", last metric at {seen}" if seen else ""
        return f"status RUNNING and no end time{last}: it goes on, or was killed, which MLflow does not notice"
    known = f"status {one_line(status, 40) or 'missing'}"
    return f"{known}, ended at {ended}" if ended else f"{known}, no end time"


def moment(milliseconds: Any) -> str:
    value = number(milliseconds)
    return epoch(value / 1000) if value is not None else ""


def finite(value: Any) -> float | None:
    """A metric's number; MLflow's stand-in for an infinity is none."""
    read = number(value)
    return read if read is not None and abs(read) < HUGE else None


def dataset(name: Any, digest: Any, kind: Any, source: Any, role: str) -> DataSet:
    """digest: eight hex digits over a sample or a schema, not of the content (mlflow/data/digest_utils.py)."""
    digests = (Digest("mlflow", one_line(str(digest), 64), "state"),) if digest else ()
    return DataSet(
        one_line(str(name or ""), 200), one_line(_source(str(source or ""), str(kind or "")), 500), one_line(role, 60), digests
    )


def _source(text: str, kind: str) -> str:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return text
    found = next((str(read[k]) for k in _PLACES if read.get(k)), "") if isinstance(read, dict) else ""
    return found or kind
