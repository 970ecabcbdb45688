"""How far is a manifest, and how long will it still take?"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

_SOON = 0.5
_ENOUGH = 64 << 20
"""Bytes read, below which nobody can say how fast large files will come."""


@dataclass
class Progress:
    """What was done and what is known to be there. walking: there may be more files than `files_known`.

    files_put_off, large_bytes: files that are read last, and their bytes, as far as they were met; bytes_read: of all files.
    """

    walking: bool = True
    files_known: int = 0
    files_done: int = 0
    files_put_off: int = 0
    large_bytes: int = 0
    bytes_read: int = 0
    began: float = field(default_factory=time.monotonic)
    small_ended: float = 0.0
    small_bytes: int = 0
    """When all small files were done, and how many bytes had been read by then."""

    def small_done(self, now: float) -> None:
        self.walking, self.small_ended, self.small_bytes = False, now, self.bytes_read

    def seconds_left(self, now: float) -> float | None:
        """Files not met yet are taken to be like those that were. None while nobody can know."""
        if self.walking:
            return None
        return self._of_large(now) if self.small_ended else self._of_all(now)

    def _of_all(self, now: float) -> float | None:
        met, whole = self.files_done + self.files_put_off, now - self.began
        if not met or whole < _SOON:
            return None
        left = (self.files_known - met) * whole / met
        if not self.large_bytes:
            return left
        if self.bytes_read < _ENOUGH:
            return None
        return left + self.large_bytes * self.files_known / met * whole / self.bytes_read

    def _of_large(self, now: float) -> float | None:
        """By the pace of bytes since only large files are left, before that by the pace of all."""
        left = self.large_bytes - (self.bytes_read - self.small_bytes)
        if left <= 0:
            return 0.0
        own, whole = now - self.small_ended, now - self.began
        done = self.bytes_read - self.small_bytes
        if done and own > _SOON:
            return left * own / done
        return left * whole / self.bytes_read if self.bytes_read and whole > _SOON else None

    def share(self, now: float) -> float:
        """From 0 to 1: of the time, where that is known, else of the files."""
        left = self.seconds_left(now)
        if left is None:
            return self.files_done / self.files_known if self.files_known else 0.0
        whole = now - self.began
        return whole / (whole + left) if left else 1.0
