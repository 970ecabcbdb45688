"""Does the native reader say of real Singularity images what their makers put in, sign and later find tampered?"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import urllib.request
from dataclasses import replace
from pathlib import Path

import containers_lab
import pytest

from auditor.model import Absent, Found, Grade, Job
from auditor.world import RealWorld
from probes.containers import ApptainerRuntime, SifSignature
from probes.containers.apptainer import collect as ask_apptainer
from probes.containers.sif import collect as read_sifs
from probes.containers.sifread import read
from probes.containers.treehash import RULES, of_sif
from tests.needs import need

RECIPE = "Bootstrap: docker\nFrom: busybox:latest\n"
LABELS = b'{"org.opencontainers.image.revision": "abc"}'


def sif(path: Path) -> Path:
    need(*containers_lab.missing_sif())
    return containers_lab.sif(path, {".singularity.d/labels.json": LABELS}, RECIPE)


def build(folder: Path, name: str, env: dict[str, str], recipe: str) -> Path:
    """An image that Apptainer makes from the folder `root`."""
    (folder / "root").mkdir()
    subprocess.run(["tar", "-xC", folder / "root"], input=containers_lab.rootfs({}), check=True)
    (folder / "x.def").write_text(recipe)
    subprocess.run(["apptainer", "build", name, "x.def"], cwd=folder, env=env, check=True, capture_output=True, timeout=60)
    return folder / name


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Apptainer with a key ring of its own. The capability is one that not every root has."""
    (tmp_path / "keys").mkdir()
    return {**os.environ, "APPTAINER_KEYSDIR": str(tmp_path / "keys"), "APPTAINER_DROP_CAPS": "CAP_SYS_RESOURCE"}


def signed_with_pem(image: Path, env: dict[str, str]) -> Path:
    key = image.with_suffix(".pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True, capture_output=True)
    subprocess.run(["apptainer", "sign", "--key", str(key), str(image)], env=env, check=True, capture_output=True)
    return image


def test_an_image_of_siftool_is_read_to_its_labels(tmp_path: Path) -> None:
    path = sif(tmp_path / "x.sif")
    found = read(RealWorld(), str(path))
    assert found.file_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (found.architecture, found.fs_type, found.definition, found.base, found.base_pinned) == (
        "amd64", "squashfs", RECIPE, "busybox:latest", False,
    )  # fmt: skip
    assert found.labels == {"org.opencontainers.image.revision": "abc"}
    assert found.signatures == ()


def test_the_probe_finds_the_image_the_script_runs(tmp_path: Path) -> None:
    path = sif(tmp_path / "x.sif")
    script = "apptainer exec x.sif true\napptainer exec gone.sif true\n"
    job = Job("slurm", "1", workdir=str(tmp_path), script=script)
    answer = read_sifs(RealWorld(), job)
    assert isinstance(answer, Found)
    assert ([(i.path, i.tree) for i in answer.value.images], answer.grade) == ([(str(path), "")], Grade.OBSERVED)
    assert "gone.sif" in answer.source
    after = read_sifs(RealWorld(), replace(job, ended_at="2026-11-23T12:00:00+00:00"))
    assert isinstance(after, Found)
    assert [(i.tree, i.tree_rules) for i in after.value.images] == [(of_sif(RealWorld(), str(path)), RULES)]


@pytest.mark.apptainer
def test_a_signature_holds_until_a_byte_is_flipped(tmp_path: Path, env: dict[str, str], apptainer: str) -> None:
    image = signed_with_pem(sif(tmp_path / "x.sif"), env)
    before = read(RealWorld(), str(image))
    assert before.signatures == (SifSignature("dsse", "", True, "sha256", "group 1", True),)
    answer = read_sifs(RealWorld(), Job("slurm", "1", workdir=str(tmp_path), script="./x.sif\n"))
    assert isinstance(answer, Found)
    assert answer.grade is Grade.VERIFIED
    subprocess.run(["siftool", "add", "--groupid", "1", "--datatype", "7", str(image), str(tmp_path / "x.pem")], check=True)
    added = read(RealWorld(), str(image)).signatures  # what came later is not signed, and the signature is not said to be of it
    assert added == (SifSignature("dsse", "", True, "sha256", "objects 1, 2", True),)
    whole = image.read_bytes()
    renamed = bytearray(whole)
    renamed[50] ^= 1  # of the id in the header, which is signed too
    image.write_bytes(renamed)
    assert [s.integrity_ok for s in read(RealWorld(), str(image)).signatures] == [False]
    content = bytearray(whole)
    content[40_000] ^= 1  # inside the root file system
    image.write_bytes(content)
    after = read(RealWorld(), str(image))
    assert [s.integrity_ok for s in after.signatures] == [False]
    assert before.partition_sha256 != after.partition_sha256


@pytest.mark.apptainer
def test_a_signature_over_one_object_holds_whatever_becomes_of_the_others(
    tmp_path: Path, env: dict[str, str], apptainer: str
) -> None:
    image = sif(tmp_path / "x.sif")
    key = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True, capture_output=True)
    subprocess.run(
        ["apptainer", "sign", "--key", str(key), "--sif-id", "1", str(image)], env=env, check=True, capture_output=True
    )
    assert read(RealWorld(), str(image)).signatures == (SifSignature("dsse", "", True, "sha256", "object 1"),)
    content = bytearray(image.read_bytes())
    content[40_000] ^= 1  # inside the root file system, which is object 2
    image.write_bytes(content)
    assert [s.integrity_ok for s in read(RealWorld(), str(image)).signatures] == [True]
    content[32_176] ^= 1  # the recipe, which is object 1
    image.write_bytes(content)
    assert [s.integrity_ok for s in read(RealWorld(), str(image)).signatures] == [False]


