"""Which tasks did a run have? The log, the trace, the work directories and the lineage store each know a part; the head of the hash joins them.

A retry is a new task of Nextflow's with a hash of its own; here it is another attempt of the one whose name it has and whose last try had failed.
A task succeeded only where the engine says COMPLETED without an error: an exit code of 0 alone does not tell whether its outputs were there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from auditor.world import World
from probes.records.lines import one_line
from probes.records.times import epoch
from probes.records.within import relative
from probes.workflows import Asked, Attempt, Environment, File, Place, State, Task, Used
from probes.workflows.nextflow_files import units
from probes.workflows.nextflow_files.lineage import Entry, Lineage, digest, head, parameters, sources
from probes.workflows.nextflow_files.log import Told
from probes.workflows.nextflow_files.taskdir import TaskDir

MAX_COMMAND = 4000
_NAME = re.compile(r"(?P<process>.+?)(?: \((?P<tag>.*)\))?")
_IN_WORK = re.compile(r"/([0-9a-f]{2}/[0-9a-f]{6})[0-9a-f]*/(.+)")
_SUBMIT = {
    "-c": "cpus",
    "--cpus-per-task": "cpus",
    "-p": "partition",
    "--partition": "partition",
    "--mem": "memory",
    "-t": "time",
}


@dataclass
class Piece:
    """All that is known of one task of Nextflow's (one try); each part may be missing."""

    key: str
    told: Told | None = None
    row: Mapping[str, str] = field(default_factory=dict)
    row_place: Place | None = None
    directory: TaskDir | None = None
    entry: Entry | None = None

    @property
    def name(self) -> str:
        entry = str(self.entry.spec.get("name") or "") if self.entry else ""
        called = (
            self.row.get("name")
            or (self.told.name if self.told else "")
            or (self.directory.name if self.directory else "")
            or entry
        )
        process, tag = self.row.get("process", ""), self.row.get("tag", "-")
        return one_line(called or (f"{process} ({tag})" if process and tag not in ("-", "") else process)) or "(not told)"

    @property
    def order(self) -> tuple[int, str]:
        number = self.row.get("task_id") or (self.told.number if self.told else "")
        return (int(number) if number.isdecimal() and len(number) < 10 else 1 << 40, self.told.submitted if self.told else "")


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
    conda: Mapping[str, Place] = field(default_factory=dict)


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
    files = tuple(_files(frame, last))
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
        asked=_asked(last),
        used=_used(last),
        environments=tuple(_environments(frame, last)),
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


def _asked(piece: Piece) -> Asked:
    """Columns of the trace where they were asked for; else the options for Slurm of the wrapper."""
    row = piece.row
    given: dict[str, str] = {}
    for option in piece.directory.options if piece.directory else ():
        key, _, value = option.replace("=", " ", 1).partition(" ")
        given[_SUBMIT.get(key, key)] = value.strip()
    plain = {
        k: one_line(v) for k, v in given.items() if k not in ("-J", "-o", "--no-requeue", "--signal", "-D", *_SUBMIT.values())
    }
    minutes = given.get("time", "")
    return Asked(
        cpus=units.number(row.get("cpus", "") or given.get("cpus", "")),
        gpus=units.number(row.get("accelerator", "")),
        memory=units.size(row.get("memory", "") or given.get("memory", "")),
        disk=units.size(row.get("disk", "")),
        seconds=units.seconds(row.get("time", "")) if row.get("time") else _clock(minutes),
        partition=row.get("queue", "").strip("-") or given.get("partition", ""),
        other=plain | ({"accelerator_type": kind} if (kind := row.get("accelerator_type", "-")) not in ("-", "") else {}),
    )


def _clock(text: str) -> float | None:
    """`01:30:00` of `-t`."""
    found = re.fullmatch(r"(\d{1,4}):(\d\d):(\d\d)", text)
    return int(found[1]) * 3600.0 + int(found[2]) * 60 + int(found[3]) if found else None


