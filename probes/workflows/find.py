"""Where below these folders did an engine or a tracker leave its record? One bounded walk for all of their marks."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

MAX_DEPTH = 6
MAX_ENTRIES = 200_000
SECONDS = 5.0
MAX_FOUND = 500
# of no use to look in: others' code, and the insides of records that are marks themselves
_CLOSED = frozenset(
    {
        ".git",
        ".hg",
        "__pycache__",
        "node_modules",
        ".venv",
        "venv",
        "site-packages",
        ".snakemake",
        ".nextflow",
        ".auditor",
        ".cache",
        ".dvc",
    }
)


@dataclass(frozen=True)
class Mark:
    """`folder` (absolute) holds a record of this system."""

    system: str
    folder: str


@dataclass(frozen=True)
class Marked:
    """whole: False where the budget ended the search or a folder could not be listed."""

    marks: tuple[Mark, ...]
    whole: bool


def marked(roots: Iterable[str], marks: Mapping[str, tuple[str, ...]], most: int = MAX_FOUND) -> Marked:
    """In order of folders. marks: system → names (globs, also `folder/name`) of which one must lie in a folder. Links to folders are not followed."""
    search = _Search(marks)
    found = tuple(dict.fromkeys(m for root in dict.fromkeys(os.path.realpath(r) for r in roots) for m in search.below(root)))
    return Marked(found[:most], search.whole and len(found) <= most)


class _Search:
    """What may still be spent, and whether it sufficed."""

    def __init__(self, marks: Mapping[str, tuple[str, ...]]) -> None:
        self._patterns = [(system, pattern) for system, names in marks.items() for pattern in names]
        first = "|".join(fnmatch.translate(pattern.split("/")[0]) for _, pattern in self._patterns)
        self._first = re.compile(first or "(?!)")
        self._left = MAX_ENTRIES
        self._deadline = time.monotonic() + SECONDS
        self.whole = True

    def below(self, root: str) -> Iterator[Mark]:
        waiting = [(root, 0)]
        while waiting:
            folder, depth = waiting.pop()
            try:
                entries = self._listed(folder)
            except OSError:
                self.whole = False
                continue
            if any(self._first.match(e.name) for e in entries):
                yield from self._here(folder, [e.name for e in entries])
            inner = [e.path for e in entries if e.name not in _CLOSED and e.is_dir(follow_symlinks=False)]
            if depth < MAX_DEPTH:
                waiting += [(path, depth + 1) for path in sorted(inner, reverse=True)]
            elif inner:
                self.whole = False

    def _listed(self, folder: str) -> list[os.DirEntry[str]]:
        if self._left <= 0 or time.monotonic() > self._deadline:
            self.whole = False
            return []
        entries: list[os.DirEntry[str]] = []
        with os.scandir(folder) as scan:
            for entry in scan:
                entries.append(entry)
                if len(entries) >= self._left:
                    self.whole = False
                    break
        self._left -= len(entries)
        return entries

    def _here(self, folder: str, names: list[str]) -> Iterator[Mark]:
        for system, pattern in self._patterns:
            first, _, rest = pattern.partition("/")
            there = fnmatch.filter(names, first)
            if there and (not rest or glob.glob(os.path.join(glob.escape(folder), pattern), include_hidden=True)):
                yield Mark(system, folder)
