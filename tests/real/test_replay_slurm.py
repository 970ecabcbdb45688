"""Does a bundle run again as a batch job, on a real Slurm?"""

from __future__ import annotations

from pathlib import Path

import pytest
import slurmlab

from auditor.model import Phase
from auditor.replay import execute, plan
from auditor.verdict import Sameness
from reports.archive.bundle import build
from tests import archived
from tests.factory import at, seen

SCRIPT = """#!/bin/bash
#SBATCH --job-name=fit --array=0-9 --partition=gpu_of_another_site
#SBATCH --mem=100M
#SBATCH --time=5
[ -n "$MY_SECRET" ] && exit 9
srun --ntasks=1 python3 fit.py in.csv out.csv metrics.json "$SLURM_ARRAY_TASK_ID"
echo slope done
"""


@pytest.mark.slurm
def test_a_bundle_of_another_cluster_runs_again_as_a_job_here(
    slurm: slurmlab.Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDITOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MY_SECRET", "not for strangers")
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
    job, evidence = archived.run(tmp_path / "work", {**archived.FILES, "job.sh": SCRIPT}, SCRIPT)
    task = archived.accounting(tmp_path / "work", array_task_id="7", array_job_id="123", cluster="elsewhere")
    everything = (*evidence, seen(task, phase=Phase.LATER, taken_at=at(13)))
    build(job, everything, archived.card(job, everything), tmp_path / "fit.crate.zip", objects=archived.nothing)
    (tmp_path / "work").rename(tmp_path / "moved")

    ready = plan(tmp_path / "fit.crate.zip", on="slurm")
    assert ready.will[2] == "run /bin/bash job.sh 7 as array task 7 under Slurm"
    verdict = execute(ready, tmp_path / "again", yes=True)

    assert (verdict.sameness, verdict.reason) == (Sameness.IDENTICAL, "of 2 outputs 2 identical")
    assert verdict.where == "slurm:lab"
    assert "gpu_of_another_site" not in (tmp_path / "again" / "replay.sbatch").read_text()
    assert any((tmp_path / "home" / "spool").iterdir())  # the replay is a run with evidence of its own
