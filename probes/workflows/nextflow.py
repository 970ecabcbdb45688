"""What did Nextflow leave in a launch folder? `.nextflow/history`, `.nextflow.log` and its older ones, traces, `work/`, `.lineage/`, `nextflow.config`.

Not to be read without Java, and not read: `.nextflow/cache/` (LevelDB with Kryo). Formats: see nextflow_files/.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from auditor.redact import Redactor
from auditor.world import NotRecorded, World
from probes.records.inside import inside
from probes.records.lines import lines, one_line, why
from probes.workflows import (
    Environment,
    Event,
    Place,
    Reader,
    State,
    Task,
    Unreadable,
    WorkflowRun,
)  # fmt: skip
from probes.workflows.nextflow_files import clock, units
from probes.workflows.nextflow_files.declared import constructs
from probes.workflows.nextflow_files.described import definitions, metrics, parameters
from probes.workflows.nextflow_files.facts import Piece
from probes.workflows.nextflow_files.history import Row, history
from probes.workflows.nextflow_files.lineage import lineage
from probes.workflows.nextflow_files.log import Log, told
from probes.workflows.nextflow_files.pieces import Source, gathered
from probes.workflows.nextflow_files.tasks import Frame, tasks
from probes.workflows.nextflow_files.trace import traces

MAX_RUNS = 200
MAX_BYTES = 256 << 20
"""Of one log."""
MAX_EVENTS = 1000


@dataclass
class _Folder:
    """What all runs of one launch folder share."""

    world: World
    path: str
    source: Source
    redactor: Redactor
    gaps: tuple[str, ...]


def read(world: World, folder: str) -> Iterator[WorkflowRun]:
    """The runs that the history or a log tells of, newest first. Raises Unreadable, OSError."""
    rows, gaps = history(world, folder)
    logs, unread = _logs(world, folder)
    if not rows and not logs:
        raise Unreadable("neither .nextflow/history nor .nextflow.log tells of a run" if not unread else unread[0])
    pairs = _paired(rows, logs)
    found, more = traces(world, folder)
    told_of = lineage(world, folder)
    here = _Folder(
        world, folder, Source(world, folder, found, told_of, len(pairs)), Redactor(world.env), (*gaps, *unread, *more, *told_of.gaps)
    )  # fmt: skip
    for row, log in pairs[:MAX_RUNS]:
        yield _run(here, row, log)


def _logs(world: World, folder: str) -> tuple[list[tuple[Log, int, float]], list[str]]:
    """(log, its size, its age) of `.nextflow.log`, `.1` and so on: newest first."""
    found: list[tuple[Log, int, float]] = []
    gaps: list[str] = []
    paths = world.glob(f"{glob.escape(folder)}/.nextflow.log*")
    for path in sorted(paths, key=lambda p: int("0" + re.sub(r"\D", "", os.path.basename(p))))[:MAX_RUNS]:
        name = os.path.basename(path)
        if not re.fullmatch(r"\.nextflow\.log(\.\d+)?", name):
            continue
        try:
            stat = world.stat(inside(world, folder, name))
            log = told(name, lines(world, path, MAX_BYTES))
            if log.lines:
                found.append((log, stat.size, stat.mtime_ns / 1e9))
        except OSError as error:
            gaps.append(f"{name}: {why(error)}")
    return found, gaps


_Pair = tuple[Row | None, tuple[Log, int, float] | None]


def _paired(rows: list[Row], logs: list[tuple[Log, int, float]]) -> list[_Pair]:
    """Each run with its log, newest first: by session and name. A log without a row (`nextflow -log`, a lost history) is a run of its own."""
    by_name = {
        (entry[0].value("session"), _name(entry[0])): entry
        for entry in reversed(logs)
        if entry[0].value("session") or _name(entry[0])
    }
    pairs: list[_Pair] = []
    taken: set[str] = set()
    for row in reversed(rows):
        entry = by_name.get((row.session, row.name)) or by_name.get(("", row.name))
        if entry:
            taken.add(entry[0].path)
        pairs.append((row, entry))
    alone: list[_Pair] = [(None, entry) for entry in logs if entry[0].path not in taken and (_name(entry[0]) or entry[0].tasks)]
    return [*alone, *pairs]


def _name(log: Log) -> str:
    return log.value("name") or log.facts.get("launching", {}).get("name", "")


def _run(here: _Folder, row: Row | None, entry: tuple[Log, int, float] | None) -> WorkflowRun:
    log, size, age = entry or (Log(".nextflow/history"), 0, 0.0)
    year = int(row.when[:4]) if row and row.when[:4].isdecimal() else datetime.fromtimestamp(age, UTC).year if age else 1970
    zone = clock.zone_of(log, year)
    state, proof = _ending(here, row, log, size > MAX_BYTES)
    session = row.session if row else log.value("session")
    command = row.command if row else log.value("command")
    recorded = here.source.lineage.runs.get(session)
    spec = recorded.spec if recorded else {}
    gaps = [*here.gaps, *_gaps(log, row, size)]
    pieces = gathered(here.source, log, command, session, gaps)
    first = log.first
    frame = Frame(
        here.world, here.path, log.value("workdir"), state, log.path, here.redactor.text,
        lambda text: clock.stamped(text, first, year, zone), lambda text: clock.written(text, zone), here.source.lineage,
    )  # fmt: skip
    all_tasks = tuple(tasks(frame, pieces))
    started = clock.written(row.when, zone) if row else frame.stamp(log.first)
    files = tuple(definitions(here.world, here.path, row.revision if row else "", command, log, spec))
    asked, unread = constructs(here.world, here.path, log, command, files)
    return WorkflowRun(
        system="nextflow",
        version=log.value("version"),
        id=session or (row.name if row else log.path),
        folder=here.path,
        state=state,
        proof=proof,
        name=row.name if row else _name(log),
        command=here.redactor.text(one_line(command, 4000)),
        host=log.facts.get("process", {}).get("host", ""),
        started=started,
        ended=_ended(row, started, frame.stamp(log.last) if log.has_ended else ""),
        zone_assumed=zone is None,
        definitions=files,
        environments=_distinct(all_tasks),
        parameters=parameters(here.redactor, command, spec),
        tasks=all_tasks,
        metrics=tuple(metrics(log)),
        events=tuple(_events(here, log, frame, pieces))[:MAX_EVENTS],
        constructs=tuple(asked),
        workers=max((int(f["value"]) for _, _, f in log.all("capacity") if len(f["value"]) < 10), default=None),
        places=tuple(Place(p) for p in dict.fromkeys(([".nextflow/history"] if row else []) + ([log.path] if entry else []))),
        gaps=tuple(dict.fromkeys((*gaps, *unread))),
    )


def _ending(here: _Folder, row: Row | None, log: Log, cut: bool) -> tuple[State, str]:
    """The history's word first: it is written at the end. `-` and no last line: killed, unless the process is alive."""
    at = f".nextflow/history line {row.line}" if row else log.path
    if row and row.status in ("OK", "ERR"):
        return (State.SUCCEEDED if row.status == "OK" else State.FAILED), f"{at}: {row.status}"
    if aborted := log.all("aborted"):
        return State.FAILED, f"{log.path} line {aborted[-1][0]}: the session was aborted"
    if done := log.all("goodbye"):
        if log.stats.get("failedCount", "0") == "0" and log.stats:
            return State.SUCCEEDED, f"{log.path} line {log.stats_line}: completed, no task failed"
        return State.UNKNOWN, f"{log.path} line {done[-1][0]}: it ended, and what failed was retried, ignored or fatal"
    if cut:
        return State.UNKNOWN, f"{log.path} is too long to be read to its end"
    alive = _alive(here, log)
    if alive:
        return State.RUNNING, f"{at}: not closed, and process {log.facts['process']['pid']} is alive"
    if alive is None:
        return State.UNKNOWN, f"{at}: not closed: killed, or still running elsewhere"
    return State.KILLED, f"{at}: not closed, and no process {log.facts['process']['pid']} of it is alive on {here.world.host}"


