"""How do many processes share one bounded table on disk with no lock and no database? Fixed slots, each with its own checksum.

A key hashes to a set of neighbouring slots; a full set gives up its oldest slot. One `pread` finds, one `pwrite` stores. A slot that was
torn, half-written by another, or damaged fails its checksum and counts as empty. Nothing here raises: a cache that cannot be used is none.
"""

from __future__ import annotations

import os
import struct
import time
from dataclasses import dataclass
from hashlib import blake2b

_HEAD = struct.Struct("<16sIH")
_CHECK = 8
KEY = 16


@dataclass(frozen=True)
class Slots:
    """A table at `path` (made when first written; its folder must be there): `sets` x `ways` slots of `size` bytes each."""

    path: str
    size: int
    ways: int
    sets: int

    @property
    def room(self) -> int:
        """The longest value, in bytes."""
        return self.size - _HEAD.size - _CHECK

    def get(self, key: bytes) -> bytes | None:
        """The value stored under these 16 bytes; None: not there, or not whole."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            raw = os.pread(fd, self._span, self._at(key))
        except OSError:
            return None
        finally:
            os.close(fd)
        for at in range(0, len(raw), self.size):
            if raw.startswith(key, at) and (value := self._value(raw[at : at + self.size])) is not None:
                return value
        return None

    def put(self, key: bytes, value: bytes) -> None:
        """Store; too long a value, a full disk or a folder that is gone leave things as they were."""
        if len(value) > self.room:
            return
        body = _HEAD.pack(key, int(time.time()) & 0xFFFFFFFF, len(value)) + value
        slot = (body + _sum(body)).ljust(self.size, b"\0")
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            return
        try:
            start = self._at(key)
            os.pwrite(fd, slot, start + self._victim(os.pread(fd, self._span, start), key))
        except OSError:
            pass
        finally:
            os.close(fd)

    @property
    def _span(self) -> int:
        return self.size * self.ways

    def _at(self, key: bytes) -> int:
        return int.from_bytes(key[:8], "little") % self.sets * self._span

    def _victim(self, raw: bytes, key: bytes) -> int:
        """The slot of this key, else one that holds nothing whole, else the one written longest ago."""
        ages = []
        for way in range(self.ways):
            at = way * self.size
            slot = raw[at : at + self.size]
            whole = self._value(slot) is not None
            if whole and slot.startswith(key):
                return at
            ages.append((_HEAD.unpack_from(slot)[1] if whole else -1, at))
        return min(ages)[1]

    def _value(self, slot: bytes) -> bytes | None:
        if len(slot) < self.size:
            return None
        end = _HEAD.size + _HEAD.unpack_from(slot)[2]
        if end > self.size - _CHECK or slot[end : end + _CHECK] != _sum(slot[:end]):
            return None
        return slot[_HEAD.size : end]


def _sum(body: bytes) -> bytes:
    return blake2b(body, digest_size=_CHECK).digest()
