"""How many files lie in a run's folder of artefacts, and how large are they? Counted, never read; no link is followed, and there is an end to it."""

from __future__ import annotations

import os

MAX_FILES = 20_000
MAX_STORE = 200_000


class Counter:
    """For all runs of one store: when so many entries were seen, the rest is not counted."""

    def __init__(self, left: int = MAX_STORE) -> None:
        self._left = left

    def count(self, folder: str) -> tuple[int | None, int | None]:
        """(files, bytes); None for each where the folder is not there, or is too large to be counted."""
        files = size = 0
        waiting = [folder]
        try:
            while waiting:
                with os.scandir(waiting.pop()) as entries:
                    for entry in entries:
                        self._left -= 1
                        if self._left < 0 or files > MAX_FILES:
                            return None, None
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                        elif entry.is_file(follow_symlinks=False):
                            files, size = files + 1, size + entry.stat(follow_symlinks=False).st_size
        except (OSError, ValueError):
            return None, None
        return files, size
