"""Where are a tree's answers kept while a manifest is made, and until the next one? In one file: scratch space, journal and cache.

An interrupted run leaves what it had; the next one finds it, and looks only at what is new or changed. Every record carries a checksum;
what is damaged is forgotten. Only one run at a time writes a tree's journal: another makes do with a nameless one of its own.
"""

from __future__ import annotations

import fcntl
import os
import struct
import tempfile
from array import array
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from typing import BinaryIO

from probes.manifest.task import Answer, Task

MAX_BYTES = 1 << 30
"""What all journals of a user may take; those used longest ago go first."""
_FRAME = struct.Struct("<4sI8s8s")
_MAGIC, _INDEX, _TAIL = b"jrn1", b"idx1", b"end1"
_END = struct.Struct("<4sQ")


def name(task: Task, part: str = "") -> bytes:
    """Where a task's answer is found again: by its folder and its first name, even when other names come or go."""
    first = task.words.split(b"\0", 2)[1]
    return _digest(f"{task.folder}\0{part}\0".encode("utf-8", "surrogateescape") + first)


def names(task: Task) -> bytes:
    return _digest(task.words)


def _digest(words: bytes) -> bytes:
    return blake2b(words, digest_size=8).digest()


class Journal:
    """`folder` holds the user's journals ("" for none); key: which tree, read in which way. Raises OSError when the disk is full."""

    def __init__(self, folder: str, key: str) -> None:
        self.path = os.path.join(folder, f"{key}.rows") if folder else ""
        self._at: dict[bytes, int] = {}
        self._live: dict[bytes, int] = {}
        self.file = self._own() or tempfile.TemporaryFile(dir=folder if os.path.isdir(folder) else None)  # noqa: SIM115
        self._end = self.file.seek(0, 2)
        self._began = self._end
        self.full = False
        """It was the journal that could not be written."""

    def _own(self) -> BinaryIO | None:
        if not self.path:
            return None
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            return None
        file = os.fdopen(fd, "r+b")
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._load(file)
        except OSError:
            file.close()
            self.path = ""
            return None
        return file

    def close(self, complete: bool) -> None:
        """complete: everything was looked at, so what was not asked for again is gone from the tree."""
        with suppress(OSError):  # a full disk: what is whole is found again without the index
            if self.path:
                self._settle(complete)
        with suppress(OSError):
            self.file.close()

    def find(self, where: bytes) -> tuple[bytes, Answer, int] | None:
        """What is kept under `name`: the digest of its names, the answer, and its place."""
        at = self._at.get(where)
        if at is None:
            return None
        try:
            which, answer = self._read(at)
        except (OSError, ValueError):
            return None
        return which, answer, at

    def keep(self, where: bytes, at: int) -> int:
        """An answer that is still true."""
        self._live[where] = at
        return at

    def append(self, where: bytes, which: bytes, raw: bytes) -> int:
        """A new one; gives its place."""
        at = self._end
        self.full = True
        self.file.seek(at)
        self.file.write(_FRAME.pack(_MAGIC, len(raw), where, which))
        self.file.write(raw)
        self.full = False
        self._end += _FRAME.size + len(raw)
        self._at[where] = self._live[where] = at
        return at

    def read(self, at: int) -> Answer:
        """What this run put there, or found whole. Raises OSError, ValueError."""
        return self._read(at, checked=True)[1]

    def flush(self) -> None:
        self.full = True
        self.file.flush()
        self.full = False

    def _read(self, at: int, checked: bool = False) -> tuple[bytes, Answer]:
        fd = self.file.fileno()
        if at + _FRAME.size > self._began:
            self.file.flush()
        magic, length, _, which = _FRAME.unpack(os.pread(fd, _FRAME.size, at))
        if magic != _MAGIC:
            raise ValueError("no record")
        return which, Answer.unpack(os.pread(fd, length, at + _FRAME.size), checked)

    def _load(self, file: BinaryIO) -> None:
        """By the index at the end, or, after an interruption, record by record up to the first that is not whole."""
        size = file.seek(0, 2)
        if size >= _END.size:
            file.seek(size - _END.size)
            magic, at = _END.unpack(file.read())
            if magic == _TAIL and self._indexed(file, at, size):
                return
        at = 0
        self._at.clear()
        while at + _FRAME.size <= size:
            file.seek(at)
            magic, length, where, _ = _FRAME.unpack(file.read(_FRAME.size))
            if magic == _INDEX:
                length += _END.size
            elif magic != _MAGIC:
                break
            else:
                self._at[where] = at
            if at + _FRAME.size + length > size:
                self._at.pop(where, None)
                break
            at += _FRAME.size + length
        file.truncate(at)

    def _indexed(self, file: BinaryIO, at: int, size: int) -> bool:
        file.seek(at)
        head = file.read(_FRAME.size)
        if len(head) < _FRAME.size:
            return False
        magic, length, check, _ = _FRAME.unpack(head)
        body = file.read(length) if length <= size else b""
        if magic != _INDEX or len(body) != length or blake2b(body, digest_size=8).digest() != check:
            return False
        half = length // 16 * 8
        places = array("Q", body[half:])
        self._at = {body[8 * n : 8 * n + 8]: place for n, place in enumerate(places)}
        return True

    def _settle(self, complete: bool) -> None:
        """Write the index, unless nothing is new; rewrite the file when more than half of it is no longer true."""
        kept = self._live if complete else {**self._at, **self._live}
        if self._end == self._began and kept.keys() == self._at.keys():
            return
        self.file.flush()
        sizes = {where: _FRAME.size + self._length(at) for where, at in kept.items()}
        if complete and sum(sizes.values()) < self._end // 2:
            self._rewrite(kept, sizes)
            return
        self.file.seek(self._end)
        self.file.write(_index(kept, self._end))
        self.file.flush()

    def _length(self, at: int) -> int:
        return int(_FRAME.unpack(os.pread(self.file.fileno(), _FRAME.size, at))[1])

    def _rewrite(self, kept: dict[bytes, int], sizes: dict[bytes, int]) -> None:
        temporary = f"{self.path}.{os.getpid()}"
        try:
            with open(temporary, "wb", opener=partial(os.open, mode=0o600)) as file:
                moved: dict[bytes, int] = {}
                for where, at in kept.items():
                    moved[where] = file.tell()
                    file.write(os.pread(self.file.fileno(), sizes[where], at))
                file.write(_index(moved, file.tell()))
            os.replace(temporary, self.path)
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)


def _index(places: dict[bytes, int], at: int) -> bytes:
    """Where everything is, to stand at `at`, the end of the file."""
    body = b"".join(places) + array("Q", places.values()).tobytes()
    return _FRAME.pack(_INDEX, len(body), blake2b(body, digest_size=8).digest(), b"") + body + _END.pack(_TAIL, at)


def tidy(folder: str, spare: str) -> None:
    """Remove the journals used longest ago until all of them together take no more than MAX_BYTES."""
    try:
        found = sorted((e.stat().st_mtime_ns, e.path, e.stat().st_size) for e in os.scandir(folder) if e.name.endswith(".rows"))
    except OSError:
        return
    total = sum(size for _, _, size in found)
    for _, path, size in found:
        if total <= MAX_BYTES:
            return
        if path != spare:
            os.unlink(path)
            total -= size