def _used(piece: Piece) -> Used:
    """The trace's columns; a column that was not asked for is filled from the work directory. cpu_seconds: `%cpu` of `realtime`."""
    row = piece.row
    seconds = units.seconds(row.get("realtime", ""))
    share = units.percent(row.get("%cpu", ""))
    there = piece.directory.used if piece.directory else Used()
    if not row or (seconds is None and there.seconds is not None):
        return there
    read, written = units.size(row.get("rchar", "")), units.size(row.get("wchar", ""))
    cpu = seconds * share / 100 if seconds is not None and share is not None else None
    memory = units.size(row.get("peak_rss", "")) if "peak_rss" in row else units.size(row.get("rss", ""))
    calls, writes = units.whole(row.get("syscr", "")), units.whole(row.get("syscw", ""))
    return Used(
        seconds=seconds,
        cpu_seconds=cpu if cpu is not None else there.cpu_seconds,
        memory=memory if memory is not None else there.memory,
        read=read if read is not None else there.read,
        written=written if written is not None else there.written,
        read_calls=calls if calls is not None else there.read_calls,
        write_calls=writes if writes is not None else there.write_calls,
        place=piece.row_place,
    )


def _environments(frame: Frame, piece: Piece) -> Iterator[Environment]:
    """A container is enacted where the wrapper names it; where the wrapper describes itself and names none, it was refused."""
    entry = piece.entry.spec if piece.entry else {}
    wrapper = Place(f"{piece.directory.path}/.command.run", "### container") if piece.directory else None
    enacted = piece.directory.container if piece.directory else ""
    declared = {
        name: place
        for name, place in (
            (piece.row.get("container", "").strip("-"), piece.row_place),
            (str(entry.get("container") or ""), Place(piece.entry.path, "$.spec.container") if piece.entry else None),
        )
        if name
    }
    for name in dict.fromkeys((*declared, *([enacted] if enacted else ()))):
        pinned = re.search(r"@(sha256|sha512):([0-9a-f]{64,128})$", name)
        yield Environment(
            "container",
            name,
            declared=declared.get(name),
            enacted=wrapper if name == enacted else None,
            refused=wrapper if piece.directory and piece.directory.described and not enacted else None,
            digests=digest({"algorithm": pinned[1], "value": pinned[2], "mode": "content"}) if pinned else (),
        )
    for kind in ("conda", "spack"):
        if entry.get(kind):
            yield Environment(
                kind, one_line(str(entry[kind])), declared=Place(piece.entry.path, f"$.spec.{kind}") if piece.entry else None
            )
    if module := piece.row.get("module", "").strip("-"):
        yield Environment("module", module, declared=piece.row_place)


def _files(frame: Frame, piece: Piece) -> Iterator[File]:
    """Inputs: where the wrapper's links were to lead, else what the lineage names. Outputs: of the lineage with size, else by name."""
    if piece.directory and piece.directory.inputs:
        yield from (File(source, "input") for source, _ in piece.directory.inputs)
    elif piece.entry:
        yield from (File(_plain(source), "input") for source in sources(piece.entry.spec.get("input")))
    made = frame.lineage.files.get(piece.key, ())
    for entry in made:
        size = entry.spec.get("size")
        path = str(entry.spec.get("path") or "").removeprefix("file://")
        yield File(path, "output", size if isinstance(size, int) else None, digest(entry.spec.get("checksum")))
    if not made and piece.directory:
        yield from (File(f"{piece.directory.path}/{name}", "output") for name in piece.directory.outputs)


def _plain(source: str) -> str:
    """`lid://2d8bd9.../x` → `work/2d/8bd9.../x`, as the file lies."""
    if not source.startswith("lid://"):
        return source.removeprefix("file://")
    lid, _, rest = source.removeprefix("lid://").partition("/")
    return f"work/{lid[:2]}/{lid[2:]}/{rest}" if rest else f"work/{head(source)}"


def _maker(path: str) -> str:
    found = _IN_WORK.search(f"/{path}")
    return found[1] if found else ""


def _near(frame: Frame, path: str) -> str:
    """Work directories are absolute everywhere: as they were, they are relative to the folder that the work lay in."""
    above = frame.before.rstrip("/").rpartition("/")[0]
    return relative(frame.folder, path, above) if above else relative(frame.folder, path)
