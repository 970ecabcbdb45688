"""Does a scorecard read well in a terminal, and can nothing in it take the terminal over?"""

from __future__ import annotations

from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from reports.formats import view
from reports.formats.clean import clean, line, tidy
from reports.formats.terminal import WIDTH, render, rich_view
from tests.reports import sample

CARDS = sample.everyone()


@pytest.mark.parametrize("name", CARDS)
def test_no_line_but_one_to_paste_is_wider_than_the_paper_and_none_acts(name: str) -> None:
    text = render(CARDS[name]).decode()
    assert [row for row in text.splitlines() if cell_len(row) > WIDTH and not row.startswith(" " * 6)] == []
    assert [char for char in text if not char.isprintable() and char != "\n"] == []


@pytest.mark.parametrize("name", CARDS)
def test_the_same_scorecard_gives_the_same_text_whatever_the_terminal(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = render(CARDS[name])
    for variable, value in (("COLUMNS", "40"), ("FORCE_COLOR", "1"), ("TERM", "dumb"), ("NO_COLOR", "1")):
        monkeypatch.setenv(variable, value)
    assert render(CARDS[name]) == expected


def test_the_verdict_comes_first() -> None:
    rows = render(sample.good()).decode().splitlines()
    assert rows[0] == "train-resnet, job 4242"
    assert rows[3] == "36–55 of 100   " + "█" * 18 + "▒" * 9 + "░" * 23


def test_an_unverifiable_run_has_no_bar_and_no_number() -> None:
    rows = render(sample.broken()).decode().splitlines()
    assert rows[3] == "Not verifiable"


def test_levels_stand_as_solid_hatched_and_empty_squares() -> None:
    text = render(sample.good()).decode()
    assert "■■▨  2 of 3, perhaps 3" in text


def test_a_fix_stands_alone_on_its_line() -> None:
    assert "      #SBATCH --mem=6G" in render(sample.good()).decode().splitlines()


def test_a_long_fix_is_one_line_however_narrow_the_terminal() -> None:
    paper = StringIO()
    Console(file=paper, width=40, color_system=None).print(rich_view(sample.nasty()), crop=False)
    fixes = [row for f in view.todo(tidy(sample.nasty())) for row in clean(f.finding.fix, 2000).splitlines() if f.step == "mend"]
    assert max(map(len, fixes)) > 40
    assert [row for row in fixes if f"      {line(row, 400)}" not in paper.getvalue().splitlines()] == []


def test_colours_and_markup_in_names_stay_text() -> None:
    paper = StringIO()
    Console(file=paper, width=120, color_system="truecolor", force_terminal=True).print(rich_view(sample.nasty()))
    assert "\\x1b[31mred" in paper.getvalue()
    assert "\x1b]0;" not in paper.getvalue()
