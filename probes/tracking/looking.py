"""How are many trackers' records read, one after another, within a budget? What cannot be read is said, and the rest goes on."""

from __future__ import annotations

import importlib
import os
import pkgutil
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import probes.tracking as family
from auditor.world import World
from probes.records.lines import one_line
from probes.tracking import Reader, TrackedRun
from probes.workflows import Unreadable
from probes.workflows.find import Mark, marked

SECONDS = 60.0
MAX_READ = 100_000
MAX_MARKS = 20_000


def readers() -> tuple[Reader, ...]:
    """One a file of this folder."""
    modules = (importlib.import_module(f"{family.__name__}.{m.name}") for m in pkgutil.iter_modules(family.__path__))
    return tuple(m.READER for m in modules if hasattr(m, "READER"))


def look(world: World, path: str) -> tuple[list[TrackedRun], list[str], bool]:
    """For a person who points at a folder: (every run below it, whole; what could not be read; whether all was looked through)."""
    found = marked((path,), {r.system: r.marks for r in readers()}, MAX_MARKS)
    looking = Look(world, found.whole)
    return list(looking.folders(found.marks)), looking.unread, looking.whole


class Look:
    """What was looked at so far. unread: `system place: why`; whole: False where the budget ended it."""

    def __init__(self, world: World, whole: bool = True) -> None:
        self._world, self.whole = world, whole
        self.unread: list[str] = []
        self._left = MAX_READ
        self._deadline = time.monotonic() + SECONDS
        self._known: set[tuple[str, ...]] = set()

    def folders(self, marks: Iterable[Mark]) -> Iterator[TrackedRun]:
        by_system = {r.system: r for r in readers()}
        for mark in marks:
            yield from self._taken(mark.system, mark.folder, partial(by_system[mark.system].read, self._world, mark.folder))

    def databases(self, paths: Iterable[str]) -> Iterator[TrackedRun]:
        """SQLite files that somebody points to: whichever tracker knows them."""
        from probes.tracking import mlflow, optuna

        for path in paths:
            folder, name = os.path.split(path)
            yield from self._taken("mlflow", path, partial(mlflow.of_database, self._world, folder, name))
            yield from self._taken("optuna", path, partial(optuna.of_database, self._world, folder, name))

    def _taken(self, system: str, place: str, read: Callable[[], Iterator[TrackedRun]]) -> Iterator[TrackedRun]:
        """Each run once, however many marks led to it, until the budget is spent."""
        if self._left <= 0:
            return
        try:
            for run in read():
                if self._left <= 0 or time.monotonic() > self._deadline:
                    self._left, self.whole = 0, False
                    self.unread.append(f"{system} {place}: not all runs were read, the budget is spent")
                    return
                self._left -= 1
                if (key := (run.system, run.folder, run.place.path if run.place else "", run.id)) not in self._known:
                    self._known.add(key)
                    yield run
        except (Unreadable, OSError, ValueError, LookupError) as error:
            self.unread.append(f"{system} {place}: {one_line(str(error) or type(error).__name__)}")
