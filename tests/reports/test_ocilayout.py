"""Does what an engine saves become an image layout with the very bytes that ran? Archives written here as engines write them."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from probes.containers.layout import facts_of_layout
from reports.archive.ocilayout import Blob, NotAnImage, from_archive, from_folder

LAYER = b"layer one" * 100
CONFIG = json.dumps(
    {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(LAYER).hexdigest()}"]},
    }
).encode()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def archive(path: Path, files: dict[str, bytes], links: dict[str, str] | None = None) -> str:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return str(path)


def classic(**changes: bytes) -> dict[str, bytes]:
    """As Docker's classic store saves an image: named by ids, no manifest."""
    listed = json.dumps([{"Config": f"{sha(CONFIG)}.json", "RepoTags": None, "Layers": ["abc/layer.tar"]}]).encode()
    return {f"{sha(CONFIG)}.json": CONFIG, "abc/layer.tar": LAYER, "manifest.json": listed, **changes}


def put(blobs: tuple[Blob, ...], folder: Path) -> Path:
    for blob in blobs:
        (folder / blob.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / blob.path).write_bytes(Path(blob.source).read_bytes() if blob.source else blob.data)
    return folder


def test_configuration_and_layers_of_a_classic_store_keep_their_digests(tmp_path: Path) -> None:
    blobs = from_archive(archive(tmp_path / "a.tar", classic()), str(tmp_path))
    facts = facts_of_layout(str(put(blobs, tmp_path / "layout")))
    assert (facts.config, facts.diff_ids, facts.platform) == (
        f"sha256:{sha(CONFIG)}",
        (f"sha256:{sha(LAYER)}",),
        "linux/amd64",
    )
    assert [(b.size, b.sha256) for b in blobs if b.source] == [
        (b.size, sha((tmp_path / "layout" / b.path).read_bytes())) for b in blobs if b.source
    ]


def test_the_same_image_makes_the_same_bytes_whatever_its_layers_are_called(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    other = classic()
    other["xyz/layer.tar"] = other.pop("abc/layer.tar")
    other["manifest.json"] = other["manifest.json"].replace(b"abc", b"xyz")
    one = from_archive(archive(tmp_path / "a.tar", classic()), str(tmp_path / "one"))
    two = from_archive(archive(tmp_path / "b.tar", other), str(tmp_path / "two"))
    assert [(b.path, b.data, b.sha256) for b in one] == [(b.path, b.data, b.sha256) for b in two]


def test_a_layer_that_is_a_link_within_the_archive_is_followed(tmp_path: Path) -> None:
    files = classic()
    layer = files.pop("abc/layer.tar")
    path = archive(tmp_path / "a.tar", {**files, "def/layer.tar": layer}, {"abc/layer.tar": "../def/layer.tar"})
    assert sha(LAYER) in {b.sha256 for b in from_archive(path, str(tmp_path))}


def modern(manifest: bytes) -> dict[str, bytes]:
    """As Docker from 25 on saves an image: a layout, and the old list beside it."""
    index = {"schemaVersion": 2, "manifests": [{"digest": f"sha256:{sha(manifest)}", "size": len(manifest)}]}
    listed = [{"Config": f"blobs/sha256/{sha(CONFIG)}", "RepoTags": None, "Layers": [f"blobs/sha256/{sha(LAYER)}"]}]
    blobs = {f"blobs/sha256/{sha(data)}": data for data in (CONFIG, LAYER, manifest)}
    return {**blobs, "index.json": json.dumps(index).encode(), "manifest.json": json.dumps(listed).encode()}


def manifest(kind: str = "application/vnd.oci.image.manifest.v1+json") -> bytes:
    layers = [{"digest": f"sha256:{sha(LAYER)}", "size": len(LAYER)}]
    return json.dumps({"mediaType": kind, "config": {"digest": f"sha256:{sha(CONFIG)}"}, "layers": layers}).encode()


def test_a_manifest_that_the_archive_has_is_kept_byte_for_byte(tmp_path: Path) -> None:
    blobs = from_archive(archive(tmp_path / "a.tar", modern(manifest())), str(tmp_path))
    assert facts_of_layout(str(put(blobs, tmp_path / "layout"))).manifest == f"sha256:{sha(manifest())}"


def test_what_a_registry_s_client_fetched_is_kept_byte_for_byte(tmp_path: Path) -> None:
    kept = manifest("application/vnd.docker.distribution.manifest.v2+json")
    (tmp_path / "fetched").mkdir()
    for name, data in {"manifest.json": kept, sha(CONFIG): CONFIG, sha(LAYER): LAYER, "version": b"1"}.items():
        (tmp_path / "fetched" / name).write_bytes(data)
    blobs = from_folder(str(tmp_path / "fetched"))
    assert facts_of_layout(str(put(blobs, tmp_path / "layout"))).manifest == f"sha256:{sha(kept)}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"manifest.json": b"[]"}, "is not an image"),
        ({"manifest.json": b"nonsense"}, "is not an image"),
        ({"manifest.json": b'[{"Config": "gone.json", "Layers": []}]'}, "is not an image"),
        ({"manifest.json": b'[{"Config": 7, "Layers": 7}]'}, "is not an image"),
        ({"manifest.json": b"[" * 100_000}, "is not an image"),
        ({"manifest.json": b" " * (5 << 20)}, "larger than"),
    ],
)
def test_an_archive_that_is_none_is_refused_in_one_sentence(tmp_path: Path, change: dict[str, bytes], message: str) -> None:
    with pytest.raises(NotAnImage, match=message):
        from_archive(archive(tmp_path / "a.tar", classic(**change)), str(tmp_path))


def test_an_archive_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = Path(archive(tmp_path / "a.tar", {**classic(), "big": b"x" * 100_000}))
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(NotAnImage, match="is not an image"):
        from_archive(str(path), str(tmp_path))


def test_a_blob_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    files = modern(manifest())
    files[f"blobs/sha256/{sha(LAYER)}"] = b"another"
    with pytest.raises(NotAnImage, match="does not hash to its name"):
        from_archive(archive(tmp_path / "a.tar", files), str(tmp_path))
