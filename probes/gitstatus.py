"""What do `git status` and the pointers of git-LFS say of a working tree? Pure reading of git's answers, and of the files they name."""

from __future__ import annotations

import hashlib
import os.path
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.world import World

if TYPE_CHECKING:
    from probes.gitcommand import Repository

LFS_FILES = 1000
_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d+)\n")


@dataclass(frozen=True)
class Status:
    """`git status --porcelain=v2 --branch`, read. commit and branch empty: no commits yet, detached."""

    commit: str
    branch: str
    changed: tuple[str, ...]
    untracked: tuple[str, ...]


def parse_status(items: tuple[str, ...]) -> Status:
    """The NUL-separated records of git-status(1), "Porcelain Format Version 2"; a rename has its old path as a record of its own."""
    commit = branch = ""
    changed: list[str] = []
    untracked: list[str] = []
    records = iter(items)
    for record in records:
        kind, _, rest = record.partition(" ")
        if record.startswith("# branch.oid "):
            commit = "" if record.endswith("(initial)") else record.split(" ")[2]
        elif record.startswith("# branch.head "):
            branch = "" if record.endswith("(detached)") else record.split(" ", 2)[2]
        elif kind == "1":
            changed.append(rest.split(" ", 7)[7])
        elif kind == "2":
            changed += [rest.split(" ", 8)[8], next(records, "")]
        elif kind == "u":
            changed.append(rest.split(" ", 9)[9])
        elif kind == "?":
            untracked.append(rest)
    return Status(commit, branch, tuple(changed), tuple(untracked))


def lfs(world: World, repository: Repository, changed: tuple[str, ...]) -> tuple[tuple[str, ...], frozenset[str]]:
    """(paths that still are pointers, changed paths whose data is exactly what their pointer names).

    Filters are off, so git compares data with pointers; what differs for that reason only is not a change.
    """
    if not world.exists(f"{repository.root}/.gitattributes"):
        return (), frozenset()
    pointers, hidden = [], set()
    for path in repository.ask("ls-files", "-z", ":(attr:filter=lfs)").items[:LFS_FILES]:
        where = os.path.join(repository.root, path)
        try:
            size = world.stat(where).size
            head = world.read(where) if size < 1024 else b""
        except OSError:
            continue
        if _POINTER.match(head):
            pointers.append(path)
        elif path in changed:
            stored = _POINTER.match(repository.ask("cat-file", "blob", f"HEAD:{path}", limit=1024, fine=(0, 128)).out)
            if stored and int(stored[2]) == size and _sha256(world, where) == stored[1].decode():
                hidden.add(path)
    return tuple(pointers), frozenset(hidden)


def _sha256(world: World, path: str) -> str:
    digest = hashlib.sha256()
    for piece in world.chunks(path):
        digest.update(piece)
    return digest.hexdigest()
