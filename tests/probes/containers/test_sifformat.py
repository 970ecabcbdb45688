"""What does a Singularity image hold? Files written here byte by byte as the specification says; damaged ones name their damage."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.containers import SifImage, SifSbom, SifSignature, SifStage, sifsignature
from probes.containers.compressed import Unreadable
from probes.containers.sifformat import NotSif
from probes.containers.sifread import read, sboms
from probes.containers.treehash import of_folder, of_sif
from probes.manifest import remember
from tests.needs import need

UUID = uuid.UUID("b36d50d8-7944-41a1-8eb9-d0a30c17814b")
DEFFILE, LABELS, PARTITION, SIGNATURE, JSON, SBOM, OCI_INDEX, OCI_BLOB = (
    0x4001,
    0x4003,
    0x4004,
    0x4005,
    0x4006,
    0x4009,
    0x400A,
    0x400B,
)
RECIPE = b"Bootstrap: docker\nFrom: python:3.11\n\n%labels\n  a b\n"
ROOT = b"hsqs" + bytes(range(256)) * 40
PRIMARY = struct.pack("<ii3s", 1, 2, b"02\0")
CAPTURED = b"""-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

{"version":1,"header":{"digest":"sha256:1a8a"},"objects":[{"relativeId":0,"descriptorDigest":"sha256:7752","objectDigest":"sha256:4327"}]}
-----BEGIN PGP SIGNATURE-----

