"""Which files and folders of a run look like data files? A bounded walk; a folder that is a store is one find, and not entered."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from probes.formats import Reader

MAX_ENTRIES = 300_000
SECONDS = 5.0
LARGE = 1 << 20
"""A file without a known suffix is opened to be recognised from this size on, in bytes."""
MAX_SNIFFED = 2_000
HEAD = 4096 + 9
_NOT_DATA = frozenset({".git", ".snakemake", ".nextflow", "__pycache__", "node_modules", ".venv", ".auditor"})


@dataclass(frozen=True)
class Candidate:
    """A path that a reader may know. mtime in ns since the epoch: of a folder the newest of what lies directly in it."""

    path: str
    reader: Reader
    size: int
    mtime_ns: int


@dataclass
class Walk:
    """What may still be spent, and whether it sufficed."""

    readers: Sequence[Reader]
    entries: int = MAX_ENTRIES
    sniffed: int = MAX_SNIFFED
    deadline: float = field(default_factory=lambda: time.monotonic() + SECONDS)
    whole: bool = True
    """Was everything listed, and everything large enough recognised?"""

    def below(self, roots: Iterable[str]) -> Iterator[Candidate]:
        """Below each root, in order of names; a root that is a file is looked at itself."""
        known: set[tuple[int, int]] = set()
        for root in roots:
            if os.path.isdir(root):
                yield from self._folder(root, known)
            elif os.path.isfile(root) and (found := self._file(root, os.stat(root))):
                yield found

    def _folder(self, root: str, known: set[tuple[int, int]]) -> Iterator[Candidate]:
        waiting = [root]
        while waiting:
            folder = waiting.pop()
            try:
                state = os.stat(folder)
                entries = self._listed(folder)
            except OSError:
                self.whole = False  # permission denied half-way, or gone meanwhile
                continue
            if (state.st_dev, state.st_ino) in known:
                continue
            known.add((state.st_dev, state.st_ino))
            if store := self._store(folder, {e.name: e for e in entries}):
                yield store
                continue
            for entry in entries:
                if entry.is_file(follow_symlinks=False) and (found := self._file(entry.path, entry.stat(follow_symlinks=False))):
                    yield found
            folders = [e.path for e in entries if e.is_dir(follow_symlinks=False) and e.name not in _NOT_DATA]
            waiting += reversed(folders)

    def _listed(self, folder: str) -> list[os.DirEntry[str]]:
        found: list[os.DirEntry[str]] = []
        with os.scandir(folder) as listed:
            for entry in listed:
                if self.entries <= 0 or time.monotonic() > self.deadline:
                    self.whole = False
                    break
                self.entries -= 1
                found.append(entry)
        return sorted(found, key=lambda e: e.name)

    def _store(self, folder: str, entries: Mapping[str, os.DirEntry[str]]) -> Candidate | None:
        for reader in self.readers:
            if reader.folder and any(mark in entries for mark in reader.marks):
                states = [e.stat(follow_symlinks=False) for e in entries.values()]
                newest = max((s.st_mtime_ns for s in states), default=0)
                return Candidate(folder, reader, sum(s.st_size for s in states), newest)
        return None

    def _file(self, path: str, state: os.stat_result) -> Candidate | None:
        by_name = [r for r in self.readers if not r.folder and path.lower().endswith(r.suffixes)]
        if not by_name and (state.st_size < LARGE or self.sniffed <= 0):
            self.whole &= state.st_size < LARGE
            return None
        reader = next((r for r in by_name if not r.magic), None) or self._by_content(path, by_name or self.readers)
        return Candidate(path, reader, state.st_size, state.st_mtime_ns) if reader else None

    def _by_content(self, path: str, readers: Sequence[Reader]) -> Reader | None:
        """By the first bytes; a suffix alone proves nothing."""
        self.sniffed -= 1
        try:
            with open(path, "rb", buffering=0) as file:
                head = file.read(HEAD)
        except OSError:
            return None
        found = (r for r in readers if any(head.startswith(magic, at) for at, magic in r.magic))
        return next(found, None)
