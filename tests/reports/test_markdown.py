"""Is the Markdown what GitHub would show, and does hostile text stay text?"""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reports.formats.gfm import escape, fence, table
from reports.formats.markdown import render
from tests.reports import sample

CARDS = sample.everyone()


def tokens(text: str) -> list[Token]:
    """All tokens, inline ones too, as CommonMark with tables and raw HTML reads them."""
    found = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    return [token for outer in found for token in (outer, *(outer.children or []))]


@pytest.mark.parametrize("name", CARDS)
def test_no_html_link_or_picture_comes_out_of_a_page(name: str) -> None:
    kinds = {token.type for token in tokens(render(CARDS[name]).decode())}
    assert kinds & {"html_inline", "html_block", "link_open", "image", "em_open"} <= {"em_open"}


@pytest.mark.parametrize("name", CARDS)
def test_the_same_scorecard_gives_the_same_bytes_and_none_of_them_acts(name: str) -> None:
    raw = render(CARDS[name])
    assert render(CARDS[name]) == raw
    assert [char for char in raw.decode() if not char.isprintable() and char not in "\n\t\u200c\u200d"] == []


def test_every_footnote_is_defined_once_and_used() -> None:
    text = render(sample.good()).decode()
    defined = re.findall(r"^\[\^(\d+)\]:", text, re.MULTILINE)
    used = set(re.findall(r"\[\^(\d+)\](?!:)", text))
    assert (sorted(defined, key=int), used) == ([str(i) for i in range(1, len(defined) + 1)], set(defined))


def test_headings_run_from_the_run_to_its_tips() -> None:
    found = tokens(render(sample.good()).decode())
    headings = [after.content for token, after in pairwise(found) if token.type == "heading_open" and token.tag != "h3"]
    assert headings == [
        "Reproducibility audit: train-resnet, job 4242",
        "36–55 of 100",
        "Reproducibility ladder",
        "Do these three things",
        "The twelve tips",
        "Environment",
        "Between submission and start",
        "Replay",
        "The run",
        "Evidence",
    ]


def test_every_fix_is_a_code_block_of_its_own() -> None:
    codes = [token.content.rstrip() for token in tokens(render(sample.good()).decode()) if token.type == "fence"]
    fixes = {finding.fix for tip in sample.TIPS for finding in tip.findings if finding.fix}
    assert fixes - set(codes) == set()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain, text.", "plain, text."),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("a|b*c_d[e](f)", "a\\|b\\*c\\_d\\[e\\](f)"),
        ("see https://x.test", "see https&#58;//x.test"),
        ("ask @ada/team", "ask `@ada/team`"),
        ("image@sha256:0f", "image@sha256:0f"),
        ("line `a|b` two", "line `a¦b` two"),
        ("one\ntwo", "one\\\\ntwo"),
    ],
)
def test_a_strangers_text_is_escaped(text: str, written: str) -> None:
    assert escape(text) == written


def test_a_fence_is_longer_than_any_in_the_code() -> None:
    assert fence("a\n````\nb\n") == "`````\na\n````\nb\n`````"


def test_a_table_has_a_cell_for_everything() -> None:
    assert table(("A", "B"), [("1", "")]) == "| A | B |\n| --- | --- |\n| 1 | – |"
