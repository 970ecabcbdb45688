"""What does `auditor lineage` tell of real runs: text, picture, JSON, PROV, and what became of the files since?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """simulate -> sim.csv; train reads it where it lies and once more as a copy in another folder; train again, in place."""
    base = tmp_path_factory.mktemp("lineage")
    for name in ("work", "other"):
        (base / name).mkdir()
    (base / "work/raw.txt").write_text("raw")
    ran(
        base,
        "work",
        "run",
        "-i",
        "raw.txt",
        "-o",
        "sim.csv",
        "--",
        "bash",
        "-c",
        "tr a-z A-Z <raw.txt >sim.csv; echo 1 >>sim.csv",
    )
    (base / "other/copy.csv").write_bytes((base / "work/sim.csv").read_bytes())
    ran(base, "other", "run", "-i", "copy.csv", "-o", "model", "--", "bash", "-c", "(cat copy.csv; echo trained) >model")
    ran(base, "other", "run", "-i", "model", "-o", "model", "--", "bash", "-c", "m=$(cat model); echo $m more >model")
    return base


def ran(base: Path, folder: str, *words: str, code: int = 0) -> str:
    env = {**os.environ, "AUDITOR_HOME": str(base / "home"), "COLUMNS": "200"}
    done = subprocess.run([sys.executable, "-m", "auditor", *words], cwd=base / folder, env=env, capture_output=True, text=True)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def jobs(home: Path) -> list[str]:
    """Job numbers of simulate, train and train again: runs of one second have no order in the list."""
    read = {r["job_id"]: inputs(home, r["job_id"]) for r in json.loads(ran(home, "work", "list", "--json"))}
    return [next(job for job, names in read.items() if names == [name]) for name in ("raw.txt", "copy.csv", "model")]


def inputs(home: Path, job: str) -> list[str]:
    """What its manifest after the run, or as it began, calls an input."""
    shown = json.loads(ran(home, "work", "show", job, "--json"))["evidence"]
    files = [f for e in shown if e["kind"] == "DataManifest" and e["status"] == "ok" for f in e["data"]["files"]]
    return sorted({f["path"] for f in files if f["role"] == "input"})


def told(text: str) -> list[str]:
    return [line.strip(" │├└─") for line in text.splitlines()]


def test_the_text_goes_through_a_copy_to_the_run_that_made_the_original(home: Path, jobs: list[str]) -> None:
    first, second, third = jobs
    assert told(ran(home, "other", "lineage", second))[1:] == [
        "went in: 1",
        "copy.csv",
        "a copy of sim.csv",
        f"made by bash ({first})",
        "came out: 1",
        "model",
        f"used by bash ({third})",
    ]
    assert told(ran(home, "work", "lineage", first))[1:] == [
        "went in: 1",
        "raw.txt",
        "no run that we know made it",
        "came out: 1",
        "sim.csv",
        "copied as copy.csv",
        f"used by bash ({second})",
    ]


def test_every_form_tells_the_same_runs(home: Path, jobs: list[str]) -> None:
    names = {f"bash ({job})" for job in jobs}
    third = jobs[2]
    nodes = json.loads(ran(home, "other", "lineage", third, "--json"))["nodes"]
    assert {n["label"] for n in nodes if n["kind"] in ("run", "this-run")} == names
    svg = ran(home, "other", "lineage", third, "--as", "svg")
    assert svg.startswith("<svg") and all(f"run: {name}" in svg for name in names)
    prov = json.loads(ran(home, "other", "lineage", third, "--as", "prov"))
    assert (len(prov["activity"]), len(prov["entity"]), len(prov["wasInformedBy"])) == (3, 4, 2)


def test_what_became_of_the_files_is_told_and_the_exit_status_says_whether_all_is_as_it_was(home: Path, jobs: list[str]) -> None:
    first, second, third = jobs
    found = json.loads(ran(home, "work", "lineage", first, "--check", "--json"))["files"]
    assert [(f["path"], f["role"], f["state"]) for f in found] == [("raw.txt", "input", "same"), ("sim.csv", "output", "same")]
    found = json.loads(ran(home, "other", "lineage", second, "--check", "--json", code=1))["files"]
    assert [(f["path"], f["role"], f["state"], len(f["others"])) for f in found] == [
        ("copy.csv", "input", "same", 0),
        ("model", "output", "changed", 1),
    ]
    assert "this run wrote over it" in ran(home, "other", "lineage", third, "--check", code=1)
    every = json.loads(ran(home, "other", "lineage", third, "--check", "--campaign", "--json", code=1))["runs"]
    assert len(every) == 3
    assert ran(home, "other", "lineage", third, "--campaign", code=2) == ""
