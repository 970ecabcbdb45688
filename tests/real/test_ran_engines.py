"""Which image did a container of Docker or Podman really run, when its tag has moved, it is removed, or its image deleted since?"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import docker
import pytest
from containers_lab import Engine
from docker.types import Ulimit

from auditor.model import Absent, Found, Job
from auditor.world import RealWorld, RecordedWorld
from probes.containers import EngineImage, RanImage
from probes.containers.docker import collect as images
from probes.containers.inside import inside
from probes.containers.markers import DOCKER, LABELS, MOUNTS, PODMAN
from probes.containers.ran import collect

pytestmark = pytest.mark.docker
LIMITS = [Ulimit(name="nofile", soft=1024, hard=4096), Ulimit(name="nproc", soft=4096, hard=8192)]


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture
def client(engine: Engine) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=engine.host)
    yield client
    client.close()


def world(engine: Engine) -> RealWorld:
    name = "CONTAINER_HOST" if engine.podman else "DOCKER_HOST"
    return RealWorld(env={"PATH": os.environ["PATH"], name: engine.host})


def job(engine: Engine, image: str, began: float) -> Job:
    times = {"started_at": iso(began), "ended_at": iso(time.time())}
    return Job("slurm", "1", script=f"{'podman' if engine.podman else 'docker'} run {image} true\n", **times)


def ran(engine: Engine, image: str, began: float) -> tuple[RanImage, ...] | Absent:
    found = collect(world(engine), job(engine, image, began))
    return found.value.images if isinstance(found, Found) else found


def known(engine: Engine, image: str) -> EngineImage:
    found = images(world(engine), job(engine, image, 0))
    assert isinstance(found, Found), found
    return found.value.images[0]


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def start(engine: Engine, client: docker.DockerClient, image: str, **options: object) -> object:
    limits = {"ulimits": LIMITS} if engine.podman else {}
    return client.containers.run(image, ["echo", "ran"], network_mode="host", **limits, **options)


def test_a_container_is_of_the_image_it_was_started_from_not_of_what_the_tag_is_now(
    engine: Engine, client: docker.DockerClient
) -> None:
    began = time.time() - 1
    layer = engine.make("localhost/ran/moved:1", {"etc/version": b"old"})
    before = known(engine, "localhost/ran/moved:1")
    start(engine, client, "localhost/ran/moved:1")
    engine.make("localhost/ran/moved:1", {"etc/version": b"new"})
    after = known(engine, "localhost/ran/moved:1")
    [seen] = ran(engine, "localhost/ran/moved:1", began)
    assert (seen.how, seen.runtime) == ("engine", "podman" if engine.podman else "docker")
    assert (seen.image.diff_ids, seen.image.config) == ((layer,), before.config_digest)
    assert before.config_digest != after.config_digest
    assert f"started from image {before.image_id}" in seen.evidence


def test_a_container_that_was_removed_is_known_by_the_engine_s_own_log_while_the_name_stays(
    engine: Engine, client: docker.DockerClient
) -> None:
    name = "localhost/ran/removed:1"
    engine.make(name, {"etc/version": b"removed"})
    began = time.time()
    start(engine, client, name, remove=True)
    [seen] = ran(engine, name, began)
    assert seen.image.config == known(engine, name).config_digest
    assert "removed since" in seen.evidence
    engine.make(name, {"etc/version": b"another"})
    [unsure] = ran(engine, name, began)
    assert unsure.image.config == ""
    assert "may have been given to another image after it" in unsure.evidence


def test_an_image_that_was_deleted_meanwhile_is_known_by_its_id(engine: Engine, client: docker.DockerClient) -> None:
    began = time.time() - 1
    engine.make("localhost/ran/gone:1", {"etc/version": b"gone"})
    before = known(engine, "localhost/ran/gone:1")
    container = start(engine, client, "localhost/ran/gone:1", detach=True)
    container.wait()  # type: ignore[attr-defined]
    client.images.remove("localhost/ran/gone:1", force=True)
    if engine.podman:  # it removes the container too, and then nothing says which image that was
        [seen] = ran(engine, "localhost/ran/gone:1", began)
        assert (seen.image.config, "which the engine has no more" in seen.evidence) == ("", True)
        return
    [seen] = ran(engine, "localhost/ran/gone:1", began)
    assert (seen.image.config, seen.image.diff_ids) == (before.config_digest, ())
    assert f"started from {before.image_id}, which the engine has no more" in seen.evidence


def test_a_container_outside_of_the_run_s_time_is_not_the_run_s(engine: Engine, client: docker.DockerClient) -> None:
    engine.make("localhost/ran/early:1", {})
    start(engine, client, "localhost/ran/early:1")
    then = Job("slurm", "1", script=job(engine, "localhost/ran/early:1", 0).script, started_at=iso(1e9), ended_at=iso(1e9 + 1))
    found = collect(world(engine), then)
    assert isinstance(found, Absent)
    assert "knows of no container of these images in the run's time" in found.reason


def test_a_script_inside_sees_which_engine_it_is_in_and_never_of_which_image(engine: Engine, client: docker.DockerClient) -> None:
    engine.make("localhost/ran/inside:1", {})
    there = f"for f in {PODMAN} {DOCKER}; do [ -e $f ] && echo $f; done; :"
    command = ["/bin/sh", "-c", f"/bin/busybox env; echo; cat {MOUNTS}; echo; {there}"]
    limits = {"ulimits": LIMITS} if engine.podman else {}
    container = client.containers.run("localhost/ran/inside:1", command, network_mode="host", detach=True, **limits)
    container.wait()  # Podman may close the stream of an attached one too early
    said = container.logs().decode()
    container.remove()
    env, mounts, files = said.split("\n\n")
    variables = dict(line.split("=", 1) for line in env.splitlines() if "=" in line)
    found = {MOUNTS: mounts.encode(), **dict.fromkeys(files.split(), b"")}
    missing = frozenset({LABELS, PODMAN, DOCKER} - found.keys())
    [seen] = inside(RecordedWorld(variables, found, {}, missing, datetime.now(UTC), "n", "/"))
    assert (seen.runtime, seen.how, seen.image.config) == ("podman" if engine.podman else "docker", "inside", "")
    assert "container=" in seen.evidence


def test_podman_names_the_manifest_and_the_configuration_by_their_digests(podman_engine: Engine) -> None:
    layer = podman_engine.make("localhost/ran/facts:1", {"etc/version": b"facts"}, {"k": "v"})
    seen = known(podman_engine, "localhost/ran/facts:1")
    assert (seen.engine, seen.store, seen.diff_ids, seen.labels) == ("podman", "classic", (layer,), {"k": "v"})
    assert (seen.config_digest, seen.manifest_sure, seen.pullable) == (seen.image_id, True, "unknown")
    assert seen.manifest_digest.startswith("sha256:")
    assert seen.manifest_digest != seen.config_digest
