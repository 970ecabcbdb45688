"""Do real images stand on the rung that was measured by hand: pushed, converted, saved, exported, built again, signed, made into a SIF?"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import pytest
from containers_lab import Engine

from auditor.images import identify
from auditor.model import Found, Job
from auditor.world import RealWorld
from probes.containers import ImageFacts, Level
from probes.containers.docker import collect
from probes.containers.layers import layers
from probes.containers.layout import facts_of_archive, facts_of_layout
from probes.containers.oci import facts_of
from probes.containers.sifread import read
from probes.containers.treehash import RULES, of_folder, of_layers, of_sif
from reports.judging.imagefacts import facts
from reports.judging.ladder import same
from tests.needs import need

WORLD = RealWorld()
FILES = {"etc/version": b"1", "opt/gone": b"deleted by a later layer", "opt/old/a": b"1", "opt/tool": b"#!/bin/sh\n"}
RECIPE = """FROM {base}
RUN rm /opt/gone && rm -r /opt/old && mkdir /opt/old && echo new >/opt/old/b
RUN ln -s tool /opt/link && ln /opt/tool /opt/again && chmod 755 /opt/tool && echo changed >/etc/version
RUN touch -d "{when}" /opt/old/b
CMD ["/bin/sh", "-c", "true"]
"""
ACCEPT = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "docker.distribution.manifest.v2",
        "docker.distribution.manifest.list.v2",
        "oci.image.manifest.v1",
        "oci.image.index.v1",
    )
)


@dataclass(frozen=True)
class Maker:
    """The engine, told what to do."""

    engine: Engine
    client: docker.DockerClient

    def build(self, name: str, base: str, recipe: str = RECIPE, when: str = "2026-11-23 12:00") -> None:
        """With the engine's own builder, without its cache: what a user gets who builds again, at another time."""
        text = io.BytesIO(recipe.format(base=base, when=when).encode())
        self.client.images.build(fileobj=text, tag=name, nocache=True, network_mode="none", rm=True)

    def push(self, name: str) -> None:
        assert "error" not in self.client.images.push(name)

    def facts(self, name: str) -> ImageFacts:
        world = RealWorld(env={**os.environ, "DOCKER_HOST": self.engine.host})
        found = collect(world, Job("slurm", "1", script=f"docker run {name} true\n"))
        assert isinstance(found, Found), found
        return facts(found.value.images[0])

    def save(self, name: str, path: Path) -> Path:
        with path.open("wb") as file:
            for piece in self.client.images.get(name).save(named=True):
                file.write(piece)
        return path

    def export(self, name: str, folder: Path) -> Path:
        """What a container of the image sees, unpacked."""
        container = self.client.containers.create(name, network_mode="none")
        try:
            raw = io.BytesIO(b"".join(container.export()))
        finally:
            container.remove()
        with tarfile.open(fileobj=raw) as tar:
            tar.extractall(folder, filter="fully_trusted")
        return folder


