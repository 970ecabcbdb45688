"""What is loaded where: jobs get the standard library, the console a quick start, and a stranger's `reports.py` no say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"duckdb", "jinja2", "typer", "docker", "spython", "git", "msgspec", "rich"}

GUEST = """
import sys
sys.path.insert(0, {root!r})
from auditor.capture import capture
from auditor.model import Job, Phase
from auditor.registry import probes
from auditor.world import RealWorld
from auditor import spool
job = Job("slurm", "1", workdir={work!r}, script="#!/bin/bash\\npython3 x.py\\n")
guests = [p for p in probes().values() if p.guest]
assert guests
spool.save({work!r} + "/spool", capture(RealWorld(), job, Phase.START, guests))
print(",".join(sorted({heavy!r} & set(sys.modules))), any(m.startswith("auditor.agent") for m in sys.modules))
"""


def test_the_capture_in_a_job_loads_nothing_but_the_standard_library(tmp_path: Path) -> None:
    code = GUEST.format(root=str(ROOT), work=str(tmp_path), heavy=HEAVY)
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("False", 0), done.stderr
    assert len(list((tmp_path / "spool").iterdir())) == 1


@pytest.mark.parametrize("name", ["reports", "probes"])
def test_a_file_of_the_same_name_in_the_working_folder_is_never_run(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text("open('ran', 'w')\n")
    console = Path(sys.executable).with_name("auditor")
    done = subprocess.run(
        [console, "list"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "AUDITOR_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["reports", "probes"])
def test_not_even_when_python_looks_there_first(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text("open('ran', 'w')\n")
    done = subprocess.run([sys.executable, "-m", "auditor", "list"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["reports", "probes"])
def test_a_foreign_package_that_shadows_ours_is_a_clear_message(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text("open('ran', 'w')\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    console = Path(sys.executable).with_name("auditor")
    done = subprocess.run([console, "list"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{name}.py" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "ran").exists()
