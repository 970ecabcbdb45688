"""Which tasks did one run of Parsl have, and how did each end? Rows of the database first, the log where they are silent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from itertools import islice

from probes.records import times
from probes.records.lines import one_line
from probes.workflows import Asked, Attempt, Construct, File, Place, State, Task, Used, parsl_db, parsl_log

# https://parsl.readthedocs.io/en/stable/stubs/parsl.dataflow.states.States.html
_FINAL = {
    "exec_done": State.SUCCEEDED,
    "memo_done": State.CACHED,
    "failed": State.FAILED,
    "dep_fail": State.NOT_RUN,
}
_BEGUN = {"launched", "running", "running_ended", "fail_retryable", "joining", "launched_to_executor"}
_FILE = re.compile(r"<\w{1,60} at 0x[0-9a-fA-F]{1,16} url=")
_EXIT = re.compile(r"BashExitFailure\([^)]*?,\s*(-?\d+)\)|exit code (-?\d+)")
MAX_FILES = 10_000


@dataclass(frozen=True)
class Told:
    """All that is known of one run. home: where it was started, as it was called then. schedulers: executor → `slurm` or empty."""

    row: parsl_db.DbRun
    log: parsl_log.ParslLog
    log_path: str
    database_path: str
    home: str
    zone: tzinfo | None
    killed: bool
    blocks: Mapping[tuple[str, str], str]
    schedulers: Mapping[str, str]
    asked: Mapping[str, Asked]
    has_row: bool


def tasks(told: Told) -> Iterator[Task]:
    for number in sorted({*told.row.tasks, *told.log.tasks}):
        row, logged = told.row.tasks.get(number), told.log.tasks.get(number)
        yield _task(told, number, row, logged)


def constructs(row: parsl_db.DbRun, path: str) -> Iterator[Construct]:
    """What the database shows of join apps, which go on with tasks that they themselves started, and of staged files."""
    joins = sorted({t.name for t in row.tasks.values() if any(a.joins for a in t.tries)})
    for name in joins[:50]:
        yield Construct("loop", f"join app {name}: it started the tasks that it waits for", Place(path, "table try, task_joins"))
    schemes = {scheme for t in row.tasks.values() for scheme, _ in listed(t.inputs)} - {"file", ""}
    for scheme in sorted(schemes)[:20]:
        yield Construct("staging", f"inputs by {one_line(scheme, 40)}", Place(path, "table task, task_inputs"))


def _task(told: Told, number: int, row: parsl_db.DbTask | None, logged: parsl_log.LogTask | None) -> Task:
    place = (
        Place(told.database_path, f"table task, task_id {number}")
        if row
        else Place(told.log_path, f"line {logged.line if logged else 0}")
    )
    state = _state(told, row, logged)
    attempts = tuple(_of_rows(told, row, state, place) if row and row.tries else _of_log(told, logged, state))
    last = attempts[-1] if attempts else None
    executor = row.tries[-1].executor if row and row.tries else logged.tries[-1].executor if logged and logged.tries else ""
    return Task(
        str(number),
        (row.name if row else "") or (logged.name if logged else ""),
        state,
        attempts,
        _needs(row, logged),
        tuple(_files(told, row, logged)),
        told.asked.get(executor, Asked()),
        _used(row, last, place),
        parameters={"executor": executor} if executor else {},
        place=place,
    )


def _state(told: Told, row: parsl_db.DbTask | None, logged: parsl_log.LogTask | None) -> State:
    """By its last state; clocks of other machines may disagree, so an end is one wherever it stands."""
    names = [name for _, name in sorted(row.states)] if row else []
    names += [name for _, name in logged.states] if logged else []
    final = [_FINAL[name] for name in names if name in _FINAL]
    if final:
        return final[-1]
    begun = any(name in _BEGUN for name in names) or bool(row and any(t.running or t.launched for t in row.tries))
    if not begun:
        return State.NOT_RUN if names else State.UNKNOWN
    if told.row.ended or told.log.finished:
        return State.UNKNOWN
    return State.KILLED if told.killed else State.RUNNING


def _of_rows(told: Told, row: parsl_db.DbTask, state: State, place: Place) -> Iterator[Attempt]:
    if state in {State.CACHED, State.NOT_RUN}:
        return  # a row of `try` is written for a task that never ran, too
    for at, attempt in enumerate(row.tries):
        last = at == len(row.tries) - 1
        exit_code = _EXIT.search(attempt.failure)
        own = state if last else State.FAILED if attempt.failure else State.UNKNOWN
        yield Attempt(
            attempt.number + 1,
            own,
            _native(told, attempt.executor, attempt.block),
            attempt.host,
            times.local(attempt.launched, told.zone),
            times.local(attempt.running, told.zone),
            times.local(attempt.returned, told.zone),
            int(exit_code[1] or exit_code[2]) if exit_code else None,
            one_line(attempt.failure) if own is State.FAILED else "",
            Place(place.path, f"table try, task_id {row.id}, try_id {attempt.number}"),
        )


def _of_log(told: Told, logged: parsl_log.LogTask | None, state: State) -> Iterator[Attempt]:
    if logged is None or state in {State.CACHED, State.NOT_RUN}:
        return
    ends = [when for when, name in logged.states if name in _FINAL]
    for at, attempt in enumerate(logged.tries):
        last = at == len(logged.tries) - 1
        yield Attempt(
            attempt.number + 1,
            state if last else State.FAILED if attempt.failure else State.UNKNOWN,
            submitted=times.epoch(attempt.launched),
            ended=times.epoch(attempt.ended or (ends[-1] if last and ends else None)),
            reason=attempt.failure,
            place=Place(told.log_path, f"line {attempt.line}"),
        )


def _native(told: Told, executor: str, block: str) -> str:
    """The scheduler's number of the block that it ran in; of a local block that would be a process id."""
    return told.blocks.get((executor, block), "") if told.schedulers.get(executor) else ""


