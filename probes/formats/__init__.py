"""What does a data file tell about itself: how it is cut, packed and written? The family's types; one reader a format beside this file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from auditor.world import World

MAX_PARTS = 50
"""Parts of one file that are named; the rest is counted."""


class Unreadable(Exception):
    """The file is not of this format, or is damaged: one line why."""


@dataclass(frozen=True)
class Part:
    """One data set, array, table or variable. chunk: shape of one chunk, shard or row group, empty: in one piece; chunks: how many there are.

    stored, logical: bytes on disk and unpacked. filters: compression and what else each chunk goes through. None: not told.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    chunk: tuple[int, ...] = ()
    chunks: int | None = None
    stored: int | None = None
    logical: int | None = None
    filters: tuple[str, ...] = ()


@dataclass(frozen=True)
class FormatFile:
    """One data file, or a store that is a folder. role: `input`, `output`, `present` (in the work directory, neither declared nor changed).

    files: how many files on disk make it; size: their bytes. parts: the largest MAX_PARTS of `parts_total`.
    steps: times something was appended; writers: processes or aggregators that wrote files of their own; calls, written: write calls
    and their bytes, as the format's own log tells. closed: False where the writer had not finished. None: not told.
    links: other files that this one needs. reason: why not everything could be read, empty: all was.
    """

    path: str
    format: str
    version: str
    size: int
    files: int = 1
    role: str = "present"
    parts: tuple[Part, ...] = ()
    parts_total: int | None = None
    steps: int | None = None
    writers: int | None = None
    calls: int | None = None
    written: int | None = None
    closed: bool | None = None
    links: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class FormatFiles:
    """Kind of the probe `format-layout` (later). seen: data files found; those over the limit are counted there and not opened."""

    files: tuple[FormatFile, ...]
    seen: int
    walked_all: bool
    """Was the whole tree walked, or did the budget end it?"""


@dataclass(frozen=True)
class Reader:
    """How one format is known and read; a new format is one file with one constant READER.

    magic: (offset, bytes) of which one must be there; folder: the store is a folder, known by one of the names in `marks` in it.
    read raises Unreadable or OSError.
    """

    format: str
    suffixes: tuple[str, ...]
    read: Callable[[World, str], FormatFile]
    magic: tuple[tuple[int, bytes], ...] = ()
    folder: bool = False
    marks: tuple[str, ...] = ()


def largest(parts: list[Part]) -> tuple[Part, ...]:
    """The parts that are named: by bytes, then by name."""
    return tuple(sorted(parts, key=lambda p: (-(p.stored or p.logical or 0), p.name))[:MAX_PARTS])
