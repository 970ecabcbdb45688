"""What does `auditor packages` print, and `auditor report --format cyclonedx`? The real command over a real store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.home import Home
from auditor.model import Phase
from auditor.store import Store
from tests.factory import at, capture, job, modules, packages, seen, submission
from tests.test_bad_input import auditor


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three runs: two with an old numpy, the newest with a new one; all on one module."""
    with Store.open(Home(str(tmp_path / "home")).store) as store:
        for n, version in ((1, "1.26.4"), (2, "1.26.4"), (3, "2.3.0")):
            of = job(str(n), submitted_at=at(n))
            store.ingest([capture(of, Phase.SUBMIT, seen(submission()), seen(packages(f"numpy=={version}")))])
            store.ingest([capture(of, Phase.START, seen(modules("gcc/12.2.0")))])
    return tmp_path


def test_runs_with_a_version_are_listed_newest_first(home: Path) -> None:
    code, out, err = auditor("packages", "NumPy==1.26.4", cwd=home)

    assert code == 0, err
    rows = [line.split() for line in out.splitlines()[1:]]
    assert [(row[1], row[4], row[5], row[6]) for row in rows] == [
        ("2", "pypi", "numpy", "1.26.4"),
        ("1", "pypi", "numpy", "1.26.4"),
    ]


def test_versions_show_how_a_package_drifted(home: Path) -> None:
    code, out, _ = auditor("packages", "numpy", "--versions", cwd=home)

    assert [line.split()[:3] for line in out.splitlines()[1:]] == [["numpy", "1.26.4", "2"], ["numpy", "2.3.0", "1"]]
    assert code == 0


def test_json_has_the_runs_and_how_many_there_are(home: Path) -> None:
    code, out, _ = auditor("packages", "gcc", "--ecosystem", "module", "--limit", "1", "--json", cwd=home)

    answer = json.loads(out)
    assert (code, answer["runs"], len(answer["uses"])) == (0, 3, 1)
    assert (answer["uses"][0]["version"], answer["uses"][0]["when"]) == ("12.2.0", "start")


def test_what_is_left_out_is_said(home: Path) -> None:
    _, out, err = auditor("packages", "gcc", "--limit", "1", cwd=home)

    assert len(out.splitlines()) == 2
    assert "2 more runs had it; --limit 3 shows all" in err


def test_no_run_is_a_clear_answer(home: Path) -> None:
    assert auditor("packages", "torch==2.8.0", cwd=home)[:2] == (0, "no run that is known had torch==2.8.0\n")
    assert auditor("packages", "gcc", "--ecosystem", "spack", cwd=home)[1] == "no run that is known had gcc in spack\n"


def test_slips_are_one_line(home: Path) -> None:
    assert auditor("packages", "==1.0", cwd=home)[0] == 2
    assert auditor("packages", "numpy==1.0", "--versions", cwd=home)[0] == 2


def test_a_parts_list_is_made_of_a_run_and_not_of_a_scorecard(home: Path) -> None:
    code, out, err = auditor("report", "3", "--format", "cyclonedx", "-o", "-", cwd=home)
    names = [c["name"] for c in json.loads(out)["components"]]
    assert (code, names) == (0, ["cpython", "gcc", "numpy"]), err

    (home / "card.json").write_text(auditor("score", "3", "--json", cwd=home)[1])
    code, _, err = auditor("report", "card.json", "--format", "cyclonedx", cwd=home)
    assert code == 2
    assert "is a scorecard already" in err
