"""The main job on real input: a training script in a container, on Slurm, from submission to a replay that judges."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import containers_lab
import pytest
import python_image
import slurmlab

from tests.needs import need

CAMPAIGN = Path(__file__).parents[2] / "auditor/demo/campaign"

JOB = """#!/bin/bash
#SBATCH --job-name=train
#SBATCH --ntasks=1
#SBATCH --mem=300M
#SBATCH --time=5
#AUDITOR input=data/*.csv
#AUDITOR output=model/*.json
#AUDITOR label=road
apptainer exec --cleanenv train.sif python3 train.py data/*.csv --out model --seed 7
"""


def auditor(*words: str, cwd: Path, env: Mapping[str, str], code: int = 0) -> str:
    """Run the command as a user does; its stdout. Fails with what it said when the exit status is another."""
    argv = [sys.executable, "-P", "-m", "auditor", *words]
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=180)
    assert done.returncode == code, f"auditor {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    # this machine gives root fewer capabilities than Apptainer wants to hand on
    return {**os.environ, "AUDITOR_HOME": str(tmp_path / "home"), "APPTAINER_DROP_CAPS": "CAP_SYS_RESOURCE"}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder as a researcher has it: data, code under git, and an image."""
    folder = tmp_path / "work"
    (folder / "data").mkdir(parents=True)
    rows = [f"{0.6 + 0.05 * n:.4f},{0.05 + 0.02 * (n * 7 % 20):.4f},{1.7 - 0.02 * ((n - 11) ** 2) / 4:.9f}" for n in range(24)]
    (folder / "data/slice_0.csv").write_text("omega,gamma,amplitude\n" + "\n".join(rows[:12]) + "\n")
    (folder / "data/slice_1.csv").write_text("omega,gamma,amplitude\n" + "\n".join(rows[12:]) + "\n")
    shutil.copy(CAMPAIGN / "train.py", folder)
    (folder / "job.sh").write_text(JOB)
    (folder / ".gitignore").write_text("*.sif\nmodel/\n*.out\n")
    for words in ("init -q -b main", "add .", "-c user.name=a -c user.email=a@example.org commit -qm start"):
        subprocess.run(["git", *words.split()], cwd=folder, check=True)
    return folder


@pytest.mark.slurm
@pytest.mark.apptainer
def test_a_training_job_in_a_container_goes_all_the_way_to_an_identical_replay(
    slurm: slurmlab.Lab, work: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    need(*containers_lab.missing_apptainer(), *containers_lab.missing_sif(), *python_image.missing())
    containers_lab.sif(work / "train.sif", python_image.files(), "Bootstrap: scratch\n")
    environment["SLURM_CONF"] = slurm.conf

    job = auditor("sbatch", "--parsable", "--wait", "job.sh", cwd=work, env=environment).strip()
    assert job.isdigit()
    metrics = json.loads((work / "model/metrics.json").read_text())
    assert metrics["trained_on"] == 20

    swept = json.loads(auditor("sweep", "--wait", "30", "--json", cwd=work, env=environment))
    assert swept["pending"] == []
    card = json.loads(auditor("score", job, "--json", cwd=work, env=environment))
    assert card["run"]["state"] == "COMPLETED"
    assert card["verifiable"] is True
    assert 0 < card["low"] <= card["high"] <= 100
    assert card["story"]["drift_state"] == "none"
    kinds = {(e["probe"], e["phase"]): e["status"] for e in card["evidence"]}
    assert kinds["slurm", "later"] == "ok"
    assert kinds["git", "submit"] == "ok"
    assert kinds["sif", "submit"] == "ok"
    assert kinds["container-identity", "start"] == "ok"

    page = auditor("report", job, "-o", "-", cwd=work, env=environment)
    assert page.startswith("<!DOCTYPE html>")
    assert "train.sif" in page

    archive = auditor("bundle", job, "-o", str(tmp_path / "b.crate.zip"), cwd=work, env=environment).strip()
    assert auditor("verify", archive, cwd=work, env=environment).startswith(f"{archive}: whole")

    elsewhere = tmp_path / "reviewer"
    elsewhere.mkdir()
    reviewer = {**environment, "AUDITOR_HOME": str(tmp_path / "reviewer-home")}
    options = ["--yes", "--on", "slurm", "--inputs", str(work), "--into", "again", "--json"]
    verdict = json.loads(auditor("replay", archive, *options, cwd=elsewhere, env=reviewer))
    assert verdict["sameness"] == "identical"
    assert verdict["where"] == "slurm:lab"
    assert {Path(o["path"]).name: o["sameness"] for o in verdict["outputs"] if o["path"].startswith("model/")} == {
        "model.json": "identical",
        "metrics.json": "identical",
    }
