"""How is JSON of a stranger read, one document or one a line, of any size and perhaps cut off? https://jsonlines.org, RFC 8259."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from auditor.world import World

MAX_BYTES = 512 << 20
MAX_LINE = 8 << 20
MAX_DOCUMENT = 64 << 20


class NotJson(ValueError):
    """No JSON, or more than we read: one line why."""


def rows(world: World, path: str, limit: int = MAX_BYTES) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """(number from 1, object) of each line among the first `limit` bytes; None for a line that is none, or is longer than MAX_LINE.

    Empty lines are passed over. Raises as World.chunks.
    """
    for number, raw in enumerate(_lines(world, path, limit), 1):
        if raw is None or raw.strip():
            yield number, _object(raw)


def document(world: World, path: str, limit: int = MAX_DOCUMENT) -> Any:
    """The whole file as one document. Raises NotJson; OSError (TooBig among them)."""
    return parsed(world.read(path, limit))


def parsed(text: bytes | str) -> Any:
    """Raises NotJson."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # a number of too many digits is a ValueError too
        raise NotJson(" ".join(str(error).split())[:200]) from None


def _object(raw: bytes | None) -> dict[str, Any] | None:
    try:
        value = parsed(raw) if raw is not None else None
    except NotJson:
        return None
    return value if isinstance(value, dict) else None


def _lines(world: World, path: str, limit: int) -> Iterator[bytes | None]:
    """Lines without their end; None stands for one that is too long, of which nothing is kept."""
    held: list[bytes] = []
    size = seen = 0
    for piece in world.chunks(path):
        seen += len(piece)
        first, *others = bytes(piece).split(b"\n")
        for rest in others:
            yield b"".join((*held, first)) if size + len(first) <= MAX_LINE else None
            held, size, first = [], 0, rest
        size += len(first)
        held = [*held, first] if size <= MAX_LINE else []
        if seen >= limit:
            return
    if size:
        yield b"".join(held) if size <= MAX_LINE else None
