"""Is a tree what a manifest says? Two manifests side by side, in the one order that both have."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from probes.manifest.read import Reader, Row
from probes.manifest.rows import order


class What(StrEnum):
    MISSING = "missing"
    CHANGED = "changed"
    NEW = "new"
    UNKNOWN = "unknown"
    """It could not be read, then or now."""


class Difference(NamedTuple):
    """why: what differs: `content`, `size`, `link`, `executable`, or the reason why nobody knows."""

    what: What
    path: str
    why: str = ""


def differences(before: Reader, now: Reader) -> Iterator[Difference]:
    """Every path that is not as it was."""
    old, new = before.rows(), now.rows()
    a, b = next(old, None), next(new, None)
    while a or b:
        if b is None or (a and order(a.path) < order(b.path)):
            assert a is not None
            yield Difference(What.MISSING, a.path)
            a = next(old, None)
        elif a is None or order(b.path) < order(a.path):
            yield Difference(What.NEW, b.path)
            b = next(new, None)
        else:
            if found := _compared(a, b):
                yield found
            a, b = next(old, None), next(new, None)
    for path, reason in now.skipped_folders.items():
        if before.skipped_folders.get(path) != reason:
            yield Difference(What.UNKNOWN, path, reason)


def _compared(a: Row, b: Row) -> Difference | None:
    if a.link != b.link:
        return Difference(What.CHANGED, a.path, "link")
    if a.skipped and a.skipped == b.skipped and not a.digests:
        return None if a.skipped in {"special", "dangling-link", "link-to-folder", "excluded"} else _unknown(a)
    if a.size >= 0 and b.size >= 0 and a.size != b.size:
        return Difference(What.CHANGED, a.path, "size")
    if a.skipped or b.skipped:
        return Difference(What.UNKNOWN, a.path, b.skipped or a.skipped)
    both = a.digests.keys() & b.digests.keys()
    if not both:
        return Difference(What.UNKNOWN, a.path, "no digest in common")
    if any(a.digests[name] != b.digests[name] for name in both):
        return Difference(What.CHANGED, a.path, "content")
    return Difference(What.CHANGED, a.path, "executable") if a.executable != b.executable else None


def _unknown(a: Row) -> Difference:
    return Difference(What.UNKNOWN, a.path, a.skipped)
