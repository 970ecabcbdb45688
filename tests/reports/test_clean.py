"""What becomes of hostile text before any page shows it?"""

from __future__ import annotations

from auditor.scorecard import Edge, Node
from reports.formats.clean import brief, clean, line, tidy


def test_plain_text_stays_as_it_is() -> None:
    assert clean("train-résumé 日本 ✓\n\tα") == "train-résumé 日本 ✓\n\tα"


def test_terminal_escapes_become_visible() -> None:
    assert clean("\x1b[31mred\x07\x9b0m") == "\\x1b[31mred\\x07\\x9b0m"


def test_direction_overrides_and_zero_width_characters_become_visible() -> None:
    assert clean("a\u202eb\u200bc\ufeff\U000e0041") == "a\\u202eb\\u200bc\\ufeff\\U000e0041"


def test_joiners_that_persian_and_emoji_need_stay() -> None:
    assert clean("می\u200cخواهم 👩\u200d🔬") == "می\u200cخواهم 👩\u200d🔬"


def test_bytes_that_were_not_utf8_are_shown_as_bytes() -> None:
    assert clean(b"caf\xe9".decode("utf-8", "surrogateescape")) == "caf\\xe9"


def test_windows_line_ends_become_newlines_and_lone_returns_become_visible() -> None:
    assert clean("a\r\nb\rc") == "a\nb\\rc"


def test_cleaning_twice_changes_nothing() -> None:
    once = clean("\x1b]0;t\x07\u2066x\udcff")
    assert clean(once) == once


def test_long_text_is_cut_and_says_by_how_much() -> None:
    assert clean("x" * 1500, 10) == "xxxxxxxxxx… [1,490 more characters]"


def test_a_name_stays_on_one_line() -> None:
    assert line("one\ntwo\tthree") == "one\\ntwo\\tthree"


def test_a_name_that_stands_elsewhere_in_full_ends_in_dots() -> None:
    assert (brief("short", 5), brief("longer name", 8)) == ("short", "longer…")


def test_every_text_of_a_value_is_cleaned() -> None:
    nodes = (Node("a\x00", "file", "b\x1b"), Edge("\u202e", "t"))
    assert tidy(nodes) == (Node("a\\x00", "file", "b\\x1b"), Edge("\\u202e", "t"))
