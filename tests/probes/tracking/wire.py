"""How do tests write protobuf, TFRecord and W&B's log by hand? The smallest writers, after the formats' own pages."""

from __future__ import annotations

import struct
import zlib

from probes.records.tfrecord import masked


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = b""
    while value > 0x7F:
        out += bytes((value & 0x7F | 0x80,))
        value >>= 7
    return out + bytes((value,))


def field(number: int, value: int | float | str | bytes) -> bytes:
    """An int as varint, a float as double, text and bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def single(number: int, value: float) -> bytes:
    """A number of four bytes."""
    return varint(number << 3 | 5) + struct.pack("<f", value)


def framed(*records: bytes) -> bytes:
    """A TFRecord file."""
    return b"".join(
        (head := struct.pack("<Q", len(r))) + struct.pack("<I", masked(head)) + r + struct.pack("<I", masked(r)) for r in records
    )


def logged(header: bytes, *records: bytes, block: int = 32768) -> bytes:
    """A log in LevelDB's framing with plain CRC-32, as W&B writes it: records are cut where a block ends."""
    out = header
    for record in records:
        kind_first, rest = True, record
        while True:
            left = block - len(out) % block
            if left < 7:
                out += bytes(left)
                continue
            part, rest = rest[: left - 7], rest[left - 7 :]
            kind = (1 if not rest else 2) if kind_first else (4 if not rest else 3)
            out += struct.pack("<IHB", zlib.crc32(bytes((kind,)) + part), len(part), kind) + part
            kind_first = False
            if not rest:
                break
    return out
