"""How was an ADIOS2 output written: steps, aggregators, calls, bytes? From its index and its own profile; no library.

Source: the layout of BP4 and BP5 folders (ADIOS2 user guide, "BP5" and "BP4"; index header of `md.idx`), checked on files of 2.12.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any

from auditor.world import World
from probes.formats import FormatFile, Reader, Unreadable

HEADER = 64
MAX_INDEX = 256 << 20
MAX_PROFILE = 64 << 20
_STEP = ord("s")


def read(world: World, path: str) -> FormatFile:
    with os.scandir(path) as listed:
        sizes = {e.name: e.stat().st_size for e in listed if e.is_file(follow_symlinks=False)}
    index = world.read(os.path.join(path, "md.idx"), MAX_INDEX)
    version, bp, closed = header(index)
    profile = _profile(world, path, sizes)
    writes = [w for rank in profile for w in _writes(rank)]
    return FormatFile(
        path,
        f"adios2-bp{bp}",
        version,
        sum(sizes.values()),
        len(sizes),
        parts_total=None,
        steps=steps(index, bp),
        writers=sum(1 for name in sizes if re.fullmatch(r"data\.\d+", name)),
        calls=sum(calls for calls, _ in writes) if writes else None,
        written=sum(size for _, size in writes) if writes else None,
        closed=closed,
        reason="" if profile else "no profiling.json: write calls are not known",
    )


def header(index: bytes) -> tuple[str, int, bool]:
    """Version of the library, format (4 or 5), was it closed? The version's digits are characters counted from `0`: `<` is 12."""
    if len(index) < HEADER or not index.startswith(b"ADIOS-BP"):
        raise Unreadable("md.idx is no index of ADIOS2")
    bp = index[37]
    if bp not in (4, 5):
        raise Unreadable(f"BP{bp} is not known here")
    version = ".".join(str(max(0, byte - ord("0"))) for byte in index[32:35])
    return version, bp, index[38 if bp == 4 else 39] == 0


def steps(index: bytes, bp: int) -> int:
    """BP4: one record of 64 bytes a step; BP5: records of a type byte and a length, `s` for a step."""
    if bp == 4:
        return (len(index) - HEADER) // 64
    count, at = 0, HEADER
    while at + 9 <= len(index):
        count += index[at] == _STEP
        at += 9 + int.from_bytes(index[at + 1 : at + 9], "little")
    return count


def _profile(world: World, path: str, sizes: dict[str, int]) -> list[dict[str, Any]]:
    if "profiling.json" not in sizes:
        return []
    try:
        told = json.loads(world.read(os.path.join(path, "profiling.json"), MAX_PROFILE))
    except (ValueError, RecursionError, OSError):
        return []
    return [rank for rank in told if isinstance(rank, dict)] if isinstance(told, list) else []


def _writes(rank: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """(calls, bytes) of each transport for data that BP5 tells of; BP4 tells times only."""
    for name, transport in rank.items():
        if (
            name.startswith("transport_")
            and isinstance(transport, dict)
            and str(transport.get("name", "data")).startswith("data")
        ):
            write = transport.get("write")
            calls, size = (write or {}).get("nCalls") if isinstance(write, dict) else None, transport.get("wbytes")
            if isinstance(calls, int) and isinstance(size, int) and calls >= 0 and size >= 0:
                yield calls, size


READER = Reader("adios2", (".bp", ".bp4", ".bp5"), read, folder=True, marks=("md.idx",))
