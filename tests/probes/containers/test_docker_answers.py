"""What do an engine's answers mean? Captured ones of Docker's two stores and of Podman."""

from __future__ import annotations

from typing import Any

from auditor.model import Absent, Job
from auditor.world import RealWorld
from probes.containers.docker import chain_id, collect, image_of
from probes.containers.scripts import references

A, B, C = (f"sha256:{digit * 64}" for digit in "abc")
[REFERENCE] = references("docker run 127.0.0.1:5000/lab/app:1 a", {})
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


def test_in_the_classic_store_the_id_is_the_configuration_s_digest() -> None:
    found = image_of(REFERENCE, ATTRS, DOCKER, {"DriverStatus": [["Backing Filesystem", "tmpfs"]]})
    assert (found.engine, found.store, found.image_id, found.config_digest, found.manifest_digest) == (
        "docker",
        "classic",
        A,
        A,
        B,
    )
    assert (found.diff_ids, found.labels, found.pullable) == ((B, C), {"org.opencontainers.image.revision": "abc"}, "unknown")


def test_in_the_containerd_store_the_id_is_a_manifest_s_and_the_configuration_s_is_not_known() -> None:
    found = image_of(REFERENCE, ATTRS, DOCKER, {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]})
    assert (found.store, found.image_id, found.config_digest, found.manifest_digest) == ("containerd", A, "", A)


def test_podman_is_told_apart_and_its_bare_id_completed() -> None:
    found = image_of(REFERENCE, {**ATTRS, "Id": "a" * 64, "RepoDigests": None}, PODMAN, {})
    assert (found.engine, found.engine_version, found.image_id, found.pullable) == ("podman", "4.3.1", A, "unknown")


def test_a_docker_image_that_was_never_pushed_or_pulled_cannot_be_pulled() -> None:
    found = image_of(REFERENCE, {**ATTRS, "RepoDigests": []}, DOCKER, {})
    assert (found.manifest_digest, found.pullable) == ("", "no")


def test_an_answer_with_nothing_in_it_is_an_image_of_which_nothing_is_known() -> None:
    found = image_of(REFERENCE, {}, {}, {})
    assert (found.image_id, found.diff_ids, found.chain_id, found.labels) == ("", (), "", {})


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
