"""Which libraries does an ELF file ask for, where should they lie, and which build is it? A few small reads, whatever its size.

Sources: elf(5); System V ABI, "Dynamic Section"; ld.so(8) for RPATH and RUNPATH; ld(1) `--build-id`.
"""

from __future__ import annotations

import os.path
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.world import World

MAX_HEADERS = 512
MAX_DYNAMIC = 1 << 20
MAX_STRINGS = 16 << 20
MAX_NOTES = 1 << 16
MAX_NEEDED = 1000
MAX_OFFSET = 1 << 40
_LOAD, _DYNAMIC, _NOTE = 1, 2, 4
_NEEDED, _STRTAB, _STRSZ, _SONAME, _RPATH, _RUNPATH = 1, 5, 10, 14, 15, 29
_BUILD_ID = 3


class NotElf(ValueError):
    """The file is no ELF file, or its tables lead outside of it."""


@dataclass(frozen=True)
class Elf:
    """What the dynamic section says. build_id: hex, empty where the linker left none; `$ORIGIN` is already replaced in the paths."""

    soname: str
    needed: tuple[str, ...]
    rpath: tuple[str, ...]
    runpath: tuple[str, ...]
    build_id: str


@dataclass(frozen=True)
class _Segment:
    kind: int
    offset: int
    address: int
    size: int


def read(world: World, path: str) -> Elf:
    """Raises NotElf, and what reading a file raises."""
    head = world.span(path, 0, 64)
    if len(head) < 52 or head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
        raise NotElf(f"{path} is no ELF file")
    wide, order = head[4] == 2, "<" if head[5] == 1 else ">"
    if wide and len(head) < 64:
        raise NotElf(f"{path} is cut short")
    try:
        segments = tuple(_segments(world, path, head, wide, order))
        tags = tuple(_tags(world, path, segments, wide, order))
        build_id = _build_id(world, path, segments, order)
    except struct.error as error:
        raise NotElf(f"{path}: {error}") from error
    return _told(world, path, segments, tags, build_id)


def _span(world: World, path: str, start: int, length: int) -> bytes:
    if not 0 <= start < MAX_OFFSET:
        raise NotElf(f"{path} points to byte {start}")
    return world.span(path, start, length)


def _segments(world: World, path: str, head: bytes, wide: bool, order: str) -> Iterator[_Segment]:
    (start,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, 32 if wide else 28)
    size, count = struct.unpack_from(f"{order}HH", head, 54 if wide else 42)
    if count > MAX_HEADERS or size < (56 if wide else 32) or size > 256:
        raise NotElf(f"{path} has {count} program headers of {size} bytes")
    table = _span(world, path, start, size * count)
    for at in range(0, len(table) - size + 1, size):
        if wide:
            kind, _, offset, address, _, length = struct.unpack_from(f"{order}IIQQQQ", table, at)
        else:
            kind, offset, address, _, length = struct.unpack_from(f"{order}IIIII", table, at)
        if kind in (_LOAD, _DYNAMIC, _NOTE):
            yield _Segment(kind, offset, address, length)


def _tags(world: World, path: str, segments: tuple[_Segment, ...], wide: bool, order: str) -> Iterator[tuple[int, int]]:
    where = next((s for s in segments if s.kind == _DYNAMIC), None)
    if where is None:
        return  # a static program
    table = _span(world, path, where.offset, min(where.size, MAX_DYNAMIC))
    step = 16 if wide else 8
    for tag, value in struct.iter_unpack(f"{order}{'qQ' if wide else 'iI'}", table[: len(table) // step * step]):
        if tag == 0:
            return
        yield tag, value


def _told(world: World, path: str, segments: tuple[_Segment, ...], tags: tuple[tuple[int, int], ...], build_id: str) -> Elf:
    one = dict(tags)
    load = next((s for s in segments if s.kind == _LOAD and s.address <= one.get(_STRTAB, -1) < s.address + s.size), None)
    strings = b""
    if load:
        strings = _span(world, path, load.offset + one[_STRTAB] - load.address, min(one.get(_STRSZ, 0), MAX_STRINGS))

    def name(at: int) -> str:
        end = strings.find(b"\0", at, at + 4096)
        return strings[at:end].decode("utf-8", "surrogateescape") if 0 <= at <= end else ""

    origin = os.path.dirname(path)

    def folders(tag: int) -> tuple[str, ...]:
        told = name(one[tag]).replace("${ORIGIN}", origin).replace("$ORIGIN", origin) if tag in one else ""
        return tuple(os.path.normpath(f) for f in told.split(":") if f)

    needed = tuple(filter(None, (name(value) for tag, value in tags if tag == _NEEDED)))[:MAX_NEEDED]
    return Elf(name(one[_SONAME]) if _SONAME in one else "", needed, folders(_RPATH), folders(_RUNPATH), build_id)


def _build_id(world: World, path: str, segments: tuple[_Segment, ...], order: str) -> str:
    for segment in (s for s in segments if s.kind == _NOTE):
        notes = _span(world, path, segment.offset, min(segment.size, MAX_NOTES))
        at = 0
        while at + 12 <= len(notes):
            name_size, size, kind = struct.unpack_from(f"{order}III", notes, at)
            name_end = at + 12 + (name_size + 3) // 4 * 4
            if kind == _BUILD_ID and notes[at + 12 : at + 16] == b"GNU\0" and 0 < size <= 64:
                return notes[name_end : name_end + size].hex()
            at = name_end + (size + 3) // 4 * 4
    return ""