wsGpBAEBCABdBYJrBFg3
-----END PGP SIGNATURE-----"""
DSSE = (
    b'{"payloadType":"application/vnd.sylabs.sif-metadata+json","payload":"eyJ2ZXJzaW9uIjoxLCJoZWFkZXIiOnsiZGlnZXN0Ijoic2hhMjU2OjFhOGEifSwib2'
    b'JqZWN0cyI6W3sicmVsYXRpdmVJZCI6MCwiZGVzY3JpcHRvckRpZ2VzdCI6InNoYTI1Njo3NzUyIiwib2JqZWN0RGlnZXN0Ijoic2hhMjU2OjQzMjcifV19"}'
)
METADATA = {
    "version": 1,
    "header": {"digest": "sha256:1a8a"},
    "objects": [{"relativeId": 0, "descriptorDigest": "sha256:7752", "objectDigest": "sha256:4327"}],
}


def sif(path: Path, *objects: tuple[int, bytes, bytes, str], links: Mapping[int, int] | None = None) -> Path:
    """A SIF of these (type, content, extra, name): header, a table for 48 descriptors, the objects one after the other."""
    launch, total, table = b"#!/usr/bin/env run-singularity\n", 48, 4096
    data = table + total * 585
    head = struct.pack(
        "<32s10s3s3s16s8q",
        launch,
        b"SIF_MAGIC\0",
        b"01\0",
        b"02\0",
        UUID.bytes,
        86400,
        86401,
        0,
        total,
        table,
        total * 585,
        data,
        0,
    )
    descriptors, body = b"", b""
    for number, (code, content, extra, name) in enumerate(objects, 1):
        at = data + len(body)
        descriptors += struct.pack(
            "<i?3I7q128s384s",
            code,
            True,
            number,
            0xF0000001,
            (links or {}).get(number, 0),
            at,
            len(content),
            len(content),
            86400,
            86400,
            0,
            0,
            name.encode(),
            extra,
        )
        body += content
    path.write_bytes(head.ljust(table, b"\0") + descriptors.ljust(total * 585, b"\0") + body)
    return path


def test_recipe_partition_and_digests_are_read(tmp_path: Path) -> None:
    path = sif(tmp_path / "x.sif", (DEFFILE, RECIPE, b"", ""), (PARTITION, ROOT, PRIMARY, "root"))
    whole = path.read_bytes()
    assert read(RealWorld(env={"PATH": ""}), str(path)) == SifImage(
        path=str(path),
        size=len(whole),
        file_sha256=hashlib.sha256(whole).hexdigest(),
        uuid=str(UUID),
        architecture="amd64",
        created="1970-01-02T00:00:00+00:00",
        partition_sha256=hashlib.sha256(ROOT).hexdigest(),
        fs_type="squashfs",
        definition=RECIPE.decode(),
        definition_sha256=hashlib.sha256(RECIPE).hexdigest(),
        bootstrap="docker",
        base="python:3.11",
        base_pinned=False,
        labels={},
        objects=("deffile", "partition root"),
        signatures=(),
        stages=(SifStage(name="", bootstrap="docker", base="python:3.11", pinned=False, local=False),),
    )


def test_labels_come_from_what_apptainer_wrote_about_the_image(tmp_path: Path) -> None:
    metadata = json.dumps({"type": "container", "data": {"attributes": {"labels": {"version": "1.0"}}}}).encode()
    path = sif(tmp_path / "x.sif", (JSON, metadata, b"", "inspect-metadata.json"))
    assert read(RealWorld(), str(path)).labels == {"version": "1.0"}


@pytest.mark.parametrize(("kind", "text"), [("pgp", CAPTURED), ("dsse", DSSE), ("pgp", CAPTURED.replace(b"\n", b"\r\n"))])
def test_a_signature_s_text_is_read_in_both_forms(kind: str, text: bytes) -> None:
    assert sifsignature.message(text) == (kind, METADATA)
    assert sifsignature.signed(METADATA) == {0: ("7752", "4327")}


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[1]", b'{"payload": 7}', b'{"payload": "%"}', CAPTURED[:60], CAPTURED.replace(b'{"version"', b"{")]
)
def test_a_broken_signature_is_not_read(text: bytes) -> None:
    assert sifsignature.message(text)[1] is None


def test_a_signature_over_other_content_does_not_hold_and_an_unreadable_one_says_nothing(tmp_path: Path) -> None:
    extra = struct.pack("<i256s", 1, bytes.fromhex("c4" * 20))
    objects = [(DEFFILE, RECIPE, b"", "")]
    path = sif(tmp_path / "x.sif", *objects, (SIGNATURE, CAPTURED, extra, ""), (SIGNATURE, b"junk", struct.pack("<i", 1), ""))
    wrong, junk = read(RealWorld(), str(path)).signatures
    assert (wrong.kind, wrong.fingerprint, wrong.integrity_ok) == ("pgp", "c4" * 20, False)
    assert (junk.kind, junk.fingerprint, junk.integrity_ok) == ("unknown", "", None)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b"", "cut short"),
        (lambda b: b[:100], "cut short"),
        (lambda b: b[:5000], "outside the file"),
        (lambda b: b[:-1], "lies outside the file: cut short"),
        (lambda b: b"\x7fELF" + b[4:32] + b"x" * 10 + b[42:], "no SIF magic"),
        (lambda b: b[:42] + b"99\0" + b[45:], "version"),
        (lambda b: b[:88] + struct.pack("<q", 1 << 40) + b[96:], "makes no sense"),
        (lambda b: b[:96] + struct.pack("<q", -5) + b[104:], "makes no sense"),
        (lambda b: b[:104] + struct.pack("<q", 1 << 60) + b[112:], "makes no sense"),
    ],
)
def test_damage_is_named(tmp_path: Path, damage: object, message: str) -> None:
    path = sif(tmp_path / "x.sif", (DEFFILE, RECIPE, b"", ""), (PARTITION, ROOT, PRIMARY, ""))
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(NotSif, match=message):
        read(RealWorld(), str(path))


def partition(file_system: int, kind: int) -> bytes:
    return struct.pack("<ii3s", file_system, kind, b"02\0")


def test_an_overlay_and_an_encrypted_root_are_said_to_be_there(tmp_path: Path) -> None:
    path = sif(tmp_path / "x.sif", (PARTITION, ROOT, partition(5, 2), "root"), (PARTITION, b"state", partition(2, 4), "over"))
    found = read(RealWorld(), str(path))
    assert (found.fs_type, found.encrypted, found.overlays) == (
        "encrypted-squashfs",
        True,
        (hashlib.sha256(b"state").hexdigest(),),
    )
    with pytest.raises(Unreadable, match="the root file system is encrypted"):
        of_sif(RealWorld(), str(path))


def test_another_file_system_than_squashfs_has_no_tree_hash_but_says_so(tmp_path: Path) -> None:
    path = sif(tmp_path / "x.sif", (PARTITION, b"ext", partition(2, 2), "root"))
    with pytest.raises(Unreadable, match="the root file system is ext3, which is not read here"):
        of_sif(RealWorld(), str(path))
    with pytest.raises(Unreadable, match="no root file system inside"):
        of_sif(RealWorld(), str(sif(tmp_path / "y.sif", (DEFFILE, RECIPE, b"", ""))))


def test_lists_of_parts_are_named_and_can_be_had(tmp_path: Path) -> None:
    content = b'{"spdxVersion": "SPDX-2.3"}'
    path = sif(tmp_path / "x.sif", (SBOM, content, struct.pack("<i", 4), "parts.json"), (SBOM, b"?", struct.pack("<i", 99), ""))
    known, other = read(RealWorld(), str(path)).sboms
    assert known == SifSbom("parts.json", "spdx-json", hashlib.sha256(content).hexdigest(), len(content))
    assert other.format == ""
    assert next(sboms(RealWorld(), str(path))) == (known, content)


def test_labels_are_kept_as_they_are_up_to_a_bound(tmp_path: Path) -> None:
    """Control characters are made visible where they are shown, not where they are read."""
    labels = {"evil": "\x1b[2J", "long": "x" * 10_000, "number": 7} | {f"n{i}": "" for i in range(1000)}
    path = sif(tmp_path / "x.sif", (LABELS, json.dumps(labels).encode(), b"", ""))
    found = read(RealWorld(), str(path)).labels
    assert (found["evil"], len(found["long"]), found["number"], len(found)) == ("\x1b[2J", 4096, "7", 500)


@pytest.mark.parametrize("text", [b"[1]", b"{", b"null", b"[" * 100_000, b'"x"', b"\xff\xfe"])
def test_labels_that_are_none_are_none(tmp_path: Path, text: bytes) -> None:
    path = sif(
        tmp_path / "x.sif",
        (LABELS, text, b"", ""),
        (JSON, text, b"", "inspect-metadata.json"),
        (JSON, text, b"", "oci-config.json"),
    )
    found = read(RealWorld(), str(path))
    assert (found.labels, found.settings) == ({}, {})


def test_what_an_image_runs_with_comes_from_the_configuration_that_apptainer_keeps(tmp_path: Path) -> None:
    config = {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"], "Labels": {"a": "b"}}
    path = sif(tmp_path / "x.sif", (JSON, json.dumps(config).encode(), b"", "oci-config.json"))
    assert read(RealWorld(), str(path)).settings == {"Cmd": '["/bin/sh"]', "Env": '["PATH=/bin"]'}


def blob(content: bytes) -> tuple[int, bytes, bytes, str]:
    return OCI_BLOB, content, f"sha256:{hashlib.sha256(content).hexdigest()}".encode(), ""


def named(content: bytes, **more: object) -> dict[str, object]:
    return {"digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content), **more}


def oci_sif(path: Path, layer: bytes, *, lie: bool = False, lack: bool = False) -> tuple[Path, str, str]:
    """An OCI-SIF: a layout's index.json, and manifest, configuration and layer as blobs. Also its manifest's and configuration's digest."""
    about = {"rootfs": {"type": "layers", "diff_ids": [named(layer)["digest"]]}, "os": "linux", "architecture": "amd64"}
    config = json.dumps(about | {"config": {"Cmd": ["a"], "Labels": {"version": "7"}}}).encode()
    manifest = json.dumps({"schemaVersion": 2, "config": named(config), "layers": [named(layer)]}).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [named(manifest)]}).encode()
    kept = (*blob(config)[:1], config.replace(b"linux", b"other"), *blob(config)[2:]) if lie else blob(config)
    digests = str(named(manifest)["digest"]), str(named(config)["digest"])
    kept = blob(b"{}") if lack else kept
    return sif(path, (OCI_INDEX, index, b"", ""), blob(manifest), kept, blob(layer)), *digests


