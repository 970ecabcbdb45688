"""Are TFRecord files read up to where they are whole, with checksums, however large they claim to be?"""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

from auditor.world import RealWorld
from probes.records.tfrecord import Ended, crc32c, masked, records
from tests.probes.tracking.wire import framed


def read(path: Path, raw: bytes, limit: int = 1 << 30) -> list[bytes | Ended]:
    path.write_bytes(raw)
    return list(records(RealWorld(), str(path), limit))


def test_the_checksum_is_that_of_the_standard() -> None:
    """RFC 3720, B.4: 32 bytes of zeros, of ones, and counting up."""
    assert [crc32c(bytes(32)), crc32c(b"\xff" * 32), crc32c(bytes(range(32)))] == [0x8A9136AA, 0x62A8AB43, 0x46DD794E]


def test_records_come_in_order_and_the_end_is_said(tmp_path: Path) -> None:
    assert read(tmp_path / "x", framed(b"one", b"", b"three")) == [b"one", b"", b"three", Ended("", 0)]


def test_a_record_that_was_cut_off_ends_it(tmp_path: Path) -> None:
    whole = framed(b"one", b"two")

    for cut in (1, 4, 7, 10):
        assert read(tmp_path / "x", whole[:-cut]) == [b"one", Ended("the last record is cut off", 0)]


def test_a_changed_byte_is_seen(tmp_path: Path) -> None:
    whole = bytearray(framed(b"one", b"two"))
    whole[-6] ^= 1

    assert read(tmp_path / "x", bytes(whole)) == [b"one", Ended("a record's checksum is wrong", 0)]


def test_a_hostile_length_costs_nothing(tmp_path: Path) -> None:
    head = struct.pack("<Q", 1 << 62)

    assert read(tmp_path / "x", head + bytes(100)) == [Ended("a length's checksum is wrong", 0)]
    assert read(tmp_path / "x", head + struct.pack("<I", masked(head))) == [Ended("a record of more than 4 GiB", 0)]


def test_a_long_record_is_passed_over_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "x"
    head = struct.pack("<Q", 300 << 20)
    with path.open("wb") as file:
        file.write(framed(b"one") + head + struct.pack("<I", masked(head)))
        file.seek((300 << 20) + 4, 1)
        file.write(framed(b"two"))
    tracemalloc.start()
    found = list(records(RealWorld(), str(path)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found == [b"one", b"two", Ended("", 1)]
    assert peak < 4 << 20


def test_only_so_many_bytes_are_read(tmp_path: Path) -> None:
    assert read(tmp_path / "x", framed(b"one", b"two"), limit=25) == [b"one", Ended("only its beginning was read", 0)]
