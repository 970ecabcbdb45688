"""Which tasks did a run have? Its log says what was tried and how it ended; the metadata records add what was exact: files, commands, digests.

A record belongs to a run only if it was written while that run lasted: a later run in the same folder writes over it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from auditor.world import World
from probes.records.lines import one_line
from probes.records.times import between, local
from probes.records.within import relative
from probes.workflows import Asked, Attempt, Digest, Environment, File, Place, State, Task, Used
from probes.workflows.snakemake_files.jobside import JobSide, job_side
from probes.workflows.snakemake_files.log import Job, Log, Try
from probes.workflows.snakemake_files.measured import benchmark
from probes.workflows.snakemake_files.metadata import Record, code

MAX_PLANNED = 10_000
_NOTE = re.compile(
    r" \((?:pipe|service|nodelocal|update|before update|cached|retrieve from storage|send to storage|in storage|[\w ,:]{1,60})\)$"
)
_MB = {"mem_mb": 10**6, "mem_mib": 1 << 20, "disk_mb": 10**6, "disk_mib": 1 << 20}
_GPUS = ("gpu", "gpus", "nvidia_gpu", "gpu_count", "ngpus")
_OURS = frozenset(("tmpdir", "mem", "disk", "runtime", "nodes", "tasks", "slurm_partition", *_MB, *_GPUS))


@dataclass(frozen=True)
class Frame:
    """What all tasks of one run share. before: where the folder lay when the log was written. records: only those of this run."""

    world: World
    folder: str
    before: str
    log: Log
    zone: tzinfo | None
    records: Mapping[str, Record]
    ended: float | None
    redact: Callable[[str], str]
    environments: Callable[[Record | None], tuple[Environment, ...]]
    efficiency: Mapping[str, Used]
    sizes: dict[str, int | None] = field(default_factory=dict)
    unseen: list[str] = field(default_factory=list)
    """Numbers of submitted jobs whose own log is not there."""


def outputs(log: Log, folder: str, before: str) -> dict[str, tuple[str, ...]]:
    """Job's id → the paths that it was to make."""
    return {name: paths(job.fields.get("output", ""), folder, before) for name, job in log.jobs.items()}


def paths(text: str, folder: str, before: str) -> tuple[str, ...]:
    return tuple(relative(folder, _NOTE.sub("", part), before) for part in text.split(", ") if part) if text else ()


def tasks(frame: Frame, made: Mapping[str, tuple[str, ...]], run: State) -> Iterator[Task]:
    """In the order of the log, then those that were planned and never begun."""
    maker = {path: name for name, all_made in made.items() for path in all_made}
    digests = {path: sums for record in frame.records.values() for path, sums in record.checksums.items()}
    for name, job in frame.log.jobs.items():
        record = next((frame.records[p] for p in made[name] if p in frame.records), None)
        record = record if record is None or not job.rule or record.rule == job.rule else None
        yield _task(frame, job, made[name], record, maker, digests, run)
    if run in (State.FAILED, State.KILLED) and not frame.log.cut:
        yield from _never_begun(frame)


def _task(
    frame: Frame,
    job: Job,
    made: tuple[str, ...],
    record: Record | None,
    maker: Mapping[str, str],
    digests: Mapping[str, str],
    run: State,
) -> Task:
    read = record.inputs if record else paths(job.fields.get("input", ""), frame.folder, frame.before)
    read = tuple(relative(frame.folder, path, frame.before) for path in read)
    sides = [job_side(frame.world, frame.folder, frame.before, t, job.rule) if t.native else None for t in job.tries]
    frame.unseen.extend(t.native for t, side in zip(job.tries, sides, strict=True) if t.native and side is None)
    tried = tuple(_attempts(frame, job, sides, run))
    return Task(
        id=job.id,
        name=job.rule or (record.rule if record else "") or "(not told)",
        state=_state(job, run, frame.log.cut),
        attempts=tried,
        needs=tuple(sorted({m for path in read if (m := _maker(path, maker)) and m != job.id})),
        files=tuple(_files(frame, job, read, made, record, digests)),
        asked=asked(job.fields),
        used=_used(frame, job, record, tried),
        environments=frame.environments(record),
        command=frame.redact((record.shell or code(record.code)) if record else job.fields.get("shell", "")),
        parameters={k: frame.redact(v) for k, v in wildcards(job.fields.get("wildcards", "")).items()},
        place=Place(frame.log.path, f"line {job.line}"),
    )


def _state(job: Job, run: State, cut: bool) -> State:
    if any(t.verdict == "finished" for t in job.tries):
        return State.SUCCEEDED
    if job.open is None:
        return State.FAILED if job.tries else State.NOT_RUN
    if cut:
        return State.UNKNOWN
    return run if run in (State.RUNNING, State.UNKNOWN) else State.KILLED


def _attempts(frame: Frame, job: Job, sides: list[JobSide | None], run: State) -> Iterator[Attempt]:
    number = 0
    for attempt, side in zip(job.tries, sides, strict=True):
        for hidden in side.failed if side else ():
            number += 1
            yield _attempt(frame, number, hidden, State.FAILED, attempt.native, side, side.path if side else "")
        number += 1
        state = {"finished": State.SUCCEEDED, "failed": State.FAILED}.get(attempt.verdict) or _state(job, run, frame.log.cut)
        yield _attempt(frame, number, attempt, state, attempt.native, side, frame.log.path)


