"""Which trials does Optuna's SQLite storage hold? Columns by name: tables came and went from 1.x to 5.x."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from probes.records.lines import one_line
from probes.records.sqlite import Database
from probes.tracking import TrackedRun
from probes.tracking.optuna_trial import Trial, objectives, parameter, tracked
from probes.workflows import Place

BATCH = 400
MAX_TRIALS = 50_000


def trials(folder: str, name: str, db: Database) -> Iterator[TrackedRun]:
    """Newest first. Raises probes.records.sqlite.Broken."""
    version = next((one_line(str(v), 40) for (v,) in db.rows("version_info", "library_version") if v), "")
    studies = {key: str(text or "") for key, text in db.rows("studies", "study_id", "study_name")}
    columns = ("trial_id", "study_id", "number", "state", "datetime_start", "datetime_complete", "value")
    every = islice(db.rows("trials", *columns, order="trial_id desc"), MAX_TRIALS)
    while rows := list(islice(every, BATCH)):
        made = {row[0]: _trial(row, studies.get(row[1], ""), name) for row in rows}
        _filled(db, made, {row[0]: row[6] for row in rows})
        for trial in made.values():
            yield tracked(trial, folder, version, (db.stale,) if db.stale else ())


def _trial(row: tuple[Any, ...], study: str, name: str) -> Trial:
    key, _, number, state, start, end, _ = row
    place = Place(name, f"table trials, trial_id {key}")
    return Trial(str(key), number, study, str(state or ""), place, str(start or ""), str(end or ""))


def _filled(db: Database, made: dict[Any, Trial], old_values: dict[Any, Any]) -> None:
    ids = tuple(made)
    for key, name, value, distribution in db.among(
        "trial_params", "trial_id", ids, "trial_id", "param_name", "param_value", "distribution_json"
    ):
        made[key].parameters[str(name)] = parameter(value, str(distribution or ""))
    for key, name, value in db.among("trial_user_attributes", "trial_id", ids, "trial_id", "key", "value_json"):
        made[key].attributes[str(name)] = _json(value)
    for key, at in db.among("trial_heartbeats", "trial_id", ids, "trial_id", "heartbeat"):
        made[key].heartbeat = str(at or "")
    for key, step, value in db.among("trial_intermediate_values", "trial_id", ids, "trial_id", "step", "intermediate_value"):
        made[key].series.add("intermediate value", value, step)
    values: dict[Any, dict[int, Any]] = {key: {0: value} for key, value in old_values.items() if value is not None}
    for key, number, value, kind in db.among("trial_values", "trial_id", ids, "trial_id", "objective", "value", "value_type"):
        values.setdefault(key, {})[int(number or 0)] = value if kind in {None, "FINITE"} else None
    for key, found in values.items():
        objectives(made[key].series, found)


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return str(text)
