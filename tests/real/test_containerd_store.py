"""Is an image id of the containerd store ever taken for a configuration's digest? A newer Docker engine, in a Debian of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import containers_lab
import docker
import pytest
from containers_lab import Engine

from auditor.model import Found, Job
from auditor.world import RealWorld
from probes.containers import EngineImage
from probes.containers.docker import collect as images
from probes.containers.engineimage import facts_of_image
from probes.containers.layout import facts_of_archive
from probes.containers.ran import collect as ran
from tests.needs import need

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    need(*containers_lab.missing_docker(), *(p for p in ("debootstrap", "unshare") if not shutil.which(p)))
    with tempfile.TemporaryDirectory(prefix="newer-docker-", ignore_cleanup_errors=True) as folder:
        with containers_lab.containerd_engine(Path(folder)) as engine:
            yield engine


@pytest.fixture
def client(engine: Engine) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=engine.host)
    yield client
    client.close()


def job(name: str, began: float = 0) -> Job:
    times = [datetime.fromtimestamp(t, UTC).isoformat() for t in (began, time.time())]
    return Job("slurm", "1", script=f"docker run {name} true\n", started_at=times[0], ended_at=times[1])


def look(engine: Engine, name: str) -> EngineImage:
    found = images(RealWorld(env={**os.environ, "DOCKER_HOST": engine.host}), job(name))
    assert isinstance(found, Found), found
    return found.value.images[0]


def test_the_id_of_a_local_image_is_its_manifest_s_and_no_configuration_s(
    engine: Engine, client: docker.DockerClient, tmp_path: Path
) -> None:
    layer = engine.make("lab/store:1", {"etc/version": b"1"})
    seen = look(engine, "lab/store:1")
    (tmp_path / "saved.tar").write_bytes(b"".join(client.images.get("lab/store:1").save(named=True)))
    truth = facts_of_archive(str(tmp_path / "saved.tar"))
    assert (seen.store, seen.diff_ids, seen.config_digest) == ("containerd", (layer,), "")
    assert (seen.image_id, truth.diff_ids) == (truth.manifest, (layer,))
    assert truth.config not in {"", seen.image_id}
    assert seen.pullable == "unknown"  # it notes a digest that no registry ever had


def test_the_id_of_a_name_for_several_platforms_is_the_index_s(
    engine: Engine, client: docker.DockerClient, registry: str
) -> None:
    name = f"{registry}/lab/many"
    engine.make(f"{name}:1", {"etc/version": b"many"})
    assert "error" not in client.images.push(name, tag="1")
    index = containers_lab.push_index(registry, "lab/many", "all", look(engine, f"{name}:1").image_id)
    client.images.pull(name, tag="all")

    began = time.time() - 1
    container = client.containers.run(f"{name}:all", ["echo", "ran"], network_mode="host", detach=True)
    container.wait()
    seen = facts_of_image(look(engine, f"{name}:all"))
    assert (seen.index, seen.manifest, seen.config) == (index, "", "")
    found = ran(RealWorld(env={"DOCKER_HOST": engine.host}), job(f"{name}:all", began))
    assert isinstance(found, Found), found
    [one_ran] = found.value.images
    assert (one_ran.image.index, one_ran.image.config) == (seen.index, "")
