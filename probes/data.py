"""Which files went in and came out, and what was in them?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataFile:
    """A file by content. role: `input`, `output`; how: `declared` or `changed` (its mtime lies within the run).

    kind: `file`, `link` (target hashed), `pointer` (git-LFS, DVC); sha256 bare hex; size in bytes; mtime in ns since the epoch.
    """

    path: str
    role: str
    how: str
    kind: str
    size: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True)
class Skipped:
    """A file or folder that was not hashed, and why (`budget`, `unreadable`, `changed-while-read`, `socket`, `excluded` ...)."""

    path: str
    role: str
    reason: str
    size: int = 0


@dataclass(frozen=True)
class DataManifest:
    """Inputs at submit and start, inputs and outputs at the end. Paths are relative to `root` where they lie under it.

    complete: nothing was skipped for a reason that leaves us ignorant.
    """

    root: str
    algorithm: str
    files: tuple[DataFile, ...]
    skipped: tuple[Skipped, ...]
    complete: bool
    bytes_hashed: int
    directories: int
    """Folders walked: with the number of files, the shape that tip 11 looks at."""