@pytest.fixture
def maker(docker_engine: Engine) -> Iterator[Maker]:
    client = docker.DockerClient(base_url=docker_engine.host)
    yield Maker(docker_engine, client)
    client.close()


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Apptainer with a cache and keys of its own. The capability is one that not every root has."""
    return {**os.environ, "APPTAINER_CACHEDIR": f"{tmp_path}/cache", "APPTAINER_DROP_CAPS": "CAP_SYS_RESOURCE"}


def run(*argv: object, env: dict[str, str] | None = None) -> None:
    subprocess.run([str(word) for word in argv], check=True, env=env, capture_output=True, timeout=120)


def skopeo(*argv: object) -> None:
    need(*[tool for tool in ("skopeo",) if not shutil.which(tool)])
    run("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", *argv)


def of_registry(name: str) -> ImageFacts:
    """What the registry itself serves."""
    address, _, rest = name.partition("/")
    repository, _, tag = rest.rpartition(":")

    def get(what: str) -> bytes:
        request = urllib.request.Request(f"http://{address}/v2/{repository}/{what}", headers={"Accept": ACCEPT})
        with urllib.request.urlopen(request, timeout=10) as answer:
            content: bytes = answer.read()
            return content

    def blob(digest: str) -> bytes:
        return get(f"blobs/{digest}")

    return facts_of(get(f"manifests/{tag}"), blob, name)


def tree_of(image: ImageFacts, tree: str) -> ImageFacts:
    return replace(image, tree=tree, tree_rules=RULES)


@pytest.mark.docker
def test_copies_and_conversions_stand_where_they_were_measured(maker: Maker, registry: str, tmp_path: Path) -> None:
    name = f"{registry}/lab/ladder:1"
    maker.engine.make(f"{name[:-1]}base", FILES)
    maker.build(name, f"{name[:-1]}base")
    maker.push(name)
    ours, pushed = maker.facts(name), of_registry(name)
    assert same(ours, pushed).level is Level.BYTE_SAME

    skopeo(f"docker://{name}", f"docker://{registry}/other/copy:9")
    assert same(ours, of_registry(f"{registry}/other/copy:9")).level is Level.BYTE_SAME

    skopeo("--format", "oci", f"docker://{name}", f"docker://{registry}/other/oci:1")
    assert same(ours, of_registry(f"{registry}/other/oci:1")).level is Level.SAME_LAYERS
    skopeo(f"docker://{name}", f"oci:{tmp_path}/layout:1")
    assert same(pushed, facts_of_layout(f"{tmp_path}/layout")).level is Level.SAME_LAYERS

    saved = facts_of_archive(str(maker.save(name, tmp_path / "saved.tar")))
    assert same(pushed, saved).level is Level.SAME_IMAGE
    skopeo("--format", "v2s2", "--dest-compress-format", "gzip", "--dest-compress-level", "1",
           f"docker-archive:{tmp_path}/saved.tar", f"docker://{registry}/other/again:1")  # fmt: skip
    assert same(pushed, of_registry(f"{registry}/other/again:1")).level is Level.SAME_IMAGE


@pytest.mark.docker
def test_an_image_built_again_has_the_same_files_and_a_moved_tag_only_the_name(maker: Maker, tmp_path: Path) -> None:
    maker.engine.make("lab/again:base", FILES)
    maker.build("lab/again:1", "lab/again:base")
    first = maker.facts("lab/again:1")
    before = of_layers(layers(str(maker.save("lab/again:1", tmp_path / "first.tar"))))
    maker.client.images.get("lab/again:1").tag("lab/again:kept")

    maker.build("lab/again:1", "lab/again:base", when="2026-11-23 12:01")
    second = maker.facts("lab/again:1")
    assert second.diff_ids != first.diff_ids
    assert same(first, second).level is Level.SAME_NAME
    assert "layers" in same(first, second).why
    after = of_layers(layers(str(maker.save("lab/again:1", tmp_path / "second.tar"))))
    assert same(tree_of(first, before), tree_of(second, after)).level is Level.SAME_FILES

    maker.engine.make("lab/again:1", {"etc/version": b"moved"})
    moved = of_layers(layers(str(maker.save("lab/again:1", tmp_path / "moved.tar"))))
    found = same(tree_of(first, before), tree_of(maker.facts("lab/again:1"), moved))
    assert (found.level, "different files" in found.why) == (Level.SAME_NAME, True)
    found = same(tree_of(maker.facts("lab/again:kept"), before), tree_of(maker.facts("lab/again:1"), moved))
    assert found.level is Level.DIFFERENT


@pytest.mark.docker
def test_the_same_layers_run_with_another_command_are_said_to(maker: Maker) -> None:
    maker.engine.make("lab/command:base", FILES)
    maker.build("lab/command:1", "lab/command:base", 'FROM {base}\nCMD ["/bin/sh"]\n')
    maker.build("lab/command:2", "lab/command:base", 'FROM {base}\nCMD ["/bin/cat"]\n')
    found = same(maker.facts("lab/command:1"), maker.facts("lab/command:2"))
    assert (found.level, found.why) == (
        Level.SAME_LAYERS_OTHER_SETTINGS,
        "the same 1 layer, but they run with another Cmd",
    )


@pytest.mark.docker
@pytest.mark.apptainer
def test_layers_export_and_sif_of_one_image_have_one_tree_hash(
    maker: Maker, tmp_path: Path, env: dict[str, str], apptainer: str
) -> None:
    maker.engine.make("lab/tree:base", FILES)
    maker.build("lab/tree:1", "lab/tree:base")
    saved = maker.save("lab/tree:1", tmp_path / "saved.tar")
    run("apptainer", "build", tmp_path / "x.sif", f"docker-archive:{saved}", env=env)
    run("apptainer", "build", "--sandbox", tmp_path / "sandbox", f"docker-archive:{saved}", env=env)
    expected = of_layers(layers(str(saved)))
    assert of_sif(WORLD, str(tmp_path / "x.sif")) == expected
    assert of_folder(WORLD, str(maker.export("lab/tree:1", tmp_path / "export"))) == expected
    assert of_folder(WORLD, str(tmp_path / "sandbox")) == expected
    (tmp_path / "sandbox/opt/old/b").write_text("other")
    assert of_folder(WORLD, str(tmp_path / "sandbox")) != expected

    image = tree_of(maker.facts("lab/tree:1"), expected)
    sif = tree_of(facts(read(WORLD, str(tmp_path / "x.sif"))), expected)
    assert same(image, sif).level is Level.SAME_FILES
    assert sif.settings["Cmd"] == image.settings["Cmd"]
    here = RealWorld(env={**os.environ, "DOCKER_HOST": maker.engine.host})
    assert same(identify(here, "docker:lab/tree:1"), identify(here, str(saved))).level is Level.SAME_IMAGE
    assert same(identify(here, str(tmp_path / "x.sif"), True), identify(here, str(saved), True)).level is Level.SAME_FILES


@pytest.mark.docker
@pytest.mark.apptainer
def test_a_sif_copied_signed_and_built_again(
    tmp_path: Path, maker: Maker, env: dict[str, str], apptainer: str, registry: str
) -> None:
    maker.engine.make("lab/sif:1", FILES)
    saved = maker.save("lab/sif:1", tmp_path / "saved.tar")
    recipe = tmp_path / "x.def"
    recipe.write_text(f"Bootstrap: docker-archive\nFrom: {saved}\n")
    for name in ("x.sif", "again.sif"):
        run("apptainer", "build", tmp_path / name, recipe, env=env)
    x, again = tmp_path / "x.sif", tmp_path / "again.sif"

    run("apptainer", "push", "-U", "--no-https", x, f"oras://{registry}/lab/sif:oras", env=env)
    run("apptainer", "pull", "--no-https", tmp_path / "pulled.sif", f"oras://{registry}/lab/sif:oras", env=env)
    before = facts(read(WORLD, str(x)))
    assert same(before, facts(read(WORLD, str(tmp_path / "pulled.sif")))).level is Level.BYTE_SAME

    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", tmp_path / "key.pem")
    run("apptainer", "sign", "--key", tmp_path / "key.pem", x, env=env)
    assert same(before, facts(read(WORLD, str(x)))).level is Level.SAME_IMAGE

    while (rebuilt := facts(read(WORLD, str(again)))).partition == before.partition:  # built within one second
        run("apptainer", "build", "--force", again, recipe, env=env)
    assert (before.definition, before.partition == rebuilt.partition) == (rebuilt.definition, False)
    assert same(before, rebuilt).level is Level.UNKNOWN
    first, second = of_sif(WORLD, str(x)), of_sif(WORLD, str(again))
    assert same(tree_of(before, first), tree_of(rebuilt, second)).level is Level.SAME_FILES
