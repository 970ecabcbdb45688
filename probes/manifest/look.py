"""What is in these trees? Walk, ask what is known, look at the rest on any engine, keep the answers in the journal until they are written.

Memory is bounded by folders and tasks, not by files. The answers do not depend on who gave them, nor in which order.
"""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import NamedTuple

from auditor.world import World
from probes.manifest import journal
from probes.manifest.chunk import Looker
from probes.manifest.content import Content
from probes.manifest.descent import Descent, Root
from probes.manifest.journal import Journal
from probes.manifest.known import aligned, merged
from probes.manifest.progress import Progress
from probes.manifest.rows import Skip, line
from probes.manifest.task import NEVER_SETTLED, Answer, Large, Tally, Task
from probes.manifest.volumes import volume
from probes.manifest.workers import cores, share

ALONE = 64 << 20
"""Larger files are tasks of their own, given out last, the largest first."""
NO_LIMIT = 1 << 62


@dataclass(frozen=True)
class Wish:
    """How trees are to be read. budget: bytes at most, the smallest files first; seconds: of the clock; rate: bytes a second.

    workers 0: as many as there are cores. verify: believe nothing that was remembered. sample_above: sample larger files (0: none).
    exclude: globs of paths in the manifest, or of bare names; without: files left out, by path.
    """

    algorithms: tuple[str, ...] = ("sha256",)
    budget: int = NO_LIMIT
    seconds: float = float("inf")
    rate: float = 0
    workers: int = 0
    verify: bool = False
    exclude: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    sample_above: int = 0


Engine = Callable[[Wish, float, Iterator[Task], Callable[[bytes], None], Callable[[int], None]], None]
"""Who looks, as was wished and in so many seconds: calls `done` once a task with its packed answer, in any order, and `heard` with
bytes read within large files."""


def local(world: World | None = None) -> Engine:
    """The processes of this machine. world: whose memory of large files is used."""

    def run(
        wish: Wish, seconds: float, tasks: Iterator[Task], done: Callable[[bytes], None], heard: Callable[[int], None]
    ) -> None:
        workers = wish.workers or cores()
        deadline = time.monotonic() + seconds

        def make(heard: Callable[[int], None]) -> Looker:
            content = Content(wish.algorithms, wish.rate / workers, deadline, heard)
            return Looker(content, wish.sample_above, world, wish.verify)

        share(make, workers, tasks, done, heard)

    return run


class Part(NamedTuple):
    """Lines of a task that were put off: their numbers in it, and where they lie."""

    lines: tuple[int, ...]
    at: int


class _Asked(NamedTuple):
    where: bytes
    which: bytes
    task: Task
    known: Answer | None
    at: int
    """Where the known answer lies when it is about the very same names, else -1."""


