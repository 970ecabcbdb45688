"""Which files wait until all others are read, which of them does the budget reach, and in which tasks are they read?

Kept as numbers: a million of them take 16 MiB, and their names are in the journal.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from probes.manifest.task import Answer, Large, Task

ALONE = 64 << 20
"""Larger files are tasks of their own, given out first, the largest of them before all."""
_MANY = 1000


class PutOff:
    """The files that tasks only measured."""

    def __init__(self) -> None:
        self._sizes, self._tasks, self._lines = array("Q"), array("I"), array("I")
        self._folders: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._sizes)

    def add(self, task: Task, files: Sequence[Large]) -> None:
        for one in files:
            self._sizes.append(one.size)
            self._tasks.append(task.number)
            self._lines.append(one.line)
        if files:
            self._folders[task.number] = task.folder

    def choose(self, room: int, leave: Callable[[int, int], None]) -> tuple[list[int], int]:
        """As many of the smallest as have room, and their bytes; `leave` is told the task and line of each other one."""
        chosen, total = [], 0
        for n in sorted(range(len(self)), key=lambda n: (self._sizes[n], self._tasks[n], self._lines[n])):
            if self._sizes[n] <= room - total:
                total += self._sizes[n]
                chosen.append(n)
            else:
                leave(self._tasks[n], self._lines[n])
        return chosen, total

    def tasks(self, chosen: Sequence[int], read: Callable[[int], Answer]) -> Iterator[tuple[int, tuple[int, ...], Task]]:
        """Number of the task, its lines that are meant, and a task (without a number) that reads them. read: a task's answer, by its number."""
        large = sorted(
            (n for n in chosen if self._sizes[n] > ALONE), key=lambda n: (-self._sizes[n], self._tasks[n], self._lines[n])
        )
        few = sorted((n for n in chosen if self._sizes[n] <= ALONE), key=lambda n: (self._tasks[n], self._lines[n]))
        groups = [(self._tasks[n], [n]) for n in large]
        for number, of_one in groupby(few, key=self._tasks.__getitem__):
            groups += [(number, some) for some in self._cut(list(of_one))]
        for number, some in groups:
            lines = tuple(self._lines[n] for n in some)
            wanted = set(lines)
            files = [one for one in read(number).large if one.line in wanted]
            kinds, names = "".join([one.kind for one in files]), [one.name for one in files]
            yield number, lines, Task.of(-1, self._folders[number], kinds, names)

    def _cut(self, some: Sequence[int]) -> Iterator[list[int]]:
        """In tasks of at most a thousand files, or a little more than ALONE bytes."""
        part: list[int] = []
        size = 0
        for n in some:
            part.append(n)
            size += self._sizes[n]
            if len(part) >= _MANY or size > ALONE:
                yield part
                part, size = [], 0
        if part:
            yield part
