"""Does the whole road work for a job in a container: run, bundle, the tag moves, and the reviewer's replay gets what really ran?"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from container_jobs import ENVIRONMENT
from containers_lab import Engine

JOB = """#!/bin/bash
IMAGE=docker://{name}
apptainer exec --bind "$PWD" --pwd "$PWD" "$IMAGE" /bin/busybox sh -c 'wc -l <in.csv >lines.txt; cat /etc/version >>lines.txt'
"""


def auditor(folder: Path, environment: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-P", "-m", "auditor", *words]
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.apptainer
@pytest.mark.docker
def test_a_reviewer_gets_the_image_that_ran_though_its_tag_moved_on(
    apptainer: str, docker_engine: Engine, registry: str, tmp_path: Path
) -> None:
    name = f"{registry}/road/count:1"
    home = {"HOME": str(tmp_path), "AUDITOR_HOME": str(tmp_path / "home"), "APPTAINER_CACHEDIR": str(tmp_path / "cache")}
    environment = {**os.environ, **ENVIRONMENT, **home, "DOCKER_HOST": docker_engine.host, "COLUMNS": "300"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    work = tmp_path / "work"
    work.mkdir()
    (work / "in.csv").write_text("a\nb\n")
    (work / "job.sh").write_text(JOB.format(name=name))
    (work / "job.sh").chmod(0o755)

    push(docker_engine, name, "1")
    ran = auditor(work, environment, "run", "--input", "in.csv", "--output", "lines.txt", "--", "./job.sh")
    assert ran.returncode == 0, ran.stderr
    packed = auditor(work, environment, "bundle", "-o", str(tmp_path / "b.crate.zip"))
    assert f"image docker://{name}: not carried: by digest only" in packed.stderr
    push(docker_engine, name, "2")
    work.rename(tmp_path / "moved")

    environment |= {"AUDITOR_HOME": str(tmp_path / "reviewer"), "APPTAINER_CACHEDIR": str(tmp_path / "empty")}
    offline = auditor(tmp_path, environment, "replay", "b.crate.zip", "--yes", "--into", "offline")
    assert offline.returncode == 3  # not run, because
    assert "--pull would ask its registry for" in offline.stdout
    online = auditor(tmp_path, environment, "replay", "b.crate.zip", "--yes", "--pull", "--into", "again")
    assert (online.returncode, online.stderr) == (0, "")
    assert "identical: of 1 output 1 identical" in online.stdout
    assert f"image docker://{name}: pulled, byte same: the manifest's digest is the same: sha256:" in online.stdout
    assert (tmp_path / "again" / "work" / "lines.txt").read_text() == "2\n1\n"
    assert not (tmp_path / "empty").exists()  # nothing was left in a cache


def push(engine: Engine, name: str, version: str) -> None:
    engine.make(name, {"etc/version": f"{version}\n".encode()})
    for verb in (["push"], ["image", "rm"]):
        subprocess.run(["docker", "-H", engine.host, *verb, name], check=True, capture_output=True)
