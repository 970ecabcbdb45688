"""What are the digests of a Singularity image file and of the objects in it? One reading of the file, and none when it is unchanged.

The digest of the file and those of the objects are taken at the same time, by two threads over one page-aligned buffer (hashing lets
other threads run). Small objects are read again each time: only what is slow is remembered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from auditor.world import World
from probes.containers.sifformat import NotSif, Object
from probes.manifest import remember

SMALL = 1 << 20
"""Bytes up to which an object is read again rather than remembered."""
_PIECE = 4 << 20
"""Large enough that waiting for the other thread does not count: 256 KiB cost half of what the thread gains."""
_WORTH_A_THREAD = 8 << 20
_KIND = "sif.1"


class Hash(Protocol):
    def update(self, data: Any, /) -> None: ...
    def hexdigest(self) -> str: ...


@dataclass(frozen=True)
class Digests:
    """Bare hex: of the file (sha256), and of its objects by (id, algorithm)."""

    file: str
    objects: Mapping[tuple[int, str], str]


def measure(world: World, path: str, found: Sequence[Object], size: int) -> Digests:
    """Of the file and of each object, with sha256 and with what the image's signatures use. Raises NotSif, OSError."""
    algorithms = sorted({"sha256"} | {o.signature_hash for o in found if o.signature_hash})
    large = [o for o in found if o.size > SMALL]
    before, fresh = world.stat(path), []

    def compute() -> dict[str, str]:
        fresh.append(_read(world, path, large, algorithms, size))
        return fresh[0]

    told = remember.facts(world, path, _KIND, compute)
    if fresh and before.ino:  # whoever asks for the file's digest alone need not read it either
        remember.digest_of(world, path, before).keep(bytes.fromhex(told["file"]))
    objects = {(o.id, a): told[f"{o.id} {a}"] for o in large for a in algorithms}
    for one in found:
        if one.size <= SMALL:
            raw = content(world, path, one)
            objects |= {(one.id, a): hashlib.new(a, raw).hexdigest() for a in algorithms}
    return Digests(told["file"], objects)


def content(world: World, path: str, one: Object, limit: int = SMALL) -> bytes:
    """An object's bytes. Raises NotSif where they are more than `limit`, or no longer there; OSError."""
    if one.size > limit:
        raise NotSif(f"object {one.id} ({one.type}) has {one.size} bytes, more than {limit}")
    raw = world.span(path, one.offset, one.size)
    if len(raw) != one.size:
        raise NotSif("the file changed while it was read")
    return raw


def _read(world: World, path: str, large: Sequence[Object], algorithms: Sequence[str], size: int) -> dict[str, str]:
    hashes: dict[int, dict[str, Hash]] = {o.id: {a: hashlib.new(a) for a in algorithms} for o in large}
    whole = hashlib.sha256()
    position = 0

    def of_objects(piece: memoryview, start: int) -> None:
        for one in large:
            first, last = max(one.offset, start), min(one.offset + one.size, start + len(piece))
            if first < last:
                with piece[first - start : last - start] as cut:
                    for hash_ in hashes[one.id].values():
                        hash_.update(cut)

    with _beside(size >= _WORTH_A_THREAD) as beside:
        for piece in world.chunks(path, _PIECE):
            wait = beside(of_objects, piece, position)
            whole.update(piece)
            wait()  # the piece's buffer is used again
            position += len(piece)
    if position != size:
        raise NotSif("the file changed while it was read")
    return {"file": whole.hexdigest()} | {f"{id_} {a}": h.hexdigest() for id_, by in hashes.items() for a, h in by.items()}


@contextmanager
def _beside(threaded: bool) -> Iterator[Callable[..., Callable[[], None]]]:
    """A way to start a call in a second thread, that gives back a way to wait for it; at once and in this one where it is not worth it."""
    if threaded:
        with ThreadPoolExecutor(1) as pool:
            yield lambda call, *about: pool.submit(call, *about).result
    else:

        def at_once(call: Callable[..., None], *about: Any) -> Callable[[], None]:
            call(*about)
            return lambda: None

        yield at_once
