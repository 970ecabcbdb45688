"""Does the probe tell of a real engine's images what is known beforehand: digests of what the test itself put in?"""

from __future__ import annotations

import hashlib
import json
import os
import urllib.request
from datetime import UTC, datetime

import docker
import pytest
from containers_lab import Engine

from auditor.model import Absent, Found, Job
from auditor.world import RealWorld, RecordedWorld
from probes.containers import ContainerMarkers, EngineImage, ImageIdentity, markers
from probes.containers.docker import collect
from probes.containers.identity import collect as identities

pytestmark = pytest.mark.docker
ACCEPT = "application/vnd.docker.distribution.manifest.v2+json"


def look(engine: Engine, script: str) -> tuple[EngineImage, ...]:
    found = collect(RealWorld(env={**os.environ, "DOCKER_HOST": engine.host}), Job("slurm", "1", script=script))
    assert isinstance(found, Found), found
    return found.value.images


def identity(engine: Engine, script: str) -> tuple[ImageIdentity, ...]:
    found = identities(RealWorld(env={**os.environ, "DOCKER_HOST": engine.host}), Job("slurm", "1", script=script))
    assert not isinstance(found, Absent)
    return found.images


def test_the_layer_s_digest_is_that_of_the_tar_that_went_in(docker_engine: Engine) -> None:
    layer = docker_engine.make("lab/golden:1", {"etc/version": b"1"}, {"org.opencontainers.image.revision": "abc"})
    [image] = look(docker_engine, "docker run --rm lab/golden:1 true\n")
    assert (image.diff_ids, image.chain_id) == ((layer,), layer)
    assert (image.engine, image.store, image.os, image.architecture) == ("docker", "classic", "linux", "amd64")
    assert image.labels == {"org.opencontainers.image.revision": "abc"}
    assert image.config_digest == image.image_id
    assert (image.manifest_digest, image.pullable) == ("", "no")


def test_a_pushed_image_has_the_manifest_digest_that_the_registry_computes(docker_engine: Engine, registry: str) -> None:
    name = f"{registry}/lab/pushed"
    docker_engine.make(f"{name}:1", {"etc/version": b"2"})
    client = docker.DockerClient(base_url=docker_engine.host)
    try:
        assert "error" not in client.images.push(name, tag="1")
    finally:
        client.close()
    request = urllib.request.Request(f"http://{registry}/v2/lab/pushed/manifests/1", headers={"Accept": ACCEPT})
    with urllib.request.urlopen(request, timeout=10) as answer:
        manifest = answer.read()
    [image] = look(docker_engine, f"docker run {name}:1 true\n")
    assert image.manifest_digest == f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    assert image.config_digest == json.loads(manifest)["config"]["digest"]
    assert image.pullable == "unknown"
    [pinned] = look(docker_engine, f"docker run {name}@{image.manifest_digest} true\n")
    assert pinned.image_id == image.image_id


def test_a_tag_that_moves_is_seen_by_the_cheap_look_too(docker_engine: Engine) -> None:
    script = "docker run lab/moving:1 true\n"
    docker_engine.make("lab/moving:1", {"etc/version": b"old"})
    [before] = identity(docker_engine, script)
    [again] = identity(docker_engine, script)
    docker_engine.make("lab/moving:1", {"etc/version": b"new"})
    [after] = identity(docker_engine, script)
    assert before == again
    assert before.image_id != after.image_id
    assert after.image_id == look(docker_engine, script)[0].image_id


def test_an_image_the_engine_lacks_is_absent_by_name(docker_engine: Engine) -> None:
    [seen] = identity(docker_engine, "docker run lab/nobody:1\n")
    assert (seen.state, seen.reason) == ("absent", "the engine has no image of this name")
    world = RealWorld(env={"DOCKER_HOST": docker_engine.host})
    answer = collect(world, Job("slurm", "1", script="docker run lab/nobody:1\n"))
    assert isinstance(answer, Absent)
    assert answer.reason.startswith("lab/nobody:1: ")


def test_a_container_of_the_image_runs_and_shows_its_marker(docker_engine: Engine) -> None:
    docker_engine.make("lab/run:1", {})
    client = docker.DockerClient(base_url=docker_engine.host)
    try:
        told = client.containers.run("lab/run:1", ["cat", markers.MOUNTS], network_mode="host", remove=True)
    finally:
        client.close()
    world = RecordedWorld({}, {markers.MOUNTS: told}, {}, frozenset(), datetime(2026, 11, 23, tzinfo=UTC), "n1", "/w")
    found = markers.collect(world, Job("slurm", "1"))

    assert isinstance(found, ContainerMarkers)
    assert (found.inside, len(found.evidence["docker container"])) == ("docker", 64)
