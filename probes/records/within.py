"""Does a path lie below a folder, whatever it is, links on the way included? And how is it called from there?

`inside` is the door for files that are read; this one is for folders, and for what is only looked at.
"""

from __future__ import annotations

import os

from auditor.world import World
from probes.records.inside import Outside


def below(world: World, root: str, path: str) -> str:
    """The absolute path of what lies below `root` (or of `root`) if no part of it below is a link.

    path: relative to `root`, or absolute. `root` itself may be a link: it was given to us. Raises Outside, FileNotFoundError, PermissionError.
    """
    base = os.path.normpath(root)
    whole = os.path.normpath(os.path.join(base, path))
    if "\0" in path or (whole != base and not whole.startswith(base.rstrip("/") + "/")):
        raise Outside(f"{path!r} leads out of the folder")
    at = base
    for part in os.path.relpath(whole, base).split("/") if whole != base else ():
        at = os.path.join(at, part)
        if world.stat(at, follow=False).is_link:
            raise Outside(f"{path!r} is or crosses a link")
    return whole


def relative(root: str, path: str, *others: str) -> str:
    """The path as seen from the folder; `others`: where the folder lay before it was moved. What lies elsewhere stays as it is."""
    plain = os.path.normpath(path) if path and "://" not in path else path
    for base in (root, *others):
        head = base.rstrip("/") + "/"
        if base and plain.startswith(head):
            return plain[len(head) :]
    return plain
