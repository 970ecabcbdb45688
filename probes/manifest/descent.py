"""In which order are a tree's folders listed, and how are their names cut into tasks? The same on every machine.

Links are never followed into folders, so a loop of links is no loop. A folder of more names than one task takes is cut where a name's
checksum says so: a name that comes or goes changes one task and not all after it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple
from zlib import crc32

from probes.manifest.rows import Skip
from probes.manifest.task import Task

CHUNK = 1000
MOST = 4000


class Root(NamedTuple):
    """Where a tree begins: its path in the manifest ("" where it is the only one), its folder, and the names wanted (none: all)."""

    rel: str
    folder: str
    only: tuple[str, ...] = ()


class Place(NamedTuple):
    """A folder in the manifest. depth: how many are above it; first, tasks: the number of its first task, and how many it has.

    skipped: why it was not entered.
    """

    rel: str
    name: str
    depth: int
    first: int = 0
    tasks: int = 0
    skipped: str = ""


@dataclass
class Descent:
    """A walk and what it found. exclude: globs of paths in the manifest or of bare names; without: files left out, by real path."""

    roots: Sequence[Root]
    exclude: tuple[str, ...] = ()
    without: frozenset[str] = frozenset()
    deadline: float = float("inf")
    places: list[Place] = field(default_factory=list)
    files: int = 0
    ended: bool = False
    _number: int = 0

    def tasks(self) -> Iterator[Task]:
        """Every name below the roots, folder by folder: its own names sorted by their bytes, then its folders likewise."""
        several = len(self.roots) > 1 or bool(self.roots and self.roots[0].rel)
        if several:
            self.places.append(Place("", "", 0))
        for root in self.roots:
            todo = [(root.rel, root.rel, root.folder, int(several))]
            while todo:
                rel, name, folder, depth = todo.pop()
                below, tasks = self._enter(rel, name, folder, depth, root.only if folder == root.folder else ())
                todo += below
                yield from tasks
        self.ended = True

    def _enter(
        self, rel: str, name: str, folder: str, depth: int, only: tuple[str, ...]
    ) -> tuple[list[tuple[str, str, str, int]], list[Task]]:
        if rel not in {root.rel for root in self.roots} and self._left_out(rel, name):
            return self._pass(rel, name, depth, Skip.EXCLUDED)
        if time.monotonic() > self.deadline:
            return self._pass(rel, name, depth, Skip.TIME)
        try:
            kinds, folders = self._list(folder, rel, only)
        except (FileNotFoundError, NotADirectoryError):
            return self._pass(rel, name, depth, Skip.VANISHED)
        except OSError:
            return self._pass(rel, name, depth, Skip.UNREADABLE)
        tasks = [
            Task.of(self._number + n, folder, "".join([kinds[name] for name in names]), names)
            for n, names in enumerate(cut(by_bytes(kinds)))
        ]
        self.places.append(Place(rel, name, depth, self._number, len(tasks)))
        self._number += len(tasks)
        self.files += len(kinds)
        above = f"{rel}/" if rel else ""
        return [(above + n, n, os.path.join(folder, n), depth + 1) for n in reversed(by_bytes(folders))], tasks

    def _pass(self, rel: str, name: str, depth: int, reason: Skip) -> tuple[list[tuple[str, str, str, int]], list[Task]]:
        self.places.append(Place(rel, name, depth, skipped=str(reason)))
        return [], []

    def _list(self, folder: str, rel: str, only: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
        """Names that are no folders, with their kinds, and names of folders."""
        kinds: dict[str, str] = {}
        folders: list[str] = []
        with os.scandir(folder) as scan:
            for entry in scan:
                if entry.is_file(follow_symlinks=False):
                    kinds[entry.name] = "f"
                elif entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                else:
                    kinds[entry.name] = "l" if entry.is_symlink() else "s"
        if only:
            return {name: kinds[name] for name in only if name in kinds}, []
        if self.exclude or self.without:
            above = f"{rel}/" if rel else ""
            kinds = {n: k for n, k in kinds.items() if not self._left_out(above + n, n) and self._wanted(folder, n)}
        return kinds, folders

    def _wanted(self, folder: str, name: str) -> bool:
        return not self.without or os.path.join(folder, name) not in self.without

    def _left_out(self, rel: str, name: str) -> bool:
        return any(fnmatchcase(rel, glob) or fnmatchcase(name, glob) for glob in self.exclude)


def by_bytes(names: Sequence[str] | dict[str, str]) -> list[str]:
    found = list(names)
    try:
        "\0".join(found).encode("utf-8")
    except UnicodeEncodeError:  # bytes that are not UTF-8: as surrogates they would sort elsewhere
        return sorted(found, key=lambda n: n.encode("utf-8", "surrogateescape"))
    return sorted(found)


def cut(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    if len(names) <= CHUNK:
        if names:
            yield tuple(names)
        return
    start = 0
    for n, name in enumerate(names):
        if n - start >= MOST or (n > start and crc32(name.encode("utf-8", "surrogateescape")) % CHUNK == 0):
            yield tuple(names[start:n])
            start = n
    yield tuple(names[start:])
