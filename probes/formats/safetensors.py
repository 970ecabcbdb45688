"""Which tensors are in a safetensors file? From its JSON header.

Source: huggingface/safetensors, README "Format": 8 bytes of length, a JSON object, the tensors' bytes.
"""

from __future__ import annotations

import json

from auditor.world import World
from probes.formats import FormatFile, Part, Reader, Unreadable, largest

MAX_HEADER = 100_000_000
"""The format's own limit, in bytes."""


def read(world: World, path: str) -> FormatFile:
    size = world.stat(path).size
    length = int.from_bytes(world.span(path, 0, 8), "little")
    if not 2 <= length <= min(MAX_HEADER, size - 8):
        raise Unreadable(f"its header would be {length} bytes")
    try:
        told = json.loads(world.span(path, 8, length))
        tensors = [_part(str(name), about) for name, about in told.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable("its header does not read") from error
    return FormatFile(path, "safetensors", "", size, parts=largest(tensors), parts_total=len(tensors), closed=True)


def _part(name: str, about: dict[str, object]) -> Part:
    begin, end = about["data_offsets"]  # type: ignore[misc]  # another shape is a header that does not read
    shape = tuple(int(n) for n in about["shape"])  # type: ignore[attr-defined]
    return Part(name[:200], shape, str(about["dtype"])[:20], stored=int(end) - int(begin), logical=int(end) - int(begin))  # type: ignore[has-type]


READER = Reader("safetensors", (".safetensors",), read)
