"""What do the files tell that a user had Dask make: a performance report, a task stream, a dump of the cluster's state?

https://docs.dask.org/en/stable/diagnostics-distributed.html. Internal formats: what is not as expected is a gap. Pickled types stay text.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from auditor.redact import Redactor
from auditor.world import World
from probes.records import jsonl, yamlfile
from probes.records.lines import one_line
from probes.records.times import epoch
from probes.workflows import Attempt, Place, State, Task, Unreadable, Used, WorkflowRun
from probes.workflows.dask_history import MAX_TASKS, History, Span, called, close, host, prefix

SYSTEM = "dask"
MAX_BYTES = 64 << 20
_SCRIPT = re.compile(r'<script[^>]{0,200}type="application/json"[^>]{0,200}>(.*?)</script>', re.DOTALL)
_ACTIONS = ("transfer", "disk-read", "disk-write", "deserialize")
_HIDDEN = "an attempt that failed and was repeated is not in it"


def report(world: World, folder: str, path: str) -> WorkflowRun:
    """performance_report's HTML. Raises Unreadable, OSError."""
    text = world.text(path, MAX_BYTES)
    columns, said = _bokeh(text)
    bars = list(zip(*(columns.get(n, []) for n in ("key", "name", "start", "duration", "worker", "color")), strict=False))[
        :MAX_TASKS
    ]
    rows = [
        {
            "key": str(key),
            "worker": str(worker),
            "status": "error" if colour == "black" else "OK",
            "spans": [(_action(str(name)), _float(start) / 1000, (_float(start) + _float(length)) / 1000)],
        }
        for key, name, start, length, worker, colour in bars
    ]
    place = Place(os.path.relpath(path, folder))
    tasks = tuple(_streamed(rows, place))
    failed = sum(t.state is State.FAILED for t in tasks)
    done = f"{failed} of {len(tasks)} tasks failed" if failed else f"none of its {len(tasks)} tasks failed"
    return WorkflowRun(
        system=SYSTEM,
        version=_after(said, r"Dask\.Distributed Version: ([^\s<]{1,40})"),
        id=os.path.basename(path),
        folder=folder,
        state=State.FAILED if failed else State.SUCCEEDED if tasks else State.UNKNOWN,
        proof=f"the report was written when its block ended, and {done}",
        command=one_line(Redactor().text(_after(said, r"(?s)<pre>(.{0,4000}?)(?:</pre>|\Z)")), 300),
        started=min((a.started for t in tasks for a in t.attempts if a.started), default=""),
        ended=max((a.ended for t in tasks for a in t.attempts), default=""),
        tasks=tasks,
        workers=_int(_after(said, r"Threads: (\d{1,7})")),
        places=(place,),
        gaps=(f"a performance report shows what ended while it was made; {_HIDDEN}",),
    )


def stream(world: World, folder: str, path: str) -> WorkflowRun:
    """get_task_stream's list as JSON. Raises Unreadable, OSError."""
    try:
        listed = jsonl.document(world, path, MAX_BYTES)
    except jsonl.NotJson as error:
        raise Unreadable(f"{os.path.basename(path)}: {error}") from None
    if not isinstance(listed, list) or not all(isinstance(r, dict) for r in listed):
        raise Unreadable(f"{os.path.basename(path)} is no list of tasks")
    place = Place(os.path.relpath(path, folder))
    rows = [{**r, "spans": [_span(s) for s in r.get("startstops") or [] if isinstance(s, dict)]} for r in listed[:MAX_TASKS]]
    tasks = tuple(_streamed(rows, place))
    failed = sum(t.state is State.FAILED for t in tasks)
    return WorkflowRun(
        system=SYSTEM,
        version="",
        id=os.path.basename(path),
        folder=folder,
        state=State.FAILED if failed else State.UNKNOWN,
        proof=f"{failed} of {len(tasks)} tasks failed" if failed else "a task stream does not say how the run ended",
        started=min((a.started for t in tasks for a in t.attempts if a.started), default=""),
        tasks=tasks,
        places=(place,),
        gaps=(f"a task stream shows what ended while it was taken; {_HIDDEN}",),
    )


