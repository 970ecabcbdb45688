"""Are logs in LevelDB's framing read up to where they are whole?"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.world import RealWorld
from probes.records.leveldblog import Ended, records
from tests.probes.tracking.wire import logged

HEADER = b":W&B\xe1\xbe\x00"


def read(path: Path, raw: bytes, limit: int = 1 << 30) -> list[bytes | Ended]:
    path.write_bytes(raw)
    return list(records(RealWorld(), str(path), HEADER, limit))


def test_records_come_in_order_and_the_end_is_said(tmp_path: Path) -> None:
    assert read(tmp_path / "x", logged(HEADER, b"one", b"two")) == [b"one", b"two", Ended("", 0)]


def test_a_record_longer_than_a_block_is_put_together(tmp_path: Path) -> None:
    long = bytes(range(256)) * 400

    assert read(tmp_path / "x", logged(HEADER, b"one", long, b"two")) == [b"one", long, b"two", Ended("", 0)]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(0, 40_000), max_size=6))
def test_whatever_their_lengths_records_survive(tmp_path: Path, sizes: list[int]) -> None:
    """A block may end before, in or after a record's head."""
    wanted = [bytes((n + 1,)) * size for n, size in enumerate(sizes)]

    assert read(tmp_path / "x", logged(HEADER, *wanted)) == [*wanted, Ended("", 0)]


@pytest.mark.parametrize("cut", [1, 3, 8])
def test_a_record_that_was_cut_off_ends_it(tmp_path: Path, cut: int) -> None:
    assert read(tmp_path / "x", logged(HEADER, b"one", b"two")[:-cut]) == [b"one", Ended("the last record is cut off", 0)]


def test_a_changed_byte_is_seen(tmp_path: Path) -> None:
    raw = bytearray(logged(HEADER, b"one", b"two"))
    raw[-1] ^= 1

    assert read(tmp_path / "x", bytes(raw)) == [b"one", Ended("a record's checksum is wrong", 0)]


def test_an_impossible_kind_ends_it(tmp_path: Path) -> None:
    raw = bytearray(logged(HEADER, b"one"))
    raw[len(HEADER) + 6] = 9

    assert read(tmp_path / "x", bytes(raw)) == [Ended("a piece has an impossible length or kind", 0)]


def test_space_that_was_never_written_is_no_damage(tmp_path: Path) -> None:
    assert read(tmp_path / "x", logged(HEADER, b"one") + bytes(500)) == [b"one", Ended("the rest is empty", 0)]


def test_a_header_alone_is_a_log_without_records(tmp_path: Path) -> None:
    assert read(tmp_path / "x", HEADER) == [Ended("", 0)]


def test_another_files_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not begin with"):
        read(tmp_path / "x", b"PK\x03\x04 something else")


def test_only_so_many_bytes_are_read(tmp_path: Path) -> None:
    assert read(tmp_path / "x", logged(HEADER, b"one", b"two"), limit=22) == [b"one", Ended("only its beginning was read", 0)]