@dataclass
class Look:
    """One pass over the trees; after `run` the lines are there to be written."""

    world: World
    roots: Sequence[Root]
    wish: Wish
    kept: Journal
    engine: Engine
    tell: Callable[[Progress], None] = lambda _: None
    progress: Progress = field(default_factory=Progress)
    total: Tally = field(default_factory=Tally)
    at: array[int] = field(default_factory=lambda: array("Q"))
    """Where each task's answer lies in the journal."""
    parts: dict[int, list[Part]] = field(default_factory=dict)
    left: dict[int, dict[int, bytes]] = field(default_factory=dict)
    """Lines of files that the budget did not reach, by task and number."""

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self.descent = Descent(self.roots, self.wish.exclude, self.wish.without, self.began + self.wish.seconds)
        self._asked: dict[int, _Asked] = {}
        self._large: list[tuple[int, str, Large]] = []
        self._lines_of: list[tuple[int, tuple[int, ...]]] = []
        self._since: dict[int, int] = {}
        self._folder: tuple[str, int] = ("", NEVER_SETTLED)

    def run(self) -> None:
        limit = ALONE if self.wish.budget >= NO_LIMIT else -1
        self._share(self._first(limit), self._small)
        self.progress.small_done(time.monotonic())
        self._share(self._second(), self._put_off)
        self.tell(self.progress)

    def _share(self, tasks: Iterator[Task], done: Callable[[Answer, int, Task], None]) -> None:
        left = self.wish.seconds - (time.monotonic() - self.began)
        self.engine(self.wish, left, tasks, lambda raw: self._answered(raw, done), self._heard)

    def _first(self, limit: int) -> Iterator[Task]:
        for task in self.descent.tasks():
            self.at.append(0)
            self.progress.files_known = self.descent.files
            yield self._known(task._replace(limit=limit), "")

    def _second(self) -> Iterator[Task]:
        """The files that were put off: as many of the smallest as fit the budget, in tasks of some size, the largest first."""
        room = self.wish.budget - self.total.read
        taken: list[tuple[int, str, Large]] = []
        for number, folder, one in sorted(self._large, key=lambda item: (item[2].size, item[0], item[2].line)):
            if one.size <= room:
                room -= one.size
                taken.append((number, folder, one))
            else:
                self._leave(number, one)
        self._large.clear()
        self.progress.large_bytes = sum(one.size for _, _, one in taken)
        alone = [(number, folder, [one]) for number, folder, one in reversed(taken) if one.size > ALONE]
        few = sorted((item for item in taken if item[2].size <= ALONE), key=lambda item: (item[0], item[2].line))
        for (number, folder), group in groupby(few, key=lambda item: item[:2]):
            alone += [(number, folder, ones) for ones in _some([one for _, _, one in group])]
        for number, folder, ones in alone:
            self._lines_of.append((number, tuple(one.line for one in ones)))
            kinds, names = "".join(one.kind for one in ones), tuple(one.name for one in ones)
            yield self._known(Task(len(self.at) + len(self._lines_of) - 1, folder, kinds, names), "large")

    def _leave(self, number: int, one: Large) -> None:
        from probes.manifest.rows import escaped

        row = line({"path": escaped(one.name), "skipped": Skip.BUDGET, "size": one.size})
        self.left.setdefault(number, {})[one.line] = row
        self.total.skip(Skip.BUDGET)
        self.progress.files_done += 1

    def _known(self, task: Task, part: str) -> Task:
        """The task with what is known of its files."""
        task = task._replace(settled=self._settled(task.folder))
        where, which = journal.name(task, part), journal.names(task)
        found = None if self.wish.verify else self.kept.find(where)
        if found:
            names, known, at = found
            same = names == which
            task = task._replace(known=known.keys if same else aligned(task, known))
            self._asked[task.number] = _Asked(where, which, task, known, at if same else -1)
        else:
            self._asked[task.number] = _Asked(where, which, task, None, -1)
        return task

    def _settled(self, folder: str) -> int:
        """Stamps from this moment on (ns) do not yet tell one content from another on this folder's file system."""
        if folder != self._folder[0]:
            self._folder = folder, self._settled_now(folder)
        return self._folder[1]

    def _settled_now(self, folder: str) -> int:
        try:
            s = self.world.stat(folder)
        except OSError:
            return NEVER_SETTLED
        if s.dev not in self._since:
            now = self.world.now().timestamp()
            wait = volume(self.world, os.path.abspath(folder), s).seconds
            self._since[s.dev] = int((now - wait) * 1e9) if wait < now else NEVER_SETTLED
        return self._since[s.dev]

    def _answered(self, raw: bytes, done: Callable[[Answer, int, Task], None]) -> None:
        answer = Answer.unpack(raw)
        asked = self._asked.pop(answer.number)
        if asked.known and asked.at >= 0 and answer.unchanged == len(asked.task.names):
            at = self.kept.keep(asked.where, asked.at)
            answer = answer._replace(tally=replace(asked.known.tally, read=0, told=0))
        else:
            if asked.known and answer.unchanged:
                answer = merged(asked.task, answer, asked.known)
                raw = answer.pack()
            at = self.kept.append(asked.where, asked.which, raw)
        self.total.add(answer.tally)
        self.progress.bytes_read += answer.tally.read - answer.tally.told
        self.progress.files_done += len(asked.task.names) - len(answer.large)
        done(answer, at, asked.task)
        self.tell(self.progress)

    def _small(self, answer: Answer, at: int, task: Task) -> None:
        self.at[answer.number] = at
        self._large += [(answer.number, task.folder, one) for one in answer.large]
        self.progress.large_bytes += sum(one.size for one in answer.large)

    def _put_off(self, answer: Answer, at: int, task: Task) -> None:
        number, lines = self._lines_of[answer.number - len(self.at)]
        self.parts.setdefault(number, []).append(Part(lines, at))

    def _heard(self, count: int) -> None:
        self.progress.bytes_read += count
        self.tell(self.progress)


def _some(ones: Sequence[Large]) -> Iterator[list[Large]]:
    """In tasks of at most a thousand files, or a little more than ALONE bytes."""
    some: list[Large] = []
    for one in ones:
        some.append(one)
        if len(some) >= 1000 or sum(o.size for o in some) > ALONE:
            yield some
            some = []
    if some:
        yield some
