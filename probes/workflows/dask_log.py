"""What does the log say that auditor's preload wrote in a Dask scheduler (auditor/submit/attach_dask.py)? JSON lines, one a move."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from auditor.world import World
from probes.records import jsonl
from probes.records.lines import one_line
from probes.records.times import epoch
from probes.workflows import Metric, Place, State, WorkflowRun
from probes.workflows.dask_history import History, Span, called, close

SYSTEM = "dask"
SILENT_SECONDS = 120.0
"""Four beats of the preload's heart."""
Line = Mapping[str, Any]


class _Log:
    """The lines read so far."""

    def __init__(self, path: str) -> None:
        self.history = History(path)
        self.begin: Line = {}
        self.end: Line = {}
        self.last = 0.0
        self.broken = 0
        self.threads: dict[str, int] = {}
        self.since: dict[str, float] = {}
        self.slots = 0.0
        self.most = 0
        self.spilled: Counter[str] = Counter()

    def take(self, number: int, line: Line | None) -> None:
        if line is None:
            self.broken += 1
            return
        what, when = line.get("what"), _number(line.get("t"))
        self.last = max(self.last, when)
        if what == "task":
            self._task(f"line {number}", line, when)
        elif what == "begin":
            self.begin = self.begin or line
        elif what == "end":
            self.end = line
        elif what in ("worker+", "worker-", "sample"):
            self._worker(str(what), str(line.get("worker", "")), line, when)
        elif what == "graph":
            self.history.happened("graph", f"{_whole(line.get('tasks'))} tasks were handed in", when, line=f"line {number}")

    def _task(self, place: str, line: Line, when: float) -> None:
        key, move = called(line.get("key", "")), str(line.get("move", "")).partition(">")
        if not key or not move[1]:
            self.broken += 1
            return
        needs, resources, retries = line.get("needs"), line.get("resources"), line.get("retries")
        self.history.task(
            key,
            place,
            str(line.get("prefix") or ""),
            [called(n) for n in needs] if isinstance(needs, list) else (),
            {str(k): _number(v) for k, v in resources.items()} if isinstance(resources, dict) else None,
        )
        if isinstance(retries, int) and retries > 0:
            name = self.history.stories[key].name if key in self.history.stories else key
            self.history.retries[name] = max(retries, self.history.retries.get(name, 0))
        self.history.moved(
            key,
            (move[0], move[2]),
            when,
            place,
            stimulus=str(line.get("stimulus", "")),
            worker=str(line.get("worker") or ""),
            spans=spans(line.get("spans")),
            error=str(line.get("error") or ""),
            nbytes=_whole(line.get("nbytes")),
        )

    def _worker(self, what: str, address: str, line: Line, when: float) -> None:
        self.spilled[address] = max(self.spilled[address], _whole(line.get("spilled")))
        if what == "worker+":
            self.threads[address], self.since[address] = _whole(line.get("threads")) or 1, when
            self.most = max(self.most, sum(self.threads[a] for a in self.since))
        elif what == "worker-" and address in self.since:
            self.slots += self.threads[address] * max(0.0, when - self.since.pop(address))


def read(world: World, folder: str, path: str) -> WorkflowRun:
    """Raises OSError."""
    log = _Log(os.path.relpath(path, folder))
    for number, line in jsonl.rows(world, path):
        log.take(number, line)
    for address, since in log.since.items():
        log.slots += log.threads[address] * max(0.0, log.last - since)
    return _run(log, folder, world.now())


def _run(log: _Log, folder: str, now: datetime) -> WorkflowRun:
    begin, history = log.begin, log.history
    alive = not log.end and now.timestamp() - log.last < SILENT_SECONDS
    close(history, alive)
    tasks = tuple(history.tasks())
    state, proof = _ended(log, [t.state for t in tasks], alive)
    spilled = sum(log.spilled.values())
    place = Place(history.path)
    return WorkflowRun(
        system=SYSTEM,
        version=one_line(str(begin.get("distributed") or begin.get("dask") or ""), 60),
        id=one_line(str(begin.get("scheduler") or os.path.basename(history.path)), 200),
        folder=folder,
        state=state,
        proof=proof,
        command=one_line(str(begin.get("program") or ""), 300),
        host=one_line(str(begin.get("host") or ""), 200),
        started=epoch(_number(begin.get("t"))),
        ended=epoch(_number(log.end.get("t"))),
        parameters={k: one_line(str(begin[k]), 200) for k in ("run", "job", "cwd", "python") if begin.get(k)},
        tasks=tasks,
        metrics=(*history.metrics(log.slots), *([Metric("spilled-bytes", float(spilled), place=place)] if spilled else [])),
        events=tuple(history.events),
        constructs=history.constructs(),
        workers=log.most or None,
        places=(place,),
        gaps=tuple(_gaps(log)),
    )


def _ended(log: _Log, states: list[State], alive: bool) -> tuple[State, str]:
    count = Counter(states)
    if alive:
        return State.RUNNING, f"the scheduler gave a sign of life at {epoch(log.last)}"
    if not log.end:
        return State.KILLED, f"the log ends at {epoch(log.last) or 'no time'} without the scheduler's closing"
    if failed := count[State.FAILED]:
        return State.FAILED, f"the scheduler closed, and {failed} of {len(states)} tasks had failed for good"
    if undone := len(states) - count[State.SUCCEEDED]:
        return State.UNKNOWN, f"the scheduler closed with {undone} of {len(states)} tasks not done"
    return State.SUCCEEDED, f"the scheduler closed, and all {len(states)} tasks had given their result"


def _gaps(log: _Log) -> Iterable[str]:
    if not log.begin:
        yield "the log has no beginning: versions are not known"
    if log.broken:
        yield f"{log.broken} lines are broken"
    if dropped := _whole(log.end.get("dropped")):
        yield f"{dropped} moves were not written: the log was full"
    if log.history.left_out:
        yield f"{log.history.left_out} moves are of more tasks than are read"


def spans(value: object) -> tuple[Span, ...]:
    """[[action, start, stop], ...]"""
    rows = value if isinstance(value, list) else []
    return tuple((str(r[0])[:40], _number(r[1]), _number(r[2])) for r in rows[:50] if isinstance(r, list) and len(r) == 3)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15 else 0.0


def _whole(value: object) -> int:
    return int(_number(value))
