"""How is a MongoDB dump read without MongoDB? Documents one after another, as bsonspec.org (1.1) has them; bounded, plain values only."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from auditor.world import World

MAX_DOCUMENT = 48 << 20
"""Bytes; MongoDB itself stores at most 16 MiB in one."""
MAX_DEPTH = 100
MAX_BYTES = 2 << 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadBson(ValueError):
    """Not BSON, or damaged from here on: one line why."""


def documents(world: World, path: str, limit: int = MAX_BYTES) -> Iterator[dict[str, Any]]:
    """Each document of a `.bson` file, or of a `.bson.gz` as `mongodump --gzip` writes it. Dates as ISO 8601 in UTC, ids as hex.

    What is before the damage was yielded. Raises BadBson; as World.chunks.
    """
    pieces: Iterable[bytes] = (bytes(p) for p in world.chunks(path))
    held = bytearray()
    seen = 0
    for piece in _unpacked(pieces) if path.endswith(".gz") else pieces:
        held += piece
        seen += len(piece)
        at = 0
        while (size := _size(held, at)) and len(held) - at >= size:
            yield decode(bytes(held[at : at + size]))
            at += size
        del held[:at]
        if seen > limit:
            raise BadBson(f"more than {limit} bytes")
    if held:
        raise BadBson(f"the file ends in the middle of a document, {len(held)} bytes after its beginning")


def decode(raw: bytes) -> dict[str, Any]:
    """One document. Raises BadBson."""
    try:
        value, end = _document(raw, 0, 0)
    except (struct.error, IndexError, UnicodeDecodeError, OverflowError) as error:
        raise BadBson(f"damaged: {error}") from None
    if end != len(raw):
        raise BadBson("a document is not as long as it says")
    return value


def _size(held: bytearray, at: int) -> int:
    """Of the document that begins there; 0 while that is not known."""
    if len(held) - at < 4:
        return 0
    size: int = struct.unpack_from("<i", held, at)[0]
    if not 5 <= size <= MAX_DOCUMENT:
        raise BadBson(f"a document of {size} bytes")
    return size


def _unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    unpack = zlib.decompressobj(31)
    try:
        for piece in pieces:
            rest = piece
            while rest:
                yield unpack.decompress(rest, 1 << 20)
                rest = unpack.unconsumed_tail
    except zlib.error as error:
        raise BadBson(f"not gzip: {error}") from None
    if not unpack.eof:
        raise BadBson("the packed file is cut off")


def _document(raw: bytes, at: int, depth: int) -> tuple[dict[str, Any], int]:
    """The document at this offset, and where it ends."""
    if depth > MAX_DEPTH:
        raise BadBson(f"nested more than {MAX_DEPTH} deep")
    end = at + struct.unpack_from("<i", raw, at)[0]
    if not at + 5 <= end <= len(raw) or raw[end - 1]:
        raise BadBson("a document reaches beyond what holds it")
    at += 4
    found: dict[str, Any] = {}
    while at < end - 1:
        kind = raw[at]
        name, at = _name(raw, at + 1)
        if kind in (3, 4):
            inner, at = _document(raw, at, depth + 1)
            found[name] = inner if kind == 3 else list(inner.values())
        else:
            found[name], at = _value(kind, raw, at)
    if at != end - 1:
        raise BadBson("a value reaches beyond its document")
    return found, end


def _value(kind: int, raw: bytes, at: int) -> tuple[Any, int]:
    if reader := _FIXED.get(kind):
        form, size, made = reader
        return made(struct.unpack_from(form, raw, at)[0]) if form else made(raw[at : at + size]), at + size
    if kind in (2, 13, 14):  # string, code, symbol
        size = struct.unpack_from("<i", raw, at)[0]
        _within(raw, at + 4, size, 1)
        return raw[at + 4 : at + 3 + size].decode("utf-8", "replace"), at + 4 + size
    if kind == 5:  # bytes of whatever: how many is all that we tell
        size = struct.unpack_from("<i", raw, at)[0]
        _within(raw, at + 5, size, 0)
        return f"({size} bytes)", at + 5 + size
    if kind == 11:  # a regular expression
        pattern, at = _name(raw, at)
        _, at = _name(raw, at)
        return pattern, at
    if kind in (6, 10, 127, 255):
        return None, at
    raise BadBson(f"a value of the type {kind:#x}")


def _within(raw: bytes, at: int, size: int, least: int) -> None:
    if not least <= size <= len(raw) - at:
        raise BadBson("a text reaches beyond its document")


def _name(raw: bytes, at: int) -> tuple[str, int]:
    end = raw.index(b"\0", at) if b"\0" in raw[at : at + 4096] else -1
    if end < 0:
        raise BadBson("a name without an end")
    return raw[at:end].decode("utf-8", "replace"), end + 1


def moment(milliseconds: int) -> str:
    """ISO 8601 of MongoDB's dates; empty for one beyond the calendar."""
    try:
        return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat()
    except OverflowError:
        return ""


def _same(value: Any) -> Any:
    return value


_FIXED: dict[int, tuple[str, int, Callable[[Any], Any]]] = {
    1: ("<d", 8, _same),
    7: ("", 12, bytes.hex),
    8: ("", 1, lambda raw: raw == b"\1"),
    9: ("<q", 8, moment),
    16: ("<i", 4, _same),
    17: ("<Q", 8, _same),
    18: ("<q", 8, _same),
    19: ("", 16, bytes.hex),
}
