"""What are the digests of one open file? All algorithms in one read, constant memory, holes not read, as slowly as was asked.

`sha256-tree:1GiB` is the sha256 over the sha256s of the file's pieces of 1 GiB, so that one file's pieces can be read side by side.
A sample (its ends and 14 places between them) tells two files apart and never says that they are the same: it is no digest.
"""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from probes.manifest.throttle import Throttle

ONE_READ = 1 << 17  # above this, malloc maps and unmaps pages for every read
BUFFER = 1 << 18
CHECK_EVERY = 1 << 26
TREE = "sha256-tree:1GiB"
PIECE = 1 << 30
ALGORITHMS = ("sha256", "md5", "sha1", "sha512", TREE)
SAMPLES, SAMPLE = 16, 1 << 16
_ZEROS = bytes(BUFFER)


class Interrupted(Exception):
    """The time was over in the middle of a file."""


class Hash(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


class TreeHash:
    """`sha256-tree:1GiB`, fed from front to back."""

    def __init__(self) -> None:
        self._all, self._piece, self._room = hashlib.sha256(), hashlib.sha256(), PIECE

    def update(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while len(view) > self._room:
            self._piece.update(view[: self._room])
            view = view[self._room :]
            self._all.update(self._piece.digest())
            self._piece, self._room = hashlib.sha256(), PIECE
        self._piece.update(view)
        self._room -= len(view)

    def hexdigest(self) -> str:
        whole = self._all.copy()
        whole.update(self._piece.digest())
        return whole.hexdigest()


def _new(algorithm: str) -> Hash:
    return TreeHash() if algorithm == TREE else hashlib.new(algorithm, usedforsecurity=False)


class Content:
    """The buffer of one process and its pace. throttle: none for as fast as it goes; deadline: of time.monotonic().

    threads: how many pieces of one large file may be read side by side, where its digest has pieces.
    heard: called with the bytes read since the last call, now and then.
    """

    def __init__(
        self,
        algorithms: Sequence[str] = ("sha256",),
        throttle: Throttle | None = None,
        deadline: float = float("inf"),
        heard: Callable[[int], None] | None = None,
        threads: int = 1,
    ) -> None:
        self.algorithms, self.deadline, self.heard, self.threads = tuple(algorithms), deadline, heard, threads
        self.throttle = throttle if throttle and throttle.rate else None
        self._buffer = mmap.mmap(-1, BUFFER)  # page-aligned: the kernel copies into any other up to four times slower
        self._view = memoryview(self._buffer)
        self._since = 0
        self.told = 0

    def close(self) -> None:
        self._view.release()
        self._buffer.close()

    def of_bytes(self, data: bytes) -> tuple[str, ...]:
        """A hexadecimal digest an algorithm."""
        self.pace(len(data))
        return tuple(self._fed(data).values())

    def of_file(self, fd: int, size: int, sparse: bool = False) -> tuple[str, ...] | None:
        """The same of an open file, from its start; None when it does not have `size` bytes. Raises OSError, Interrupted."""
        if self.algorithms == (TREE,) and self.threads > 1 and size > PIECE and not (sparse or self.throttle):
            return self._side_by_side(fd, size)
        hashes = [_new(a) for a in self.algorithms]
        done = 0
        for piece in self._pieces(fd, size) if sparse else self._read(fd):
            for one in hashes:
                one.update(piece)
            done += len(piece)
            if self.throttle:
                self.pace(len(piece))
            self._since += len(piece)
            if self._since >= CHECK_EVERY:
                self._look_up()
        return tuple(one.hexdigest() for one in hashes) if done == size else None

    def _side_by_side(self, fd: int, size: int) -> tuple[str] | None:
        from probes.manifest.pieces import tree

        def heard(count: int) -> None:
            self._since += count
            self._look_up()

        try:
            found = tree(fd, size, PIECE, self.threads, self.deadline, heard)
        except TimeoutError:
            raise Interrupted from None
        return (found,) if found else None

    def sample(self, fd: int, size: int) -> str:
        """`sampled:sha256-16x64KiB:HEX` over the size and 16 blocks from the first to the last."""
        one = hashlib.sha256(str(size).encode())
        for n in range(SAMPLES):
            one.update(os.pread(fd, SAMPLE, max(0, size - SAMPLE) * n // (SAMPLES - 1)))
        self.pace(SAMPLES * SAMPLE)
        return f"sampled:sha256-{SAMPLES}x64KiB:{one.hexdigest()}"

    def begin(self) -> None:
        """What is told from now on is of one thing, apart from what was before."""
        self._since = 0

    def pace(self, count: int) -> None:
        """Sleep as long as these bytes may take at the rate that was asked."""
        if self.throttle:
            self.throttle.wait(count, self.deadline)

    def _look_up(self) -> None:
        if self.heard:
            self.heard(self._since)
            self.told += self._since
        self._since = 0
        if time.monotonic() > self.deadline:
            raise Interrupted

    def _fed(self, data: bytes) -> dict[str, str]:
        hashes = {a: _new(a) for a in self.algorithms}
        for one in hashes.values():
            one.update(data)
        return {a: one.hexdigest() for a, one in hashes.items()}

    def _read(self, fd: int) -> Iterator[memoryview]:
        view, buffers = self._view, [self._view]
        while n := os.readv(fd, buffers):
            yield view if n == BUFFER else view[:n]

    def _pieces(self, fd: int, size: int) -> Iterator[memoryview]:
        """The bytes of a file with holes: these are zeros that no disk need be asked for."""
        at, zeros = 0, memoryview(_ZEROS)
        while at < size:
            for _ in range((_data(fd, at, size) - at) // BUFFER):
                yield zeros
                at += BUFFER
            end = min(_hole(fd, at, size), size)
            if end <= at:  # the rest of a hole, shorter than the buffer
                end = min(at + BUFFER, size)
            while at < end:
                n = os.preadv(fd, [self._view[: min(BUFFER, end - at)]], at)
                if not n:
                    return
                yield self._view[:n]
                at += n


def _data(fd: int, at: int, size: int) -> int:
    """Where the next data begin."""
    try:
        return os.lseek(fd, at, os.SEEK_DATA)
    except OSError as error:
        return size if error.errno == errno.ENXIO else at


def _hole(fd: int, at: int, size: int) -> int:
    try:
        return os.lseek(fd, at, os.SEEK_HOLE)
    except OSError:
        return size
