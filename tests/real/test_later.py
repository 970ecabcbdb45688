"""What comes after the jobs, on a real Slurm: a sweep that completes them in batches, and the adoption of jobs never wrapped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import slurmlab

pytestmark = pytest.mark.slurm

GRID = """#!/bin/bash
#SBATCH --array=0-3%2
#SBATCH --output=grid-%a.out
#AUDITOR output=made.* label=grid
echo "$1 $SLURM_ARRAY_TASK_ID" > made.$SLURM_ARRAY_TASK_ID
exit $SLURM_ARRAY_TASK_ID
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "grid.sh").write_text(GRID)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(params=["slurm", "slurm_light"])
def either(request: pytest.FixtureRequest) -> slurmlab.Lab:
    """Both kinds of cluster, one after the other."""
    lab: slurmlab.Lab = request.getfixturevalue(request.param)
    return lab


def auditor(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-P", "-m", "auditor", *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def told(*words: str) -> Any:
    return json.loads(auditor(*words, "--json").stdout)


def sbatch(*words: str) -> str:
    return subprocess.run(["sbatch", "--parsable", *words], capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def wait_for(job: str) -> None:
    end = time.monotonic() + 60
    while subprocess.run(["squeue", "-h", "-j", job], capture_output=True, text=True).stdout.strip():
        assert time.monotonic() < end
        time.sleep(0.1)


def states(*, label: str = "") -> Mapping[str, str]:
    return {row["job_id"]: row["state"] for row in told("list") if not label or row["label"] == label}


def sweep_until(done: Callable[[], bool]) -> None:
    """The wrapper looks at a submission after the prompt is back: a first sweep may come before it has seen the job."""
    end = time.monotonic() + 60
    while told("sweep", "--wait", "10")["pending"] or not done():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_a_sweep_completes_every_task_of_an_array_once(either: slurmlab.Lab, work: Path) -> None:
    job = auditor("sbatch", "--parsable", "grid.sh", "seed").stdout.strip()
    ends = {f"{job}_0": "COMPLETED", **{f"{job}_{n}": "FAILED" for n in (1, 2, 3)}}
    sweep_until(lambda: states(label="grid") == ends)
    shown = told("show", f"{job}_3")
    record = next(e["data"] for e in shown["evidence"] if e["kind"] == "JobAccounting" and e["phase"] == "later")
    assert (record["attempts"][-1]["exit_code"], record["final"], record["array_throttle"]) == (3, True, 2)
    again = told("sweep")
    assert (again["ingested"], again["completed"], again["pending"]) == (0, [], [])


def test_a_job_that_still_runs_is_pending_and_completed_by_a_later_sweep(either: slurmlab.Lab, work: Path) -> None:
    (work / "long.sh").write_text("#!/bin/bash\nuntil [ -e go ]; do sleep 0.1; done\n")
    job = auditor("sbatch", "--parsable", "-o", "/dev/null", "long.sh").stdout.strip()
    end = time.monotonic() + 60
    while "RUNNING" not in [p["why"] for p in told("sweep")["pending"] if p["job"] == job]:
        assert time.monotonic() < end
        time.sleep(0.2)
    (work / "go").touch()
    sweep_until(lambda: states()[job] == "COMPLETED")


def test_a_job_that_was_never_wrapped_is_adopted_with_script_and_files(either: slurmlab.Lab, work: Path) -> None:
    (work / "plain.sh").write_text("#!/bin/bash\n#AUDITOR output=result.txt\n. ./part.sh\nsleep 1; echo 42 > result.txt\n")
    (work / "part.sh").write_text("true\n")
    job = sbatch("-o", "out.%j", "plain.sh")
    wait_for(job)
    assert [a["job"] for a in told("adopt", job)] == [job]
    assert states()[job] == "COMPLETED"
    evidence = [e for e in told("show", job)["evidence"] if e["status"] == "ok"]
    assert {e["phase"] for e in evidence} == {"later"}
    data = {e["kind"]: e["data"] for e in evidence}
    assert data["Submission"]["script_text"] == (work / "plain.sh").read_text()
    assert [Path(f["path"]).name for f in data["CalledFiles"]["files"]] == ["part.sh"]
    assert "result.txt" in [f["path"] for f in data["DataManifest"]["files"]]
    if either.variant == "full":  # the site keeps environments
        assert data["Environment"]["values"]["PATH"] == os.environ["PATH"]
    else:
        assert "Environment" not in data


def test_an_array_is_adopted_task_by_task(either: slurmlab.Lab, work: Path) -> None:
    job = sbatch("grid.sh", "seed")
    wait_for(job)
    adopted = told("adopt", job)
    assert [a["job"] for a in adopted] == [f"{job}_{n}" for n in range(4)]
    assert states()[f"{job}_2"] == "FAILED"


def test_a_number_nobody_knows_is_one_line_with_a_hint(either: slurmlab.Lab) -> None:
    refused = auditor("adopt", "4000000", code=2)
    assert "4000000" in refused.stderr and refused.stdout == ""
    assert "no job id" in auditor("adopt", "train.sh", code=2).stderr
