"""Does `auditor image` tell of any two images on this machine how far they are the same, and does it end accordingly?"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from auditor.images import identify
from auditor.model import AuditError
from auditor.world import RealWorld
from probes.containers.treehash import RULES
from tests.needs import need
from tests.test_bad_input import auditor


def layout(folder: Path, *layers: bytes) -> Path:
    """An OCI layout of these layers."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    stored = [blob(layer) for layer in layers]
    config = blob(json.dumps({"os": "linux", "rootfs": {"diff_ids": [one["digest"] for one in stored]}}).encode())
    manifest = blob(json.dumps({"schemaVersion": 2, "config": config, "layers": stored}).encode())
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return folder


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """One set of files as a folder, a squashfs, an OCI layout and its archive; and another set."""
    need(*[tool for tool in ("mksquashfs",) if not shutil.which(tool)])
    (tmp_path / "folder/bin").mkdir(parents=True)
    (tmp_path / "folder/bin/run").write_text("#!/bin/sh\n")
    subprocess.run(["mksquashfs", "folder", "x.sqsh", "-quiet"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        tar.add(tmp_path / "folder", ".")
    layout(tmp_path / "layout", raw.getvalue())
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.add(tmp_path / "layout", ".")
    shutil.copytree(tmp_path / "folder", tmp_path / "other")
    (tmp_path / "other/bin/run").write_text("#!/bin/bash\n")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "level", "code"),
    [
        (["x.sqsh", "x.sqsh"], "byte-same", 0),
        (["layout", "x.tar"], "byte-same", 0),
        (["layout", "folder", "--files"], "same-files", 0),
        (["x.sqsh", "folder", "--files"], "same-files", 0),
        (["x.tar", "x.sqsh", "--files"], "same-files", 0),
        (["x.tar", "x.sqsh"], "unknown", 1),
        (["folder", "other"], "different", 1),
        (["x.sqsh", "other", "--files"], "different", 1),
    ],
)
def test_any_two_images_have_a_rung(images: Path, words: list[str], level: str, code: int) -> None:
    status, out, err = auditor("image", *words, cwd=images)
    assert (out.split(":")[0], status) == (level, code)
    assert err == ("auditor: with --files the files inside are compared\n" if level == "unknown" else "")


def test_what_identifies_one_is_printed_a_fact_a_line(images: Path) -> None:
    status, out, _ = auditor("image", "x.sqsh", "--files", cwd=images)
    facts = dict(line.split(maxsplit=1) for line in out.replace("tree rules", "rules").splitlines())
    digest = f"sha256:{hashlib.sha256((images / 'x.sqsh').read_bytes()).hexdigest()}"
    assert (status, facts["file"], facts["partition"], facts["rules"]) == (0, digest, digest, RULES)
    told = json.loads(auditor("image", "x.sqsh", "--json", cwd=images)[1])
    assert (told["file"], told["tree"]) == (digest, "")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("gone.sif", "no such image: gone.sif"),
        ("docker:lab/no:1", "docker does not have lab/no:1"),
        ("docker://lab/no:1", "docker://lab/no:1 is in a registry, and none is asked"),
        ("lab/no:1", "give a path, or docker:lab/no:1 for what an engine has"),
        ("text", "no SIF magic: not a Singularity image file; not a readable tar"),
        ("empty", "cut short: too little for a Singularity image"),
        ("layout", "a layer is named and not there"),
    ],
)
def test_what_is_no_image_is_one_line_and_a_hint(images: Path, what: str, message: str) -> None:
    (images / "text").write_text("no image\n" * 100)
    (images / "empty").write_text("")
    for blob in (images / "layout/blobs/sha256").iterdir():
        if blob.read_bytes()[:1] != b"{":
            blob.unlink()
    status, out, err = auditor("image", what, "--files", cwd=images)
    assert (status, out, err.count("\n")) == (2, "", 2)
    assert message in err


def test_nothing_is_written(images: Path) -> None:
    before = sorted(images.rglob("*"))
    with pytest.raises(AuditError):
        identify(RealWorld(env={}), str(images / "gone"))
    for name in ("x.sqsh", "x.tar", "layout", "folder"):
        identify(RealWorld(env={}), str(images / name), files=True)
    assert sorted(images.rglob("*")) == before


def test_layers_have_one_digest_together(tmp_path: Path) -> None:
    layout(tmp_path / "layout", b"one", b"two")
    _, out, _ = auditor("image", "layout", cwd=tmp_path)
    one, two = (f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in (b"one", b"two"))

    assert f"chain id    sha256:{hashlib.sha256(f'{one} {two}'.encode()).hexdigest()}\n" in out
