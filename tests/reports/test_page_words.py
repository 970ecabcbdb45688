"""How do numbers, times and verdicts read on a page?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports.formats import view, words
from tests.reports import sample


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(36.4, 54.5, "36–55"), (0, 100, "0–100"), (72.2, 72.2, "72"), (99.9, 99.9, "99"), (50, 50, "50"), (33.3, 33.9, "33–34")],
)
def test_an_interval_is_rounded_outwards_and_a_point_down(low: float, high: float, text: str) -> None:
    assert words.percent(low, high) == text


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (None, "byte", "not known"),
        (512, "byte", "512 B"),
        (4402341478, "byte", "4.1 GiB"),
        (1023 * 2**20, "byte", "1023 MiB"),
        (42.4, "s", "42 s"),
        (0.25, "s", "0.25 s"),
        (200, "s", "3 min 20 s"),
        (7500, "s", "2 h 05 min"),
        (90000, "s", "1 d 01 h"),
        (1, "core", "1 core"),
        (6.6, "core", "6.6 cores"),
        (2, "gpu", "2 GPUs"),
        (7200, "core-s", "2 core-hours"),
        (12, "core-s", "12 core-seconds"),
    ],
)
def test_a_quantity_has_its_unit(number: float | None, unit: str, text: str) -> None:
    assert words.quantity(number, unit) == text


@pytest.mark.parametrize(
    ("iso", "text"),
    [
        ("2026-11-20T10:04:05+00:00", "2026-11-20 10:04:05 UTC"),
        ("2026-11-20T11:04:05+01:00", "2026-11-20 10:04:05 UTC"),
        ("", "not known"),
        ("soon", "soon"),
    ],
)
def test_a_time_is_utc_and_what_is_no_time_is_shown(iso: str, text: str) -> None:
    assert words.when(iso) == text


def test_a_kind_reads_as_words() -> None:
    assert words.kind("JobAccounting") == "Job accounting"


def test_the_headline_is_the_interval_with_its_coverage() -> None:
    assert view.headline(sample.good()) == words.Headline(
        "36–55",
        "of 100",
        "At least 36 of 100 is proved; up to 55, if every open question turned out well.",
        "71 % of the checks could be decided from the evidence at hand.",
    )


def test_a_run_that_cannot_be_verified_gets_no_number() -> None:
    told = view.headline(sample.broken())
    assert (told.figure, told.unit, told.coverage) == ("Not verifiable", "", "")
    assert told.sentence.endswith("data/evidence/4.json does not match its checksum.")


def test_a_run_to_which_no_tip_applies_gets_no_number() -> None:
    assert view.headline(sample.bare()).figure == "No score"


def test_the_rung_below_the_first_gap_is_where_the_run_stands() -> None:
    card = sample.good()
    on, to = view.standing(card), view.ahead(card)
    assert (on and on.name, to and to.name) == ("captured", "pinned")


def test_what_alone_keeps_a_tip_down_is_done_first_and_unknowns_come_last() -> None:
    card = sample.good()
    assert [(t.finding.check, t.step) for t in view.todo(card)] == [
        ("mixed-phases", "mend"),
        ("memory-overasked", "mend"),
        ("moved-again", "mend"),
    ]
    mended = replace(card, tips=tuple(t for t in card.tips if t.number in (1, 5)))
    assert [(t.finding.check, t.step) for t in view.todo(mended)] == [
        ("independent-steps", "settle"),
        ("model-consumer", "settle"),
    ]


def test_what_stands_for_a_tip_is_its_worst_finding() -> None:
    tips = {tip.number: tip for tip in sample.good().tips}
    assert view.result(tips[4]) == "32 GiB asked, 4.1 GiB used at the peak (13 %)."
    assert view.result(tips[11]) == "3 files in 3 folders, median 97.7 MiB."


def test_a_replay_without_a_reason_counts_its_outputs() -> None:
    outputs = [{"sameness": "identical"}, {"sameness": "different"}, {"sameness": "identical"}, "… 3 more"]
    assert view.replayed({"reason": "", "outputs": outputs}) == "Outputs: 1 different, 2 identical."
