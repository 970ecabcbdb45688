"""What does `auditor claims` print, remember and answer? Typed as a user types it, on a store and on a bundle."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from auditor import spool
from auditor.home import Home
from auditor.model import Capture, Phase
from auditor.world import Ran, RealWorld
from tests import archived

CLAIMS = """
[[claim]]
name = "Figure 3"
run = "123"
output = "out.csv"
[[claim]]
name = "Table 1"
run = "123"
file = "table.json"
"""


def auditor(folder: Path, *words: str) -> Ran:
    world = RealWorld(cwd=str(folder))
    environment = {"COLUMNS": "160", "AUDITOR_HOME": str(folder / "home"), "AUDITOR_CONFIG": "/nowhere"}
    return world.run(sys.executable, "-m", "auditor", *words, env=environment, timeout=60)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A store that knows the tiny run, and a paper's folder."""
    job, evidence = archived.run(tmp_path / "work")
    spool.save(Home(str(tmp_path / "home")).spool, Capture(job, Phase.LATER, evidence))
    (tmp_path / "claims.toml").write_text(CLAIMS)
    (tmp_path / "table.json").write_text(archived.METRICS)
    return tmp_path


def test_claims_that_rest_on_outputs_hold_and_are_remembered_once(lab: Path) -> None:
    ran = auditor(lab, "claims", "claims.toml")
    again = auditor(lab, "claims", "claims.toml")
    report = auditor(lab, "report", "123", "-f", "markdown", "-o", "-")

    assert (ran.code, again.code) == (0, 0), ran.err
    assert [row.split()[:5] for row in ran.out.splitlines()[1:]] == [
        ["Figure", "3", "123", "out.csv", "linked"],
        ["Table", "1", "123", "metrics.json", "linked"],
    ]
    assert report.out.count("claims of claims.toml") == 1
    assert "| Figure 3 | `out.csv` | linked |" in report.out


def test_a_figure_that_was_edited_makes_the_answer_no(lab: Path) -> None:
    (lab / "table.json").write_text("{}")
    ran = auditor(lab, "claims", "claims.toml", "--json", "--no-keep")

    assert ran.code == 1
    assert [(c["name"], c["standing"]) for c in json.loads(ran.out)] == [("Figure 3", "linked"), ("Table 1", "broken")]


def test_who_wants_replays_gets_no_for_an_answer_without(lab: Path) -> None:
    assert auditor(lab, "claims", "claims.toml", "--replayed", "--no-keep").code == 1


def test_a_bundle_is_enough_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    archived.bundle(tmp_path)
    (tmp_path / "claims.toml").write_text(CLAIMS.partition('[[claim]]\nname = "Table')[0])
    good = auditor(tmp_path, "claims", "claims.toml", "--bundle", "fit.crate.zip")
    raw = (tmp_path / "fit.crate.zip").read_bytes()
    (tmp_path / "fit.crate.zip").write_bytes(raw[:-300])
    bad = auditor(tmp_path, "claims", "claims.toml", "--bundle", "fit.crate.zip")

    assert (good.code, bad.code) == (0, 2)
    assert not (tmp_path / "home").exists()


def test_a_run_that_nobody_knows_is_unknown_and_not_an_error(lab: Path) -> None:
    (lab / "claims.toml").write_text(CLAIMS.replace('"123"', '"999"'))
    ran = auditor(lab, "claims", "claims.toml")

    assert ran.code == 1
    assert ran.out.count("no such run is known here") == 2


@pytest.mark.parametrize("name", ["nothing.toml", "."])
def test_what_is_no_file_is_one_clear_line(lab: Path, name: str) -> None:
    ran = auditor(lab, "claims", name)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"auditor: {name} is no file")


def test_hostile_names_reach_no_terminal(lab: Path) -> None:
    (lab / "claims.toml").write_text(CLAIMS.replace("Figure 3", "Fig\\u001b[31m"))
    ran = auditor(lab, "claims", "claims.toml")

    assert "\x1b" not in ran.out


def test_checked_claims_come_into_the_drafts_and_no_file_of_the_user_is_overwritten(lab: Path) -> None:
    (lab / "CITATION.cff").write_text("mine")
    auditor(lab, "claims", "claims.toml")
    drafts = {form: auditor(lab, "report", "123", "-f", form).out.strip() for form in ("codecheck", "adae", "cff")}

    assert drafts == {"codecheck": "audit-123.codecheck.yml", "adae": "audit-123.adae.tex", "cff": "audit-123.CITATION.cff"}
    assert 'comment: "Figure 3 (linked); ' in (lab / "audit-123.codecheck.yml").read_text()
    assert "Figure 3, Table 1" in (lab / "audit-123.adae.tex").read_text()
    assert (lab / "CITATION.cff").read_text() == "mine"


def test_whose_deposit_it_is_comes_from_the_settings(lab: Path) -> None:
    (lab / ".auditor.toml").write_text('author = "Lovelace, Ada"\norcid = "0000-0002-1825-0097"\n')

    assert 'family-names: "Lovelace"' in auditor(lab, "report", "123", "-f", "cff", "-o", "-").out


def test_a_scorecard_is_asked_for_the_run_itself(lab: Path) -> None:
    (lab / "card.json").write_text(auditor(lab, "score", "123", "--json").out)
    ran = auditor(lab, "report", "card.json", "-f", "cff")

    assert (ran.code, ran.out) == (2, "")
