"""Are the files below a folder still those that were hashed? By size, mtime and ctime of every file; nothing is read."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

from probes.datasets.index import Facts, Index, Known, facts

SHOWN = 5
EXCLUDED = (".git", ".dvc")
"""What version control keeps beside the data: it changes with every command, and is no part of a data set."""


@dataclass
class Look:
    """What was found. differences: the first few, as `new a/b`, `missing a/b`, `changed a/b`, all in `counted`.

    changed: paths below the root that are new or changed; same: unchanged ones with what is known of them, where `keep` asked for them.
    """

    keep: int = 0
    looked: int = 0
    differences: list[str] = field(default_factory=list)
    counted: int = 0
    changed: list[str] = field(default_factory=list)
    same: list[tuple[str, Known]] = field(default_factory=list)
    late: bool = False

    @property
    def state(self) -> str:
        return "changed" if self.counted else "partly" if self.late else "unchanged"

    def note(self, what: str, path: str) -> None:
        self.counted += 1
        if len(self.differences) < SHOWN:
            self.differences.append(f"{what} {path}")
        if what != "missing" and len(self.changed) < self.keep:
            self.changed.append(path)


def below(index: Index, root: str, part: str, deadline: float, keep: int = 0) -> Look:
    """All below `part` of the data set at `root`. keep: note up to so many files by name. Raises OSError."""
    look = Look(keep)
    todo = [part]
    while todo:
        if time.monotonic() > deadline:
            look.late = True
            break
        todo += reversed(_folder(index, root, todo.pop(), look))
    return look


def one(index: Index, root: str, part: str) -> tuple[Known | None, bool]:
    """What is known of one file, and whether it is still so."""
    known = index.file(part)
    return known, known is not None and _facts(os.path.join(root, part)) == known.facts


def _folder(index: Index, root: str, folder: str, look: Look) -> list[str]:
    files, folders = dict(index.files(folder)), set(index.folders(folder))
    seen: list[str] = []
    try:
        with os.scandir(os.path.join(root, folder)) as scan:
            entries = sorted((e for e in scan if e.name not in EXCLUDED), key=lambda e: os.fsencode(e.name))
    except FileNotFoundError:
        look.note("missing", folder)
        return []
    for entry in entries:
        path = os.path.join(folder, entry.name)
        if entry.is_dir(follow_symlinks=False):
            if entry.name in folders:
                folders.discard(entry.name)
                seen.append(path)
            else:
                look.note("new", path)
            continue
        look.looked += 1
        known = files.pop(entry.name, None)
        if known is None:
            look.note("new", path)
        elif _facts(entry.path) != known.facts:
            look.note("changed", path)
        elif len(look.same) < look.keep:
            look.same.append((path, known))
    for name in sorted((*files, *folders)):
        look.note("missing", os.path.join(folder, name))
    return seen


def _facts(path: str) -> Facts | None:
    try:
        return facts(path)
    except FileNotFoundError:
        return None
