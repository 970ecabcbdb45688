"""What does `auditor campaign` print, write and refuse?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auditor import spool
from auditor.cli import app
from auditor.home import Home
from auditor.model import AuditError
from tests.study import study


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study that waits in the spool, and a project folder."""
    root = tmp_path / "home"
    monkeypatch.setenv("AUDITOR_HOME", str(root))
    monkeypatch.setenv("AUDITOR_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("COLUMNS", "140")
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    for one in study(tasks=2):
        spool.save(Home(str(root)).spool, one)
    return root


def run(*argv: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, ["campaign", *argv])
    return ran.exit_code, ran.stdout


def refused(*argv: str) -> tuple[str, str]:
    ran = CliRunner().invoke(app, ["campaign", *argv])
    assert isinstance(ran.exception, AuditError)
    return ran.exception.message, ran.exception.hint


def test_without_a_name_the_campaigns_are_shown(home: Path) -> None:
    code, out = run()

    header, row = out.splitlines()
    assert (code, header.split()) == (0, ["campaign", "name", "runs", "states", "first", "last", "joined", "by"])
    assert row.split()[:3] == ["surrogate", "surrogate", "5"]
    (told,) = json.loads(run("--json")[1])
    assert (told["ask"], told["runs"], told["states"]) == ("surrogate", 5, {"COMPLETED": 4, "TIMEOUT": 1})


def test_a_store_without_campaigns_says_how_one_comes_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_HOME", str(tmp_path))

    assert run()[1].startswith("no campaigns yet: runs belong together by a label")


def test_its_scorecard_is_printed_and_as_json_it_is_whole(home: Path) -> None:
    code, out = run("surrogate")
    card = json.loads(run("surrogate", "--json")[1])

    assert (code, out.splitlines()[0].strip()) == (0, "Campaign surrogate")
    assert [len(card["tips"]), len(card["record"]["members"]), card["record"]["left"]] == [12, 5, 0]


@pytest.mark.parametrize(
    ("name", "begins"),
    [("c.html", "<!DOCTYPE html>"), ("c.md", "# Campaign audit: surrogate"), ("c.json", "{"), ("c.txt", "Campaign surrogate")],
)
def test_the_files_suffix_chooses_the_format(home: Path, name: str, begins: str) -> None:
    assert run("surrogate", "-o", name) == (0, f"{name}\n")
    assert Path(name).read_text().lstrip().startswith(begins)


def test_a_format_without_a_place_gets_a_file_of_the_campaigns_name(home: Path) -> None:
    assert run("surrogate", "--format", "markdown") == (0, "campaign-surrogate.md\n")
    assert run("surrogate", "--format", "markdown", "-o", "-")[1] == Path("campaign-surrogate.md").read_text()


def test_a_run_and_an_array_name_the_same_campaign(home: Path) -> None:
    by_array, by_run = (json.loads(run(name, "--json")[1]) for name in ("1000", "1003"))

    assert by_array == by_run


def test_the_projects_own_phases_are_used_and_shown(home: Path) -> None:
    Path(".auditor.toml").write_text('[phases]\n"gmx*" = "prepare"\n')

    record = json.loads(run("surrogate", "--json")[1])["record"]

    assert [(p["phase"], p["runs"]) for p in record["phases"]] == [("prepare", 2), ("train", 2), ("infer", 1)]
    assert record["members"][0]["signs"][0] == {
        "phase": "prepare",
        "by": "project",
        "text": "gmx mdrun fits gmx*",
        "place": ".auditor.toml",
        "evidence": "",
    }


def test_a_phase_that_there_is_not_is_one_line_with_a_hint(home: Path) -> None:
    Path(".auditor.toml").write_text('[phases]\n"gmx*" = "cook"\n')

    assert refused("surrogate") == (
        "[phases]: `gmx*` has the phase 'cook'",
        "phases are: prepare, simulate, train, infer, analyse",
    )


def test_no_more_runs_than_asked_for_are_looked_at_and_the_rest_is_not_known(home: Path) -> None:
    card = json.loads(run("surrogate", "--most", "2", "--json")[1])

    assert (card["record"]["left"], card["low"]) == (3, 0.0)
    assert card["record"]["gaps"] == ["3 more runs belong to it and were not looked at"]


def test_mistakes_are_one_line_with_a_hint(home: Path, tmp_path: Path) -> None:
    assert refused("nosuch")[0] == "no campaign, run or job is called nosuch"
    assert refused("surrogate", "-f", "pdf") == (
        "there is no format pdf for campaigns",
        "formats are: html, markdown, json, terminal",
    )
    assert refused("surrogate", "-o", str(tmp_path)) == (f"{tmp_path} is a folder", "give the name of a file")
    assert refused("--format", "html")[0] == "which campaign?"