def test_an_oci_image_in_an_image_file_has_the_digests_that_a_registry_knows(tmp_path: Path) -> None:
    layer = b"hsqs and so on"
    path, manifest, config = oci_sif(tmp_path / "x.oci.sif", layer)
    found = read(RealWorld(), str(path))
    assert (found.manifest_digest, found.config_digest, found.diff_ids) == (manifest, config, (named(layer)["digest"],))
    assert (found.settings, found.labels, found.partition_sha256) == ({"Cmd": '["a"]'}, {"version": "7"}, "")
    assert found.objects == ("oci-index", "oci-blob", "oci-blob", "oci-blob")


def test_the_only_layer_of_an_oci_image_file_is_its_root_file_system(tmp_path: Path) -> None:
    need(*[tool for tool in ("mksquashfs",) if not shutil.which(tool)])
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a").write_text("text")
    plain = tmp_path / "root.sqfs"
    subprocess.run(["mksquashfs", tmp_path / "root", plain, "-quiet"], check=True, stdout=subprocess.DEVNULL)
    path, *_ = oci_sif(tmp_path / "x.oci.sif", plain.read_bytes())
    assert of_sif(RealWorld(), str(path)) == of_folder(RealWorld(), str(tmp_path / "root")) == of_sif(RealWorld(), str(plain))


