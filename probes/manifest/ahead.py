"""How many files are there, before all of them are read? Tasks are found ahead of those who ask for them, and wait packed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

from probes.manifest.task import Task

ROOM = 24 << 20
"""Bytes of names that wait: about a million and a half of them."""


class Ahead:
    """The same tasks in the same order; `find` looks for more of them whenever there is a moment."""

    def __init__(self, tasks: Iterator[Task]) -> None:
        self._tasks = tasks
        self._found: deque[Task] = deque()
        self._size = 0
        self.ended = False

    def find(self, seconds: float) -> None:
        """Go on for so long, at least one task, unless too many wait already."""
        end = time.monotonic() + seconds
        while self._size < ROOM and self._one() and time.monotonic() < end:
            pass

    def __iter__(self) -> Iterator[Task]:
        while self._found or self._one():
            task = self._found.popleft()
            self._size -= len(task.words)
            yield task

    def _one(self) -> bool:
        task = next(self._tasks, None)
        if task is None:
            self.ended = True
            return False
        self._found.append(task)
        self._size += len(task.words)
        return True
