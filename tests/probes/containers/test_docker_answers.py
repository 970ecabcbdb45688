"""What do an engine's answers mean? Captured ones of Docker's two stores and of Podman."""

from __future__ import annotations

import hashlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from auditor.model import Absent, Job
from auditor.world import RealWorld
from probes.containers import EngineImage
from probes.containers.docker import ask, collect
from probes.containers.engineimage import facts_of_image, store_of, with_content
from probes.containers.engineimage import image_of as read
from probes.containers.enginesocket import NoAnswer
from probes.containers.oci import chain_id
from probes.containers.scripts import named

A, B, C = (f"sha256:{digit * 64}" for digit in "abc")
[REFERENCE] = named(RealWorld(env={}), Job("slurm", "1", script="docker run 127.0.0.1:5000/lab/app:1 a"))
ATTRS: dict[str, Any] = {
    "Id": A,
    "RepoTags": ["127.0.0.1:5000/lab/app:1", "lab/app:1"],
    "RepoDigests": [f"other.org/app@{C}", f"127.0.0.1:5000/lab/app@{B}"],
    "Created": "2026-11-23T10:00:00.5Z",
    "Architecture": "amd64",
    "Os": "linux",
    "Config": {"Labels": {"org.opencontainers.image.revision": "abc"}, "Env": ["PATH=/bin"]},
    "RootFS": {"Type": "layers", "Layers": [B, C]},
}
DOCKER = {"Version": "20.10.24", "Components": [{"Name": "Engine"}]}
PODMAN = {"Version": "4.3.1", "Components": [{"Name": "Podman Engine"}]}


CONTAINERD = {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}


def image_of(attrs: dict[str, Any], version: dict[str, Any], info: dict[str, Any]) -> EngineImage:
    return read(REFERENCE, attrs, store_of(version, info))


def test_in_the_classic_store_the_id_is_the_configuration_s_digest() -> None:
    found = image_of(ATTRS, DOCKER, {"DriverStatus": [["Backing Filesystem", "tmpfs"]]})
    assert (found.engine, found.store, found.image_id, found.config_digest) == ("docker", "classic", A, A)
    assert (found.diff_ids, found.labels, found.pullable) == ((B, C), {"org.opencontainers.image.revision": "abc"}, "unknown")
    assert (found.manifest_digest, found.manifest_sure) == (B, False)  # noted at a pull: a manifest's, or an index's


def test_what_may_be_an_index_is_not_called_a_manifest() -> None:
    facts = facts_of_image(image_of(ATTRS, DOCKER, {}))
    assert (facts.index, facts.manifest, facts.config, facts.platform) == (B, "", A, "linux/amd64")
    assert facts.settings == {"Env": '["PATH=/bin"]'}


def test_in_the_containerd_store_the_id_is_a_manifest_s_or_an_index_s_and_the_configuration_s_is_not_known() -> None:
    found = image_of(ATTRS, DOCKER, CONTAINERD)
    assert (found.store, found.image_id, found.config_digest, found.manifest_digest) == ("containerd", A, "", A)
    assert (facts_of_image(found).index, facts_of_image(found).manifest, facts_of_image(found).config) == (A, "", "")


