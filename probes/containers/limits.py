"""How much of an image is looked at before we give up? What an image says of its own size is not believed."""

from __future__ import annotations

import time
from dataclasses import dataclass

from auditor.world import TooBig


@dataclass(frozen=True)
class Limits:
    """Bytes of content, seconds, entries (files, links and folders)."""

    bytes: int = 256 << 30
    seconds: float = 900.0
    entries: int = 5_000_000


class Budget:
    """What is left of the limits; the seconds run from now on."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._bytes = limits.bytes
        self._entries = limits.entries
        self._end = time.monotonic() + limits.seconds

    def spend(self, size: int) -> None:
        """So many bytes were read. Raises TooBig, TimeoutError."""
        self._bytes -= size
        if self._bytes < 0:
            raise TooBig(f"the image holds more than {self.limits.bytes} bytes of files")
        if time.monotonic() > self._end:
            raise TimeoutError(f"not done after {self.limits.seconds:g} s")

    def entry(self) -> None:
        """One more file, link or folder was met. Raises TooBig, TimeoutError."""
        self._entries -= 1
        if self._entries < 0:
            raise TooBig(f"the image holds more than {self.limits.entries} files")
        self.spend(0)
