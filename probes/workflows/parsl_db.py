"""What does Parsl's monitoring database tell of one run? `monitoring.db`, of any version: columns by name, missing ones empty.

https://parsl.readthedocs.io/en/stable/userguide/monitoring.html. Its times are the submitter's clock, without a zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from probes.records.lines import one_line, why
from probes.records.sqlite import Broken, Database

MAX_RUNS = 200
MAX_TASKS = 200_000
MAX_LISTED = 256 << 10
"""Characters of a list of files or of dependencies."""


@dataclass
class DbTry:
    number: int
    block: str = ""
    host: str = ""
    executor: str = ""
    launched: str = ""
    running: str = ""
    returned: str = ""
    failure: str = ""
    joins: str = ""


@dataclass
class Measured:
    """Of one try: counters of the worker's process at its first and last sample; peak of resident memory in bytes."""

    memory: float = 0.0
    cpu: list[float] = field(default_factory=lambda: [float("inf"), float("-inf")])
    read: list[float] = field(default_factory=lambda: [float("inf"), float("-inf")])
    written: list[float] = field(default_factory=lambda: [float("inf"), float("-inf")])
    samples: int = 0


@dataclass
class DbTask:
    id: int
    name: str = ""
    depends: str = ""
    inputs: str = ""
    outputs: str = ""
    streams: tuple[str, ...] = ()
    memoised: bool = False
    states: list[tuple[str, str]] = field(default_factory=list)
    tries: list[DbTry] = field(default_factory=list)
    measured: dict[int, Measured] = field(default_factory=dict)


@dataclass
class DbRun:
    """Times as written. ended: empty where the run never closed its record. nodes: (host, block) → workers, cores, Python."""

    id: str
    name: str = ""
    version: str = ""
    began: str = ""
    ended: str = ""
    host: str = ""
    user: str = ""
    rundir: str = ""
    failed: int | None = None
    completed: int | None = None
    tasks: dict[int, DbTask] = field(default_factory=dict)
    blocks: dict[tuple[str, str], str] = field(default_factory=dict)
    nodes: dict[tuple[str, str], tuple[int, int, str]] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    latest: str = ""


def runs(database: Database) -> list[DbRun]:
    """The runs of the file without their tasks, newest first. Raises Broken."""
    columns = ("run_id", "workflow_name", "workflow_version", "time_began", "time_completed", "host", "user", "rundir")
    order = "time_began desc" if "time_began" in database.tables.get("workflow", ()) else ""
    found: list[DbRun] = []
    for row in database.rows("workflow", *columns, "tasks_failed_count", "tasks_completed_count", order=order):
        run, name, version, began, ended, host, user, rundir = (_text(value) for value in row[:8])
        found.append(DbRun(run, name, version, began, ended, host, user, rundir, _int(row[8]), _int(row[9])))
        if len(found) >= MAX_RUNS:
            break
    return [r for r in found if r.id]


def fill(database: Database, run: DbRun) -> None:
    """Everything else of the run; a table that cannot be read becomes a gap."""
    for table, column, take in (
        ("task", "run_id", _tasks),
        ("try", "run_id", _tries),
        ("status", "run_id", _status),
        ("block", "run_id", _blocks),
        ("node", "run_id", _nodes),
        ("resource", "run_id", _resources),
    ):
        if column not in database.tables.get(table, ()):
            run.gaps.append(f"monitoring.db: no table {table} that tells runs apart")
            continue
        try:
            take(database, run)
        except (Broken, ValueError) as error:
            run.gaps.append(f"monitoring.db: {why(error)}")


def _of(database: Database, run: DbRun, table: str, *columns: str, order: str = "") -> Iterator[tuple[Any, ...]]:
    return database.rows(table, *columns, where="run_id = ?", values=(run.id,), order=order)


