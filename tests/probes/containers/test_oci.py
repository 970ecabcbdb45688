"""Which image do these manifests describe? Layouts and archives written here byte by byte, whole ones and ones that lie."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.containers import ImageFacts
from probes.containers.layers import check_layers, layers
from probes.containers.layout import facts_of_archive, facts_of_layout
from probes.containers.oci import BadImage, facts_of

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = b"a layer's tar"
DIFF = f"sha256:{hashlib.sha256(LAYER).hexdigest()}"


def packed(value: Any) -> bytes:
    return json.dumps(value).encode()


def name(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def config(*diff_ids: str, **changes: Any) -> bytes:
    inner = {"Env": ["A=1"], "Cmd": ["/bin/sh"], "Labels": {"k": "v"}, "User": ""}
    return packed(
        {"os": "linux", "architecture": "amd64", "config": inner, "rootfs": {"type": "layers", "diff_ids": diff_ids}, **changes}
    )


def manifest(configuration: bytes, *blobs: bytes) -> bytes:
    found = [{"digest": name(b), "size": len(b)} for b in blobs]
    return packed({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": name(configuration)}, "layers": found})


def index(**platforms: bytes) -> bytes:
    found = [{"digest": name(m), "platform": {"os": "linux", "architecture": a}} for a, m in platforms.items()]
    return packed({"schemaVersion": 2, "mediaType": INDEX, "manifests": found})


def listed(*tops: bytes, names: tuple[str, ...] = ()) -> bytes:
    notes = [{"annotations": {"org.opencontainers.image.ref.name": n}} for n in names] or [{} for _ in tops]
    return packed({"manifests": [{"digest": name(t), **note} for t, note in zip(tops, notes, strict=True)]})


def layout(folder: Path, root: bytes, *blobs: bytes) -> str:
    (folder / "blobs/sha256").mkdir(parents=True)
    (folder / "index.json").write_bytes(root)
    for blob in blobs:
        (folder / "blobs/sha256" / hashlib.sha256(blob).hexdigest()).write_bytes(blob)
    return str(folder)


def archive(path: Path, files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> str:
    with tarfile.open(path, "w") as tar:
        for file, content in files.items():
            member = tarfile.TarInfo(file)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for file, target in (links or {}).items():
            member = tarfile.TarInfo(file)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return str(path)


CONFIG = config(DIFF)
PLAIN = manifest(CONFIG, LAYER)
FACTS = {
    "config": name(CONFIG),
    "diff_ids": (DIFF,),
    "settings": {"Env": '["A=1"]', "Cmd": '["/bin/sh"]'},
    "platform": "linux/amd64",
}


def test_a_layout_of_one_image_needs_no_name(tmp_path: Path) -> None:
    where = layout(tmp_path / "x", listed(PLAIN, names=("v1",)), PLAIN, CONFIG, LAYER)
    assert facts_of_layout(where) == ImageFacts("v1", manifest=name(PLAIN), source=f"OCI layout {where}", **FACTS)
    assert check_layers(where) == ()
    assert [file.read() for file in layers(where)] == [LAYER]


def test_an_index_is_followed_to_this_machine_s_manifest(tmp_path: Path) -> None:
    other = manifest(config(architecture="s390x"))
    both = index(s390x=other, amd64=PLAIN)
    where = layout(tmp_path / "x", listed(both), both, other, PLAIN, CONFIG, LAYER)
    found = facts_of_layout(where, "lab/app:1", platform="linux/amd64")
    assert found == ImageFacts("lab/app:1", index=name(both), manifest=name(PLAIN), source=f"OCI layout {where}", **FACTS)
    alien = facts_of_layout(where, platform="linux/riscv64")
    assert (alien.index, alien.manifest) == (name(both), "")
    assert alien.source == f"OCI layout {where}; no manifest for linux/riscv64 in the index"


def test_an_attestation_is_no_image_and_a_variant_is_near_enough(tmp_path: Path) -> None:
    entry = {"digest": name(PLAIN), "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}}
    signed = {"digest": name(b"x"), "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    both = packed({"mediaType": INDEX, "manifests": [signed, entry]})
    found = facts_of(both, {name(PLAIN): PLAIN, name(CONFIG): CONFIG}.__getitem__, platform="linux/arm64")
    assert found.manifest == name(PLAIN)
    where = layout(tmp_path / "x", packed({"manifests": [signed, {"digest": name(PLAIN)}]}), PLAIN, CONFIG, LAYER)
    assert facts_of_layout(where).manifest == name(PLAIN)


def test_of_several_images_the_name_chooses(tmp_path: Path) -> None:
    second = manifest(config(DIFF, created="later"), LAYER)
    where = layout(tmp_path / "x", listed(PLAIN, second, names=("docker.io/lab/a:1", "b")), PLAIN, second, CONFIG, LAYER)
    assert facts_of_layout(where, "lab/a:1").manifest == name(PLAIN)
    with pytest.raises(BadImage, match=r"2 images: say which \(b, docker.io/lab/a:1\)"):
        facts_of_layout(where)


def test_docker_s_older_archive_has_a_configuration_and_no_manifest_is_made_up(tmp_path: Path) -> None:
    files = {f"{name(CONFIG)[7:]}.json": CONFIG, "1/layer.tar": LAYER}
    head = packed([{"Config": f"{name(CONFIG)[7:]}.json", "RepoTags": ["lab/app:1"], "Layers": ["2/layer.tar"]}])
    where = archive(tmp_path / "x.tar", {**files, "manifest.json": head}, {"2/layer.tar": "../1/layer.tar"})
    assert facts_of_archive(where) == ImageFacts("lab/app:1", source=f"archive {where} (docker save)", **FACTS)
    assert check_layers(where) == ()


def test_an_oci_archive_is_a_layout_in_a_tar_and_packed_layers_are_unpacked_in_the_stream(tmp_path: Path) -> None:
    squeezed = gzip.compress(LAYER[:5]) + gzip.compress(LAYER[5:])  # several members are one gzip file
    top = manifest(CONFIG, squeezed)
    files = {"./index.json": listed(top), **{f"blobs/sha256/{name(b)[7:]}": b for b in (top, CONFIG, squeezed)}}
    where = archive(tmp_path / "x.tar", files)
    assert facts_of_archive(where).manifest == name(top)
    assert check_layers(where) == ()


def test_an_image_of_two_hundred_layers_is_an_image(tmp_path: Path) -> None:
    tars = [b"%d" % n for n in range(200)]
    many = config(*(name(t) for t in tars))
    top = manifest(many, *tars)
    where = layout(tmp_path / "x", listed(top), top, many, *tars)
    assert len(facts_of_layout(where).diff_ids) == 200
    assert check_layers(where) == ()


def test_a_layer_with_other_bytes_is_found_by_its_digest(tmp_path: Path) -> None:
    where = layout(tmp_path / "x", listed(PLAIN), PLAIN, CONFIG, LAYER)
    Path(where, "blobs/sha256", DIFF[7:]).write_bytes(b"another tar!!")
    with pytest.raises(BadImage, match=f"the layer {DIFF} has other bytes"):
        check_layers(where)


def test_a_zstd_layer_is_unpacked_in_the_stream(tmp_path: Path) -> None:
    zstd = pytest.importorskip("backports.zstd")
    squeezed = zstd.compress(LAYER)
    top = manifest(CONFIG, squeezed)
    assert check_layers(layout(tmp_path / "x", listed(top), top, CONFIG, squeezed)) == ()


@pytest.mark.parametrize("squeezed", [gzip.compress(LAYER)[:-9], b"\x1f\x8b\x08 rest", b"\x28\xb5\x2f\xfd rest"])
def test_a_damaged_layer_is_refused(tmp_path: Path, squeezed: bytes) -> None:
    pytest.importorskip("backports.zstd")
    top = manifest(CONFIG, squeezed)
    with pytest.raises(BadImage, match="a layer is damaged"):
        check_layers(layout(tmp_path / "x", listed(top), top, CONFIG, squeezed))


WIDE = config(*[DIFF] * 1001)
LIES: dict[str, tuple[bytes, tuple[bytes, ...], str]] = {
    "a manifest that is not there": (listed(PLAIN), (), "is named and not there"),
    "no image": (listed(), (), "no image in the layout"),
    "a name that leaves the folder": (packed({"manifests": [{"digest": "sha256:../../../etc/passwd"}]}), (), "no sha256 digest"),
    "an index without a list": (packed({"manifests": 7}), (), "without a list of manifests"),
    "not JSON": (b"[" * 100_000, (), "not JSON"),
    "not an object": (b"[]", (), "not a JSON object"),
    "a schema 1 manifest": (listed(packed({"fsLayers": []})), (packed({"fsLayers": []}),), "neither an index nor a manifest"),
    "layers that are no digests": (listed(manifest(config("x"))), (manifest(config("x")), config("x")), "not named by sha256"),
    "far too many layers": (listed(manifest(WIDE)), (manifest(WIDE), WIDE), "not named by sha256"),
    "fewer layers than named": (listed(manifest(CONFIG)), (manifest(CONFIG), CONFIG), "0 layers, its configuration 1"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_layout_that_lies_is_refused_with_the_reason(tmp_path: Path, lie: str) -> None:
    root, blobs, reason = LIES[lie]
    where = layout(tmp_path / "x", root, *blobs)
    with pytest.raises(BadImage, match=reason):
        facts_of_layout(where)


def test_a_blob_under_a_foreign_digest_is_refused(tmp_path: Path) -> None:
    where = layout(tmp_path / "x", listed(PLAIN))
    Path(where, "blobs/sha256", name(PLAIN)[7:]).write_bytes(manifest(config()))
    with pytest.raises(BadImage, match="have another digest"):
        facts_of_layout(where)


def test_a_missing_configuration_leaves_what_only_it_knows_empty(tmp_path: Path) -> None:
    where = layout(tmp_path / "x", listed(PLAIN), PLAIN)
    found = facts_of_layout(where)
    assert (found.manifest, found.config, found.diff_ids) == (name(PLAIN), name(CONFIG), ())
    assert found.source.endswith("; the configuration is not there")


def test_indexes_in_indexes_end(tmp_path: Path) -> None:
    inner = PLAIN
    blobs = {name(CONFIG): CONFIG}
    for _ in range(4):
        blobs[name(inner)] = inner
        inner = packed({"mediaType": INDEX, "manifests": [{"digest": name(inner)}]})
    with pytest.raises(BadImage, match="an index within"):
        facts_of(inner, blobs.__getitem__)


def test_a_pipe_in_a_layout_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "index.json")
    with pytest.raises(BadImage, match="is not a file"):
        facts_of_layout(str(tmp_path))


@pytest.mark.parametrize(
    ("files", "links", "reason"),
    [
        ({"other": b""}, {}, "no image"),
        ({"manifest.json": b"{}"}, {}, "0 images in the archive"),
        ({"manifest.json": packed([{"Config": "../../etc/passwd"}])}, {}, "named and not there"),
        ({"manifest.json": packed([{}, {}])}, {}, "2 images in the archive, and no name does not choose one"),
        ({}, {"manifest.json": "manifest.json"}, "a link to links"),
        ({}, {"manifest.json": "../../../etc/passwd"}, "no image"),
    ],
)
def test_an_archive_that_lies_is_refused_with_the_reason(
    tmp_path: Path, files: dict[str, bytes], links: dict[str, str], reason: str
) -> None:
    with pytest.raises(BadImage, match=reason):
        facts_of_archive(archive(tmp_path / "x.tar", files, links))


def test_an_archive_that_is_squeezed_or_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(b"tar"))
    with pytest.raises(BadImage, match="unpack it with gunzip"):
        facts_of_archive(str(tmp_path / "x.tar.gz"))
    (tmp_path / "x.tar").write_bytes(b"\xff" * 1024)
    with pytest.raises(BadImage, match="not a readable tar"):
        facts_of_archive(str(tmp_path / "x.tar"))


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(at=st.integers(0, 4000), value=st.integers(0, 255), cut=st.integers(0, 6000))
def test_a_damaged_archive_is_an_image_or_a_bad_one_and_nothing_else(
    at: int, value: int, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    files = {"index.json": listed(PLAIN), **{f"blobs/sha256/{name(b)[7:]}": b for b in (PLAIN, CONFIG, LAYER)}}
    raw = bytearray(Path(archive(folder / "x.tar", files)).read_bytes())
    raw[at] = value
    (folder / "y.tar").write_bytes(raw[: len(raw) - cut])
    try:
        facts = facts_of_archive(str(folder / "y.tar"))
        check_layers(str(folder / "y.tar"))
    except BadImage:
        return
    assert facts.diff_ids == (DIFF,)
