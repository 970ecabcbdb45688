"""Which files did the job really read and write? From the trace that the user asked for; read once the job is over."""

from __future__ import annotations

import glob
import os.path
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

from auditor import home
from auditor.model import Absent, Grade, Job, Phase, Probe
from auditor.world import Stat, World
from probes.data.when import BEGAN, began
from probes.tracing import ASKED, INHERITED, NOTES, FileTrace, folder, preload, stem
from probes.tracing.blind import blind_spots
from probes.tracing.history import History
from probes.tracing.strace import Reader

MAX_NAMED = 100_000
"""Inputs and outputs that are named one by one."""
MAX_BYTES = 2 << 30
TRACERS = (".strace", ".preload")


def collect(world: World, job: Job) -> FileTrace | Absent:
    own = home.find(dict(world.env))
    if own is None or not job.job_id or not job.submission:
        return Absent("no trace was asked for")
    where = folder(own.root)
    paths = world.glob(os.path.join(where, glob.escape(stem(job)) + "*"))
    if any(p.endswith(TRACERS) for p in paths):
        return _once(_Traces(job, tuple((p, world.stat(p)) for p in paths), own.root, world.env.get(BEGAN, ""), world))
    if paths or world.exists(os.path.join(where, f"{job.submission}{ASKED}")):
        raise FileNotFoundError(f"a trace was asked for and none was written: {_why(world, job, paths)}")
    return Absent("no trace was asked for (auditor run --trace, auditor sbatch --auditor-trace)")


@dataclass(frozen=True)
class _Traces:
    """Files of one attempt as they are now, and what they are read by. Equal ones read equal, whichever world opens them."""

    job: Job
    files: tuple[tuple[str, Stat], ...]
    own: str
    began: str
    world: World = field(compare=False)


@lru_cache(maxsize=1)
def _once(traces: _Traces) -> FileTrace:
    """Two probes of one capture ask for the same trace, of up to MAX_BYTES a file."""
    return read(traces.world, traces.job, [path for path, _ in traces.files], traces.own)


def _why(world: World, job: Job, paths: Sequence[str]) -> str:
    if notes := _notes(world, paths):
        return "; ".join(notes)
    return "the job left none" if job.hook in ("", "installed") else f"it needs the in-job hook ({job.hook})"


def _notes(world: World, paths: Sequence[str]) -> list[str]:
    return [line for p in paths if p.endswith(NOTES) for line in world.text(p, 1 << 16).splitlines() if line.strip()]


def read(world: World, job: Job, paths: Sequence[str], own: str = "") -> FileTrace:
    """Files of one attempt: `*.strace` first, then `*.preload`, what the shim saw on each node, and `*.blind`. own: our home."""
    history, reader = History(own=own), Reader(job.workdir or "/")
    for path in (p for p in paths if p.endswith(INHERITED)):
        history.add(preload.calls(_first(world.chunks(path), MAX_BYTES)))
    tracers = [p.rpartition(".")[2] for p in sorted(paths) if p.endswith(TRACERS)]
    blind = [*blind_spots(tracers, job.script), *_notes(world, paths)]
    for path in sorted((p for p in paths if p.endswith(TRACERS)), key=lambda p: (not p.endswith(TRACERS[0]), p)):
        if (size := world.stat(path).size) > MAX_BYTES:
            blind.append(f"a trace of {size} bytes was read up to {MAX_BYTES}")
        pieces = _first(world.chunks(path), MAX_BYTES)
        history.add(reader.calls(_lines(pieces)) if path.endswith(TRACERS[0]) else preload.calls(pieces))
    if job.started_at:
        _settle(world, history, began(world, job), len(tracers) > 1)
    return summary(history, reader, tuple(sorted(set(tracers), reverse=True)), blind)


def _settle(world: World, history: History, start: int, mixed: bool) -> None:
    """What no call tells, the file system may: was a file made by the call that could do either, was one written that could be?

    start: of the attempt, in ns. Birth is asked of `stat`: Python is not told.
    """
    made = history.perhaps_made(mixed)[:MAX_NAMED]
    there = [p for p in made if history.files[p].there]
    for at in range(0, len(there), 200):
        with suppress(OSError):
            told = world.run("stat", "--printf", r"%n\0%.9W\0", "--", *there[at : at + 200], env={"LC_ALL": "C"}).out.split("\0")
            for path, born in zip(told[::2], told[1::2], strict=False):
                history.files[path].before = not born.replace(".", "").isdecimal() or float(born) * 1e9 < start
    for path in set(made) - set(there):  # such a file that is gone again is nearly always a journal or a lock
        history.files[path].before = False
    for path in history.perhaps_written()[:MAX_NAMED]:
        with suppress(OSError):
            history.files[path].written = world.stat(path).mtime_ns >= start
    for path in history.inputs()[:MAX_NAMED]:
        with suppress(OSError):
            history.files[path].read = not world.stat(path).is_dir


def summary(history: History, reader: Reader, tracers: tuple[str, ...], blind: list[str]) -> FileTrace:
    if reader.broken or reader.waiting:
        blind.append(f"calls that the trace does not tell to their end: {reader.broken + len(reader.waiting)}")
    if history.cut:
        blind.append(f"only the first {len(history.files)} paths were noted")
    inputs, outputs = history.inputs(), history.outputs()
    if max(len(inputs), len(outputs)) > MAX_NAMED:
        blind.append(f"{len(inputs)} inputs and {len(outputs)} outputs: the first {MAX_NAMED} of each are named")
    if tracers == ("preload",):
        blind.append("programs that are statically linked or do not open files through the C library")
    return FileTrace(
        tracer="+".join(tracers),
        blind=tuple(blind),
        complete=not blind,
        inputs=tuple(inputs[:MAX_NAMED]),
        outputs=tuple(outputs[:MAX_NAMED]),
        programs=tuple(history.programs()[:MAX_NAMED]),
        scratch=history.scratch(),
        software=history.software(),
        calls=history.calls,
    )


def _first(pieces: Iterator[memoryview], size: int) -> Iterator[memoryview]:
    for piece in pieces:
        if size <= 0:
            return
        size -= len(piece)
        yield piece


def _lines(pieces: Iterator[memoryview]) -> Iterator[str]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + bytes(piece)).split(b"\n")
        if len(rest) > 1 << 20:
            rest = b""  # no line of strace is a mebibyte long
        for line in whole:
            yield line.decode("utf-8", "surrogateescape")
    if rest:
        yield rest.decode("utf-8", "surrogateescape")


PROBE = Probe(
    "touched", FileTrace, collect, frozenset({Phase.LATER}), grade=Grade.OBSERVED, source="trace of the job's system calls"
)
