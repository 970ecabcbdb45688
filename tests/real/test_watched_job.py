"""Which libraries did a real Slurm job load? The watcher beside it sees its steps too, and the job ends as one without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import slurmlab
from test_road import auditor

from tests.needs import need

PROGRAM = """import os, time
import numpy
numpy.dot(numpy.eye(64), numpy.eye(64))
time.sleep(3)
print(sorted(n for n, v in os.environ.items() if "auditor" in v or n == "BASH_ENV"))
"""
JOB = """#!/bin/bash
#SBATCH --time=5
#SBATCH --output=out-%j
srun -Q -n1 {python} program.py
ps -o comm= --ppid $$ | grep -vx -e ps -e grep
wait
exit 4
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    import numpy

    need(*([] if list((Path(numpy.__file__).parent.parent / "numpy.libs").glob("*openblas*")) else ["numpy's own OpenBLAS"]))
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "program.py").write_text(PROGRAM)
    (folder / "job.sh").write_text(JOB.format(python=sys.executable))
    return folder


@pytest.mark.slurm
def test_a_step_s_blas_is_seen_and_the_job_ends_as_it_would(slurm: slurmlab.Lab, work: Path) -> None:
    home = work.parent / "home"
    env = {**os.environ, "AUDITOR_HOME": str(home), "SLURM_CONF": slurm.conf}
    jobs = [auditor("sbatch", *own, "--parsable", "job.sh", cwd=work, env=env).strip() for own in ((), ("--auditor-libraries",))]
    subprocess.run(["srun", "-Q", "--dependency", f"afterany:{':'.join(jobs)}", "true"], check=True, env=env, timeout=90)
    auditor("sweep", "--wait", "30", cwd=work, env=env)
    told = [
        libraries(json.loads(auditor("show", job, "--part", "evidence", "--probe", "libraries", "--json", cwd=work, env=env)))
        for job in jobs
    ]
    states = [subprocess.run(["scontrol", "show", "job", j], capture_output=True, text=True, env=env).stdout for j in jobs]

    assert [(work / f"out-{job}").read_text() for job in jobs] == ["[]\n"] * 2
    assert ["ExitCode=4:0" in state for state in states] == [True, True]
    assert [(t["status"], (t["data"] or {}).get("how")) for t in told] == [("absent", None), ("ok", "sampled")]
    blas = {(lib["name"], len(lib["sha256"])) for lib in told[1]["data"]["libraries"] if lib["role"] == "blas"}
    assert blas == {("openblas", 64)}
    assert [p.name for p in (home / "spool").glob(".*")] == []


def libraries(shown: Any) -> Mapping[str, Any]:
    """The evidence of the end."""
    (found,) = [e for e in shown["evidence"] if e["probe"] == "libraries" and e["phase"] == "end"]
    return dict(found)
