"""Does a chain of bundles run as jobs that wait for each other, on another site's partition, on a real Slurm?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import slurmlab

from auditor.replay import execute, plan
from auditor.replay.chain import chain, resumed, run_all
from auditor.replay.journal import NAME
from auditor.verdict import Sameness
from tests.chained import ADD, MAKE, NUMBERS, bundled, three

pytestmark = pytest.mark.slurm


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_HOME", str(tmp_path / "home"))


def test_a_chain_is_submitted_at_once_and_slurm_keeps_its_order(slurm: slurmlab.Lab, tmp_path: Path) -> None:
    slow = MAKE.replace("seq", "sleep 2; seq")
    found = run_all(chain(three(tmp_path, slow), on="slurm"), tmp_path / "again", yes=True)
    assert (found.sameness, found.reason) == (Sameness.IDENTICAL, "of 3 runs 3 identical")
    assert [[(f.place, f.same) for f in v.fed] for v in found.verdicts] == [[], [("numbers.txt", True)], [("sum.txt", True)]]
    told = [next(s.detail for s in v.steps if s.name == "submitted") for v in found.verdicts]
    assert " after " not in told[0]
    assert " after " in told[1]


def test_when_one_fails_those_after_it_are_not_run_and_say_why(slurm: slurmlab.Lab, tmp_path: Path) -> None:
    found = run_all(chain(three(tmp_path, add="#!/bin/bash\nexit 3\n"), on="slurm"), tmp_path / "again", yes=True)
    assert [v.sameness for v in found.verdicts] == [Sameness.IDENTICAL, Sameness.DIFFERENT, Sameness.NOT_RUN]
    assert found.verdicts[2].reason.endswith("a replay that it waited for did not end well")


def test_an_interrupted_chain_waits_for_the_same_jobs(slurm: slurmlab.Lab, tmp_path: Path) -> None:
    paths = [
        bundled(tmp_path, "11", MAKE.replace("seq", "sleep 5; seq"), {}, {"numbers.txt": NUMBERS}),
        bundled(tmp_path, "12", ADD, {"numbers.txt": NUMBERS}, {"sum.txt": "15\n"}),
    ]
    code = (
        "import os, signal, sys; from pathlib import Path; from auditor.replay import chain, slurm;"
        "slurm.wait = lambda *a: os.kill(os.getpid(), signal.SIGKILL);"
        "chain.run_all(chain.chain([Path(p) for p in sys.argv[2:]], on='slurm'), Path(sys.argv[1]), yes=True)"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "again"), *map(str, paths)]
    assert subprocess.run(words, cwd=Path(__file__).parents[2], check=False).returncode == -9
    before = _jobs(tmp_path / "again")
    found = run_all(resumed(tmp_path / "again"), tmp_path / "again", yes=True, resume=True)
    assert found.sameness is Sameness.IDENTICAL
    assert (_jobs(tmp_path / "again"), len(before)) == (before, 2)


def _jobs(folder: Path) -> dict[str, str]:
    found = {}
    for path in folder.glob(f"*/{NAME}"):
        rows = (json.loads(line) for line in path.read_text().splitlines())
        found[path.parent.name] = next(row["data"] for row in rows if row["step"] == "job-1")
    return found


def test_the_replays_partition_is_this_sites_and_the_mapping_is_said(slurm: slurmlab.Lab, tmp_path: Path) -> None:
    here = subprocess.run(["sinfo", "-h", "-o", "%R"], capture_output=True, text=True, check=True).stdout.split()[0]
    script = MAKE.replace("\n", "\n#SBATCH --partition=theirs --account=their-project\n", 1)
    ready = plan(bundled(tmp_path, "11", script, {}, {"numbers.txt": NUMBERS}), on="slurm", partition=here)
    assert f"partition theirs there, {here} here" in ready.will
    assert "account their-project there, the default here" in ready.will
    verdict = execute(ready, tmp_path / "again", yes=True)
    assert (verdict.sameness, verdict.partition, verdict.account) == (Sameness.IDENTICAL, here, "")


def test_a_partition_that_is_not_there_is_an_answer(slurm: slurmlab.Lab, tmp_path: Path) -> None:
    ready = plan(bundled(tmp_path, "11", MAKE, {}, {"numbers.txt": NUMBERS}), on="slurm", partition="nowhere")
    verdict = execute(ready, tmp_path / "again", yes=True)
    assert (verdict.sameness, verdict.reached) == (Sameness.NOT_RUN, False)
    assert "invalid partition" in verdict.reason


def test_a_smoke_run_under_slurm_is_stopped_in_time(slurm: slurmlab.Lab, tmp_path: Path) -> None:
    endless = bundled(tmp_path, "11", "#!/bin/bash\nexec tail -f /dev/null\n", {}, {"numbers.txt": NUMBERS})
    verdict = execute(plan(endless, on="slurm", level="smoke", smoke=["seconds=1"]), tmp_path / "again", yes=True)
    assert (verdict.sameness, verdict.reached) == (Sameness.NOT_COMPARED, False)
    assert "ran until it was stopped" in verdict.reason
