"""How JSON lines of strangers are read: whatever one line holds, the others are not lost, and no line is held whole that is too long."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from auditor.world import RealWorld, TooBig
from probes.records import jsonl


def rows(folder: Path, raw: bytes) -> list[tuple[int, object]]:
    (folder / "a.jsonl").write_bytes(raw)
    return list(jsonl.rows(RealWorld(), str(folder / "a.jsonl")))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", []),
        (b'{"a": 1}\n{"a": 2}', [(1, {"a": 1}), (2, {"a": 2})]),
        (b'{"a": 1}\r\n\n \n{"a": 2}\n', [(1, {"a": 1}), (4, {"a": 2})]),
        (b'{"a": 1}\n{"a": ', [(1, {"a": 1}), (2, None)]),
        (b"[1]\n3\nnull\n\xff\xfe\n{}", [(1, None), (2, None), (3, None), (4, None), (5, {})]),
        (b"[" * 100_000, [(1, None)]),
        (b'{"a": ' + b"9" * 5000 + b"}", [(1, None)]),
    ],
    ids=["empty", "two", "blank lines", "cut off", "no objects", "nested without end", "a number too long"],
)
def test_each_line_is_an_object_or_nothing(tmp_path: Path, raw: bytes, expected: list[tuple[int, object]]) -> None:
    assert rows(tmp_path, raw) == expected


def test_a_line_that_is_too_long_is_passed_over_and_the_next_is_read(tmp_path: Path) -> None:
    assert rows(tmp_path, b'"' + b"x" * (9 << 20) + b'"\n{"a": 1}\n') == [(1, None), (2, {"a": 1})]


def test_of_a_line_that_is_too_long_nothing_is_held(tmp_path: Path) -> None:
    with (tmp_path / "a.jsonl").open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    try:
        assert list(jsonl.rows(RealWorld(), str(tmp_path / "a.jsonl"))) == [(1, None)]
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()


def test_a_gigabyte_of_nothing_is_one_line_of_which_nothing_is_held(tmp_path: Path) -> None:
    with (tmp_path / "a.jsonl").open("wb") as file:
        file.truncate(1 << 30)

    assert list(jsonl.rows(RealWorld(), str(tmp_path / "a.jsonl"), 32 << 20)) == []


def test_a_document_that_is_too_large_or_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"a": [1, 2')

    with pytest.raises(jsonl.NotJson, match="delimiter"):
        jsonl.document(RealWorld(), str(tmp_path / "a.json"))
    with pytest.raises(TooBig):
        jsonl.document(RealWorld(), str(tmp_path / "a.json"), 4)