def test_blobs_that_are_not_what_they_are_called_say_nothing(tmp_path: Path) -> None:
    path, *_ = oci_sif(tmp_path / "x.oci.sif", b"layer", lie=True)
    found = read(RealWorld(), str(path))
    assert (found.manifest_digest, found.config_digest, found.diff_ids, found.labels) == ("", "", (), {})


def test_a_configuration_that_is_only_named_leaves_the_manifest_s_digest(tmp_path: Path) -> None:
    path, manifest, config = oci_sif(tmp_path / "x.oci.sif", b"layer", lack=True)
    found = read(RealWorld(), str(path))
    assert (found.manifest_digest, found.config_digest, found.diff_ids, found.labels) == (manifest, config, (), {})


def test_a_bare_squashfs_is_known_by_its_bytes(tmp_path: Path) -> None:
    need(*[tool for tool in ("mksquashfs",) if not shutil.which(tool)])
    (tmp_path / "root/.singularity.d").mkdir(parents=True)
    (tmp_path / "root/.singularity.d/labels.json").write_text('{"a": "b"}')
    path = tmp_path / "x.sqsh"
    subprocess.run(["mksquashfs", tmp_path / "root", path, "-quiet"], check=True, stdout=subprocess.DEVNULL)
    whole = hashlib.sha256(path.read_bytes()).hexdigest()
    found = read(RealWorld(), str(path))
    assert (found.file_sha256, found.partition_sha256, found.uuid, found.labels) == (whole, whole, "", {"a": "b"})


def test_a_signature_from_before_sif_1_0_is_checked_where_it_is_about_one_object(tmp_path: Path) -> None:
    digest = hashlib.sha384(RECIPE).hexdigest()
    text = (
        f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSIFHASH:\n{digest}\n-----BEGIN PGP SIGNATURE-----\n\nx\n".encode()
    )
    extra = struct.pack("<i256s", 2, bytes.fromhex("c4" * 20))
    path = sif(tmp_path / "x.sif", (DEFFILE, RECIPE, b"", ""), (SIGNATURE, text, extra, ""), links={2: 1})
    assert read(RealWorld(), str(path)).signatures == (SifSignature("pgp-legacy", "c4" * 20, True, "sha384", "object 1"),)
    sif(path, (DEFFILE, RECIPE + b" ", b"", ""), (SIGNATURE, text, extra, ""), links={2: 1})
    assert [s.integrity_ok for s in read(RealWorld(), str(path)).signatures] == [False]


def test_an_unchanged_image_is_read_once_and_a_changed_one_again(tmp_path: Path) -> None:
    class Counting(RealWorld):
        """How often the file is read from end to end."""

        passes = 0

        def chunks(self, path: str, size: int = 1 << 18) -> Iterator[memoryview]:
            self.passes += 1
            return super().chunks(path, size)

    (tmp_path / "home").mkdir()
    path = sif(tmp_path / "x.sif", (DEFFILE, RECIPE, b"", ""), (PARTITION, ROOT * 1000, PRIMARY, ""))
    long_ago = 1_600_000_000
    os.utime(path, (long_ago, long_ago))
    world = Counting(env={"AUDITOR_HOME": str(tmp_path / "home")})
    world.now = lambda: datetime.now(UTC) + timedelta(days=1)  # type: ignore[method-assign]  # a file must have been left alone for a while
    first = read(world, str(path))
    assert (first, world.passes) == (read(world, str(path)), 1)
    assert remember.sha256(world, str(path)) == (first.file_sha256, first.size, True)
    with path.open("r+b") as file:
        file.seek(50_000)
        file.write(b"changed")
    os.utime(path, (long_ago, long_ago))
    assert (first.file_sha256 == read(world, str(path)).file_sha256, world.passes) == (False, 2)
