"""Do two safetensors files hold the same weights? Same names, types and shapes; floats within tolerance; nothing is unpickled.

Format: github.com/huggingface/safetensors, "Format": 8 bytes little-endian length, a JSON header, then the values.
"""

from __future__ import annotations

import json
from math import prod
from typing import Any, BinaryIO

from auditor.replay.compare.content import Content, NotComparable
from auditor.replay.compare.kind import Comparator
from auditor.replay.compare.ledger import Ledger
from auditor.replay.compare.numbers import Numbers, in_step

HEADER = 100 << 20
KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1", "U64": "<u8", "U32": "<u4",
         "U16": "<u2", "U8": "|u1", "BOOL": "|b1", "BF16": "<u2", "F8_E4M3": "|u1", "F8_E5M2": "|u1"}  # fmt: skip
"""NumPy has no type for the last three: their bits are compared."""


def compare(expected: Content, actual: Content, ledger: Ledger) -> None:
    """Raises NotComparable, ValueError, KeyError for what is damaged."""
    with expected.open() as a, actual.open() as b:
        (one, start), (other, begin) = _header(a), _header(b)
        for name in sorted({*one, *other}):
            if name not in one or name not in other:
                ledger.shape(name, *(("present", "absent") if name in one else ("absent", "present")))
            elif name == "__metadata__":
                if one[name] != other[name]:
                    ledger.note("left aside: the header's free text (__metadata__)")
            else:
                _tensor(name, (a, one[name], start), (b, other[name], begin), ledger)


def _tensor(name: str, x: tuple[BinaryIO, dict[str, Any], int], y: tuple[BinaryIO, dict[str, Any], int], ledger: Ledger) -> None:
    (a, one, start), (b, other, begin) = x, y
    if one["shape"] != other["shape"]:
        ledger.shape(f"{name} shape", str(one["shape"]), str(other["shape"]))
    elif one["dtype"] != other["dtype"]:
        ledger.shape(f"{name} type", str(one["dtype"]), str(other["dtype"]))
    else:
        if one["dtype"] not in KINDS:
            raise NotComparable(f"values of type {str(one['dtype'])[:40]}")
        numbers = Numbers(name, KINDS[one["dtype"]], ledger)
        total = prod(one["shape"]) * numbers.width
        for told in (one, other):
            if told["data_offsets"][1] - told["data_offsets"][0] != total:
                raise NotComparable(f"{name}: as many values as its shape says are not there")
        a.seek(start + one["data_offsets"][0])
        b.seek(begin + other["data_offsets"][0])
        in_step(a.read, b.read, numbers, total)


def _header(file: BinaryIO) -> tuple[dict[str, Any], int]:
    size = int.from_bytes(file.read(8), "little")
    if size > HEADER:
        raise NotComparable("a header that is too long")
    told = json.loads(file.read(size))
    if not isinstance(told, dict):
        raise NotComparable("a header that is no object")
    return told, 8 + size


def _knows(head: bytes) -> bool:
    return 0 < int.from_bytes(head[:8], "little") <= HEADER and head[8:10] == b'{"'


COMPARATOR = Comparator("safetensors", ("safetensors",), compare, _knows)
