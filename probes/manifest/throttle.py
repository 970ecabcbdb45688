"""How do several processes read no faster together than was asked? One account that all of them draw on: what one leaves, others take."""

from __future__ import annotations

import fcntl
import os
import struct
import time

_MOMENT = struct.Struct("<d")
_SAVED = 0.1
"""Seconds of unused pace that may be caught up with."""
_SHORTEST = 0.01


class Throttle:
    """rate: bytes a second, for this process and all that are forked from it, 0: as fast as it goes."""

    def __init__(self, rate: float = 0) -> None:
        self.rate = rate
        self._account = os.memfd_create("pace") if rate else -1

    def close(self) -> None:
        if self._account >= 0:
            os.close(self._account)
            self._account = -1

    def wait(self, count: int, deadline: float) -> None:
        """Sleep until these bytes may have been read, or to the deadline, of time.monotonic()."""
        if self.rate:
            now = time.monotonic()
            free = self._book(count, now)
            if free > now + _SHORTEST:
                time.sleep(min(free - now, max(0.0, deadline - now)))

    def _book(self, count: int, now: float) -> float:
        """The moment from which on nothing is owed; a process that is killed in here takes its lock with it."""
        fcntl.lockf(self._account, fcntl.LOCK_EX)
        try:
            raw = os.pread(self._account, _MOMENT.size, 0)
            owed = _MOMENT.unpack(raw)[0] if len(raw) == _MOMENT.size else 0.0
            free: float = max(owed, now - _SAVED) + count / self.rate
            os.pwrite(self._account, _MOMENT.pack(free), 0)
            return free
        finally:
            fcntl.lockf(self._account, fcntl.LOCK_UN)
