"""Which files are pointers of git-LFS whose content was never fetched?

Source: git-lfs, docs/spec.md (version https://git-lfs.github.com/spec/v1): lines `key value`, `version` first, fewer than 1024 bytes.
A file whose content was fetched is an ordinary file: its pointer is only in git, which is not asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from auditor.world import World
from probes.pointers import Declared, Reader, plain
from probes.pointers.gitfiles import above, git_folder, settings

_FIRST = b"version https://git-lfs.github.com/spec/v1\n"
_OID = re.compile(r"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)
_SIZE = re.compile(r"^size (\d{1,18})$", re.MULTILINE)


FEW = 1000
"""A folder with more files is only looked through where something above it says that git-LFS is in use."""


def read(world: World, folder: str, files: Iterable[str], links: Iterable[str]) -> Iterator[Declared]:
    remote: str | None = None
    names = tuple(files)
    if len(names) > FEW and not above(folder, ".gitattributes"):
        return
    for name in names:
        path = os.path.join(folder, name)
        try:
            if not len(_FIRST) < world.stat(path).size < 1024:
                continue
            data = world.read(path, 1024)
        except OSError:
            continue
        if data.startswith(_FIRST) and (found := parse(data)):
            remote = _remote(world, folder) if remote is None else remote
            yield Declared(path, path, "sha256", *found, remote=remote, placeholder=True)


def parse(data: bytes) -> tuple[str, int] | None:
    """sha256 and size of the content; None for what is no pointer."""
    text = data.decode("utf-8", "replace")
    oid, size = _OID.search(text), _SIZE.search(text)
    return (oid[1], int(size[1])) if oid and size else None


def _remote(world: World, folder: str) -> str:
    root = above(folder, ".git")
    if not root:
        return ""
    told = settings(world, (os.path.join(root, ".lfsconfig"), os.path.join(git_folder(world, root), "config")))
    return plain(told.get(("lfs", "", "url"), "") or told.get(("remote", "origin", "url"), ""))


READER = Reader("git-lfs", read)
