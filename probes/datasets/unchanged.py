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
    files, folders = index.files(folder), set(index.folders(folder))
    seen: list[str] = []
    other: list[tuple[str, str]] = []
    before = f"{folder}/" if folder else ""
    try:
        with os.scandir(os.path.join(root, folder)) as scan:
            entries = list(scan)
    except FileNotFoundError:
        look.note("missing", folder)
        return []
    for entry in entries:  # the hot loop: one system call a file, and no step of Python that is not needed
        name = entry.name
        if name in EXCLUDED:
            continue
        if entry.is_dir(follow_symlinks=False):
            if name in folders:
                folders.discard(name)
                seen.append(before + name)
            else:
                other.append((before + name, "new"))
            continue
        look.looked += 1
        known = files.pop(name, None)
        if known is None:
            other.append((before + name, "new"))
        elif _now(entry) != known[:3]:
            other.append((before + name, "changed"))
        elif len(look.same) < look.keep:
            look.same.append((before + name, Known(Facts(*known[:3]), known[3].hex())))
    other += [(before + name, "missing") for name in (*files, *folders)]
    for path, what in sorted(other):
        look.note(what, path)
    return sorted(seen)


def _now(entry: os.DirEntry[str]) -> tuple[int, int, int] | None:
    if entry.is_symlink():
        return _facts(entry.path)
    try:
        stat = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _facts(path: str) -> Facts | None:
    try:
        return facts(path)
    except FileNotFoundError:
        return None