def _alive(here: _Folder, log: Log) -> bool | None:
    """None: another machine's, or could not look."""
    process = log.facts.get("process")
    if not process or process["host"] != here.world.host:
        return None
    try:
        return b"nextflow" in here.world.read(f"/proc/{process['pid']}/cmdline")
    except FileNotFoundError:
        return False
    except (OSError, NotRecorded):
        return None


def _gaps(log: Log, row: Row | None, size: int) -> Iterator[str]:
    if row is None:
        yield f"{log.path} tells of a run that .nextflow/history does not know"
    if not log.lines:
        yield "the log of this run is not there: it was rotated away, or written elsewhere (`nextflow -log`)"
    if size > MAX_BYTES:
        yield f"{log.path} is {size} bytes long: the first {MAX_BYTES} were read"


def _ended(row: Row | None, started: str, last: str) -> str:
    length = units.seconds(row.duration) if row and row.duration != "-" else None
    if length is None or not started:
        return last
    return (datetime.fromisoformat(started) + timedelta(seconds=length)).isoformat(timespec="seconds")


def _distinct(all_tasks: tuple[Task, ...]) -> tuple[Environment, ...]:
    found: dict[tuple[str, str], Environment] = {}
    for task in all_tasks:
        for environment in task.environments:
            found.setdefault((environment.kind, environment.name), environment)
    return tuple(found.values())


def _events(here: _Folder, log: Log, frame: Frame, pieces: list[Piece]) -> Iterator[Event]:
    for one in log.tasks.values():
        if one.note:
            what, text = ("retry", one.note) if one.retried else ("ignored", f"the failure was ignored: {one.note}")
            yield Event(
                what, here.redactor.text(one_line(text)), frame.stamp(one.ended), one.key, Place(log.path, f"line {one.line}")
            )
    if cached := [p for p in pieces if (p.row.get("status") or (p.told.status if p.told else "")) == "CACHED"]:
        yield Event("resumed", f"{len(cached)} tasks were taken from an earlier run", place=Place(log.path))
    for piece in pieces:
        if piece.entry and piece.entry.kind == "AgentRun":
            spec = piece.entry.spec
            model = spec.get("resolvedModel") or spec.get("model") or "a model that is not named"
            text = f"{spec.get('name') or 'an agent'}: {model}, at most {spec.get('maxIterations') or '?'} rounds, runner {spec.get('runner') or '?'}"
            yield Event("agent", here.redactor.text(one_line(text)), task=piece.key, place=Place(piece.entry.path))


READER = Reader("nextflow", (".nextflow", ".nextflow.log"), read)
