"""Submission to report on a Slurm without accounting: short jobs, arrays, odd names, and a job that was never wrapped."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import slurmlab
from test_road import auditor

ODD = "a|b\nc"
JOB = """#!/bin/bash
#SBATCH --time=2 --mem=100M
#AUDITOR input="in|put.csv"
#AUDITOR output=out/*
mkdir out; rev 'in|put.csv' > $'out/re|s\\nult.csv'
exit 137
"""
ARRAY = """#!/bin/bash
#SBATCH --array=0-2 --time=2
#AUDITOR output=r.$SLURM_ARRAY_TASK_ID
echo $SLURM_ARRAY_TASK_ID > r.$SLURM_ARRAY_TASK_ID
[ $SLURM_ARRAY_TASK_ID != 1 ]
"""


@pytest.fixture
def env(slurm_light: slurmlab.Lab, tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "AUDITOR_HOME": str(tmp_path / "home"), "SLURM_CONF": slurm_light.conf}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "in|put.csv").write_text("x,y\n1,2\n")
    return folder


def judged(job: str, work: Path, env: dict[str, str]) -> dict[str, Any]:
    card: dict[str, Any] = json.loads(auditor("score", job, "--json", cwd=work, env=env))
    return card


def findings(card: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {f["check"]: (f["outcome"], f["message"]) for tip in card["tips"] for f in tip["findings"]}


@pytest.mark.slurm
def test_a_job_that_is_over_before_it_is_looked_at_is_completed_and_its_odd_names_reach_the_page(
    work: Path, env: dict[str, str]
) -> None:
    (work / "job.sh").write_text(JOB)
    job = auditor("sbatch", "--parsable", "-J", ODD, "--wait", "job.sh", "x|y", cwd=work, env=env, code=137).strip()
    swept = json.loads(auditor("sweep", "--wait", "30", "--json", cwd=work, env=env))
    assert (len(swept["completed"]), swept["pending"]) == (1, [])

    card = judged(job, work, env)
    assert (card["run"]["name"], card["run"]["state"]) == (ODD, "FAILED")
    assert {g["name"]: g["source"] for g in card["story"]["gauges"]} == dict.fromkeys(("cores", "memory", "time"), "jobcomp")
    assert {"in|put.csv", "re|s\nult.csv"} <= {n["label"] for n in card["story"]["nodes"]}
    said = findings(card)
    assert said["open-boundary"][0] == "passed"
    assert said["unseen-gpu"] == ("not-applicable", "no GPU was allocated (jobcomp+scontrol)")
    assert said["wasted-attempts"][0] == "failed"

    page = auditor("report", job, "-o", "-", cwd=work, env=env)
    assert "FAILED" in page and "a|b" in page and "jobcomp+scontrol" in page
    assert "| a|b" not in auditor("report", job, "-f", "markdown", "-o", "-", cwd=work, env=env)


@pytest.mark.slurm
def test_each_task_of_an_array_is_judged_by_its_own_record_and_its_own_files(work: Path, env: dict[str, str]) -> None:
    (work / "job.sh").write_text(ARRAY)
    job = auditor("sbatch", "--parsable", "--wait", "job.sh", cwd=work, env=env, code=1).strip()
    auditor("sweep", "--wait", "30", cwd=work, env=env)
    cards = [judged(f"{job}_{n}", work, env) for n in range(3)]
    assert [c["run"]["state"] for c in cards] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert [findings(c)["wasted-attempts"][0] for c in cards] == ["passed", "failed", "passed"]
    assert {findings(c)["tiny-tasks"][0] for c in cards} == {"failed"}
    results = [[n["label"] for n in c["story"]["nodes"] if n["label"].startswith("r.")] for c in cards]
    assert results == [["r.0"], ["r.1"], ["r.2"]]


@pytest.mark.slurm
def test_a_job_that_was_never_wrapped_is_reported_with_what_is_left_of_it(work: Path, env: dict[str, str]) -> None:
    typed = ["sbatch", "--parsable", "--wait", "-J", ODD, "--wrap", "exit 3"]
    job = subprocess.run(typed, cwd=work, env=env, capture_output=True, text=True, check=False).stdout.strip()
    run = json.loads(auditor("adopt", job, "--json", cwd=work, env=env))[0]["run"]
    card = judged(run[:8], work, env)
    assert (card["run"]["job_id"], card["run"]["name"], card["run"]["state"]) == (job, ODD, "FAILED")
    assert card["low"] < card["high"]
    assert findings(card)["far-inputs"] == ("unknown", "never captured: file systems as the job started")
    assert "jobcomp+scontrol" in auditor("report", "-o", "-", cwd=work, env=env)
