"""Which tasks did a run have? The log, the trace, the work directories and the lineage store each know a part; the head of the hash joins them.

A retry is a new task of Nextflow's with a hash of its own; here it is another attempt of the one whose name it has and whose last try had failed.
A task succeeded only where the engine says COMPLETED without an error: an exit code of 0 alone does not tell whether its outputs were there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from auditor.world import World
from probes.records.lines import one_line
from probes.records.times import epoch
from probes.records.within import relative
from probes.workflows import Attempt, Place, State, Task
from probes.workflows.nextflow_files import units
from probes.workflows.nextflow_files.facts import Piece, asked, environments, files_of, used
from probes.workflows.nextflow_files.lineage import Lineage, parameters

MAX_COMMAND = 4000
_NAME = re.compile(r"(?P<process>.+?)(?: \((?P<tag>.*)\))?")
_IN_WORK = re.compile(r"/([0-9a-f]{2}/[0-9a-f]{6})[0-9a-f]*/(.+)")


@dataclass(frozen=True)
class Frame:
    """What all tasks of a run share. before: work directory as the run named it. stamp, written: times of the log, of the trace → ISO UTC."""

    world: World
    folder: str
    before: str
    run: State
    log_path: str
    redact: Callable[[str], str]
    stamp: Callable[[str], str]
    written: Callable[[str], str]
    lineage: Lineage


def tasks(frame: Frame, pieces: list[Piece]) -> Iterator[Task]:
    groups = _grouped(frame, pieces)
    owner = {piece.key: group[0].key for group in groups for piece in group}
    for group in groups:
        yield _task(frame, group, owner)


def _grouped(frame: Frame, pieces: list[Piece]) -> list[list[Piece]]:
    """Tries of one task, in order. Two tasks may have one name: only what follows a failure, and is told to be a repetition, belongs to it."""
    groups: list[list[Piece]] = []
    failed: dict[str, list[list[Piece]]] = {}
    for piece in sorted(pieces, key=lambda p: p.order):
        attempt = units.whole(piece.row.get("attempt", "")) or 1
        again = attempt > 1 or bool(piece.told and piece.told.again)
        waiting = failed.get(piece.name, [])
        if again and waiting:
            group = waiting.pop(0)
            group.append(piece)
        else:
            group = [piece]
            groups.append(group)
        if _state(frame, piece) is State.FAILED:
            failed.setdefault(piece.name, []).append(group)
    return groups


def _state(frame: Frame, piece: Piece) -> State:
    status = piece.row.get("status", "") or (piece.told.status if piece.told else "")
    match status:
        case "COMPLETED":
            code = piece.row.get("exit", "0")
            return State.SUCCEEDED if code in ("0", "-", "") else State.FAILED
        case "CACHED":
            return State.CACHED
        case "FAILED":
            return State.FAILED
        case "ABORTED":
            return State.KILLED
    if piece.told is None and not piece.row and (piece.directory is None or not piece.directory.began):
        return State.UNKNOWN
    if frame.run is State.RUNNING:
        return State.RUNNING
    finished = piece.directory is not None and piece.directory.exit_code is not None
    return State.KILLED if frame.run in (State.KILLED, State.FAILED) and not finished else State.UNKNOWN


def _task(frame: Frame, group: list[Piece], owner: Mapping[str, str]) -> Task:
    last = group[-1]
    named = _NAME.fullmatch(last.name)
    process, tag = (named["process"], named["tag"]) if named else (last.name, None)
    files = tuple(files_of(frame.lineage, last))
    needs = {owner[key] for f in files if f.role == "input" and (key := _maker(f.path)) in owner}
    script = str(last.entry.spec.get("script") or "") if last.entry else ""
    given = parameters(last.entry.spec.get("input")) if last.entry else {}
    return Task(
        id=group[0].key,
        name=last.row.get("process") or process,
        state=_state(frame, last),
        attempts=tuple(_attempt(frame, number, piece) for number, piece in enumerate(group, 1)),
        needs=tuple(sorted(needs - {group[0].key})),
        files=tuple(replace(f, path=_near(frame, f.path)) for f in files),
        asked=asked(last),
        used=used(last),
        environments=tuple(environments(last)),
        command=frame.redact((last.directory.command if last.directory else "") or script or last.row.get("script", ""))[
            :MAX_COMMAND
        ],
        parameters={k: frame.redact(v) for k, v in ({"tag": tag} if tag else {}).items()}
        | {k: frame.redact(v) for k, v in given.items()},
        place=_place(frame, last),
    )


def _place(frame: Frame, piece: Piece) -> Place | None:
    if piece.row_place:
        return piece.row_place
    if piece.told:
        return Place(frame.log_path, f"line {piece.told.line}")
    if piece.directory:
        return Place(piece.directory.path)
    return Place(piece.entry.path) if piece.entry else None


def _attempt(frame: Frame, number: int, piece: Piece) -> Attempt:
    told, row = piece.told, piece.row
    code = row.get("exit", "") or (told.exit if told else "")
    exit_code = int(code) if re.fullmatch(r"-?\d{1,6}", code) else piece.directory.exit_code if piece.directory else None
    state = _state(frame, piece)
    native = row.get("native_id", "") or (told.native if told else "")
    return Attempt(
        number=number,
        state=state,
        native_id="" if native == "-" else native,
        host=row.get("hostname", "").strip("-"),
        submitted=frame.written(row.get("submit", "")) or (frame.stamp(told.submitted) if told else ""),
        started=frame.written(row.get("start", ""))
        or (epoch(int(told.started) / 1000) if told and told.started.isdecimal() else ""),
        ended=frame.written(row.get("complete", "")) or (frame.stamp(told.ended) if told and state is not State.CACHED else ""),
        exit_code=exit_code,
        reason=frame.redact(one_line(_reason(piece, state))),
        place=_place(frame, piece),
    )


def _reason(piece: Piece, state: State) -> str:
    if state is not State.FAILED:
        return ""
    if piece.told and (piece.told.note or piece.told.error.strip("-")):
        return piece.told.note or piece.told.error
    code = piece.row.get("exit", "-")
    return f"exit code {code}" if code != "-" else "failed"


def _maker(path: str) -> str:
    found = _IN_WORK.search(f"/{path}")
    return found[1] if found else ""


def _near(frame: Frame, path: str) -> str:
    """Work directories are absolute everywhere: as they were, they are relative to the folder that the work lay in."""
    above = frame.before.rstrip("/").rpartition("/")[0]
    return relative(frame.folder, path, above) if above else relative(frame.folder, path)
