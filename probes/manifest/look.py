"""What is in these trees? Walk, ask what is known, look at the rest on any engine, keep the answers in the journal until they are written.

Memory is bounded by folders and tasks, not by files. The answers do not depend on who gave them, nor in which order.
"""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from auditor.world import World
from probes.manifest import journal, putoff
from probes.manifest.ahead import Ahead
from probes.manifest.chunk import Looker
from probes.manifest.content import Content
from probes.manifest.cores import cores, worth
from probes.manifest.descent import Descent, Root
from probes.manifest.journal import Journal
from probes.manifest.known import aligned, merged
from probes.manifest.progress import Progress
from probes.manifest.putoff import PutOff
from probes.manifest.rows import Skip
from probes.manifest.task import NEVER_SETTLED, NOT_YET, Answer, Tally, Task, nothing
from probes.manifest.throttle import Throttle
from probes.manifest.volumes import volume
from probes.manifest.workers import share

NO_LIMIT = 1 << 62
FRESH = 16
"""Answers that are kept in memory for who writes them out."""
AT_FIRST, EACH_TIME = 0.05, 0.008
"""Seconds that are spent on finding more files: before the first is read, and whenever a task was answered."""


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
        deadline = time.monotonic() + seconds
        throttle, workers = Throttle(wish.rate), wish.workers or cores()

        def looker(heard: Callable[[int], None]) -> Looker:
            content = Content(wish.algorithms, throttle, deadline, heard, workers)
            return Looker(content, wish.sample_above, world, wish.verify)

        def make(heard: Callable[[int], None]) -> Callable[[bytes], bytes]:
            one = looker(heard)
            return lambda raw: one.look(Task.unpack(raw)).pack()

        try:
            if worth(workers):
                packed = (task.pack() for task in tasks)
                share(make, workers, packed, lambda _, answer: done(answer), heard, _lost)
            else:
                _serial(looker(heard), tasks, done)
        finally:
            throttle.close()

    return run


def _serial(looker: Looker, tasks: Iterator[Task], done: Callable[[bytes], None]) -> None:
    """Every task in this process."""
    try:
        for task in tasks:
            done(looker.look(task).pack())
    finally:
        looker.content.close()


def _lost(raw: bytes) -> bytes:
    return nothing(Task.unpack(raw), Skip.WORKER).pack()


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
    """One pass over the trees; `ready` is called whenever more lines may be there to be written, and once after the last."""

    world: World
    roots: Sequence[Root]
    wish: Wish
    kept: Journal
    engine: Engine
    tell: Callable[[Progress], None] = lambda _: None
    progress: Progress = field(default_factory=Progress)
    total: Tally = field(default_factory=Tally)
    at: array[int] = field(default_factory=lambda: array("q"))
    """Where each task's answer lies in the journal; NOT_YET before it is whole."""
    fresh: dict[int, Answer] = field(default_factory=dict)
    """The last answers, by their tasks, for who writes them out soon."""
    parts: dict[int, list[Part]] = field(default_factory=dict)
    left: dict[int, set[int]] = field(default_factory=dict)
    """Lines of files that the budget did not reach, by task."""

    ready: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self.descent = Descent(self.roots, self.wish.exclude, self.wish.without, self.began + self.wish.seconds)
        self.waiting: set[int] = set()
        """Tasks of which some files are put off."""
        self._found = Ahead(self.descent.tasks())
        self._asked: dict[int, _Asked] = {}
        self._put_off = PutOff()
        self._lines_of: list[tuple[int, tuple[int, ...]]] = []
        self._since: dict[int, int] = {}
        self._folder: tuple[str, int] = ("", NEVER_SETTLED)

    def run(self) -> None:
        self._find(AT_FIRST)
        limit = putoff.ALONE if self.wish.budget >= NO_LIMIT else -1
        self._share(self._first(limit), self._small)
        self._find(0)  # where nobody asked to the end
        self.progress.small_done(time.monotonic())
        if len(self._put_off):
            self._share(self._second(), self._large)
        self.waiting.clear()
        self.tell(self.progress)
        self.ready()

    def _find(self, seconds: float) -> None:
        """More files that are there; a line of progress can only be true of what was found."""
        if self.progress.walking:
            self._found.find(seconds)
            self.progress.files_known, self.progress.walking = self.descent.files, not self._found.ended

    def _share(self, tasks: Iterator[Task], done: Callable[[Answer, int, Task], None]) -> None:
        left = self.wish.seconds - (time.monotonic() - self.began)
        self.engine(self.wish, left, tasks, lambda raw: self._answered(raw, done), self._heard)

    def _first(self, limit: int) -> Iterator[Task]:
        for task in self._found:
            self.at.append(NOT_YET)
            yield self._known(task._replace(limit=limit), "")

    def _second(self) -> Iterator[Task]:
        """The files that were put off: as many of the smallest as fit the budget, in tasks of some size, the largest first."""
        chosen, self.progress.large_bytes = self._put_off.choose(self.wish.budget - self.total.read, self._leave)
        for number, lines, task in self._put_off.tasks(chosen, lambda number: self.kept.read(self.at[number])):
            self._lines_of.append((number, lines))
            yield self._known(task._replace(number=len(self.at) + len(self._lines_of) - 1), "large")

    def _leave(self, number: int, line: int) -> None:
        self.left.setdefault(number, set()).add(line)
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
        if asked.known and asked.at >= 0 and answer.unchanged == asked.task.files:
            at = self.kept.keep(asked.where, asked.at)
            tally = replace(asked.known.tally, read=0, told=0)
            answer = asked.known._replace(number=answer.number, tally=tally)
        else:
            if asked.known and answer.unchanged:
                answer = merged(asked.task, answer, asked.known)
                raw = answer.pack()
            at = self.kept.append(asked.where, asked.which, raw)
        self.total.add(answer.tally)
        self.progress.bytes_read += answer.tally.read - answer.tally.told
        self.progress.files_done += asked.task.files - len(answer.large)
        done(answer, at, asked.task)
        self._find(EACH_TIME)
        self.tell(self.progress)
        self.ready()

    def _small(self, answer: Answer, at: int, task: Task) -> None:
        self.at[answer.number] = at
        self._put_off.add(task, answer.large)
        self.progress.large_bytes += sum(one.size for one in answer.large)
        self.progress.files_put_off += len(answer.large)
        if answer.large:
            self.waiting.add(answer.number)
        elif len(self.fresh) < FRESH:
            self.fresh[answer.number] = answer

    def _large(self, answer: Answer, at: int, task: Task) -> None:
        number, lines = self._lines_of[answer.number - len(self.at)]
        self.parts.setdefault(number, []).append(Part(lines, at))

    def _heard(self, count: int) -> None:
        self.progress.bytes_read += count
        self.tell(self.progress)
