"""Do findings keep their meaning in SARIF? One result a finding, its kind the outcome, and a level only where something failed."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from auditor.model import Outcome
from auditor.registry import formats
from auditor.scorecard import Scorecard
from tests.needs import need
from tests.reports import sample

CARDS = sample.everyone()
TOOL = Path(__file__).parents[2] / "ci/sarif"
NO_INDEX = 3


def run(card: Scorecard) -> Any:
    (only,) = json.loads(formats()["sarif"].render(card))["runs"]
    return only


def asked(*files: Path) -> subprocess.CompletedProcess[str]:
    told = subprocess.run([sys.executable, TOOL, *files], capture_output=True, text=True, check=False)
    if told.returncode == NO_INDEX:
        need("an npm registry for the SARIF Multitool")
    return told


@pytest.mark.parametrize("name", CARDS)
def test_each_finding_is_a_result_of_its_rule(name: str) -> None:
    card, told = CARDS[name], run(CARDS[name])
    rules = [rule["id"] for rule in told["tool"]["driver"]["rules"]]
    findings = [finding for tip in card.tips for finding in tip.findings]

    assert [r["properties"]["outcome"] for r in told["results"]] == [f.outcome.value for f in findings]
    assert [rules[r["ruleIndex"]] for r in told["results"]] == [r["ruleId"] for r in told["results"]]
    assert len(rules) == len(set(rules))


def test_what_is_not_known_is_open_and_what_broke_is_for_review_and_neither_has_a_level() -> None:
    results = [r for card in CARDS.values() for r in run(card)["results"]]
    kinds = {(r["properties"]["outcome"], r["kind"], r["level"]) for r in results}

    assert kinds == {
        ("passed", "pass", "none"),
        ("weak", "fail", "warning"),
        ("failed", "fail", "error"),
        ("unknown", "open", "none"),
        ("not-applicable", "notApplicable", "none"),
        ("error", "review", "none"),
    }
    assert {outcome for outcome, _, _ in kinds} == set(Outcome)


def test_evidence_that_does_not_hold_has_no_number() -> None:
    told = run(sample.broken())["properties"]

    assert (told["verifiable"], told["low"], told["high"], told["headline"]) == (False, None, None, "Not verifiable")


def test_the_same_scorecard_gives_the_same_bytes_and_hostile_text_does_nothing() -> None:
    raw = formats()["sarif"].render(sample.nasty())

    assert raw == formats()["sarif"].render(sample.nasty())
    assert raw.isascii()
    said = "".join(message["text"] for message in texts(json.loads(raw)))
    assert not [c for c in said if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != "\n"]


def texts(node: Any) -> list[Any]:
    """Every message of a document."""
    if isinstance(node, list):
        return [found for one in node for found in texts(one)]
    if not isinstance(node, dict):
        return []
    return [*([node] if isinstance(node.get("text"), str) else []), *texts(list(node.values()))]


def test_the_multitool_accepts_every_page(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.sarif" for name in CARDS]
    for path, card in zip(paths, CARDS.values(), strict=True):
        path.write_bytes(formats()["sarif"].render(card))
    told = asked(*paths)

    assert (told.returncode, told.stdout.count("PASS")) == (0, len(paths)), told.stdout


def test_the_multitool_refuses_what_is_no_sarif(tmp_path: Path) -> None:
    """So that a validator that checks nothing would be noticed."""
    good = formats()["sarif"].render(sample.good()).decode()
    wrong = {
        "name": good.replace('"results"', '"resultz"'),
        "half": good[:900],
    }
    for name, text in wrong.items():
        (tmp_path / f"{name}.sarif").write_text(text)
    told = asked(*(tmp_path / f"{name}.sarif" for name in wrong))

    assert (told.returncode, told.stdout.count("FAIL")) == (1, len(wrong)), told.stdout
