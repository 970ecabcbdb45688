"""Which records does a TFRecord file hold, such as TensorBoard's event files? Checked, and whole up to where it was cut off.

Each is: length (8 bytes, little-endian), masked CRC-32C of the length, data, masked CRC-32C of the data (tensorflow.org, "TFRecord and tf.train.Example").
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.world import World
from probes.records.bytesfrom import Bytes

MAX_BYTES = 512 << 20
MAX_RECORD = 64 << 10
"""Longer ones (images, graphs) are passed over: numbers need a few dozen bytes."""
_MAX_LENGTH = 4 << 30


@dataclass(frozen=True)
class Ended:
    """The last thing that `records` gives: whether the file was whole, else why not; how many records were passed over for their length."""

    why: str
    passed: int


def records(world: World, path: str, limit: int = MAX_BYTES) -> Iterator[bytes | Ended]:
    """The data of each record, and at the end how it ended. A length with a wrong checksum ends it: nothing after can be found. Raises OSError."""
    file = Bytes(world, path, limit)
    passed = 0
    while head := file.take(12):
        why = _bad_head(head)
        if why:
            yield Ended(_cut(file) or why, passed)
            return
        (length,) = struct.unpack_from("<Q", head)
        if length > MAX_RECORD:
            passed += 1
            if not file.skip(length + 4):
                yield Ended(_cut(file) or "the last record is cut off", passed)
                return
            continue
        body = file.take(length + 4)
        if len(body) < length + 4:
            yield Ended(_cut(file) or "the last record is cut off", passed)
            return
        data = body[:length]
        if struct.unpack("<I", body[length:])[0] != masked(data):
            yield Ended("a record's checksum is wrong", passed)
            return
        yield data
    yield Ended(_cut(file), passed)


def _bad_head(head: bytes) -> str:
    if len(head) < 12:
        return "the last record is cut off"
    length, told = struct.unpack("<QI", head)
    if masked(head[:8]) != told:
        return "a length's checksum is wrong"
    return "a record of more than 4 GiB" if length > _MAX_LENGTH else ""


def _cut(file: Bytes) -> str:
    return "only its beginning was read" if file.cut else ""


def masked(data: bytes) -> int:
    """CRC-32C, rotated and shifted so that a checksum of checksums is none."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFF_FFFF


def crc32c(data: bytes) -> int:
    """RFC 3720, appendix B.4: polynomial 0x1EDC6F41, reflected."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFF_FFFF


def _entry(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ 0x82F63B78 if value & 1 else value >> 1
    return value


_TABLE = tuple(_entry(n) for n in range(256))
