"""How far is a manifest, and how long will it still take?"""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Progress:
    """What was done and what is known to be there. walking: there may be more files than `files_known`.

    large_bytes: of files that are read last; bytes_read: of all files.
    """

    walking: bool = True
    files_known: int = 0
    files_done: int = 0
    large_bytes: int = 0
    bytes_read: int = 0
    began: float = field(default_factory=time.monotonic)
    small_ended: float = 0.0
    small_bytes: int = 0
    """When all small files were done, and how many bytes had been read by then."""

    def small_done(self, now: float) -> None:
        self.walking, self.small_ended, self.small_bytes = False, now, self.bytes_read

    def seconds_left(self, now: float) -> float | None:
        """By the pace of bytes since only large files are left, before that by the pace of all; None while nobody can know."""
        if self.walking:
            return None
        left = self.large_bytes - (self.bytes_read - self.small_bytes)
        if left <= 0:
            return 0.0
        own, whole = now - self.small_ended, now - self.began
        done = self.bytes_read - self.small_bytes
        if done and own > 0.5:
            return left * own / done
        return left * whole / self.bytes_read if self.bytes_read and whole > 0.5 else None

    def share(self) -> float:
        """From 0 to 1: of the bytes where large files are left, else of the files."""
        if not self.walking and self.large_bytes:
            return min(1.0, self.bytes_read / (self.small_bytes + self.large_bytes))
        return self.files_done / self.files_known if self.files_known else 0.0
