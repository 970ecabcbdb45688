"""What is the `sha256-tree` of one large file, its pieces read side by side? In threads: hashing and reading leave the interpreter alone."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from threading import Event

_BUFFER = 1 << 18
_LOOK_UP = 256
"""Buffers between two looks at the clock."""


def tree(fd: int, size: int, piece: int, threads: int, deadline: float, heard: Callable[[int], None]) -> str | None:
    """The sha256 over the sha256s of the pieces, in hexadecimal; None when there are not `size` bytes. heard: of each piece, in order.

    Raises OSError, TimeoutError when time.monotonic() has passed the deadline.
    """
    stop = Event()
    whole, done = sha256(), 0

    def read(start: int) -> tuple[int, bytes]:
        return _piece(fd, start, min(piece, size - start), deadline, stop)

    with ThreadPoolExecutor(threads) as pool:
        try:
            for count, digest in pool.map(read, range(0, size, piece)):
                whole.update(digest)
                done += count
                heard(count)
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    grown = os.pread(fd, 1, size)
    return whole.hexdigest() if done == size and not grown else None


def _piece(fd: int, at: int, size: int, deadline: float, stop: Event) -> tuple[int, bytes]:
    one, end = sha256(), at + size
    with mmap.mmap(-1, _BUFFER) as buffer, memoryview(buffer) as view:  # page-aligned, as the kernel copies fastest
        turn = 0
        while at < end:
            n = os.preadv(fd, [view[: min(_BUFFER, end - at)]], at)
            if not n:
                break
            one.update(view[:n])
            at += n
            turn += 1
            if turn % _LOOK_UP == 0 and (stop.is_set() or time.monotonic() > deadline):
                raise TimeoutError
    return size - (end - at), one.digest()
