"""How are the run's data files cut, packed and written? Each format's own reader is asked; only headers are read."""

from __future__ import annotations

import importlib
import os
import pkgutil
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import probes.formats as family
from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes.formats import FormatFile, FormatFiles, Reader, Unreadable
from probes.formats.candidates import Candidate, Walk

MAX_FILES = 100
SECONDS = 30.0
_FIRST = {"output": 0, "input": 1, "present": 2}


def collect(world: World, job: Job) -> FormatFiles | Absent:
    root = job.workdir
    if not root or not world.exists(root):
        return Absent(f"the work directory is not there: {root or 'not known'}")
    declared = {role: _paths(world, root, globs) for role, globs in (("input", job.inputs), ("output", job.outputs))}
    walk = Walk(readers())
    found = {c.path: c for c in walk.below(dict.fromkeys((root, *declared["input"], *declared["output"])))}
    if not found and not walk.whole:
        raise OSError("the work directory could not be walked to its end, and nothing was found up to there")
    if not found:
        return Absent("no data file of a known format")
    began = int(datetime.fromisoformat(job.started_at).timestamp()) * 1_000_000_000 if job.started_at else None
    roles = {path: _role(c, declared, began) for path, c in found.items()}
    ordered = sorted(found.values(), key=lambda c: (_FIRST[roles[c.path]], -c.size, c.path))
    deadline = time.monotonic() + SECONDS
    files = tuple(_read(world, c, root, roles[c.path]) for c in ordered[:MAX_FILES] if time.monotonic() < deadline)
    return FormatFiles(files, len(found), walk.whole)


def readers() -> tuple[Reader, ...]:
    """One a file of this folder."""
    modules = (importlib.import_module(f"{family.__name__}.{m.name}") for m in pkgutil.iter_modules(family.__path__))
    return tuple(m.READER for m in modules if hasattr(m, "READER"))


def _read(world: World, candidate: Candidate, root: str, role: str) -> FormatFile:
    try:
        found = candidate.reader.read(world, candidate.path)
    except (Unreadable, OSError) as error:
        found = FormatFile(candidate.path, candidate.reader.format, "", candidate.size, reason=f"not read: {error}")
    return replace(found, path=_relative(candidate.path, root), role=role)


def _role(candidate: Candidate, declared: dict[str, tuple[str, ...]], began: int | None) -> str:
    """Declared wins; else what was written since the start is an output."""
    for role, paths in declared.items():
        if any(candidate.path == p or candidate.path.startswith(f"{p}/") for p in paths):
            return role
    return "output" if began is not None and candidate.mtime_ns >= began else "present"


def _paths(world: World, root: str, globs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_existing(world, root, globs)))


def _existing(world: World, root: str, globs: tuple[str, ...]) -> Iterator[str]:
    for pattern in globs:
        literal = os.path.join(root, pattern)
        try:
            yield from (literal,) if os.path.lexists(literal) else world.glob(literal)
        except ValueError:  # a NUL, or a pattern that is none
            continue


def _relative(path: str, root: str) -> str:
    return os.path.relpath(path, root) if path.startswith(root.rstrip("/") + "/") else path


PROBE = Probe("format-layout", FormatFiles, collect, frozenset({Phase.LATER}), source="headers and indexes of the data files")
