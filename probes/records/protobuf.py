"""Which fields does a protobuf message hold, without its schema? The wire format of protobuf.dev/programming-guides/encoding."""

from __future__ import annotations

import struct
from collections.abc import Iterator

Value = int | bytes
_MAX_FIELDS = 100_000
_VARINT_BYTES = 10


class Malformed(ValueError):
    """These bytes are no protobuf message, or are cut off: one line why."""


class Message:
    """One message, its fields by number; what is not there is empty, zero or None. Raises Malformed when it is made."""

    def __init__(self, raw: bytes) -> None:
        self._fields: dict[int, list[Value]] = {}
        for number, value in fields(raw):
            self._fields.setdefault(number, []).append(value)

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    def raw(self, number: int) -> bytes:
        """The last value of a field of bytes, as the format says of repeated single fields."""
        return next((v for v in reversed(self._fields.get(number, [])) if isinstance(v, bytes)), b"")

    def text(self, number: int) -> str:
        return self.raw(number).decode("utf-8", "replace")

    def texts(self, number: int) -> tuple[str, ...]:
        return tuple(v.decode("utf-8", "replace") for v in self._fields.get(number, []) if isinstance(v, bytes))

    def number(self, number: int) -> int:
        """A varint as unsigned."""
        return next((v for v in reversed(self._fields.get(number, [])) if isinstance(v, int)), 0)

    def signed(self, number: int) -> int:
        """A varint as int32 or int64: negative ones are written in ten bytes."""
        value = self.number(number)
        return value - (1 << 64) if value >= 1 << 63 else value

    def double(self, number: int) -> float | None:
        """A field of eight or four bytes as floating point."""
        raw = self.raw(number)
        size = {8: "<d", 4: "<f"}.get(len(raw))
        return float(struct.unpack(size, raw)[0]) if size else None

    def message(self, number: int) -> Message:
        """Empty if it is not there."""
        return Message(self.raw(number))

    def messages(self, number: int) -> Iterator[Message]:
        return (Message(v) for v in self._fields.get(number, []) if isinstance(v, bytes))


def fields(raw: bytes) -> Iterator[tuple[int, Value]]:
    """(number, value): a varint as int; length-delimited and fixed-size ones as bytes. Raises Malformed."""
    at, end, count = 0, len(raw), 0
    while at < end:
        key, at = _varint(raw, at)
        count += 1
        if key < 8 or count > _MAX_FIELDS:
            raise Malformed("a field without a number" if key < 8 else f"more than {_MAX_FIELDS} fields")
        kind = key & 7
        if kind == 0:
            value, at = _varint(raw, at)
            yield key >> 3, value
            continue
        if kind == 2:
            size, at = _varint(raw, at)
        elif kind in {1, 5}:
            size = 8 if kind == 1 else 4
        else:
            raise Malformed(f"wire type {kind}")
        if size > end - at:
            raise Malformed("cut off")
        yield key >> 3, raw[at : at + size]
        at += size


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n in range(_VARINT_BYTES):
        if at + n >= len(raw):
            raise Malformed("cut off")
        byte = raw[at + n]
        value |= (byte & 0x7F) << (7 * n)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + n + 1
    raise Malformed("a number without an end")
