"""Do these files come from a disk or a network, or from memory? What comes from afar is worth asking for ahead, side by side.

A reader that waits gives its core away of its own accord, about once a file; one that is slow on a busy machine is pushed off it.
Source: getrusage(2), ru_nvcsw.
"""

from __future__ import annotations

import time
from resource import RUSAGE_SELF, getrusage

_SECONDS = 60e-6
_WAITS = 1 / 4
_WINDOWS = 50


class Cold:
    """How the last window of files was read, and so how the next ones are."""

    def __init__(self) -> None:
        self.windows = 0
        """For so many windows more their content is asked for ahead."""
        self._waits = 0
        self._began = 0.0

    def begin(self, now: float) -> bool:
        """A window is going to be read: is it to be asked for ahead?"""
        self._began = now
        if self.windows:
            self.windows -= 1
            return True
        self._waits = getrusage(RUSAGE_SELF).ru_nvcsw
        return False

    def end(self, files: int) -> None:
        """It was read without having been asked for."""
        slow = time.monotonic() - self._began > _SECONDS * files
        if slow and getrusage(RUSAGE_SELF).ru_nvcsw - self._waits >= files * _WAITS:
            self.windows = _WINDOWS
