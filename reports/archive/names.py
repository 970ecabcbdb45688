"""What is a file called inside a bundle? A name that any system can unpack and that is its own URI; the real one stands in the recipe."""

from __future__ import annotations

import hashlib
import os
import re

ELSEWHERE = "_elsewhere_"
"""Folder for files that did not lie under the work directory."""
_PLAIN = re.compile(r"[A-Za-z0-9._+=@-]+")


def place(path: str, root: str) -> str:
    """A path as the recipe says it: relative to the work directory `root` when it lies under it, else absolute."""
    whole = os.path.normpath(os.path.join(root, path)) if root else os.path.normpath(path)
    if root and whole.startswith(root.rstrip("/") + "/"):
        return whole[len(root.rstrip("/")) + 1 :]
    return whole


def crate_path(folder: str, where: str) -> str:
    """`folder/name` for a place. RO-Crate wants URIs, ZIP files travel to other systems: odd characters become `_` and a hash."""
    parts = [p for p in where.split("/") if p not in ("", ".", "..")]
    if where.startswith(("/", "..")):
        parts.insert(0, ELSEWHERE)
    return "/".join((folder, *map(_part, parts)))


def _part(name: str) -> str:
    if _PLAIN.fullmatch(name) and len(name) <= 100 and name.lower() != "data":  # validators take `data/` for the bag's own
        return name
    mark = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    stem, dot, suffix = re.sub(r"[^A-Za-z0-9._+=@-]", "_", name).rpartition(".")
    return f"{stem[:80]}_{mark}.{suffix[:12]}" if stem and dot else f"{suffix[:80]}_{mark}"


class Names:
    """Gives each file a name of its own, also where systems do not tell case apart."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def new(self, folder: str, where: str) -> str:
        name = crate_path(folder, where)
        stem, dot, suffix = name.rpartition(".")
        number = 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem}~{number}.{suffix}" if dot and "/" not in suffix else f"{stem}{dot}{suffix}~{number}"
        self._taken.add(name.casefold())
        return name
