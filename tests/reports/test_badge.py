"""What does the badge say, to those who see it and to those who do not?"""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from auditor.registry import formats
from auditor.scorecard import Scorecard
from tests.reports import sample

CARDS = sample.everyone()


def texts(card: Scorecard) -> list[str]:
    root = ElementTree.fromstring(formats()["badge"].render(card))
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


def message(low: float | None, high: float | None, verifiable: bool = True) -> str:
    return texts(replace(sample.good(), low=low, high=high, verifiable=verifiable))[1]


def test_it_shows_an_interval_and_never_a_bare_number() -> None:
    assert message(48.5, 81.8) == "48–82 of 100"
    assert message(72.7, 72.7) == "72–73 of 100"
    assert message(100.0, 100.0) == "100–100 of 100"
    assert message(0.0, 100.0) == "0–100 of 100"


def test_no_number_where_there_is_none() -> None:
    assert message(None, None) == "no score"
    assert message(90.0, 95.0, verifiable=False) == "not verifiable"


@pytest.mark.parametrize("name", CARDS)
def test_title_and_label_say_the_same_in_words(name: str) -> None:
    root = ElementTree.fromstring(formats()["badge"].render(CARDS[name]))
    title = root.find("{http://www.w3.org/2000/svg}title")

    assert title is not None
    assert (root.get("role"), root.get("aria-label")) == ("img", title.text)
    assert (title.text or "").startswith(f"reproducibility: {texts(CARDS[name])[1]}. ")


@pytest.mark.parametrize("name", CARDS)
def test_shields_is_told_the_same(name: str) -> None:
    told = json.loads(formats()["shields"].render(CARDS[name]))

    assert (told["schemaVersion"], told["label"], told["message"]) == (1, *texts(CARDS[name]))
    assert ("isError" in told) == (not CARDS[name].verifiable)
    assert set(told) <= {"schemaVersion", "label", "message", "color", "isError"}


def test_hostile_words_stay_words() -> None:
    evil = replace(sample.good(), verifiable=False, integrity='"><script>alert(1)</script>&xxe;\x1b\x00\ud800')
    raw = formats()["badge"].render(evil)
    root = ElementTree.fromstring(raw)

    assert [element.tag.rpartition("}")[2] for element in root.iter()] == ["svg", "title", "path", "path", "g", "text", "text"]
    assert b"<script" not in raw


def test_white_on_each_colour_can_be_read() -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1 (relative luminance as defined there)."""
    for low in (0.0, 50.0, 90.0, None):
        colour = json.loads(formats()["shields"].render(replace(sample.good(), low=low, high=low)))["color"]
        parts = [int(colour[n : n + 2], 16) / 255 for n in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        luminance = sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
        assert 1.05 / (luminance + 0.05) >= 4.5
