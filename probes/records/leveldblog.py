"""Which records does a log in LevelDB's framing hold, such as W&B's `.wandb` file? Checked, and whole up to where it was cut off.

Blocks of 32 KiB; each piece: checksum (4 bytes), length (2), kind (1: whole, 2 first, 3 middle, 4 last), data. Source: github.com/google/leveldb,
doc/log_format.md; W&B begins with `:W&B` and three bytes more inside of the first block, and its checksum is plain CRC-32 of kind and data.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.world import World
from probes.records.bytesfrom import Bytes

BLOCK = 32 << 10
MAX_BYTES = 512 << 20
MAX_RECORD = 4 << 20
"""Longer ones are passed over."""
_HEAD = 7
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


@dataclass(frozen=True)
class Ended:
    """The last thing that `records` gives: whether the file was whole, else why not; how many records were passed over for their length."""

    why: str
    passed: int


def records(world: World, path: str, header: bytes, limit: int = MAX_BYTES) -> Iterator[bytes | Ended]:
    """Each record, and at the end how it ended. header: what the file begins with, in the first block. Raises ValueError (another header), OSError."""
    file = Bytes(world, path, limit)
    if file.take(len(header)) != header:
        raise ValueError(f"it does not begin with {header!r}")
    parts: list[bytes] | None = None
    passed = 0
    for kind, data in _pieces(file, len(header)):
        if kind < 0:
            yield Ended("only its beginning was read" if file.cut else data.decode(), passed)
            return
        if kind in {_WHOLE, _FIRST}:
            parts = []
        if parts is None:
            continue  # the middle of a record whose beginning is lost
        parts.append(data)
        if sum(map(len, parts)) > MAX_RECORD:
            parts, passed = None, passed + 1
        elif kind in {_WHOLE, _LAST}:
            yield b"".join(parts)
            parts = None


def _pieces(file: Bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """(kind, data) of each piece; at the end (-1, why)."""
    while True:
        left = BLOCK - at % BLOCK
        if left < _HEAD:
            file.skip(left)
            at += left
            continue
        head = file.take(_HEAD)
        if len(head) < _HEAD:
            yield -1, b"" if not head else b"the last record is cut off"
            return
        told, length, kind = struct.unpack("<IHB", head)
        at += _HEAD + length
        if (told, length, kind) == (0, 0, 0):
            yield -1, b"the rest is empty"  # space that was set aside and never written
            return
        data = file.take(length)
        why = _bad(told, kind, length, data, left)
        if why:
            yield -1, why
            return
        yield kind, data


def _bad(told: int, kind: int, length: int, data: bytes, left: int) -> bytes:
    if length > left - _HEAD or not _WHOLE <= kind <= _LAST:
        return b"a piece has an impossible length or kind"
    if len(data) < length:
        return b"the last record is cut off"
    return b"" if zlib.crc32(data, zlib.crc32(bytes((kind,)))) == told else b"a record's checksum is wrong"
