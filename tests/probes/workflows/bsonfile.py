"""Documents as MongoDB writes them: enough of BSON to write a dump with (bsonspec.org)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime


def document(values: Mapping[str, object]) -> bytes:
    body = b"".join(_element(name, value) for name, value in values.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def _element(name: str, value: object) -> bytes:
    kind, raw = _value(value)
    return bytes([kind]) + name.encode() + b"\0" + raw


def _value(value: object) -> tuple[int, bytes]:
    if value is None:
        return 10, b""
    if isinstance(value, bool):
        return 8, bytes([value])
    if isinstance(value, int):
        return (16, struct.pack("<i", value)) if -(1 << 31) <= value < 1 << 31 else (18, struct.pack("<q", value))
    if isinstance(value, float):
        return 1, struct.pack("<d", value)
    if isinstance(value, str):
        raw = value.encode() + b"\0"
        return 2, struct.pack("<i", len(raw)) + raw
    if isinstance(value, bytes):
        return 5, struct.pack("<i", len(value)) + b"\0" + value
    if isinstance(value, datetime):
        return 9, struct.pack("<q", int((value - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000))
    if isinstance(value, Mapping):
        return 3, document(value)
    assert isinstance(value, (list, tuple))
    return 4, document({str(n): v for n, v in enumerate(value)})