def _needs(row: parsl_db.DbTask | None, logged: parsl_log.LogTask | None) -> tuple[str, ...]:
    named = [n.strip() for n in row.depends.split(",")] if row else []
    joined = [n.strip() for t in row.tries for n in t.joins.split(",")] if row else []
    found = [*named, *joined] if row else [str(n) for n in (logged.depends if logged else ())]
    return tuple(dict.fromkeys(n for n in found if n.isdecimal()))


def _files(told: Told, row: parsl_db.DbTask | None, logged: parsl_log.LogTask | None) -> Iterator[File]:
    for role, text in (("input", row.inputs), ("output", row.outputs)) if row else ():
        for _, path in islice(listed(text), MAX_FILES):
            yield File(_inner(told, path), role)
    streams = row.streams if row and row.streams else tuple(logged.streams) if logged else ()
    for stream in dict.fromkeys(streams):
        yield File(_inner(told, re.sub(r"^\(?'?([^',]+).*", r"\1", stream)), "log")


def listed(text: str) -> Iterator[tuple[str, str]]:
    """(scheme, path or URL) of each Parsl File in the repr of a list of them. Cut at its own words: paths may hold anything."""
    for piece in _FILE.split(text)[1:]:
        url, _, rest = piece.partition(" scheme=")
        scheme, _, rest = rest.partition(" netloc=")
        path = rest.partition(" path=")[2].rpartition(" filename=")[0]
        yield scheme, path if scheme in {"file", ""} else url


def _inner(told: Told, path: str) -> str:
    """Relative to where the run was started, whatever that is called now."""
    path = one_line(path, 1000)
    return path.removeprefix(f"{told.home}/") if told.home else path


def _used(row: parsl_db.DbTask | None, last: Attempt | None, place: Place) -> Used:
    seconds = times.between(last.started, last.ended) if last else None
    measured = row.measured.get(last.number - 1) if row and last else None
    if measured is None:
        return Used(seconds, place=place if seconds is not None else None)
    cpu, read, written = (_grown(pair, measured.samples) for pair in (measured.cpu, measured.read, measured.written))
    return Used(
        seconds,
        cpu,
        int(measured.memory) or None,
        int(read) if read is not None else None,
        int(written) if written is not None else None,
        place=Place(place.path, f"table resource, task_id {row.id if row else ''}"),
    )


def _grown(pair: list[float], samples: int) -> float | None:
    """The counters belong to the worker, which ran other tasks before: only their growth between two samples is this task's."""
    return round(pair[1] - pair[0], 3) if samples > 1 and math.isfinite(pair[0]) and math.isfinite(pair[1]) else None
