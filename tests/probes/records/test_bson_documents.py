"""How MongoDB's dumps are read: every type that can stand in one, and dumps that are cut off, packed or not what they say."""

from __future__ import annotations

import gzip
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.records import bson
from probes.records.bson import BadBson, decode, documents

# {"fw_id": 7, "ok": true} as MongoDB writes it
SMALL = b"\x15\0\0\0\x10fw_id\0\7\0\0\0\x08ok\0\1\0"


def test_a_document_is_read_back() -> None:
    assert decode(SMALL) == {"fw_id": 7, "ok": True}


def element(kind: int, raw: bytes) -> bytes:
    body = bytes([kind]) + b"x\0" + raw
    return struct.pack("<i", len(body) + 5) + body + b"\0"


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (1, struct.pack("<d", 0.5), 0.5),
        (2, b"\4\0\0\0abc\0", "abc"),
        (3, SMALL, {"fw_id": 7, "ok": True}),
        (4, element(10, b""), [None]),
        (5, b"\3\0\0\0\0abc", "(3 bytes)"),
        (7, bytes(range(12)), "000102030405060708090a0b"),
        (9, struct.pack("<q", 1_795_435_200_500), "2026-11-23T12:00:00.500000+00:00"),
        (9, struct.pack("<q", 1 << 62), ""),
        (10, b"", None),
        (11, b"a.*\0i\0", "a.*"),
        (13, b"\2\0\0\0f\0", "f"),
        (16, b"\xff\xff\xff\xff", -1),
        (17, struct.pack("<Q", 9), 9),
        (18, struct.pack("<q", 1 << 40), 1 << 40),
        (127, b"", None),
    ],
)
def test_each_type_becomes_a_plain_value(kind: int, raw: bytes, value: object) -> None:
    assert decode(element(kind, raw)) == {"x": value}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (element(99, b""), "a value of the type 0x63"),
        (element(2, b"\xff\0\0\0abc\0"), "a text reaches beyond its document"),
        (element(2, b"\xff\xff\xff\xffabc\0"), "a text reaches beyond its document"),
        (element(3, b"\xff\0\0\0"), "a document reaches beyond what holds it"),
        (b"\x0b\0\0\0\x10fw_id\0", "damaged: unpack_from requires a buffer"),
        (SMALL + b"\0", "a document is not as long as it says"),
        (SMALL[:6] + b"x" * 14 + b"\0", "damaged: unpack_from requires a buffer"),
    ],
)
def test_what_is_damaged_is_said_in_one_line(raw: bytes, why: str) -> None:
    with pytest.raises(BadBson, match=f"^{why}"):
        decode(raw)


def test_documents_within_documents_have_an_end() -> None:
    raw = SMALL
    for _ in range(200):
        raw = element(3, raw)

    with pytest.raises(BadBson, match="nested more than 100 deep"):
        decode(raw)


def test_a_dump_is_documents_one_after_another_packed_or_not(tmp_path: Path) -> None:
    (tmp_path / "a.bson").write_bytes(SMALL * 3)
    (tmp_path / "a.bson.gz").write_bytes(gzip.compress(SMALL * 3))

    plain = list(documents(RealWorld(), str(tmp_path / "a.bson")))
    packed = list(documents(RealWorld(), str(tmp_path / "a.bson.gz")))

    assert plain == packed == [{"fw_id": 7, "ok": True}] * 3


@pytest.mark.parametrize(
    ("name", "raw", "before", "why"),
    [
        ("a.bson", SMALL + SMALL[:9], 1, "the file ends in the middle of a document, 9 bytes after its beginning"),
        ("a.bson", SMALL + b"\xff\xff\xff\x7f", 1, "a document of 2147483647 bytes"),
        ("a.bson", SMALL + b"{}\n\n", 1, "a document of 168459643 bytes"),
        ("a.bson", b"", 0, ""),
        ("a.bson.gz", SMALL, 0, "not gzip: Error -3 while decompressing data: incorrect header check"),
        ("a.bson.gz", gzip.compress(SMALL)[:-8], 1, "the packed file is cut off"),
    ],
)
def test_what_lies_before_the_damage_is_not_lost(tmp_path: Path, name: str, raw: bytes, before: int, why: str) -> None:
    (tmp_path / name).write_bytes(raw)
    seen, error = [], ""
    try:
        for one in documents(RealWorld(), str(tmp_path / name)):
            seen.append(one)  # all but what was yielded before the error would be lost
    except BadBson as damage:
        error = str(damage)

    assert (len(seen), error) == (before, why)


def test_a_small_file_that_unpacks_without_end_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.bson.gz").write_bytes(gzip.compress(SMALL * 200_000))

    with pytest.raises(BadBson, match="more than 1048576 bytes"):
        list(documents(RealWorld(), str(tmp_path / "a.bson.gz"), 1 << 20))


def test_moments_are_in_utc() -> None:
    assert bson.moment(int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp() * 1000)) == "2026-11-23T12:00:00+00:00"
