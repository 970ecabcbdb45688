"""What does a Singularity image hold? Files written here byte by byte as the specification says; damaged ones name their damage."""

from __future__ import annotations

import hashlib
import json
import struct
import uuid
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.containers import SifImage, SifStage, sifsignature
from probes.containers.sifformat import NotSif
from probes.containers.sifread import read

UUID = uuid.UUID("b36d50d8-7944-41a1-8eb9-d0a30c17814b")
DEFFILE, PARTITION, SIGNATURE, JSON = 0x4001, 0x4004, 0x4005, 0x4006
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


def sif(path: Path, *objects: tuple[int, bytes, bytes, str]) -> Path:
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
            0,
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


@pytest.mark.parametrize(
    ("line", "pinned"),
    [
        ("From: python@sha256:" + "a" * 64, True),
        ("from : python:3.11@sha256:" + "a" * 64, True),
        ("From: lib/x:sha256." + "a" * 64, True),
        ("From: python:latest", False),
        ("From: python@sha256:abc", False),
        ("# From: python@sha256:" + "a" * 64, False),
    ],
)
def test_a_base_is_pinned_by_a_whole_digest_and_by_nothing_less(tmp_path: Path, line: str, pinned: bool) -> None:
    path = sif(tmp_path / "x.sif", (DEFFILE, f"Bootstrap: docker\n{line}\n".encode(), b"", ""))
    assert read(RealWorld(), str(path)).base_pinned is pinned


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
