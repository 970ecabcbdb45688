"""When do two logs say the same?"""

from __future__ import annotations

import pytest

from auditor.replay.compare import look
from auditor.replay.compare.content import Content
from auditor.replay.compare.ledger import Compared
from auditor.replay.compare.rules import Rules
from auditor.replay.compare.tolerance import Tolerance
from auditor.verdict import Sameness


def compare(expected: str, actual: str, name: str = "notes.txt", tolerance: Tolerance | None = None) -> Compared:
    return look(Content(name, raw=expected.encode()), Content(name, raw=actual.encode()), Rules(tolerance or Tolerance()))


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("loss 0.12345678\n", "loss 0.12345679\n"),
        ("loss 1e-3, lr 2.0\n", "loss 0.001, lr 2\n"),
        ("x=-1.5;\n", "x=-1.50;\n"),
        ("noise 1e-17\n", "noise -3e-18\n"),
        ("a 1.0\r\nb\n", "a 1.0\nb\n"),
    ],
)
def test_texts_with_close_numbers_are_equivalent(expected: str, actual: str) -> None:
    assert compare(expected, actual).sameness is Sameness.EQUIVALENT


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("loss 0.1234\n", "loss 0.1235\n"),
        ("1000000 rows\n", "1000001 rows\n"),  # integers are counted, not measured
        ("done\n", "failed\n"),
        ("loss nan\nx 1.0\n", "loss nan\nx 1.00\n"),  # two missing results are not one result
        ("a inf\nx 1.0", "a -inf\nx 1.00"),
        ("one\ntwo\n", "one\n"),
        ("one\n", "one\ntwo\n"),
        ("version 1.2.3\n", "version 1.2.4\n"),
        ("2026-11-23 12:00:00\n", "2026-11-23 12:00:01\n"),  # nothing is ignored silently
    ],
)
def test_texts_that_say_something_else_are_different(expected: str, actual: str) -> None:
    assert compare(expected, actual).sameness is Sameness.DIFFERENT


def test_the_first_differences_are_told_and_the_rest_counted() -> None:
    before, after = ("".join(f"{word}\n" for word in words) for words in (["a"] * 12, ["b"] * 12))
    told = compare(before, after).detail.splitlines()
    assert told[0] == "line 1: a became b"
    assert told[-1] == "and 2 more"
    assert len(told) == 11


def test_a_missing_line_is_told_with_its_content() -> None:
    assert compare("one\ntwo\n", "one\n").detail == "2 lines became 1\nline 2: two became (no line)"


def test_the_largest_tolerated_difference_is_told_with_its_place() -> None:
    compared = compare("a 1.0\nb 2.0000001\n", "a 1.00000001\nb 2.0\n")
    assert compared.detail == "within rtol 1e-06, atol 1e-12; largest relative difference 5e-08 at line 2"


def test_control_sequences_of_an_output_never_reach_the_terminal() -> None:
    assert compare("\x1b]0;owned\x07\n", "fine\n").detail == "line 1:  ]0;owned  became fine"


def test_binary_data_is_compared_by_bytes() -> None:
    compared = look(Content("model.bin", raw=b"\xff\x00\x01"), Content("model.bin", raw=b"\xff\x00\x02\x03"), Rules())
    assert compared == Compared(Sameness.DIFFERENT, "bytes", "3 bytes became 4; they differ from byte 2 on")


def test_an_author_may_widen_the_tolerance() -> None:
    assert compare("loss 0.1234\n", "loss 0.1235\n", tolerance=Tolerance(rtol=1e-2)).sameness is Sameness.EQUIVALENT
