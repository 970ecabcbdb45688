"""What does the page of a campaign show, to people, to programs, and to whom it should do nothing?"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from auditor import codec
from auditor.campaign import CampaignRecord, Member, Tie
from auditor.campaigncard import CampaignCard, CampaignTip, Example, Fold, RunScore
from auditor.model import Grade, Outcome
from auditor.registry import formats
from auditor.scorecard import Finding
from reports.formats.campaign import view
from reports.formats.html import LIMIT
from reports.formats.pictures import phases
from reports.formats.schema import OF_CAMPAIGNS, published
from tests.factory import at
from tests.worlds.write import GOLDEN, of_campaign

FORMATS = {name: form.of_campaign for name, form in formats().items() if form.of_campaign}
NASTY = "<script>alert(1)</script>\x1b[31m\u202e|`x`\n# h"


def member(number: int, **changes: object) -> Member:
    """A run of ten minutes that began `number` minutes after noon."""
    base = Member(
        f"{number:016x}", str(number), name="sim", state="COMPLETED", outcome="succeeded", submitted=at(0), started=at(number % 600),
        ended=at(number % 600 + 10), waited=60.0, seconds=600.0, phases=("simulate",),
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def card(*members: Member, **changes: object) -> CampaignCard:
    fold = Fold(
        "a-check", 1, 1, "Is it so?", Outcome.FAILED, {"failed": 1, "passed": 2}, 1 / 3, "1 of 3 runs, first job 1: no", "do `this`", "look", "us",
        ("partition gpu: 1 of 1 of these, 0 of 2 others",), (Example("0" * 16, "1", "no"),),
    )  # fmt: skip
    tip = CampaignTip(1, "own", "Own tip", "Why.", "Advice.", 0, 0, True, (fold,), ())
    record = CampaignRecord("study", ("label",), len(members), 0, tuple(members), ())
    scores = tuple(RunScore(m.run_id, 10.0, 20.0, 50.0) for m in members)
    return replace(CampaignCard("study", 0.0, 0.0, 100.0, (tip,), record, "a" * 64, scores, "1-" + "0" * 64, "0"), **changes)  # type: ignore[arg-type]


class Elements(HTMLParser):
    """Names of all elements, and everything that would load something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.loads: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.loads += [
            (tag, value or "")
            for name, value in attrs
            if name in ("src", "href", "srcset", "data") and not (value or "").startswith("#")
        ]


@pytest.mark.parametrize(("path", "raw"), list(of_campaign()), ids=lambda v: v.name if isinstance(v, Path) else "")
def test_the_golden_campaign_is_what_we_make_today(path: Path, raw: bytes) -> None:
    assert raw.decode() == path.read_text("utf-8")


def test_the_published_schema_is_the_one_the_types_give_and_our_json_keeps_to_it() -> None:
    published_one = json.loads(OF_CAMPAIGNS.read_text("utf-8"))
    validator = Draft202012Validator(published_one)

    assert published_one == published()[OF_CAMPAIGNS]
    Draft202012Validator.check_schema(published_one)
    assert [e.message for e in validator.iter_errors(json.loads((GOLDEN / "campaign/campaign.json").read_bytes()))] == []
    assert not validator.is_valid({**codec.plain(card()), "low": 101})


def test_a_thousand_runs_fit_on_a_page_of_one_megabyte_with_every_run_listed() -> None:
    page = FORMATS["html"](card(*(member(n, name="simulate-with-a-long-name") for n in range(1000)))).decode()

    assert len(page.encode()) < LIMIT
    assert page.count('<th scope="row"><bdi>') >= 1000


def test_ten_thousand_runs_are_cut_and_that_is_said() -> None:
    page = FORMATS["html"](card(*(member(n) for n in range(10_000)))).decode()

    assert len(page.encode()) < LIMIT
    assert re.search(r"8,000 more are in the JSON report", page)


def test_the_page_needs_nothing_else_and_has_no_script() -> None:
    found = Elements(FORMATS["html"](card(member(1))).decode())

    assert found.names & {"script", "iframe", "object", "img", "link", "form"} == set()
    assert found.loads == [("a", "https://arxiv.org/abs/2606.07491")]


@pytest.mark.parametrize("form", ["html", "markdown", "terminal"])
def test_a_strangers_text_is_shown_and_does_nothing(form: str) -> None:
    nasty = member(1, name=NASTY, state=NASTY, job_id=NASTY, partition=NASTY)
    one = card(nasty, member(2))
    one = replace(one, name=NASTY, record=replace(one.record, name=NASTY, gaps=(NASTY,)))

    text = FORMATS[form](one).decode()

    assert "\x1b" not in text
    assert "\u202e" not in text
    if form != "terminal":
        assert "<script" not in text


def test_nothing_at_all_still_makes_a_page_that_says_so() -> None:
    empty = replace(card(), low=None, high=None, coverage=None, tips=())

    for make in FORMATS.values():
        assert make(empty)
    assert "None of the twelve tips applies" in FORMATS["terminal"](empty).decode()


def test_the_first_thing_to_do_is_the_fault_that_most_runs_share() -> None:
    one = card(member(1))
    (tip,) = one.tips
    rare, common = tip.folds[0], replace(tip.folds[0], check="common", share=0.9)
    settle = replace(tip.folds[0], check="open", outcome=Outcome.UNKNOWN)
    other = replace(tip, number=2, folds=(settle,))

    shown = view.todo(replace(one, tips=(replace(tip, folds=(rare, common)), other)))

    assert [(t.judged.check, t.step) for t in shown] == [("common", "mend"), ("open", "settle")]


@pytest.mark.parametrize("form", ["html", "markdown", "terminal"])
def test_what_is_said_of_the_whole_can_be_the_first_thing_to_do(form: str) -> None:
    """It has no runs as examples: it is no fold."""
    one = card(member(1))
    said = ("at most 1 run of 3", "sbatch --array=0-2", "look", "us", ())
    whole = Finding("unshared-time", 5, 1, "One after another?", Outcome.FAILED, Grade.OBSERVED, *said)
    page = replace(one, tips=(replace(one.tips[0], folds=(), findings=(whole,)),))

    assert "at most 1 run of 3" in FORMATS[form](page).decode()


def test_phases_over_time_have_a_lane_each_and_say_what_did_not_succeed() -> None:
    runs = (
        member(1),
        member(2),
        member(30, phases=("train",), outcome="failed"),
        member(40, phases=()),
        member(50, phases=("train", "infer")),
    )
    record = replace(card(*runs).record, phases=())

    drawn = phases.phases(record)

    assert "simulate: 2 runs, at most 2 at once, over 11 min." in drawn
    assert "train: 1 run, at most 1 at once, over 10 min, 1 did not succeed." in drawn
    assert re.findall(r'class="strong">([^<]*)<', drawn) == ["several phases", "phase not said", "simulate", "train"]
    assert phases.phases(replace(record, members=(member(1, started=""),))) == ""


def test_what_runs_cost_is_told_in_figures() -> None:
    one = card(member(1), member(2, outcome="failed"))
    told = dict(view.facts(replace(one.record, known=5, left=3, ties=(Tie("a", "b", "data", 1, 2, "x"),))))

    assert told["Runs"] == "2; 3 more were not looked at"
