"""Is the page one file that shows everything, does nothing, and can be read by everyone?"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from auditor.model import Status
from auditor.scorecard import Scorecard
from reports.formats.html import LIMIT, TEMPLATES, prose, render
from tests.reports import sample
from tests.reports.pages import Page

CARDS = sample.everyone()
PAGES = {name: render(card) for name, card in CARDS.items()}

every_page = pytest.mark.parametrize("name", PAGES)


@every_page
def test_a_page_asks_for_nothing_from_outside_and_runs_nothing(name: str) -> None:
    page = Page(PAGES[name])
    tags = {tag for tag, _ in page.elements}
    assert (
        tags & {"script", "link", "iframe", "object", "embed", "img", "audio", "video", "form", "base", "foreignobject"} == set()
    )
    assert [attribute for _, attributes in page.elements for attribute in attributes if attribute.startswith("on")] == []
    assert page.values("src") == []
    outside = {link for link in page.values("href") if not link.startswith("#")}
    assert outside == {"https://arxiv.org/abs/2606.07491"}
    style = PAGES[name].decode().partition("<style>")[2].partition("</style>")[0]
    assert re.findall(r"url\(|@import|expression", style) == []


@every_page
def test_a_page_is_light(name: str) -> None:
    assert len(PAGES[name]) <= LIMIT


@every_page
def test_the_same_scorecard_gives_the_same_bytes(name: str) -> None:
    assert render(CARDS[name]) == PAGES[name]


@every_page
def test_every_link_leads_to_a_place_on_the_page_and_every_place_has_one_name(name: str) -> None:
    page = Page(PAGES[name])
    ids = page.values("id")
    assert sorted(set(ids)) == sorted(ids)
    assert {link[1:] for link in page.values("href") if link.startswith("#")} - set(ids) == set()


@every_page
def test_the_page_has_a_language_one_title_landmarks_and_tables_that_say_what_they_are(name: str) -> None:
    page = Page(PAGES[name])
    tags = [tag for tag, _ in page.elements]
    assert page.all("html") == [{"lang": "en"}]
    assert [tags.count(tag) for tag in ("h1", "main", "nav", "header", "footer", "title")][:5] == [1, 1, 1, 1, 1]
    assert tags.count("caption") == tags.count("table")
    assert {cell.get("scope") for cell in page.all("th")} <= {"col", "row"}


@every_page
def test_every_picture_tells_in_words_what_it_shows(name: str) -> None:
    page = Page(PAGES[name])
    pictures = page.all("svg")
    assert pictures != []
    assert {picture["role"] for picture in pictures} == {"img"}
    assert {part for picture in pictures for part in picture["aria-labelledby"].split()} - set(page.values("id")) == set()


def test_hostile_text_is_shown_and_does_nothing() -> None:
    raw = PAGES["nasty"].decode()
    assert "<script>alert(1)</script>" in Page(PAGES["nasty"]).text
    assert "<script" not in raw
    assert [char for char in "\x1b\x07\u202e\u202c\u200b\udcff" if char in raw] == []
    assert "\\x1b[31mred" in raw
    assert "\\u202egnp.exe" in raw


def test_what_is_left_out_of_a_heavy_page_is_said() -> None:
    text = Page(PAGES["nasty"]).text
    assert "Its content is left out, to keep this page small; the JSON report has it." in text
    assert "more pieces of evidence, which no finding cites, are in the JSON report." in text


def test_the_verdict_stands_before_everything_else() -> None:
    raw = PAGES["good"].decode()
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", raw) == [
        "Verdict",
        "Do these three things",
        "The twelve tips",
        "Environment",
        "Between submission and start",
        "Replay",
        "The run",
        "Lineage",
        "Evidence",
    ]
    assert raw.index("<strong>36–55</strong>") < raw.index("Do these three things")


def test_every_finding_links_to_all_its_evidence() -> None:
    page = Page(PAGES["good"])
    linked = {link for link in page.values("href") if link.startswith("#ev-")}
    cited = {f"#ev-{cite[:16]}" for tip in sample.TIPS for finding in tip.findings for cite in finding.cites}
    assert cited - linked == set()


def test_every_fix_can_be_copied_as_it_is() -> None:
    fixes = [finding.fix for tip in sample.TIPS for finding in tip.findings if finding.fix]
    text = Page(PAGES["good"]).text
    assert [fix for fix in fixes if fix not in text] == []


def test_an_unverifiable_run_gets_words_instead_of_a_number() -> None:
    page = Page(PAGES["broken"])
    assert "Not verifiable" in page.text
    assert "36–55" not in page.text
    assert 'class="pic pic-interval"' not in PAGES["broken"].decode()


@pytest.mark.parametrize(
    ("status", "said"), [("ok", "seen"), ("absent", "looked and absent"), ("failed", "could not look"), ("withheld", "withheld")]
)
def test_the_four_states_of_evidence_have_their_own_word_and_look(status: str, said: str) -> None:
    card = replace(sample.bare(), evidence=(replace(sample.GIT, status=Status(status)),))
    assert f'<span class="seen seen-{status}">{said}</span> <span class="soft">observed</span></summary>' in render(
        card
    ).decode().replace("\n", " ")


def test_a_page_of_nothing_says_what_is_not_known() -> None:
    text = Page(PAGES["bare"]).text
    said = (
        "No score",
        "No times are known.",
        "No resources are known.",
        "There is no evidence.",
        "a snapshot of the submission or of the start is missing",
    )
    assert [words for words in said if words not in text] == []


def test_what_stands_between_backticks_is_code_and_still_escaped() -> None:
    assert prose("run `a<b` & c") == "run <code>a&lt;b</code> &amp; c"
    assert prose("one ` alone <") == "one ` alone &lt;"


def test_evidence_of_the_same_start_of_an_id_gets_one_place() -> None:
    twice = (sample.GIT, replace(sample.GIT, probe="other"))
    ids = Page(render(replace(sample.bare(), evidence=twice))).values("id")
    assert ids.count(f"ev-{sample.GIT.id[:16]}") == 1


def test_the_wheel_carries_the_templates(tmp_path: Path) -> None:
    from zipfile import ZipFile

    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(Path(__file__).parents[2])).build(directory=str(tmp_path), versions=["standard"])
    carried = set(ZipFile(wheel).namelist())
    wanted = {f"reports/formats/templates/{path.name}" for path in TEMPLATES.iterdir()} | {
        "reports/formats/scorecard.schema.json"
    }
    assert wanted - carried == set()


def test_evidence_weighs_no_more_than_the_page_may(card: Scorecard = CARDS["good"]) -> None:
    rows = [{"path": f"{i:04}" * 50, "sha256": "f" * 64} for i in range(40)]
    heavy = tuple(replace(sample.MANIFEST, id=sample.digest(f"h{i}"), excerpt={"files": rows}) for i in range(450))
    assert len(render(replace(card, evidence=(*card.evidence, *heavy)))) <= LIMIT
