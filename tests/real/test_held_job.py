"""Slurm freezes only the batch script: what else changed while the job waited is named, each thing once, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import containers_lab
import pytest
import slurmlab
from test_road import auditor

JOB = """#!/bin/bash
#SBATCH --job-name=held
#SBATCH --time=5
#AUDITOR input=in/*.csv
module load tools/1.0
bash step.sh
docker run --rm --network none lab/app:1 echo hello
cat in/a.csv in/b.csv > out.txt
"""


@pytest.mark.slurm
@pytest.mark.docker
def test_what_changed_while_the_job_was_held_is_named_and_nothing_else(
    slurm: slurmlab.Lab, docker_engine: containers_lab.Engine, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    (work / "in").mkdir(parents=True)
    (work / "in/a.csv").write_text("1\n")
    (work / "in/b.csv").write_text("2\n")
    (work / "step.sh").write_text("echo step one\n")
    (work / "same.sh").write_text("echo same\n")
    (work / "job.sh").write_text(JOB.replace("bash step.sh", "bash step.sh\nbash same.sh"))
    modules = tmp_path / "modules/tools"
    modules.mkdir(parents=True)
    (modules / "1.0").write_text("#%Module1.0\nsetenv TOOLS one\n")
    docker_engine.make("lab/app:1", {"version": b"one"})
    env = {
        **os.environ,
        "AUDITOR_HOME": str(tmp_path / "home"),
        "SLURM_CONF": slurm.conf,
        "DOCKER_HOST": docker_engine.host,
        "MODULEPATH": str(modules.parent),
    }
    subprocess.run(["bash", "-lc", "type module"], check=True, capture_output=True)
    job = auditor("sbatch", "--parsable", "--hold", "job.sh", cwd=work, env=env).strip()
    _until_seen(tmp_path / "home/spool", job)
    (work / "step.sh").write_text("echo step two\n")
    (work / "in/b.csv").write_text("3\n")
    (modules / "1.0").write_text("#%Module1.0\nsetenv TOOLS two\n")
    docker_engine.make("lab/app:1", {"version": b"two"})
    subprocess.run(["scontrol", "release", job], check=True, env=env)
    subprocess.run(["srun", "-Q", "--dependency", f"afterany:{job}", "true"], check=True, env=env, timeout=60)
    auditor("sweep", "--wait", "30", cwd=work, env=env)
    card = json.loads(auditor("score", job, "--json", cwd=work, env=env))
    assert card["story"]["drift_state"] == "found"
    named = {(c["what"], Path(c["name"]).name) for c in card["story"]["drift"]}
    assert named == {("called-file", "step.sh"), ("input", "b.csv"), ("module", "tools"), ("image", "app:1")}


def _until_seen(spool: Path, job: str) -> None:
    """The look at submission happens behind the prompt; wait for its file."""
    import time

    for _ in range(300):
        if list(spool.glob(f"{job}-0-submit-*.json")):
            return
        time.sleep(0.1)
    raise AssertionError("nothing was captured at submission")
