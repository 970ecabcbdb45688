"""Which files lie below this folder, and which of them changed in a span of time? Links are never followed into folders."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

# state of tools, not data of anybody's run
TOOL_FOLDERS = frozenset(
    """.git .hg .svn .bzr .jj __pycache__ .snakemake .nextflow .dvc .datalad node_modules .ipynb_checkpoints .mypy_cache .pytest_cache
    .ruff_cache .tox .nox .cache .eggs .vscode-server .auditor""".split()
)
# files that make their folder an environment
ENVIRONMENT_MARKS = ("pyvenv.cfg", "conda-meta", "spack.yaml")
MAX_ENTRIES = 4_000_000
CHUNK = 1000


class Folder(NamedTuple):
    """One folder's own files and symbolic links, by name, sorted; `size` and `newest` only where a span was asked."""

    path: str
    files: tuple[str, ...]
    links: tuple[str, ...]


class Walk:
    """A walk's bounds and what it noted: folders left out, folders that could not be read, how many were seen.

    span: (first, last) mtime in ns, inclusive; None takes every file. prune: folders never entered, by real path.
    """

    def __init__(self, deadline: float, span: tuple[int, int] | None = None, prune: frozenset[str] = frozenset()) -> None:
        self.deadline, self.span, self.prune = deadline, span, prune
        self.directories = self.entries = 0
        self.excluded: list[str] = []
        self.unreadable: list[str] = []
        self.special: list[str] = []
        self.cut = ""
        """Why the walk ended early; empty when it did not."""

    def folders(self, root: str) -> Iterator[Folder]:
        """The root first, then what is below it, depth first in order of names."""
        todo = [root]
        while todo:
            if time.monotonic() > self.deadline:
                self.cut = "time"
            elif self.entries > MAX_ENTRIES:
                self.cut = f"more than {MAX_ENTRIES} entries"
            if self.cut:
                return
            path = todo.pop()
            try:
                folder, below = self._list(path, path == root)
            except OSError:
                self.unreadable.append(path)
                continue
            todo += reversed(below)
            if folder:
                yield folder

    def _list(self, path: str, is_root: bool) -> tuple[Folder | None, list[str]]:
        with os.scandir(path) as scan:
            entries = list(scan)
        self.entries += len(entries)
        if not is_root and any(e.name in ENVIRONMENT_MARKS for e in entries):
            self.excluded.append(path)
            return None, []
        self.directories += 1
        files: list[str] = []
        links: list[str] = []
        below: list[str] = []
        inside = self._inside
        for e in entries:
            if e.is_file(follow_symlinks=False):
                if inside is None or inside(e):
                    files.append(e.name)
            elif e.is_symlink():
                if inside is None or inside(e):
                    links.append(e.name)
            elif e.is_dir(follow_symlinks=False):
                if e.name in TOOL_FOLDERS or e.path in self.prune:
                    self.excluded.append(e.path)
                else:
                    below.append(e.path)
            elif inside is None or inside(e):
                self.special.append(e.path)
        return Folder(path, tuple(sorted(files)), tuple(sorted(links))), sorted(below)

    @property
    def _inside(self) -> Callable[[os.DirEntry[str]], bool] | None:
        if self.span is None:
            return None
        first, last = self.span

        def inside(entry: os.DirEntry[str]) -> bool:
            try:
                return first <= entry.stat(follow_symlinks=False).st_mtime_ns <= last
            except OSError:
                return False  # gone since the folder was listed

        return inside
