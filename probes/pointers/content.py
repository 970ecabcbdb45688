"""Is the content there, and the right one, that pointers of DVC, git-annex and git-LFS declare?

Before the job only by presence and size; after it by digest, within the settings' budget. None of their programs is started.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import pkgutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import probes.pointers as family
from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes.manifest import remember
from probes.manifest.walk import Walk
from probes.pointers import DataPointers, Declared, Pointer, Reader

MAX_POINTERS = 500
MAX_FOUND = 200_000
SECONDS = 10.0
_WORST = {"absent": 0, "different": 1, "unreadable": 2, "present": 3, "equal": 4}


@dataclass
class _Budget:
    """Bytes that may still be hashed and until when; hash: at all."""

    bytes: int
    deadline: float
    hash: bool
    spent: int = 0


@dataclass
class _Found:
    """Every pointer once."""

    pointers: dict[tuple[str, str], Pointer] = field(default_factory=dict)
    complete: bool = True


def collect(world: World, job: Job) -> DataPointers | Absent:
    root = job.workdir or world.cwd
    if not os.path.isdir(root):
        return Absent(f"the work directory is not there: {root}")
    budget = _allowed(world, root, bool(job.ended_at))
    found = _Found()
    for system, one in _declared(world, _roots(world, root, job.inputs), found):
        if len(found.pointers) >= MAX_FOUND or time.monotonic() > budget.deadline + SECONDS:
            found.complete = False
            break
        found.pointers.setdefault((one.by, one.path), _checked(world, system, one, budget))
    if not found.pointers:
        return Absent("no pointer of DVC, git-annex or git-LFS")
    counts: dict[str, int] = {}
    for p in found.pointers.values():
        counts[f"{p.system} {p.state}"] = counts.get(f"{p.system} {p.state}", 0) + 1
    ordered = sorted(found.pointers.values(), key=lambda p: (_WORST[p.state], p.role, p.path))
    shown = tuple(replace(p, path=_relative(p.path, root), by=_relative(p.by, root)) for p in ordered[:MAX_POINTERS])
    return DataPointers(root, shown, dict(sorted(counts.items())), found.complete, budget.spent)


def readers() -> tuple[Reader, ...]:
    """One a file of this folder."""
    modules = (importlib.import_module(f"{family.__name__}.{m.name}") for m in pkgutil.iter_modules(family.__path__))
    return tuple(m.READER for m in modules if hasattr(m, "READER"))


def _allowed(world: World, root: str, over: bool) -> _Budget:
    from auditor.config import load

    config = load(root, world.env).config
    return _Budget(config.hash_bytes, time.monotonic() + (config.hash_seconds if over else SECONDS), over)


def _roots(world: World, root: str, inputs: Iterable[str]) -> list[str]:
    """The work directory and what is declared as an input outside of it."""
    found = [root]
    for pattern in inputs:
        try:
            literal = os.path.join(root, pattern)
            found += [literal] if os.path.lexists(literal) else world.glob(literal)
        except ValueError:  # a NUL, or a pattern that is none
            continue
    return list(dict.fromkeys(os.path.normpath(p) for p in found))


def _declared(world: World, roots: Iterable[str], found: _Found) -> Iterator[tuple[str, Declared]]:
    known = readers()
    walk = Walk(time.monotonic() + SECONDS)
    seen: set[str] = set()
    for root in roots:
        if not os.path.isdir(root):
            folder, name = os.path.split(root)
            names, links = ((), (name,)) if os.path.islink(root) else ((name,), ())
            yield from _of(world, known, folder, names, links)
            continue
        for one in walk.folders(root):
            if one.path not in seen:
                seen.add(one.path)
                yield from _of(world, known, one.path, one.files, one.links)
    found.complete &= not (walk.cut or walk.unreadable)


def _of(
    world: World, known: Iterable[Reader], folder: str, files: tuple[str, ...], links: tuple[str, ...]
) -> Iterator[tuple[str, Declared]]:
    for reader in known:
        for one in reader.read(world, folder, files, links):
            yield reader.system, one


def _checked(world: World, system: str, one: Declared, budget: _Budget) -> Pointer:
    state, reason = _state(world, one, budget)
    return Pointer(one.path, system, one.by, one.role, one.algorithm, one.digest, one.size, state, one.remote, reason)


def _state(world: World, one: Declared, budget: _Budget) -> tuple[str, str]:
    if one.placeholder:
        return "absent", "the pointer stands in its place"
    try:
        stat = world.stat(one.path)
    except (FileNotFoundError, NotADirectoryError):
        return "absent", "nothing is there"
    except OSError as error:
        return "unreadable", error.strerror or str(error)
    if stat.is_file and one.size >= 0 and stat.size != one.size:
        return "different", f"it has {stat.size} bytes, not {one.size}"
    if not one.algorithm or not stat.is_file:
        return "present", one.trouble or "it is no file"
    if not budget.hash:
        return "present", "its digest is recomputed once the job is over"
    if budget.spent + stat.size > budget.bytes or time.monotonic() > budget.deadline:
        return "present", "not hashed: over the budget"
    try:
        digest = _digest(world, one, stat.size, budget)
    except OSError as error:
        return "unreadable", error.strerror or str(error)
    return ("equal", "") if digest == one.digest else ("different", f"its {one.algorithm} is {digest}")


def _digest(world: World, one: Declared, size: int, budget: _Budget) -> str:
    """Remembered where it can be; sha256 in the same memory as everybody's."""
    if one.algorithm == "sha256":
        found = remember.sha256(world, one.path)
        budget.spent += 0 if found.cached else size
        return found.sha256

    def compute() -> dict[str, str]:
        digest = hashlib.new(one.algorithm, usedforsecurity=False)
        for piece in world.chunks(one.path):
            digest.update(piece)
        budget.spent += size
        return {"digest": digest.hexdigest()}

    return remember.facts(world, one.path, f"{one.algorithm}:1", compute)["digest"]


def _relative(path: str, root: str) -> str:
    return os.path.relpath(path, root) if path.startswith(root.rstrip("/") + "/") else path


PROBE = Probe(
    "pointer-content",
    DataPointers,
    collect,
    frozenset({Phase.SUBMIT, Phase.LATER}),
    source="pointer files and the content beside them",
)
