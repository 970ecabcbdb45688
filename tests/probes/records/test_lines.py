"""A log may be of any size and say anything: lines are cut and cleaned, and there is an end to it."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.records.lines import MAX_LINE, beyond, clean, lines, one_line, why


def read(path: Path, content: bytes, limit: int = 1 << 30) -> list[tuple[int, str]]:
    path.write_bytes(content)
    return list(lines(RealWorld(), str(path), limit))


def test_lines_are_numbered_from_one_and_the_last_needs_no_end(tmp_path: Path) -> None:
    assert read(tmp_path / "log", b"a\r\n\nc") == [(1, "a"), (2, ""), (3, "c")]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    assert read(tmp_path / "log", b"") == []


def test_a_line_over_the_border_of_two_pieces_is_one(tmp_path: Path) -> None:
    assert read(tmp_path / "log", b"x" * ((1 << 18) - 3) + b"\nabcdef\n")[1] == (2, "abcdef")


def test_a_long_line_is_cut_and_the_next_one_is_whole(tmp_path: Path) -> None:
    (_, first), second = read(tmp_path / "log", b"y" * (1 << 19) + b"\nnext\n")
    assert (len(first), second) == (MAX_LINE, (2, "next"))


def test_what_lies_behind_the_limit_is_not_read(tmp_path: Path) -> None:
    found = read(tmp_path / "log", b"line\n" * (1 << 18), limit=1 << 18)
    assert 1 << 15 < len(found) < 1 << 17


def test_a_gigabyte_without_a_line_end_needs_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        file.truncate(1 << 30)
    tracemalloc.start()
    try:
        assert len(list(lines(RealWorld(), str(tmp_path / "log"), 64 << 20))) <= 1
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_bytes_that_are_no_text_do_not_stop_the_reading(tmp_path: Path) -> None:
    assert read(tmp_path / "log", b"\xff\xfe a\n") == [(1, "\ufffd\ufffd a")]


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0\x1b\\done", "done"),
        ("a\x00b\x08c\x7f", "abc"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("one\u2028two", "onetwo"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_what_a_terminal_or_a_page_would_obey_is_taken_out(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


def test_a_strangers_words_are_one_line_of_bounded_length() -> None:
    assert one_line("a\n  b\t\x1b[1mc", 100) == "a b c"
    assert one_line("x" * 400, 10) == "xxxxxxxxx…"


def test_a_reason_is_told_without_the_path_it_is_about() -> None:
    assert why(FileNotFoundError(2, "No such file or directory", "/home/ada/secret")) == "No such file or directory"
    assert (why(ValueError("bad\nvalue")), why(ValueError())) == ("bad value", "ValueError")


def test_the_end_of_a_log_that_is_too_large_can_be_read_without_its_cut_line(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"first\n" + b"x" * 100 + b"\nlast but one\n\x1b[31mlast\n")

    assert beyond(RealWorld(), str(tmp_path / "log"), limit=50, length=30) == ("last but one", "last")
    assert beyond(RealWorld(), str(tmp_path / "log"), limit=500, length=30) == ()
