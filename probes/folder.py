"""What code lies in a work directory that is not under version control?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceFile:
    """A source file (by suffix or #! line) in the work directory."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class FolderState:
    """A plain folder's source files, within limits; tree_sha256 over sorted `sha256  path` lines."""

    root: str
    files: tuple[SourceFile, ...]
    tree_sha256: str
    skipped: tuple[str, ...]
