"""Into how many files is a Zarr store cut, and would sharding help? From its metadata, and by counting what lies there.

Source: Zarr specifications v2 (`.zarray`, `.zgroup`, `.zmetadata`) and v3 (`zarr.json`, codec `sharding_indexed`).
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeGuard

from auditor.world import World
from probes.formats import FormatFile, Part, Reader, Unreadable, largest

DESCRIBES = frozenset({"zarr.json", ".zarray", ".zgroup"})
METADATA = DESCRIBES | {".zattrs", ".zmetadata"}
MAX_ENTRIES = 2_000_000
MAX_ARRAYS = 5_000
MAX_JSON = 16 << 20
MAX_DEPTH = 64
# v2 counts bytes (`<f4`), v3 bits (`float32`)
_ITEM = re.compile(r"[<>|=]?[a-zA-Z](\d+)|[a-z]{2,}(\d+)")


@dataclass
class _Count:
    """What lies in the store: metadata files to read, chunk files and bytes by array folder."""

    metadata: list[str] = field(default_factory=list)
    chunks: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    entries: int = 0
    files: int = 0
    size: int = 0


def read(world: World, path: str) -> FormatFile:
    found = _Count()
    _walk(path, found)
    parts: list[Part] = []
    version = ""
    for place in found.metadata[:MAX_ARRAYS]:
        told = _json(world, place)
        version = version or str(told.get("zarr_format", ""))[:10]
        if part := array(told, os.path.relpath(os.path.dirname(place), path)):
            folder = os.path.dirname(place)
            parts.append(_counted(part, found.chunks.get(folder, 0), found.sizes.get(folder, 0)))
    if not version and not found.metadata:
        raise Unreadable("no zarr.json, .zarray or .zgroup in it")
    over = found.entries > MAX_ENTRIES or len(found.metadata) > MAX_ARRAYS
    return FormatFile(
        path,
        "zarr",
        version,
        found.size,
        found.files,
        parts=largest(parts),
        parts_total=len(parts),
        reason=f"more than {MAX_ENTRIES} entries: not all were counted" if over else "",
    )


def array(told: dict[str, Any], name: str) -> Part | None:
    """An array's metadata, v2 or v3; None: a group, or nothing that reads as an array."""
    shape, chunk = told.get("shape"), told.get("chunks")
    if told.get("zarr_format") == 3:
        if told.get("node_type") != "array":
            return None
        chunk = _get(told, "chunk_grid", "configuration", "chunk_shape")
    if not _numbers(shape) or not _numbers(chunk) or len(shape) != len(chunk):
        return None
    dtype = str(told.get("dtype") or told.get("data_type") or "")[:60]
    return Part(
        name,
        tuple(shape),
        dtype,
        tuple(chunk),
        math.prod(_pieces(shape, chunk)),
        logical=_bytes(shape, dtype),
        filters=_filters(told),
    )


def _filters(told: dict[str, Any]) -> tuple[str, ...]:
    if told.get("zarr_format") == 3:
        return tuple(_codecs(told.get("codecs")))
    names = [told.get("compressor"), *(told.get("filters") or ())]
    return tuple(str(one["id"])[:40] for one in names if isinstance(one, dict) and "id" in one)


def _codecs(codecs: Any) -> Iterator[str]:
    """Names in order; of a shard also how it is cut inside: `sharding_indexed(64,64)`."""
    for one in codecs if isinstance(codecs, list) else ():
        name = str(one.get("name", "") if isinstance(one, dict) else one)[:40]
        inner = _get(one, "configuration", "chunk_shape") if isinstance(one, dict) else None
        yield f"{name}({','.join(map(str, inner))})" if _numbers(inner) else name


def _counted(part: Part, chunks: int, size: int) -> Part:
    """`chunks` is what lies on disk where that is known: empty chunks are not written."""
    return replace(part, chunks=chunks, stored=size)


def _walk(folder: str, found: _Count, home: str = "", depth: int = 0) -> None:
    """Files below an array's metadata are its chunks; `home`: the array's folder so far."""
    if depth > MAX_DEPTH:
        return
    with os.scandir(folder) as listed:
        entries = sorted(islice(listed, MAX_ENTRIES - found.entries + 1), key=lambda e: e.name)
    found.entries += len(entries)
    if found.entries > MAX_ENTRIES:
        return
    own = {e.name for e in entries} & DESCRIBES
    found.metadata += [os.path.join(folder, name) for name in sorted(own)]
    home = folder if own - {".zgroup"} else home
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            _walk(entry.path, found, home, depth + 1)
        elif entry.is_file(follow_symlinks=False):
            size = entry.stat(follow_symlinks=False).st_size
            found.files += 1
            found.size += size
            if entry.name not in METADATA:
                found.chunks[home] = found.chunks.get(home, 0) + 1
                found.sizes[home] = found.sizes.get(home, 0) + size


def _json(world: World, path: str) -> dict[str, Any]:
    try:
        told = json.loads(world.read(path, MAX_JSON))
    except (ValueError, RecursionError, OSError):
        return {}
    return told if isinstance(told, dict) else {}


def _get(told: Any, *keys: str) -> Any:
    for key in keys:
        told = told.get(key) if isinstance(told, dict) else None
    return told


def _numbers(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and len(value) <= 32 and all(isinstance(n, int) and 0 <= n < 1 << 62 for n in value)


def _pieces(shape: list[int], chunk: list[int]) -> Iterator[int]:
    return (-(-s // c) if c else 0 for s, c in zip(shape, chunk, strict=True))


def _bytes(shape: list[int], dtype: str) -> int | None:
    found = _ITEM.fullmatch(dtype)
    width = (int(found[1]) if found[1] else int(found[2]) // 8) if found else 0
    return math.prod(shape) * width if width else None


READER = Reader("zarr", (".zarr",), read, folder=True, marks=("zarr.json", ".zgroup", ".zarray"))
