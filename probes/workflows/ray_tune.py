"""What did a search of Ray Tune, or a training of Ray Train, leave in its results folder? JSON and CSV; pickles are not opened.

https://docs.ray.io/en/latest/tune/. `experiment_state-*.json` holds JSON in strings, and in them pickles in hex, which stay text.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Mapping
from glob import escape
from typing import Any

from auditor.redact import Redactor
from auditor.world import World
from probes.records import jsonl
from probes.records.inside import there
from probes.records.lines import lines, one_line
from probes.records.times import epoch
from probes.workflows import Attempt, Construct, Event, File, Metric, Place, State, Task, Unreadable, Used, WorkflowRun

SYSTEM = "ray"
MAX_TRIALS = 20_000
MAX_METRICS = 200
MAX_RESULTS = 64 << 20
SILENT_SECONDS = 600.0
_REDACTOR = Redactor()
# of every result, and no metrics of the user's
_OWN = frozenset(
    """timestamp done training_iteration time_this_iter_s time_total_s pid time_since_restore iterations_since_restore
    timesteps_total episodes_total should_checkpoint""".split()
)
Document = Mapping[str, Any]


def run(world: World, folder: str) -> WorkflowRun:
    """Raises Unreadable, OSError."""
    paths = world.glob(f"{escape(folder)}/experiment_state-*.json")
    paths = tuple(p for p in paths if world.stat(p, follow=False).is_file)
    if not paths:
        raise Unreadable("there is no experiment_state-*.json")
    path = paths[-1]  # of a resumed search the newest: their names hold the time
    place = Place(os.path.relpath(path, folder))
    whole = _document(world, path)
    alive = world.now().timestamp() - world.stat(path).mtime_ns / 1e9 < SILENT_SECONDS
    listed = whole.get("trial_data")
    trials = [t for t in listed if isinstance(t, list) and len(t) == 2] if isinstance(listed, list) else []
    tasks: list[Task] = []
    events: list[Event] = []
    metrics: list[Metric] = []
    broken = 0
    for n, (about, meanwhile) in enumerate(trials[:MAX_TRIALS]):
        where = Place(place.path, f"trial_data[{n}]")
        try:
            trial = _Trial(world, folder, _inner(about), _inner(meanwhile), where)
        except jsonl.NotJson:
            broken += 1
            continue
        tasks.append(trial.task(alive))
        events += trial.events()
        metrics += trial.metrics()
    state, proof = _ended([t.state for t in tasks])
    ends = [a.ended for t in tasks for a in t.attempts if a.ended]
    return WorkflowRun(
        system=SYSTEM,
        version="",
        id=os.path.basename(folder),
        folder=folder,
        state=state,
        proof=proof,
        name=os.path.basename(folder),
        started=epoch(_float(_map(whole.get("stats")).get("start_time"))),
        ended=max(ends, default="") if state in (State.SUCCEEDED, State.FAILED) else "",
        tasks=tuple(tasks),
        metrics=tuple(metrics[:MAX_METRICS]),
        events=(
            *events,
            *([Event("resumed", f"{len(paths)} states of the search are here", place=place)] if len(paths) > 1 else ()),
        ),
        constructs=tuple(_constructs(world, folder)),
        places=(place,),
        gaps=tuple([f"{broken} trials cannot be read"] if broken else ()),
    )


class _Trial:
    """One trial: what the experiment's state says, and what its own folder holds."""

    def __init__(self, world: World, folder: str, about: Document, meanwhile: Document, place: Place) -> None:
        self.world, self.root, self.about, self.meanwhile, self.place = world, folder, about, meanwhile, place
        name = str(about.get("relative_logdir") or "")
        inside = os.path.realpath(os.path.join(folder, name))
        # a hostile name leads nowhere else
        self.folder = inside if name and inside.startswith(f"{os.path.realpath(folder)}/") else ""
        self.first: Document = {}
        self.last: Document = {}
        self.count = 0
        self._results()

    def _results(self) -> None:
        for way in (self._json, self._table):
            try:
                for row in way():
                    self.first, self.last, self.count = self.first or row, row, self.count + 1
            except (OSError, ValueError, csv.Error):
                continue
            if self.count:
                return

    def _json(self) -> Iterator[Document]:
        if path := self._file("result.json"):
            yield from (row for _, row in jsonl.rows(self.world, path, MAX_RESULTS) if row is not None)

    def _table(self) -> Iterator[Document]:
        if path := self._file("progress.csv"):
            for row in csv.DictReader(text for _, text in lines(self.world, path, MAX_RESULTS)):
                yield {k: _typed(v) for k, v in row.items() if isinstance(k, str) and isinstance(v, str)}

    def _file(self, name: str) -> str:
        return there(self.world, self.folder, name) if self.folder else ""

    def task(self, alive: bool) -> Task:
        said = str(self.about.get("status"))
        known = {"TERMINATED": State.SUCCEEDED, "ERROR": State.FAILED, "PENDING": State.NOT_RUN}
        state = known.get(said) or ((State.RUNNING if alive else State.KILLED) if said == "RUNNING" else State.UNKNOWN)
        seconds = self.last.get("time_total_s")
        return Task(
            id=one_line(str(self.about.get("trial_id") or self.place.locator), 100),
            name=one_line(str(self.about.get("trainable_name") or "trial"), 200),
            state=state,
            attempts=tuple(self._attempts(state)),
            files=tuple(self._files()),
            used=Used(seconds=_float(seconds), place=self.place) if seconds is not None else Used(),
            parameters=dict(_flat(self.about.get("config"))),
            place=self.place,
        )

    def _attempts(self, state: State) -> Iterator[Attempt]:
        if state is State.NOT_RUN:
            return
        failures = self._failures()
        for n, (when, reason) in enumerate(failures if state is not State.FAILED else failures[:-1], 1):
            yield Attempt(n, State.FAILED, host=self._host(), ended=when, reason=reason, place=self.place)
        again = len(failures) - (state is State.FAILED)
        ended = epoch(_float(self.meanwhile.get("last_result_time") or self.last.get("timestamp")))
        yield Attempt(
            number=max(0, again) + 1,
            state=state,
            host=self._host(),
            started=epoch(_float(self.meanwhile.get("start_time"))),
            ended=ended if state in (State.SUCCEEDED, State.FAILED) else "",
            reason=failures[-1][1] if failures and state is State.FAILED else "",
            place=self.place,
        )

    def _failures(self) -> list[tuple[str, str]]:
        """When (Ray writes local time: left out) and why, from error.txt: `Failure # 1 (occurred at ...)` and a traceback each."""
        path = self._file("error.txt")
        told: list[str] = []
        for _, line in lines(self.world, path, 4 << 20) if path else ():
            if line.startswith("Failure # "):
                told.append("")
            elif told and line.strip():
                told[-1] = line
        found = [("", one_line(_REDACTOR.text(t[:2000]))) for t in told]
        return found or [("", "")] * min(100, int(_float(self.meanwhile.get("num_failures"))))

    def _files(self) -> Iterator[File]:
        for path in self.world.glob(f"{escape(self.folder)}/*")[:200] if self.folder else ():
            try:
                seen = self.world.stat(path, follow=False)
            except OSError:
                continue
            role = "log" if os.path.basename(path) in ("result.json", "progress.csv", "error.txt", "params.json") else "output"
            if seen.is_file or (seen.is_dir and os.path.basename(path).startswith("checkpoint")):
                yield File(os.path.relpath(path, self.root), role, seen.size if seen.is_file else None)

    def _host(self) -> str:
        return one_line(str(self.last.get("hostname") or ""), 200)

    def events(self) -> Iterator[Event]:
        failures = int(_float(self.meanwhile.get("num_failures")))
        if failures and self.about.get("status") != "ERROR":
            yield Event(
                "retry", f"failed {failures} times", task=one_line(str(self.about.get("trial_id")), 100), place=self.place
            )

    def metrics(self) -> Iterator[Metric]:
        path = os.path.relpath(os.path.join(self.folder, "result.json"), self.root) if self.folder else self.place.path
        for name, value in self.last.items():
            if name not in _OWN and isinstance(value, (int, float)) and not isinstance(value, bool):
                label = f"{one_line(str(self.about.get('trial_id')), 60)}/{one_line(name, 100)}"
                yield Metric(label, float(value), self.count, Place(path, "last line"))


