"""Does a job in a container run again only with exactly its image, on a real Docker engine?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from containers_lab import Engine

from auditor.model import Job, Phase
from auditor.replay import execute, plan
from auditor.verdict import Sameness
from auditor.world import RealWorld
from probes.containers import ContainerReferences, Reference
from probes.containers.identity import collect as identities
from reports.archive.bundle import build
from tests import archived, factory
from tests.factory import at, seen

SCRIPT = """#!/bin/bash
docker run --rm --network none -v "$PWD:/w" -w /w lab/count:1 /bin/busybox sh -c 'wc -l <in.csv >lines.txt'
"""


@pytest.mark.docker
def test_a_job_in_a_container_runs_again_only_with_its_own_image(
    docker_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    docker_engine.make("lab/count:1", {})
    bundle = counted(tmp_path)

    ready = plan(bundle)
    assert (ready.environment, ready.sandbox.kind) == ("image-by-digest", "none")
    verdict = execute(ready, tmp_path / "again", yes=True)
    assert (verdict.sameness, verdict.reason) == (Sameness.IDENTICAL, "of 1 output 1 identical")

    docker_engine.make("lab/count:1", {"etc/version": b"2"})  # the tag moves on
    moved = execute(ready, tmp_path / "third", yes=True)
    assert (moved.sameness, moved.reason) == (Sameness.NOT_RUN, "image lab/count:1 is here with another content")


def counted(folder: Path) -> Path:
    """The bundle of a job that counts the lines of its input in a container; the image as the probe saw it."""
    files = {"job.sh": SCRIPT, "in.csv": archived.INPUT, "lines.txt": "4\n"}
    work = folder / "work"
    work.mkdir()
    for name, text in files.items():
        (work / name).write_text(text)
    job = factory.job(workdir=str(work), script=SCRIPT, script_path=f"{work}/job.sh", argv=("job.sh",))
    image = identities(RealWorld(env=dict(os.environ)), Job("slurm", "1", script=SCRIPT))
    named = ContainerReferences(
        (Reference("docker", "lab/count:1", "lab/count:1", "docker", "docker.io", "lab/count", "1", "", 2),)
    )
    evidence = (
        seen(factory.submission(SCRIPT, "job.sh", script_path=f"{work}/job.sh")),
        seen(named),
        seen(image, phase=Phase.START),
        seen(factory.manifest(factory.file("in.csv", content=archived.INPUT), root=str(work)), phase=Phase.START, taken_at=at(1)),
        seen(factory.manifest(factory.file("lines.txt", "output", "4\n"), root=str(work)), phase=Phase.END, taken_at=at(2)),
    )
    build(job, evidence, archived.card(job, evidence), folder / "count.crate.zip", objects=archived.nothing)
    work.rename(folder / "moved")
    return folder / "count.crate.zip"
