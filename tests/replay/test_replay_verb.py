"""What does a person at a terminal get from `auditor replay`: a plan, an answer, a file, and an exit status by class?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests import archived
from tests.chained import three
from tests.needs import need
from tests.replay.test_replay_levels import NOISY, WAS, made


def auditor(cwd: Path, *words: str, front: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    home = {"AUDITOR_HOME": str(cwd / "home"), "PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "200"}
    argv = [*front, sys.executable, "-P", "-m", "auditor", *words]
    return subprocess.run(argv, cwd=cwd, env={**os.environ, **home}, capture_output=True, text=True, check=False)


def test_exit_status_is_by_class(tmp_path: Path) -> None:
    made(tmp_path, changes={"out.csv": "other\n"})
    different = auditor(tmp_path, "replay", "fit.crate.zip", "--yes", "--into", "a")
    verified = auditor(tmp_path, "replay", "fit.crate.zip", "--yes", "--into", "b", "--level", "verify")
    mistake = auditor(tmp_path, "replay", "fit.crate.zip", "--yes", "--level", "half")
    unsaid = auditor(tmp_path, "replay", "fit.crate.zip", "--into", "c")
    stopped = auditor(
        tmp_path, "replay", "fit.crate.zip", "--yes", "--into", "d", "--level", "smoke", "--smoke", "seconds=0.0001"
    )
    assert [one.returncode for one in (different, verified, mistake, unsaid, stopped)] == [1, 0, 2, 2, 3]
    assert "not proved: that the outputs are the original's: they differ" in different.stdout
    assert mistake.stderr.startswith("auditor: there is no level 'half'\n")


def test_what_a_repeat_learnt_lies_beside_the_verdict(tmp_path: Path) -> None:
    made(tmp_path, NOISY, {"metrics.json": WAS, "out.csv": archived.INPUT})
    twice = auditor(tmp_path, "replay", "fit.crate.zip", "--yes", "--into", "a", "--repeat", "2", "-o", "v.json")
    assert (twice.returncode, (tmp_path / "v.rules.json").is_file()) == (0, True), twice.stderr
    assert json.loads((tmp_path / "v.json").read_text())["level"] == "repeat"
    once = auditor(tmp_path, "replay", "fit.crate.zip", "--yes", "--into", "b", "--rules", "v.rules.json", "--json")
    assert (once.returncode, json.loads(once.stdout)["sameness"]) == (0, "equivalent")


def test_an_interrupted_replay_is_resumed_by_its_folder_alone(tmp_path: Path) -> None:
    made(tmp_path)
    assert auditor(tmp_path, "replay", "fit.crate.zip", "--yes", "--into", "a").returncode == 0
    journal = tmp_path / "a" / "journal.jsonl"
    journal.write_text("".join(line for line in journal.read_text().splitlines(True) if '"round-1"' not in line))
    again = auditor(tmp_path, "replay", "--resume", "a", "--yes")
    assert (again.returncode, "resume: done, whole before: unpack, environment" in again.stdout) == (0, True), again.stderr
    both = auditor(tmp_path, "replay", "fit.crate.zip", "--resume", "a", "--yes")
    assert (both.returncode, "--resume takes the folder alone" in both.stderr) == (2, True)


def test_several_bundles_have_a_verdict_each_and_one_for_all(tmp_path: Path) -> None:
    names = [path.name for path in three(tmp_path)]
    plan = auditor(tmp_path, "replay", *names, "--dry-run")
    assert "Replay of 3 runs, in this order" in plan.stdout
    done = auditor(tmp_path, "replay", *names, "--yes", "-o", "v.json", "--json")
    assert done.returncode == 0, done.stderr
    assert [v["sameness"] for v in json.loads((tmp_path / "v.json").read_text())["verdicts"]] == ["identical"] * 3
    again = auditor(tmp_path, "replay", "--resume", "replay-chain", "--yes", "--json")
    assert (again.returncode, json.loads(again.stdout)["reason"]) == (0, "of 3 runs 3 identical"), again.stderr


def test_what_a_bundle_carries_is_replayed_with_no_network_at_all(tmp_path: Path) -> None:
    """In a network namespace of its own there is not even a loopback that is up."""
    unshare = shutil.which("unshare")
    alone = (unshare or "unshare", *(() if os.geteuid() == 0 else ("-r",)), "-n")
    works = unshare and subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0
    need(*(() if works else ("unshare -n",)))
    made(tmp_path)
    done = auditor(tmp_path, "replay", "fit.crate.zip", "--yes", "--json", front=alone)
    assert (done.returncode, json.loads(done.stdout)["sameness"]) == (0, "identical"), done.stderr