@pytest.mark.apptainer
@pytest.mark.slow
def test_a_pgp_signature_names_its_signer_and_signing_changes_nothing_inside(
    tmp_path: Path, env: dict[str, str], apptainer: str
) -> None:
    path = sif(tmp_path / "x.sif")
    before = read(RealWorld(), str(path))
    subprocess.run(
        ["apptainer", "key", "newpair", "-N", "n", "-E", "e", "-C", "c", "-P", "", "-U=false"],
        env=env,
        check=True,
        capture_output=True,
    )
    subprocess.run(["apptainer", "sign", str(path)], env=env, check=True, capture_output=True)
    after = read(RealWorld(), str(path))
    [signature] = after.signatures
    assert (signature.kind, len(signature.fingerprint), signature.integrity_ok) == ("pgp", 40, True)
    assert (before.uuid, before.partition_sha256, before.definition) == (after.uuid, after.partition_sha256, after.definition)
    assert before.file_sha256 != after.file_sha256


@pytest.mark.apptainer
def test_apptainer_and_the_native_reader_agree_on_what_apptainer_built(
    tmp_path: Path, env: dict[str, str], apptainer: str
) -> None:
    base = sif(tmp_path / "base.sif")
    built = build(tmp_path, "built.sif", env, "Bootstrap: localimage\nFrom: root\n\n%labels\n  Version 7\n")
    native = read(RealWorld(), str(built))
    answer = ask_apptainer(RealWorld(), Job("slurm", "1", workdir=str(tmp_path), script="./built.sif\n./base.sif\n./gone.sif\n"))
    assert isinstance(answer, Found)
    runtime = answer.value
    assert isinstance(runtime, ApptainerRuntime)
    assert runtime.version == apptainer
    assert runtime.inspected == {str(built): native.labels}
    assert native.labels["Version"] == "7"
    assert (native.bootstrap, native.base) == ("localimage", "root")
    assert runtime.errors[str(base)] == "the image has no inspect-metadata.json: not started only to look"
    assert "No such file" in runtime.errors[str(tmp_path / "gone.sif")]


@pytest.mark.apptainer
@pytest.mark.docker
def test_a_registry_knows_a_pushed_image_file_by_the_digest_we_give_it(
    tmp_path: Path, env: dict[str, str], apptainer: str, registry: str
) -> None:
    path = sif(tmp_path / "x.sif")
    push = ["apptainer", "push", "-U", "--no-https", str(path), f"oras://{registry}/lab/sif:1"]
    subprocess.run(push, env=env, check=True, capture_output=True, timeout=60)
    request = urllib.request.Request(
        f"http://{registry}/v2/lab/sif/manifests/1", headers={"Accept": "application/vnd.oci.image.manifest.v1+json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        [layer] = json.load(answer)["layers"]
    assert layer["digest"] == f"sha256:{read(RealWorld(), str(path)).file_sha256}"


@pytest.mark.apptainer
def test_an_image_of_ours_runs_and_its_marker_is_read(tmp_path: Path, env: dict[str, str], apptainer: str) -> None:
    path = sif(tmp_path / "x.sif")
    ran = subprocess.run(
        ["apptainer", "exec", str(path), "cat", "/.singularity.d/labels.json"], env=env, capture_output=True, timeout=60
    )
    assert (ran.returncode, ran.stdout) == (0, LABELS), ran.stderr


def test_without_apptainer_the_probe_says_so() -> None:
    answer = ask_apptainer(RealWorld(env={"PATH": "/nowhere"}), Job("slurm", "1", script="./x.sif\n"))
    assert answer == Absent("neither `apptainer` nor `singularity` is on the path")
