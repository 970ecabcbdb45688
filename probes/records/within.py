"""Does a path lie in a folder, not only by its name but with every symbolic link on the way? Readers follow none out of the tree they were given."""

from __future__ import annotations

import os

from auditor.world import World


class Outside(OSError):
    """The path leaves the folder, or goes through a symbolic link: one line which."""


def inside(world: World, root: str, path: str) -> str:
    """The absolute path of `path` (relative to `root`, or absolute) if it lies below `root` and no part of it below is a link.

    Raises Outside, FileNotFoundError, PermissionError. `root` itself may be a link: it was given to us.
    """
    if "\0" in path:
        raise Outside("a path with a NUL character")
    whole = os.path.normpath(os.path.join(root, path))
    base = os.path.normpath(root)
    if whole != base and not whole.startswith(base.rstrip("/") + "/"):
        raise Outside(f"{path} lies outside of the folder")
    at = base
    for part in os.path.relpath(whole, base).split("/") if whole != base else ():
        at = os.path.join(at, part)
        if world.stat(at, follow=False).is_link:
            raise Outside(f"{os.path.relpath(at, base)} is a symbolic link")
    return whole


def relative(root: str, path: str, *others: str) -> str:
    """The path as seen from the folder; `others`: where the folder lay before it was moved. What lies elsewhere stays as it is."""
    plain = os.path.normpath(path) if path else path
    for base in (root, *others):
        head = base.rstrip("/") + "/"
        if base and plain.startswith(head):
            return plain[len(head) :]
    return plain
