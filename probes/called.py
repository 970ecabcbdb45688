"""Which other files does the batch script call, and what was in them? Found statically; hashed at submit and at start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CalledFile:
    """A script or program file the batch script runs or sources, or that such a file imports from beside it.

    line: where it is named in the caller. sha256 empty when `state` is not `ok` (`absent`, `unreadable`, `too-big`).
    """

    path: str
    caller: str
    line: int
    sha256: str
    size: int
    state: str


@dataclass(frozen=True)
class CalledFiles:
    """Guest probe, submit and start: comparing the two is drift."""

    files: tuple[CalledFile, ...]
    unresolved: tuple[str, ...]
    """Words that name a file only at run time (`$STEP.sh`), as written."""