def _constructs(world: World, folder: str) -> Iterator[Construct]:
    """A searcher that keeps a state learns from results; grid and random search (basic-variant-state) do not."""
    for pattern in ("searcher-state-*", "search_gen_state-*"):
        for path in world.glob(f"{escape(folder)}/{pattern}")[:1]:
            yield Construct("loop", "the search takes its next trials from results", Place(os.path.relpath(path, folder)))
            return


def _ended(states: list[State]) -> tuple[State, str]:
    failed = states.count(State.FAILED)
    if State.RUNNING in states:
        return (
            State.RUNNING,
            f"{states.count(State.RUNNING)} of {len(states)} trials run, and the state was written in the last ten minutes",
        )
    if State.KILLED in states:
        return (
            State.KILLED,
            f"{states.count(State.KILLED)} of {len(states)} trials still say RUNNING in the last state that was written",
        )
    if failed:
        return State.FAILED, f"{failed} of {len(states)} trials ended in an error"
    if states and all(s is State.SUCCEEDED for s in states):
        return State.SUCCEEDED, f"all {len(states)} trials are TERMINATED"
    return State.UNKNOWN, f"{states.count(State.SUCCEEDED)} of {len(states)} trials are TERMINATED"


def _document(world: World, path: str) -> Document:
    try:
        return _map(jsonl.document(world, path))
    except jsonl.NotJson as error:
        raise Unreadable(f"{os.path.basename(path)}: {error}") from None


def _inner(text: object) -> Document:
    return _map(jsonl.parsed(text)) if isinstance(text, str) else _map(text)


def _flat(config: object, before: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    for name, value in list(_map(config).items())[:100]:
        label = f"{before}{name}"
        if isinstance(value, dict) and depth < 5 and "_type" not in value:
            yield from _flat(value, f"{label}/", depth + 1)
        else:
            shown = "(pickled)" if isinstance(value, dict) else str(value)
            yield one_line(label, 100), one_line(_REDACTOR.text(f"{name}={shown[:2000]}").partition("=")[2], 200)


def _typed(text: str) -> Any:
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", text) else text


def _map(value: object) -> Document:
    return value if isinstance(value, dict) else {}


def _float(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e18 else 0.0
