"""Which trials does Optuna's journal hold? A line of JSON for each change (optuna/storages/journal/_storage.py, JournalOperation)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from auditor.world import World
from probes.records.lines import MAX_LINE, lines
from probes.tracking import TrackedRun
from probes.tracking.optuna_trial import Trial, objectives, parameter, tracked
from probes.tracking.series import whole
from probes.workflows import Place

MAX_BYTES = 512 << 20
MAX_TRIALS = 20_000
MAX_BROKEN = 1000
_BEGINS = b'{"op_code":'
_STATES = ("RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING")
_NEW_STUDY, _NEW_TRIAL, _PARAMETER, _STATE, _STEP, _ATTRIBUTE = 0, 4, 5, 6, 7, 8


def is_one(world: World, path: str) -> bool:
    """By its first bytes."""
    try:
        return world.span(path, 0, len(_BEGINS)) == _BEGINS
    except OSError:
        return False


def trials(world: World, folder: str, name: str) -> Iterator[TrackedRun]:
    """Newest first. A line that is cut off or no JSON is counted and passed over. Raises OSError."""
    reading = _Reading(name)
    for number, line in lines(world, f"{folder}/{name}", MAX_BYTES):
        reading.add(number, line)
        if reading.broken > MAX_BROKEN:
            break
    gaps = tuple(
        told
        for told, so in (
            (
                f"{reading.broken} lines of {name} cannot be read (longer than {MAX_LINE} bytes, cut off, or no JSON)",
                reading.broken,
            ),
            (f"{reading.omitted} more trials are in {name}", reading.omitted),
            (f"only the first {MAX_BYTES} bytes of {name} were read", world.stat(f"{folder}/{name}").size > MAX_BYTES),
        )
        if so
    )
    for trial in reversed(reading.trials):
        yield tracked(trial, folder, "", gaps)


class _Reading:
    """Studies and trials so far; their numbers are their places in the file."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._studies: list[str] = []
        self._count: dict[int, int] = {}
        self.trials: list[Trial] = []
        self.broken = self.omitted = 0

    def add(self, number: int, line: str) -> None:
        try:
            told = json.loads(line)
            code = told["op_code"]
            if code == _NEW_STUDY:
                self._studies.append(str(told.get("study_name") or ""))
            elif code == _NEW_TRIAL:
                self._created(number, told)
            elif code in {_PARAMETER, _STATE, _STEP, _ATTRIBUTE} and 0 <= told["trial_id"] < len(self.trials):
                _changed(self.trials[told["trial_id"]], code, told)
        except (ValueError, TypeError, LookupError, RecursionError):
            self.broken += bool(line)

    def _created(self, number: int, told: dict[str, Any]) -> None:
        if len(self.trials) >= MAX_TRIALS:
            self.omitted += 1
            return
        study = int(told["study_id"])
        nth = self._count[study] = self._count.get(study, -1) + 1
        name = self._studies[study] if 0 <= study < len(self._studies) else f"study {study}"
        state = _state(told.get("state", 0))
        place = Place(self._name, f"line {number}")
        trial = Trial(str(len(self.trials)), nth, name, state, place, str(told.get("datetime_start") or ""))
        trial.ended = str(told.get("datetime_complete") or "")
        self.trials.append(trial)


def _changed(trial: Trial, code: int, told: dict[str, Any]) -> None:
    if code == _PARAMETER:
        trial.parameters[str(told["param_name"])] = parameter(told["param_value_internal"], str(told.get("distribution") or ""))
    elif code == _STATE:
        trial.state = _state(told["state"])
        trial.started = str(told.get("datetime_start") or trial.started)
        trial.ended = str(told.get("datetime_complete") or trial.ended)
        values = told.get("values")
        objectives(trial.series, dict(enumerate(values)) if isinstance(values, list) else {})
    elif code == _STEP:
        trial.series.add("intermediate value", told.get("intermediate_value"), whole(told.get("step")))
    elif isinstance(told.get("user_attr"), dict) and len(trial.attributes) < 200:
        trial.attributes |= told["user_attr"]


def _state(number: Any) -> str:
    return _STATES[number] if isinstance(number, int) and 0 <= number < len(_STATES) else f"number {number}"