def dump(world: World, folder: str, path: str) -> WorkflowRun:
    """dump_cluster_state(format="yaml"). Raises Unreadable, OSError."""
    try:
        whole = yamlfile.read(world, path)
    except yamlfile.NotYaml as error:
        raise Unreadable(f"{os.path.basename(path)}: {error}") from None
    scheduler = _map(_map(whole).get("scheduler"))
    if "transition_log" not in scheduler:
        raise Unreadable(f"{os.path.basename(path)} has no transition_log of a scheduler")
    name = os.path.relpath(path, folder)
    history = History(name)
    for key, task in _map(scheduler.get("tasks")).items():
        needs = re.findall(r"<TaskState '([^']{1,500})'", str(_map(task).get("dependencies")))
        history.task(called(key), f"scheduler.tasks.{key}", str(_map(task).get("group_key") or ""), needs)
    log = scheduler["transition_log"] if isinstance(scheduler["transition_log"], list) else []
    errors = {str(k): str(_map(t).get("exception_text") or "") for k, t in _map(scheduler.get("tasks")).items()}
    for n, row in enumerate(log):
        if isinstance(row, list) and len(row) >= 6:
            key, start, finish, _, stimulus, when = row[:6]
            line = f"scheduler.transition_log[{n}]"
            said = errors.get(str(key), "") if finish == "erred" else ""
            history.moved(called(key), (str(start), str(finish)), _float(when), line, str(stimulus), error=said)
    close(history, alive=True)
    workers = _map(scheduler.get("workers"))
    missing = int(_float(scheduler.get("transition_counter"))) - len(log)
    packages = _map(_map(_map(_map(whole).get("versions")).get("scheduler")).get("packages"))
    return WorkflowRun(
        system=SYSTEM,
        version=one_line(str(packages.get("distributed") or ""), 60),
        id=one_line(str(scheduler.get("id") or os.path.basename(path)), 200),
        folder=folder,
        state=State.UNKNOWN,
        proof="the dump was taken while the scheduler was at work: how the run ended is not in it",
        started=epoch(_float(scheduler.get("started"))),
        tasks=tuple(history.tasks()),
        events=tuple(history.events),
        workers=sum(int(_float(_map(w).get("nthreads"))) for w in workers.values()) or None,
        places=(Place(name),),
        gaps=(f"{missing} moves are no longer in the scheduler's log",) if missing > 0 else (),
    )


def _streamed(rows: list[dict[str, Any]], place: Place) -> Iterator[Task]:
    """One task a key; each way that it ended is an attempt."""
    by_key: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for n, row in enumerate(rows):
        by_key.setdefault(called(row.get("key")), []).append((n, row))
    for key, mine in by_key.items():
        # a report has one bar an action, and only the last one of an attempt computes or fails
        spans: list[Span] = []
        attempts: list[Attempt] = []
        for n, row in mine:
            spans += row["spans"]
            if any(s[0] == "compute" for s in row["spans"]) or row.get("status") == "error":
                attempts.append(_attempt(len(attempts) + 1, row, spans, Place(place.path, f"row {n}")))
                spans = []
        state = attempts[-1].state if attempts else State.UNKNOWN
        seconds = sum(e - b for _, row in mine for a, b, e in row["spans"] if a == "compute")
        yield Task(key, prefix(key), state, tuple(attempts), used=Used(seconds=round(seconds, 6), place=place), place=place)


def _attempt(number: int, row: Mapping[str, Any], spans: list[Span], place: Place) -> Attempt:
    failed = row.get("status") == "error"
    return Attempt(
        number=number,
        state=State.FAILED if failed else State.SUCCEEDED,
        host=host(str(row.get("worker") or "")),
        started=epoch(min((s for _, s, _ in spans), default=0)),
        ended=epoch(max((e for _, _, e in spans), default=0)),
        reason=one_line(Redactor().text(str(row.get("exception_text") or "")[:2000])) if failed else "",
        place=place,
    )


def _bokeh(text: str) -> tuple[Mapping[str, list[Any]], str]:
    """The columns of the bars, and the summary's text."""
    for found in _SCRIPT.finditer(text):
        try:
            document = jsonl.parsed(found[1])
        except jsonl.NotJson:
            continue
        said = next((s for s in _strings(document) if "Dask Performance Report" in s), "")
        for data in _sources(document):
            if {"key", "start", "duration", "worker"} <= data.keys():
                return data, html.unescape(said)
    raise Unreadable("the page has no task stream in it")


def _sources(document: object) -> Iterator[Mapping[str, list[Any]]]:
    """Columns of every data source: Bokeh 3 writes a map as `entries`, older ones an object."""
    for node in _nodes(document):
        data = _map(node.get("data"))
        entries = data.get("entries")
        pairs = [e for e in entries if isinstance(e, list) and len(e) == 2] if isinstance(entries, list) else list(data.items())
        yield {str(k): v for k, v in pairs if isinstance(v, list)}


def _nodes(document: object) -> Iterator[Mapping[str, Any]]:
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list) and not (node and isinstance(node[0], (int, float))):
            waiting += node


def _strings(document: object) -> Iterator[str]:
    return (v for node in _nodes(document) for v in node.values() if isinstance(v, str))


def _action(name: str) -> str:
    return next((a for a in _ACTIONS if name.startswith(f"{a}-")), "compute")


def _span(one: Mapping[str, Any]) -> Span:
    return str(one.get("action"))[:40], _float(one.get("start")), _float(one.get("stop"))


def _after(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else ""


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _float(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e18 else 0.0


def _int(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
