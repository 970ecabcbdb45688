"""Does a real registry's answer give the digests that the pushed bytes have, for one platform, for several, and after a tag moved?"""

from __future__ import annotations

import subprocess
import urllib.request
from pathlib import Path

import containers_lab
import docker
import pytest
from containers_lab import Engine

from auditor.model import Job
from auditor.world import RealWorld
from probes.containers import RegistryImage
from probes.containers.distribution import Registry, ask
from probes.containers.layers import check_layers
from probes.containers.layout import facts_of_archive, facts_of_layout
from probes.containers.scripts import named

pytestmark = pytest.mark.docker


def look(registry: str, rest: str, ran: str = "", platform: str = "") -> RegistryImage:
    [reference] = named(RealWorld(env={}), Job("slurm", "1", script=f"docker run {registry}/{rest} true\n"))
    return ask(Registry(registry, {}), reference, ran, platform)


def push(engine: Engine, name: str, content: bytes) -> str:
    layer = engine.make(f"{name}:1", {"etc/version": content})
    client = docker.DockerClient(base_url=engine.host)
    try:
        assert "error" not in client.images.push(name, tag="1")
    finally:
        client.close()
    return layer


def test_a_tag_that_moved_is_another_image_and_the_old_digest_is_still_there(docker_engine: Engine, registry: str) -> None:
    old_layer = push(docker_engine, f"{registry}/reg/moved", b"old")
    old = look(registry, "reg/moved:1")
    new_layer = push(docker_engine, f"{registry}/reg/moved", b"new")
    today = look(registry, "reg/moved:1", ran=old.image.manifest)
    assert (old.image.diff_ids, today.image.diff_ids) == ((old_layer,), (new_layer,))
    assert old.image.manifest != today.image.manifest
    assert (today.state, today.by_digest) == ("there", "there")
    pinned = look(registry, f"reg/moved@{old.image.manifest}")
    assert (pinned.image.config, pinned.image.settings) == (old.image.config, {"Cmd": '["/bin/sh"]'})


def test_a_deleted_manifest_is_gone_and_an_unknown_tag_too(docker_engine: Engine, registry: str) -> None:
    push(docker_engine, f"{registry}/reg/gone", b"gone")
    digest = look(registry, "reg/gone:1").image.manifest
    request = urllib.request.Request(f"http://{registry}/v2/reg/gone/manifests/{digest}", method="DELETE")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 202
    assert [look(registry, r).state for r in ("reg/gone:1", f"reg/gone@{digest}", "reg/never:1")] == ["gone"] * 3


def test_a_name_for_several_platforms_is_an_index_and_one_of_its_manifests(docker_engine: Engine, registry: str) -> None:
    push(docker_engine, f"{registry}/reg/many", b"amd64")
    one = look(registry, "reg/many:1").image
    index = containers_lab.push_index(registry, "reg/many", "all", one.manifest)
    found = look(registry, "reg/many:all", platform="linux/amd64").image
    assert (found.index, found.manifest) == (index, one.manifest)
    assert (found.config, found.diff_ids, found.platform) == (one.config, one.diff_ids, "linux/amd64")
    other = look(registry, "reg/many:all", platform="linux/s390x").image
    assert (other.index, other.manifest) == (found.index, "")


def test_what_is_carried_away_names_the_image_that_the_registry_names(
    docker_engine: Engine, registry: str, tmp_path: Path
) -> None:
    layer = push(docker_engine, f"{registry}/reg/carried", b"carried")
    there = look(registry, "reg/carried:1").image
    source = ["skopeo", "copy", "--quiet", "--src-tls-verify=false", f"docker://{registry}/reg/carried:1"]
    subprocess.run([*source, f"docker-archive:{tmp_path}/a.tar:lab/carried:1"], check=True)
    subprocess.run([*source, f"oci:{tmp_path}/layout:v1"], check=True)
    subprocess.run([*source, f"oci-archive:{tmp_path}/o.tar:v1"], check=True)
    saved, layout = facts_of_archive(str(tmp_path / "a.tar")), facts_of_layout(str(tmp_path / "layout"))
    packed = facts_of_archive(str(tmp_path / "o.tar"))
    assert (saved.reference, saved.config, saved.manifest) == ("docker.io/lab/carried:1", there.config, "")
    assert {f.diff_ids for f in (saved, layout, packed)} == {(layer,)}
    assert (layout.manifest, layout.config) == (packed.manifest, packed.config)
    assert layout.config != there.config  # written again in OCI's form: only the layers are the same
    assert [check_layers(str(tmp_path / n)) for n in ("a.tar", "layout", "o.tar")] == [()] * 3
