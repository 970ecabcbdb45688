"""Which way does the command go, and what if somebody else's `probes` or `reports` stands in it?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import auditor

ROOT = Path(__file__).parents[1]


def run(*argv: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=60)


def test_the_version_is_told_at_once(tmp_path: Path) -> None:
    done = run(sys.executable, "-m", "auditor", "--version", cwd=tmp_path)
    assert (done.stdout, done.returncode) == (f"auditor {auditor.__version__}\n", 0)


@pytest.mark.parametrize("name", ["probes", "reports", "json", "typer"])
def test_a_file_in_the_folder_it_is_started_from_is_not_run(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text("open('ran', 'w')\nraise SystemExit(7)\n")
    done = run(sys.executable, "-m", "auditor", "--help", cwd=tmp_path)
    assert (done.returncode, (tmp_path / "ran").exists()) == (0, False), done.stderr


@pytest.mark.parametrize("name", ["probes", "reports"])
def test_a_package_of_our_name_that_comes_first_is_named_and_not_run(tmp_path: Path, name: str) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / f"lib/{name}.py").write_text("open('ran', 'w')\n")
    done = run(sys.executable, "-m", "auditor", "list", cwd=tmp_path, PYTHONPATH=f"{tmp_path}/lib")
    assert (done.stdout, done.returncode, (tmp_path / "ran").exists()) == ("", 1, False)
    assert (
        done.stderr.splitlines()[0]
        == f"auditor: `{name}` is found in {tmp_path}/lib/{name}.py, but auditor's own lies in {ROOT}/{name}"
    )
    assert len(done.stderr.splitlines()) == 2


def test_started_under_the_name_sbatch_it_is_sbatch(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sbatch").write_text("#!/bin/sh\necho real $*\n")
    (tmp_path / "bin/sbatch").chmod(0o755)
    command = shutil.which("auditor", path=os.path.dirname(sys.executable))
    if command is None:
        pytest.skip("the console script is not installed")
    (tmp_path / "sbatch").symlink_to(command)
    done = run(f"{tmp_path}/sbatch", "a", "b", cwd=tmp_path, PATH=f"{tmp_path}:{tmp_path}/bin:/usr/bin:/bin")
    assert (done.stdout, done.stderr, done.returncode) == ("real a b\n", "", 0)