def _attempt(frame: Frame, number: int, attempt: Try, state: State, native: str, side: JobSide | None, path: str) -> Attempt:
    told = local(attempt.started, frame.zone)
    remote = bool(native) and path == frame.log.path
    return Attempt(
        number=number,
        state=state,
        native_id=native,
        host=side.host if side else frame.log.header.get("Host", "") if not native else "",
        submitted=told if remote else "",
        started=local(side.started, frame.zone) if remote and side else "" if remote else told,
        ended=local(attempt.ended, frame.zone),
        reason=frame.redact(one_line(attempt.reason)),
        place=Place(path, f"line {attempt.closed or attempt.line}"),
    )


def _maker(path: str, maker: Mapping[str, str]) -> str:
    """Who made this file, or a folder that it lies in."""
    for _ in range(40):
        if path in maker:
            return maker[path]
        path = path.rpartition("/")[0]
        if not path:
            break
    return ""


def _files(
    frame: Frame, job: Job, read: tuple[str, ...], made: tuple[str, ...], record: Record | None, digests: Mapping[str, str]
) -> Iterator[File]:
    for path in read:
        yield File(
            path, "input", _size(frame, path), _digest((record.checksums if record else {}).get(path) or digests.get(path))
        )
    for path in made:
        yield File(path, "output", _size(frame, path) if record else None, _digest(digests.get(path)))
    for key in ("log", "benchmark"):
        text = job.fields.get(key, "").removesuffix(" (check log file(s) for error details)")
        for path in paths(text, frame.folder, frame.before):
            yield File(path, "log")


def _digest(text: str | None) -> tuple[Digest, ...]:
    """Version 9: `sha256:hex`; 7: bare hex of sha256 (persistence.py)."""
    if not text:
        return ()
    kind, _, value = text.rpartition(":")
    return (Digest(kind or "sha256", value.lower()),) if re.fullmatch("[0-9a-fA-F]{32,128}", value) else ()


def _size(frame: Frame, path: str) -> int | None:
    """In bytes, of a plain file below the folder that has not been changed since the run; else nobody can tell."""
    if path not in frame.sizes:
        frame.sizes[path] = _measured(frame, path)
    return frame.sizes[path]


def _measured(frame: Frame, path: str) -> int | None:
    if path.startswith(("/", "..")) or "\0" in path or frame.ended is None:
        return None
    try:
        stat = frame.world.stat(f"{frame.folder}/{path}", follow=False)
    except OSError:
        return None
    return stat.size if stat.is_file and stat.mtime_ns / 1e9 <= frame.ended + 60 else None


def _used(frame: Frame, job: Job, record: Record | None, tried: tuple[Attempt, ...]) -> Used:
    """The benchmark file first, then the efficiency report of Slurm's accounting, then the record's own times where nothing swaps them."""
    native = job.tries[-1].native if job.tries else ""
    if record and (path := job.fields.get("benchmark")):
        try:
            if found := benchmark(frame.world, frame.folder, relative(frame.folder, path, frame.before)):
                return found
        except OSError:
            pass
    if native in frame.efficiency:
        return frame.efficiency[native]
    if record and not native and record.started and record.ended and record.ended > record.started:
        return Used(seconds=record.ended - record.started, place=record.place)
    last = tried[-1] if tried else None
    if last and last.started and last.ended and last.state is State.SUCCEEDED and not native:
        return Used(seconds=between(last.started, last.ended), place=last.place)
    return Used()


def asked(fields: Mapping[str, str]) -> Asked:
    """`threads: 2`, `resources: mem_mb=50, runtime=2, gpu=1`: memory in 10**6 bytes, time in minutes (Snakemake: standard resources)."""
    given = wildcards(fields.get("resources", ""))
    memory = next(
        (int(n * unit) for key, unit in _MB.items() if key[0] == "m" and (n := _number(given.get(key))) is not None), None
    )
    disk = next(
        (int(n * unit) for key, unit in _MB.items() if key[0] == "d" and (n := _number(given.get(key))) is not None), None
    )
    minutes = _number(given.get("runtime"))
    return Asked(
        cpus=_number(fields.get("threads")) or 1.0,  # the engine prints threads only where there are more than one
        gpus=next((n for key in _GPUS if (n := _number(given.get(key))) is not None), None),
        memory=memory,
        disk=disk,
        seconds=minutes * 60 if minutes is not None else None,
        nodes=_whole(given.get("nodes")),
        tasks=_whole(given.get("tasks")),
        partition=given.get("slurm_partition", ""),
        other={k: one_line(v) for k, v in given.items() if k not in _OURS},
    )


def wildcards(text: str) -> dict[str, str]:
    """`n=0, member=b`: a comma in a value is one unless a name and `=` follow it."""
    parts = re.split(r", (?=[A-Za-z_]\w{0,100}=)", text) if text else []
    return {key: value for part in parts[:1000] for key, sep, value in (part.partition("="),) if sep}


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d{1,15}(?:\.\d{1,9})?", text) else None


def _whole(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else int(number)


def _never_begun(frame: Frame) -> Iterator[Task]:
    begun: dict[str, int] = {}
    for job in frame.log.jobs.values():
        begun[job.rule] = begun.get(job.rule, 0) + 1
    left = MAX_PLANNED
    for rule, (count, line) in frame.log.planned.items():
        for number in range(1, min(count - begun.get(rule, 0), left) + 1):
            left -= 1
            yield Task(f"{rule}~{number}", rule, State.NOT_RUN, place=Place(frame.log.path, f"line {line}"))