def _tasks(database: Database, run: DbRun) -> None:
    columns = ("task_id", "task_func_name", "task_depends", "task_inputs", "task_outputs", "task_stdout", "task_stderr")
    for row in _of(database, run, "task", *columns, "task_memoize", "task_time_returned"):
        number = _int(row[0])
        if number is None:
            continue
        if len(run.tasks) >= MAX_TASKS:
            run.gaps.append(f"monitoring.db: only {MAX_TASKS} tasks were read")
            return
        streams = tuple(_text(s) for s in row[5:7] if s)
        inputs, outputs = (value[:MAX_LISTED] if isinstance(value, str) else "" for value in row[3:5])
        depends = row[2][:MAX_LISTED] if isinstance(row[2], str) else _text(row[2])
        run.tasks[number] = DbTask(number, _text(row[1]), depends, inputs, outputs, streams, _text(row[7]) in {"1", "True"})
        run.latest = max(run.latest, _text(row[8]))


def _tries(database: Database, run: DbRun) -> None:
    stamps = ("task_try_time_launched", "task_try_time_running", "task_try_time_returned")
    columns = ("task_id", "try_id", "block_id", "hostname", "task_executor", *stamps, "task_fail_history", "task_joins")
    for row in _of(database, run, "try", *columns):
        task = _task(run, row[0])
        if task is not None and len(task.tries) < 1000:
            task.tries.append(DbTry(_int(row[1]) or 0, *(_text(value) for value in row[2:])))
            run.latest = max(run.latest, *(_text(value) for value in row[5:8]))
    for task in run.tasks.values():
        task.tries.sort(key=lambda t: t.number)


def _status(database: Database, run: DbRun) -> None:
    for task_id, name, when in _of(database, run, "status", "task_id", "task_status_name", "timestamp"):
        task = _task(run, task_id)
        if task is not None and len(task.states) < 1000:
            task.states.append((_text(when), _text(name)))
            run.latest = max(run.latest, _text(when))


def _blocks(database: Database, run: DbRun) -> None:
    for label, block, job in _of(database, run, "block", "executor_label", "block_id", "job_id"):
        if job and len(run.blocks) < 10_000:
            run.blocks[_text(label), _text(block)] = _text(job)


def _nodes(database: Database, run: DbRun) -> None:
    """One row a heartbeat: the same node comes again and again."""
    for host, block, workers, cores, python in _of(
        database, run, "node", "hostname", "block_id", "worker_count", "cpu_count", "python_v"
    ):
        if len(run.nodes) < 10_000:
            run.nodes[_text(host), _text(block)] = (_int(workers) or 0, _int(cores) or 0, _text(python))


def _resources(database: Database, run: DbRun) -> None:
    counters = ("psutil_process_time_user", "psutil_process_time_system", "psutil_process_disk_read", "psutil_process_disk_write")
    columns = ("task_id", "try_id", "psutil_process_memory_resident", *counters)
    for task_id, attempt, memory, user, system, read, written in _of(database, run, "resource", *columns):
        task = _task(run, task_id)
        if task is None:
            continue
        seen = task.measured.setdefault(_int(attempt) or 0, Measured())
        seen.samples += 1
        seen.memory = max(seen.memory, _float(memory) or 0.0)
        cpu = (_float(user) or 0.0) + (_float(system) or 0.0) if user is not None else None
        for kept, value in ((seen.cpu, cpu), (seen.read, _float(read)), (seen.written, _float(written))):
            if value is not None:
                kept[0], kept[1] = min(kept[0], value), max(kept[1], value)


def _task(run: DbRun, value: Any) -> DbTask | None:
    number = _int(value)
    return run.tasks.get(number) if number is not None else None


def _text(value: Any) -> str:
    return "" if value is None else one_line(value, 4000) if isinstance(value, str) else one_line(str(value), 200)


def _int(value: Any) -> int | None:
    return (
        value
        if isinstance(value, int)
        else int(value)
        if isinstance(value, str) and value.isdecimal() and len(value) < 18
        else None
    )


def _float(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and 0 <= value < 1e18 else None
