"""How large is the step between two versions? By the first number that changed (semver.org; PEP 440 for epochs and releases)."""

from __future__ import annotations

import re

SIZES = ("major", "minor", "patch", "build")
GONE = "not there"


def size(before: str, after: str) -> str:
    """How large the step between two versions is: `major`, `minor`, `patch`; `build`: one version, other content."""
    if GONE in (before, after):
        return "major"
    old, new = (_release(text) for text in (before, after))
    at = next((n for n, (x, y) in enumerate(zip(old, new, strict=False)) if x != y), min(len(old), len(new)))
    if old == new:
        return "build"
    return SIZES[min(at, 2)]


def alike(before: str, after: str) -> bool:
    """Equal as far as both are known: a digest that only one side has tells no difference. States are `1.2 sha256:…, 1.3 sha256:…`."""
    if before == after:
        return True
    known = [bool(_DIGEST.search(text)) for text in (before, after)]
    return known[0] != known[1] and _bare(before) == _bare(after)


_DIGEST = re.compile(r" ?sha256:[0-9a-f]{64}")


def _bare(text: str) -> frozenset[str]:
    return frozenset(_DIGEST.sub("", text).split(", "))


def _release(text: str) -> tuple[int, ...]:
    """`1!2.3.0rc1` -> (2, 3, 0); `CPython 3.11.7` -> (3, 11, 7)."""
    found = re.search(r"(?:^|[\s/])(?:\d+[!:])?v?(\d{1,9}(?:\.\d{1,9}){0,5})", text)
    return tuple(int(word) for word in found[1].split(".")) if found else ()
