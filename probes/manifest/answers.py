"""How are a folder's names handed to a worker, and its answers handed back? Packed: 50 bytes a file, in the order of the names."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

SMALL = 1 << 20
RECORD = struct.Struct("<BqqB32s")
_BATCH = struct.Struct("<?q")
_NO_DIGEST = bytes(32)
SPARSE = 1
"""It has holes."""
REMEMBERED = 2
"""Its digest was known; it was not read."""


class Answer(IntEnum):
    """What became of a file."""

    HASHED = 0
    POINTER = 1
    """Hashed, and a git-LFS or DVC pointer: the data are elsewhere."""
    LARGE = 2
    """Measured only: larger than this pass takes."""
    UNREADABLE = 3
    CHANGED = 4
    SPECIAL = 5
    GONE = 6
    BUDGET = 7
    TIME = 8


HASHED, POINTER = int(Answer.HASHED), int(Answer.POINTER)  # in the hot loop a member costs as much as a system call


class Batch(NamedTuple):
    """Names in one folder. `links`: the names are symbolic links, to be followed. `limit`: larger files are not hashed."""

    folder: str
    names: tuple[str, ...]
    links: bool = False
    limit: int = SMALL

    def pack(self) -> bytes:
        return _BATCH.pack(self.links, self.limit) + "\0".join((self.folder, *self.names)).encode("utf-8", "surrogateescape")

    @classmethod
    def unpack(cls, raw: bytes) -> Batch:
        links, limit = _BATCH.unpack_from(raw)
        folder, *names = raw[_BATCH.size :].decode("utf-8", "surrogateescape").split("\0")
        return cls(folder, tuple(names), links, limit)


class Hashed(NamedTuple):
    """One file's answer, an `Answer`. Size in bytes, mtime in ns; digest is zeros unless it was hashed. `marks`: SPARSE, REMEMBERED."""

    answer: int
    size: int
    mtime_ns: int
    marks: int
    digest: bytes


def records(raw: bytes) -> Iterator[Hashed]:
    """The packed answers of `Hasher.batch`."""
    return map(Hashed._make, RECORD.iter_unpack(raw))


def all_hashed(raw: bytes) -> bool:
    return bool(raw) and not any(raw[:: RECORD.size])


def unanswered(batch: Batch, answer: Answer) -> bytes:
    return pack(answer) * len(batch.names)


def pack(answer: Answer, s: os.stat_result | None = None, digest: bytes = _NO_DIGEST, marks: int = 0) -> bytes:
    if s is None:
        return RECORD.pack(answer, 0, 0, 0, digest)
    sparse = SPARSE if s.st_blocks * 512 < s.st_size else 0
    return RECORD.pack(answer, s.st_size, s.st_mtime_ns, sparse | marks, digest)
