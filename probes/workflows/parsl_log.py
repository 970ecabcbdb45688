"""What does Parsl's own log tell? `runinfo/NNN/parsl.log`: version, configuration, and each task's states; it is there without a database, too.

A line begins with seconds since 1970 and the same moment as a local clock reading, which together tell the zone of everything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from auditor.world import World
from probes.records import times
from probes.records.lines import beyond, lines, one_line
from probes.workflows import parsl_config

MAX_BYTES = 512 << 20
MAX_TASKS = 100_000
MAX_CONFIG_LINES = 20_000
_LINE = re.compile(r"(\d{9,11}\.\d+) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) .*? (?:DEBUG|INFO|WARNING|ERROR|CRITICAL): (.*)")
# what `_line` looks at; most of a log is something else
_WANTED = ("Task ", "Parsl ", "Run id is", "Standard ", "Considering ", "Workflow s", "[Scaling executor ")
_STATE = re.compile(r"Task (\d+) (?:initializing state to|changing state from \S+ to) (\w+)")
_SUBMITTED = re.compile(r"Task (\d+) submitted for App ([^,]+)(?:, waiting on (.*))?")
_LAUNCHED = re.compile(r"Parsl task (\d+) try (\d+) launched on executor (\S+)")
_FAILED = re.compile(r"Task (\d+) try (\d+) failed with exception of type (\S+)")
_STREAM = re.compile(r"Standard (out|error) for task (\d+) will be redirected to (.*)")
_RUNDIR = re.compile(r"'rundir': '((?:[^'\\]|\\.)*)'")
_BLOCK = re.compile(r"\[Scaling executor (\S+)\] Launched block (\S+) with job ID (\S+)")


@dataclass
class LogTry:
    """When it was sent to an executor (seconds since 1970), and the type of what it failed with."""

    number: int
    launched: float
    line: int
    executor: str = ""
    ended: float | None = None
    failure: str = ""


@dataclass
class LogTask:
    """states: in the order of the log, with their times in seconds since 1970."""

    id: int
    name: str = ""
    line: int = 0
    depends: tuple[int, ...] = ()
    states: list[tuple[float, str]] = field(default_factory=list)
    tries: list[LogTry] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)


@dataclass
class ParslLog:
    """Times in seconds since 1970. finished: where its line of shutdown is, so that nothing killed the run before; empty where there is none."""

    version: str = ""
    run_id: str = ""
    script: str = ""
    rundir: str = ""
    configured: parsl_config.Configured = field(default_factory=parsl_config.Configured)
    config_line: int = 0
    tasks: dict[int, LogTask] = field(default_factory=dict)
    blocks: dict[tuple[str, str], str] = field(default_factory=dict)
    first: float | None = None
    last: float | None = None
    finished: str = ""
    ended: float | None = None
    zone: tzinfo | None = None
    whole: bool = True


def read(world: World, path: str) -> ParslLog:
    """Of a file of any size: its first half gigabyte, and its end. Raises OSError."""
    log = parse(lines(world, path, MAX_BYTES))
    for line in beyond(world, path, MAX_BYTES):
        log.whole = False
        if found := _LINE.match(line):
            log.last = float(found[1])
            _line(log, 0, log.last, found[3])
    return log


def parse(numbered: Iterator[tuple[int, str]]) -> ParslLog:
    log = ParslLog()
    config: list[str] = []
    last = ""
    for number, line in numbered:
        if log.version and not line.startswith(_WANTED, line.find(": ") + 2):
            if line[10:11] == "." and line[:10].isdecimal():
                last = line
            continue
        found = _LINE.match(line)
        if found is None:
            if log.first is not None and not log.version and len(config) < MAX_CONFIG_LINES:
                log.config_line = log.config_line or number
                config.append(line)
            continue
        when = float(found[1])
        log.zone = log.zone or _zone(when, found[2])
        log.first = when if log.first is None else log.first
        log.last = when
        _line(log, number, when, found[3])
    if found := _LINE.match(last):
        log.last = max(log.last or 0.0, float(found[1]))
    log.configured = parsl_config.parse("\n".join(config))
    return log


def _line(log: ParslLog, number: int, when: float, text: str) -> None:
    if text.startswith(("Task ", "Parsl task ", "Standard ")):
        _of_task(log, number, when, text)
    elif text.startswith("Parsl version: "):
        log.version = one_line(text.removeprefix("Parsl version: "), 60)
    elif text.startswith("Run id is: "):
        log.run_id = one_line(text.removeprefix("Run id is: "), 60)
    elif text.startswith("Considering candidate for workflow name: "):
        log.script = one_line(text.removeprefix("Considering candidate for workflow name: "), 1000)
    elif text.startswith("Workflow startup information"):
        rundir = _RUNDIR.search(text)
        log.rundir = one_line(rundir[1], 1000) if rundir else ""
    elif text.startswith("Workflow shutdown information"):
        log.finished, log.ended = f"line {number}" if number else "its last lines", when
    elif block := _BLOCK.match(text):
        log.blocks[block[1], block[2]] = one_line(block[3], 40)


def _of_task(log: ParslLog, number: int, when: float, text: str) -> None:
    if state := _STATE.match(text):
        if (task := _task(log, int(state[1]), number)) is not None and len(task.states) < 1000:
            task.states.append((when, state[2]))
    elif given := _SUBMITTED.match(text):
        if (task := _task(log, int(given[1]), number)) is not None:
            task.name = one_line(given[2], 200)
            task.depends = tuple(int(n) for n in re.findall(r"task (\d+)", given[3] or ""))
    elif sent := _LAUNCHED.match(text):
        if (task := _task(log, int(sent[1]), number)) is not None and len(task.tries) < 1000:
            task.tries.append(LogTry(int(sent[2]), when, number, one_line(sent[3], 100)))
    elif failed := _FAILED.match(text):
        task = _task(log, int(failed[1]), number)
        for attempt in task.tries if task else ():
            if attempt.number == int(failed[2]):
                attempt.failure, attempt.ended = one_line(failed[3], 200), when
    elif stream := _STREAM.match(text):
        task = _task(log, int(stream[2]), number)
        if task is not None and stream[3] not in task.streams and len(task.streams) < 4:
            task.streams.append(stream[3])


def _task(log: ParslLog, task_id: int, number: int) -> LogTask | None:
    if task_id not in log.tasks and len(log.tasks) >= MAX_TASKS:
        log.whole = False
        return None
    return log.tasks.setdefault(task_id, LogTask(task_id, line=number))


def _zone(epoch: float, clock: str) -> tzinfo | None:
    """Of the writer: zones differ by quarters of an hour."""
    try:
        away = (datetime.fromisoformat(f"{clock}+00:00").timestamp() - int(epoch)) / 900
    except ValueError:
        return None
    return times.offset(round(away) / 4) if abs(away) <= 60 else None
