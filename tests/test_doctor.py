"""What a site allows: each answer with what was seen and what follows."""

from __future__ import annotations

import os
from pathlib import Path

from auditor.doctor import Answer, examine
from auditor.world import RealWorld


def rows(path: Path, **env: str) -> dict[str, tuple[Answer, str]]:
    world = RealWorld(env={"PATH": str(path), "AUDITOR_HOME": str(path / "home"), **env}, cwd=str(path))
    return {r.question: (r.answer, r.seen) for r in examine(world)}


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_a_bare_machine_has_no_scheduler_and_no_runtime(tmp_path: Path) -> None:
    found = rows(tmp_path)
    assert found["Slurm"] == (Answer.NO, "no sbatch in PATH")
    assert found["accounting (sacct)"] == (Answer.NO, "no sacct in PATH")
    assert found["container runtimes"] == (Answer.NO, "no container runtime in PATH")
    assert found["stored job scripts"][0] is Answer.UNKNOWN
    assert found["environment modules"][0] is Answer.NO


def test_a_slurm_without_accounting_is_told_from_none(tmp_path: Path) -> None:
    program(tmp_path, "sbatch", "echo slurm 22.05.8")
    program(tmp_path, "sacct", "echo Slurm accounting storage is disabled >&2; exit 1")
    program(
        tmp_path, "scontrol", 'echo "MinJobAge               = 300 sec"\necho "AccountingStoreFlags    = job_comment,job_script"'
    )
    found = rows(tmp_path)
    assert found["Slurm"] == (Answer.YES, "slurm 22.05.8")
    assert found["accounting (sacct)"] == (Answer.NO, "Slurm accounting storage is disabled")
    assert found["stored job scripts"] == (Answer.YES, "AccountingStoreFlags=job_comment,job_script")


def test_a_controller_that_does_not_answer_is_said_in_its_last_line(tmp_path: Path) -> None:
    program(tmp_path, "sbatch", "exit 1")
    program(tmp_path, "scontrol", "echo first >&2; echo fatal: no controller >&2; exit 1")
    assert rows(tmp_path)["Slurm"] == (Answer.PARTLY, "sbatch is here, but fatal: no controller")


def test_a_home_without_room_is_said(tmp_path: Path) -> None:
    answer = (Answer.NO, "/proc has 0.0 MB left" if os.geteuid() == 0 else "/proc is not writable")
    assert rows(tmp_path, AUDITOR_HOME="/proc/none")["a place for records"] == answer