def test_a_newer_containerd_store_says_which_digest_is_which() -> None:
    # Docker 28, GET /images/{name}/json?manifests=1
    plain = {**ATTRS, "Descriptor": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": A, "size": 1}}
    parts = [
        {"Kind": "attestation", "Available": True, "Descriptor": {"digest": C}},
        {"Kind": "image", "Available": True, "Descriptor": {"digest": B}},
        {"Kind": "image", "Available": False, "Descriptor": {"digest": C}},
    ]
    several = {**ATTRS, "Descriptor": {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": A}, "Manifests": parts}
    one, many = (facts_of_image(image_of(attrs, DOCKER, CONTAINERD)) for attrs in (plain, several))
    assert (one.index, one.manifest, one.config) == ("", A, "")
    assert (many.index, many.manifest, many.config) == (A, B, "")


def test_where_the_containerd_store_can_be_read_its_own_bytes_tell_index_manifest_and_configuration(tmp_path: Path) -> None:
    config = json.dumps({"os": "linux", "rootfs": {"diff_ids": [B]}}).encode()
    manifest = json.dumps({"config": {"digest": sha256(config)}, "layers": [{}]}).encode()
    index = json.dumps({"manifests": [{"digest": sha256(manifest)}]}).encode()
    folder = tmp_path / "containerd/daemon/io.containerd.content.v1.content/blobs/sha256"
    folder.mkdir(parents=True)
    for blob in (config, manifest, index):
        (folder / sha256(blob).removeprefix("sha256:")).write_bytes(blob)
    about = store_of(DOCKER, {**CONTAINERD, "DockerRootDir": str(tmp_path)})
    image = read(REFERENCE, {**ATTRS, "Id": sha256(index)}, about)
    told = facts_of_image(with_content(RealWorld(env={}), image, about))
    assert (told.index, told.manifest, told.config) == (sha256(index), sha256(manifest), sha256(config))
    (folder / sha256(index).removeprefix("sha256:")).write_bytes(b"{}")  # damaged: then only the id is known
    assert with_content(RealWorld(env={}), image, about) == image


def sha256(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def test_podman_is_told_apart_and_its_bare_id_completed() -> None:
    found = image_of({**ATTRS, "Id": "a" * 64, "RepoDigests": None, "Digest": B}, PODMAN, {})
    assert (found.engine, found.engine_version, found.image_id, found.pullable) == ("podman", "4.3.1", A, "unknown")
    assert (found.config_digest, found.manifest_digest, found.manifest_sure) == (A, B, True)


def test_a_docker_image_that_was_never_pushed_or_pulled_cannot_be_pulled() -> None:
    found = image_of({**ATTRS, "RepoDigests": []}, DOCKER, {})
    assert (found.manifest_digest, found.pullable) == ("", "no")


def test_an_answer_with_nothing_in_it_is_an_image_of_which_nothing_is_known() -> None:
    found = image_of({}, {}, {})
    assert (found.image_id, found.diff_ids, found.chain_id, found.labels) == ("", (), "", {})


def test_labels_are_kept_as_they_are_control_characters_and_all() -> None:
    found = image_of({**ATTRS, "Config": {"Labels": {"a\u001b[31m": "red\u0000"}}}, DOCKER, {})
    assert found.labels == {"a\u001b[31m": "red\u0000"}


def test_a_chain_is_hashed_as_the_specification_says() -> None:
    # sha256sum of "DIFF_ID DIFF_ID", by hand
    assert chain_id(()) == ""
    assert chain_id((A,)) == A
    assert chain_id((A, B)) == "sha256:ccd722928bd92476ba1745586fed6e45a102504185ad88cd89e01ff116fd146c"


def test_without_an_image_to_ask_for_or_an_engine_to_ask_nothing_is_loaded() -> None:
    world = RealWorld(env={"DOCKER_HOST": "unix:///nowhere/d.sock"})
    assert collect(world, Job("slurm", "1", script="apptainer exec x.sif a")) == Absent(
        "no image of a Docker or Podman engine is named"
    )
    assert collect(world, Job("slurm", "1", script="docker run a")) == Absent("no socket of a local docker engine")


def test_an_engine_that_hangs_is_asked_once_whatever_is_named(tmp_path: Path) -> None:
    asked = named(RealWorld(env={}), Job("slurm", "1", script="docker run a:1 b\ndocker run c:1 d\n"))
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "d.sock"))
        silent.listen()
        with pytest.raises(NoAnswer, match=r"timed out|no answer in time"):
            ask(RealWorld(env={}), str(tmp_path / "d.sock"), asked, seconds=0.05)
        silent.settimeout(0)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_a_socket_that_nobody_listens_on_fails_with_the_reason(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "d.sock"))
    with pytest.raises(NoAnswer, match="Connection refused"):
        collect(RealWorld(env={"DOCKER_HOST": f"unix://{tmp_path}/d.sock"}), Job("slurm", "1", script="docker run a:1 b"))
