"""What does a trial of Optuna mean, from whichever storage? Values by its distribution, state, proof."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from probes.records.lines import one_line
from probes.records.times import local
from probes.tracking import TrackedRun
from probes.tracking.series import Series, whole
from probes.tracking.told import bounded, flat, job_ids, kept, seeds
from probes.workflows import Place, State

STATES = {
    "COMPLETE": (State.SUCCEEDED, "state COMPLETE"),
    "PRUNED": (State.SUCCEEDED, "state PRUNED: ended early on purpose, for its intermediate values"),
    "FAIL": (State.FAILED, "state FAIL"),
    "WAITING": (State.NOT_RUN, "state WAITING: planned, and not begun"),
    "RUNNING": (State.RUNNING, "state RUNNING and no end time: it goes on, or was killed"),
}


@dataclass
class Trial:
    """A trial while its record is read. values: of the objectives; directions: `minimize`, `maximize` by objective."""

    id: str
    number: int | None
    study: str
    state: str
    place: Place
    started: str = ""
    ended: str = ""
    heartbeat: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    series: Series = field(default_factory=Series)


def tracked(trial: Trial, folder: str, version: str, gaps: tuple[str, ...] = ()) -> TrackedRun:
    state, proof = STATES.get(trial.state, (State.UNKNOWN, f"state {one_line(trial.state, 40)}, which is not known here"))
    alive = local(trial.heartbeat + "+00:00", None) if trial.heartbeat else ""
    told = {str(k): v if isinstance(v, str) else json.dumps(v) for k, v in flat(trial.attributes)}
    parameters = bounded(trial.parameters)
    return TrackedRun(
        system="optuna",
        id=f"{trial.study}/{trial.number if trial.number is not None else trial.id}",
        folder=folder,
        state=state,
        proof=f"{proof}; last heartbeat at {alive}" if alive and state is State.RUNNING else proof,
        version=version,
        name=f"trial {trial.number if trial.number is not None else trial.id}",
        experiment=one_line(trial.study, 200),
        started=local(trial.started, None),
        ended=local(trial.ended, None),
        zone_assumed=bool(trial.started) and _zoneless(trial.started),
        parameters=parameters,
        metrics=trial.series.metrics(),
        seeds=seeds(parameters),
        job_ids=job_ids(told),
        tags=kept(told) | ({"optuna.state": trial.state} if trial.state in STATES else {}),
        place=trial.place,
        gaps=gaps,
    )


def parameter(value: Any, distribution: str) -> str:
    """The value that the objective was given: of a categorical one the choice, of whole numbers no fraction."""
    try:
        told = json.loads(distribution)
        attributes = told.get("attributes") or {}
        if told.get("name") == "CategoricalDistribution":
            choice = attributes["choices"][int(value)]
            return choice if isinstance(choice, str) else json.dumps(choice)
        if "Int" in str(told.get("name")) and whole(value) is not None:
            return str(whole(value))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return str(value)
    return str(value)


def objectives(series: Series, values: Mapping[int, Any]) -> None:
    """The last values of the objectives as metrics: `value`, or `value 0`, `value 1`."""
    for number, value in sorted(values.items()):
        series.add("value" if len(values) == 1 else f"value {number}", value)


def _zoneless(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is None
    except ValueError:
        return False
