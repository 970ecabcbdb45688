"""What do attached variables change for a real job? Nothing that anybody sees; and engines' records of it are evidence."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import slurmlab
from engines import called, engine
from test_road import auditor

CAMPAIGNS = Path(__file__).parent / "campaigns"
# a session as Ray leaves it, made on the node where the job runs
RAY = """#!/bin/bash
#SBATCH --output=out-%j
# ray start --head
echo "export: ${RAY_enable_export_api_write-unset} ${AUDIT_RUN_ID:+named}"
mkdir -p $RAY_TMPDIR/ray/session_$SLURM_JOB_ID/logs/export_events
echo 'ray_version=2.60.0' >$RAY_TMPDIR/ray/session_$SLURM_JOB_ID/logs/gcs_server.out
echo '{"source_type": "EXPORT_TASK"}' >$RAY_TMPDIR/ray/session_$SLURM_JOB_ID/logs/export_events/event_EXPORT_TASK_1.log
exit 3
"""


def submitted(work: Path, home: Path, lab: slurmlab.Lab, *argv: str, **extra: str) -> tuple[str, str]:
    """A job that has ended: what it printed, and what Slurm says of its end."""
    env = {**os.environ, "AUDITOR_HOME": str(home), "SLURM_CONF": lab.conf, **extra}
    job = auditor("sbatch", "--parsable", *argv, cwd=work, env=env).strip()
    subprocess.run(["srun", "-Q", "--dependency", f"afterany:{job}", "true"], check=True, env=env, timeout=120)
    state = subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True, env=env, check=True).stdout
    auditor("sweep", "--wait", "30", cwd=work, env=env)
    (code,) = re.findall(r"ExitCode=(\S+)", state)
    return job, code


def evidence(work: Path, home: Path, lab: slurmlab.Lab, job: str, probe: str) -> Mapping[str, Any]:
    env = {**os.environ, "AUDITOR_HOME": str(home), "SLURM_CONF": lab.conf}
    shown = json.loads(auditor("show", job, "--part", "evidence", "--probe", probe, "--json", cwd=work, env=env))
    found: Mapping[str, Any] = shown["evidence"][-1]
    return found


@pytest.mark.slurm
def test_rays_events_are_in_the_home_when_the_job_is_over(slurm: slurmlab.Lab, tmp_path: Path) -> None:
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    (work / "job.sh").write_text(RAY)

    job, code = submitted(work, home, slurm, "job.sh", RAY_TMPDIR=str(tmp_path / "node"))

    assert ((work / f"out-{job}").read_text(), code) == ("export: 1 named\n", "3:0")
    found = evidence(work, home, slurm, job, "attached")
    assert [s["name"] for s in found["data"]["given"]] == ["RAY_enable_export_api_write", "AUDIT_RUN_ID"]
    assert found["data"]["records"] == [
        f"ray/session_{job}/logs/export_events/event_EXPORT_TASK_1.log",
        f"ray/session_{job}/logs/gcs_server.out",
    ]


@pytest.mark.slurm
def test_a_job_that_is_given_no_variables_is_told_as_such(slurm: slurmlab.Lab, tmp_path: Path) -> None:
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    (work / "job.sh").write_text(RAY)

    job, _ = submitted(work, home, slurm, "--export=RAY_TMPDIR", "job.sh", RAY_TMPDIR=str(tmp_path / "node"))
    off, _ = submitted(work, home, slurm, "job.sh", RAY_TMPDIR=str(tmp_path / "node"), AUDITOR_ATTACH="none")

    assert [(work / f"out-{j}").read_text() for j in (job, off)] == ["export: unset \n"] * 2
    left = evidence(work, home, slurm, job, "attached")["data"]["left"]
    assert {s["name"]: s["why"] for s in left}["RAY_enable_export_api_write"] == "--export=RAY_TMPDIR leaves it out"
    assert evidence(work, home, slurm, off, "attached")["status"] == "absent"


@pytest.mark.slurm
@pytest.mark.engine
def test_dask_in_a_slurm_job_leaves_a_record_and_prints_the_same(slurm: slurmlab.Lab, tmp_path: Path) -> None:
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    script = f"#!/bin/bash\n#SBATCH --output=out-%j\npython {CAMPAIGNS}/dask/campaign.py 2>/dev/null\nrm -r first-try\n"
    (work / "job.sh").write_text(script)

    job, code = submitted(work, home, slurm, "job.sh", PATH=called("dask")["PATH"])

    assert ((work / f"out-{job}").read_text(), code) == ("near 0.5\nflaky 1\n", "0:0")
    (run,) = evidence(work, home, slurm, job, "workflow-runs")["data"]["runs"]
    assert (run["system"], run["state"], run["relation"], run["tasks"]) == ("dask", "succeeded", "inside", 11)
    assert run["parameters"]["job"] == job


@pytest.mark.engine
def test_with_all_cwltool_keeps_its_provenance_and_its_result_is_the_same(tmp_path: Path) -> None:
    printed = []
    for mode in ("none", "all"):
        work, home = tmp_path / mode, tmp_path / f"home-{mode}"
        work.mkdir()
        env = {
            **called("cwltool"),
            "AUDITOR_HOME": str(home),
            "AUDITOR_ATTACH": mode,
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        }
        (work / "a.cwl").write_text(
            "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: [echo, hi]\nstdout: out.txt\ninputs: []\noutputs: {o: {type: stdout}}\n"
        )
        text = auditor("run", "--", str(engine("cwltool") / "cwltool"), "--outdir", "out", "a.cwl", cwd=work, env=env)
        printed.append(text.replace(str(work), "WORK"))

    assert printed[0] == printed[1]
    (bundle,) = (tmp_path / "home-all/attached").glob("*/cwltool")
    assert (bundle / "bagit.txt").exists()
    assert not (tmp_path / "home-none/attached").exists()
