"""A job ran a tag, and the tag moved after it: does the record name what ran? On Slurm and without a scheduler, as a user types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import docker
import pytest
import slurmlab
from containers_lab import Engine

from auditor import codec, intake, spool
from auditor.home import Home
from auditor.model import Evidence
from auditor.store import Store
from probes.containers import RanImage, RanImages, RegistryImage, RegistryImages

pytestmark = [pytest.mark.apptainer, pytest.mark.docker]


def push(engine: Engine, name: str, content: bytes) -> str:
    """Give the tag to an image with this file; its layer's digest."""
    layer = engine.make(f"{name}:1", {"etc/version": content})
    client = docker.DockerClient(base_url=engine.host)
    try:
        assert "error" not in client.images.push(name, tag="1")
    finally:
        client.close()
    return layer


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home of our own, so that Apptainer's cache is; this machine gives root fewer capabilities than Apptainer hands on."""
    home = tmp_path / "home"
    home.mkdir()
    own = {"HOME": str(home), "AUDITOR_HOME": str(home / "auditor"), "APPTAINER_DROP_CAPS": "CAP_SYS_RESOURCE"}
    return {**os.environ, **own, "APPTAINER_NOHTTPS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}


def auditor(*words: str, cwd: Path, env: Mapping[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "auditor", *words], cwd=cwd, env=env, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def script(folder: Path, name: str) -> None:
    (folder / "job.sh").write_text(f"#!/bin/bash\napptainer exec docker://{name}:1 cat /etc/version\n")


def test_a_run_without_a_scheduler(
    docker_engine: Engine, registry: str, apptainer: str, environment: dict[str, str], tmp_path: Path
) -> None:
    name = f"{registry}/road/local"
    layer = push(docker_engine, name, b"ran")
    script(tmp_path, name)
    assert auditor("run", "--", "./job.sh", cwd=tmp_path, env=environment) == "ran"
    seen = [e for path in spool.waiting(Home(environment["AUDITOR_HOME"]).spool) for e in intake.read(path).evidence]
    [ran] = ran_images([e for e in seen if e.probe == "container-ran" and e.phase == "later"])
    assert (ran.typed, ran.image.diff_ids, ran.how) == (f"docker://{name}:1", (layer,), "cache")
    assert ran.evidence.endswith("made for this name during the run")


@pytest.mark.slurm
def test_a_slurm_job_whose_tag_moves_before_anybody_looks(
    slurm_light: slurmlab.Lab, docker_engine: Engine, registry: str, apptainer: str, environment: dict[str, str], tmp_path: Path
) -> None:
    name = f"{registry}/road/slurm"
    layer = push(docker_engine, name, b"ran")
    script(tmp_path, name)
    environment |= {"SLURM_CONF": slurm_light.conf, "AUDITOR_ASK_REGISTRIES": "1"}
    job = auditor("sbatch", "--parsable", "--wait", "job.sh", cwd=tmp_path, env=environment).strip()
    moved = push(docker_engine, name, b"moved")
    swept = json.loads(auditor("sweep", "--wait", "30", "--json", cwd=tmp_path, env=environment))
    assert swept["pending"] == []
    with Store.open(Home(environment["AUDITOR_HOME"]).store) as store:
        seen = {(e.probe, e.phase.value): e for e in store.evidence(store.resolve(job))}
    [ran] = ran_images([seen["container-ran", "later"]])
    [before], [today] = (registry_images(seen["registry", phase]) for phase in ("submit", "later"))
    assert ran.image.diff_ids == before.image.diff_ids == (layer,)
    assert ran.image.manifest == before.image.manifest
    assert (today.image.diff_ids, today.by_digest) == ((moved,), "there")


def registry_images(found: Evidence) -> tuple[RegistryImage, ...]:
    assert found.data is not None, found.reason
    return codec.build(found.data, RegistryImages, found.probe).images


def ran_images(found: list[Evidence]) -> tuple[RanImage, ...]:
    [one] = found
    assert one.data is not None, one.reason
    return codec.build(one.data, RanImages, one.probe).images
