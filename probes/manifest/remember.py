"""What is the sha256 of this file, or another fact about its content, without reading again what has not changed?

Remembered by (file system, inode, size, mtime, ctime): ctime cannot be set, so a rewrite with a restored mtime is seen. Only what had
been left alone for a while before it was read is remembered, so that a second write within the clock's grain, or one through a mapping,
cannot hide. Kept in two bounded tables under the auditor home, shared by all of a user's processes; see `slots`. Where there is no home,
nothing is remembered. Standard library only: guests in jobs load it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import NamedTuple

from auditor import home
from auditor.world import Stat, World
from probes.manifest.slots import KEY, Slots
from probes.manifest.volumes import Volume, volume

WORTH = 1 << 20
"""Bytes below which reading again costs less than remembering."""
_DIGESTS = (64, 8, 1 << 13)
_FACTS = (4096, 4, 1 << 10)


class Changed(OSError):
    """The file changed while it was read: there is no one content to speak of."""


class Hashed(NamedTuple):
    """sha256 as bare hex, size in bytes; cached: it was remembered, and the file not read."""

    sha256: str
    size: int
    cached: bool


def sha256(world: World, path: str, *, fresh: bool = False) -> Hashed:
    """The digest of a regular file. fresh: read it whatever is remembered.

    Raises OSError as `World` does, and `Changed`.
    """
    before = world.stat(path)
    if before.size < WORTH or not before.ino:
        return Hashed(_read(world, path, before), before.size, False)
    memory = digest_of(world, path, before)
    known = None if fresh else memory.recall(world, path)
    if known is not None and len(known) == 32:
        return Hashed(known.hex(), before.size, True)
    digest = _read(world, path, before)
    memory.keep(bytes.fromhex(digest))
    return Hashed(digest, before.size, False)


def facts(
    world: World, path: str, kind: str, compute: Callable[[], Mapping[str, str]], *, fresh: bool = False
) -> Mapping[str, str]:
    """What `compute` says of this file's content, computed once. Put a version into `kind` and raise it when `compute` changes.

    compute: may read nothing but this file. What it says is kept where its JSON fits 4000 bytes.
    Raises OSError as `World` does, what `compute` raises, and `Changed`.
    """
    before = world.stat(path)
    memory = Memory.of(world, path, before, f"facts:{kind}", _FACTS) if before.ino else None
    if memory and not fresh and (known := memory.recall(world, path)) is not None and (told := _loads(known)) is not None:
        return told
    found = compute()
    if before.ino and world.stat(path) != before:
        raise Changed(f"{path} changed while it was read")
    if memory:
        memory.keep(_dumps(found))
    return found


def digest_of(world: World, path: str, stat: Stat) -> Memory:
    """The place of a file's sha256, 32 bytes: for those who read files in a way of their own. stat: from before the reading."""
    return Memory.of(world, path, stat, "sha256", _DIGESTS)


def _read(world: World, path: str, before: Stat) -> str:
    import hashlib

    digest = hashlib.sha256()
    for piece in world.chunks(path):
        digest.update(piece)
    if world.stat(path) != before:
        raise Changed(f"{path} changed while it was read")
    return digest.hexdigest()


class Memory(NamedTuple):
    """One file's place in a table, to `recall` from and `keep` in. slots is None where nothing can be remembered."""

    slots: Slots | None
    key: bytes
    where: Volume
    settled: bool

    @classmethod
    def of(cls, world: World, path: str, stat: Stat, kind: str, shape: tuple[int, int, int]) -> Memory:
        where = volume(world, os.path.join(world.cwd, path), stat)
        age = world.now().timestamp() - max(stat.mtime_ns, stat.ctime_ns) / 1e9
        name = f"{kind}\0{where.name}\0{stat.ino}\0{stat.size}\0{stat.mtime_ns}\0{stat.ctime_ns}"
        key = blake2b(name.encode("utf-8", "surrogateescape"), digest_size=KEY).digest()
        return cls(_slots(world, kind.partition(":")[0], shape), key, where, age > where.seconds)

    def recall(self, world: World, path: str) -> bytes | None:
        if self.slots is None or not self.settled:
            return None
        known = self.slots.get(self.key)
        if known is not None and self.where.network and not self._still(world, path):
            return None
        return known

    def keep(self, value: bytes) -> None:
        if self.slots is not None and self.settled:
            self.slots.put(self.key, value)

    def _still(self, world: World, path: str) -> bool:
        """Opening a file on a network asks its server; `stat` alone may be told what was true a minute ago."""
        before = world.stat(path)
        world.span(path, 0, 1)
        return world.stat(path) == before


def _slots(world: World, name: str, shape: tuple[int, int, int]) -> Slots | None:
    if not any(world.env.get(v) for v in ("AUDITOR_HOME", "XDG_STATE_HOME", "HOME")):
        return None  # a world without a home has none, whoever looks at it
    own = home.find(dict(world.env))
    if own is None or not os.path.isdir(own.root):
        return None
    try:
        os.makedirs(own.hashes, mode=0o700, exist_ok=True)
    except OSError:
        return None
    return Slots(os.path.join(own.hashes, f"{name}.1"), *shape)


def _dumps(value: Mapping[str, str]) -> bytes:
    import json

    return json.dumps(dict(value), sort_keys=True, separators=(",", ":")).encode("ascii")


def _loads(raw: bytes) -> Mapping[str, str] | None:
    import json

    try:
        value = json.loads(raw)
    except ValueError:
        return None
    whole = isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
    return value if whole else None
