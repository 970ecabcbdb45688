"""Do a folder, a squashfs and a stack of layers with the same files have the same tree hash, and others another one?"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import BinaryIO

import pytest

from auditor.world import RealWorld, TooBig
from probes.containers.compressed import Unreadable, unpacker
from probes.containers.limits import Limits
from probes.containers.treehash import of_folder, of_layers, of_sif
from tests.needs import need

Entry = tuple[str, bytes | str | None]
"""A path, and: content, the target of a link (text), or None for a folder. `name*`: executable."""


def tar(*entries: Entry, **more: tarfile.TarInfo) -> BinaryIO:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as out:
        for name, what in entries:
            member = tarfile.TarInfo(name.rstrip("*"))
            member.mode = 0o755 if name.endswith("*") else 0o600
            if what is None:
                member.type = tarfile.DIRTYPE
            elif isinstance(what, str):
                member.type, member.linkname = tarfile.SYMTYPE, what
            else:
                member.size = len(what)
            out.addfile(member, io.BytesIO(what) if isinstance(what, bytes) else None)
        for member in more.values():
            out.addfile(member)
    raw.seek(0)
    return raw


def hard(name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.LNKTYPE, target
    return member


def only(*entries: Entry) -> str:
    """The tree hash of these files and nothing else."""
    return of_layers([tar(*entries)])


def test_the_rules_can_be_computed_by_anybody() -> None:
    """`path NUL kind NUL what NUL`, sorted by path."""
    content = hashlib.sha256(b"hello").hexdigest()
    text = f"a\0f\0{content}\0bin/run\0x\0{content}\0link\0l\0bin/run\0"
    expected = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    assert only(("link", "bin/run"), ("bin/run*", b"hello"), ("a", b"hello")) == expected


def fill(root: Path) -> None:
    """Small, empty, larger than a block, executable, links to inside, outside and nowhere, a hard link, a name that is not UTF-8."""
    (root / "bin").mkdir(parents=True)
    (root / "bin/run").write_bytes(b"#!/bin/sh\n" * 30)
    (root / "bin/run").chmod(0o755)
    (root / "empty").write_bytes(b"")
    (root / "large").write_bytes(bytes(300_000) + os.urandom(300_001))
    os.link(root / "large", root / "again")
    (root / "link").symlink_to("bin/run")
    (root / "out").symlink_to("/etc/passwd")
    (root / "nowhere").symlink_to("gone")
    (root / "hollow/below").mkdir(parents=True)
    Path(os.fsdecode(bytes(root) + b"/\xff\xfe")).write_bytes(b"odd")
    for number in range(300):
        (root / "many").mkdir(exist_ok=True)
        (root / f"many/{number}").write_text(str(number))


def scaffolding(root: Path) -> None:
    """What runtimes put into a root file system."""
    (root / ".singularity.d").mkdir()
    (root / ".singularity.d/labels.json").write_text("{}")
    (root / "environment").symlink_to(".singularity.d/env/90-environment.sh")
    (root / ".dockerenv").write_text("")
    (root / "etc").mkdir()
    (root / "etc/hosts").write_text("127.0.0.1 here")
    (root / "dev").mkdir()
    (root / "dev/console").write_text("")


@pytest.mark.parametrize("compression", ["gzip", "xz", "lzma", "zstd", "lzo", "lz4"])
def test_a_folder_a_squashfs_and_layers_agree(tmp_path: Path, compression: str) -> None:
    need(*[tool for tool in ("mksquashfs",) if not shutil.which(tool)])
    fill(tmp_path / "root")
    image = tmp_path / "x.sqfs"
    subprocess.run(
        ["mksquashfs", tmp_path / "root", image, "-quiet", "-comp", compression], check=True, stdout=subprocess.DEVNULL
    )
    with tarfile.open(tmp_path / "x.tar", "w") as out:
        out.add(tmp_path / "root", ".")
    with (tmp_path / "x.tar").open("rb") as layer:
        from_layers = of_layers([layer])
    from_folder = of_folder(RealWorld(), str(tmp_path / "root"))
    assert (from_folder, of_sif(RealWorld(), str(image))) == (from_layers, from_layers)
    scaffolding(tmp_path / "root")
    assert of_folder(RealWorld(), str(tmp_path / "root")) == from_layers
    (tmp_path / "root/empty").write_bytes(b"1")
    assert of_folder(RealWorld(), str(tmp_path / "root")) != from_layers


@pytest.mark.parametrize(
    "other",
    [
        [("a", b"other"), ("l", "a")],
        [("a*", b"text"), ("l", "a")],
        [("a", b"text"), ("l", "b")],
        [("b", b"text"), ("l", "a")],
        [("a", b"text")],
        [("a", b"text"), ("l", b"a")],
    ],
)
def test_content_name_target_and_the_right_to_run_count(other: list[Entry]) -> None:
    assert only(*other) != only(("a", b"text"), ("l", "a"))


def test_folders_devices_and_packing_do_not_count() -> None:
    device = tarfile.TarInfo("dev0")
    device.type = tarfile.CHRTYPE
    raw = tar(("./x/", None), ("/x/a", b"text"), more=device).read()
    assert of_layers([io.BytesIO(raw)]) == only(("x/a", b"text"))
    assert of_layers([io.BytesIO(gzip.compress(raw))]) == only(("x/a", b"text"))


def test_a_layer_packed_with_zstd_is_read() -> None:
    zstd = pytest.importorskip("backports.zstd")
    raw = tar(("a", b"text")).read()
    assert of_layers([io.BytesIO(zstd.compress(raw))]) == only(("a", b"text"))


@pytest.mark.parametrize(
    ("layers", "left"),
    [
        ([[("a", b"1")], [("a", b"2")]], [("a", b"2")]),
        ([[("d/a", b"1"), ("b", b"1")], [("d/.wh.a", b"")]], [("b", b"1")]),
        ([[("d/e/a", b"1"), ("d/b", b"1")], [(".wh.d", b""), ("c", b"3")]], [("c", b"3")]),
        ([[("d/a", b"1"), ("d/e/b", b"1")], [("d/c", b"3"), ("d/.wh..wh..opq", b"")]], [("d/c", b"3")]),
        ([[("a", b"1")], [(".wh.a", b""), ("a", b"2")]], [("a", b"2")]),
        ([[("a", b"1")], [("a", b"2"), (".wh.a", b"")]], [("a", b"2")]),
        ([[("a", b"1")], [(".wh.a", b"")], [("a", b"3")]], [("a", b"3")]),
        ([[("d/a", b"1")], [("d", b"now a file")]], [("d", b"now a file")]),
        ([[("d", b"a file")], [("d/", None), ("d/a", b"1")]], [("d/a", b"1")]),
        ([[("d", "/e")], [("d/", None), ("d/a", b"1")]], [("d/a", b"1")]),
        ([[("a", b"1"), ("a", b"2")]], [("a", b"2")]),
        ([[("a", b"1"), ("a/b", b"2")]], [("a/b", b"2")]),
        (
            [[("usr/lib/x", b"1"), ("lib", "usr/lib")], [("lib/y", b"2")]],
            [("usr/lib/x", b"1"), ("usr/lib/y", b"2"), ("lib", "usr/lib")],
        ),
        ([[("in/x", b"1"), ("up", "../../../in")], [("up/y", b"2")]], [("in/x", b"1"), ("in/y", b"2"), ("up", "../../../in")]),
        ([[("loop", "loop")], [("loop/y", b"2")]], [("loop/y", b"2")]),
    ],
    ids=(
        "replaced hidden folder-hidden opaque new-one-stays in-any-order back-again folder-to-file file-to-folder link-to-folder last-wins"
        " last-wins-below through-a-link no-higher-than-the-root loop"
    ).split(),
)
def test_layers_are_applied_as_the_specification_says(layers: list[list[Entry]], left: list[Entry]) -> None:
    assert of_layers([tar(*layer) for layer in layers]) == only(*left)


def test_a_hard_link_is_the_file_it_links_to_in_this_layer_or_a_lower_one() -> None:
    assert of_layers([tar(("a", b"1"), more=hard("b", "./a"))]) == only(("a", b"1"), ("b", b"1"))
    assert of_layers([tar(("a", b"1")), tar(more=hard("b", "/a"))]) == only(("a", b"1"), ("b", b"1"))
    with pytest.raises(Unreadable, match="layer 1: a hard link to what is not there"):
        of_layers([tar(more=hard("b", "gone"))])


def test_two_hundred_layers_are_one_tree() -> None:
    layers = [tar((f"file{n % 50}", str(n).encode()), (f"only{n}", b"")) for n in range(200)]
    last = [(f"file{n % 50}", str(n).encode()) for n in range(150, 200)]
    assert of_layers(layers) == only(*last, *[(f"only{n}", b"") for n in range(200)])


@pytest.mark.parametrize("name", ["../etc/passwd", "a/../../b", "/.."])
def test_a_path_that_leaves_the_image_is_refused(name: str) -> None:
    with pytest.raises(Unreadable, match="leaves the image"):
        of_layers([tar((name, b""))])


def test_what_is_cut_short_is_never_hashed_as_if_it_were_whole() -> None:
    raw = tar(("a", b"1" * 2000), ("b", b"2")).read()
    packed = gzip.compress(raw)
    for length in range(0, 4096, 256):
        with pytest.raises(Unreadable):
            of_layers([io.BytesIO(raw[:length])])
    for length in range(len(packed)):
        with pytest.raises(Unreadable):
            of_layers([io.BytesIO(packed[:length])])


def test_a_header_that_lies_of_its_size_costs_nothing() -> None:
    member = tarfile.TarInfo("././@PaxHeader")
    member.type, member.size = tarfile.XHDTYPE, 1 << 40
    with pytest.raises(Unreadable, match="a head of"):
        of_layers([io.BytesIO(member.tobuf(tarfile.GNU_FORMAT) + bytes(4096))])


def test_a_bomb_stops_at_the_limit() -> None:
    bomb = gzip.compress(tar(("zeros", bytes(8 << 20))).read())
    with pytest.raises(TooBig, match="more than 1048576 bytes"):
        of_layers([io.BytesIO(bomb)], Limits(bytes=1 << 20))
    with pytest.raises(TooBig, match="more than 2 files"):
        of_layers([tar(("a", b""), ("b", b""), ("c", b""))], Limits(entries=2))
    with pytest.raises(TimeoutError):
        of_layers([tar(("a", b""))], Limits(seconds=-1))


def test_a_folder_that_is_gone_is_said() -> None:
    with pytest.raises(FileNotFoundError):
        of_folder(RealWorld(), "/nowhere/at/all")


@pytest.mark.parametrize(
    ("compression", "reason"),
    [
        ("zstd", "pip install 'run-auditor\\[zstd\\]'"),
        ("method 9", "compressed with method 9, which is not read here"),
    ],
)
def test_a_compression_that_cannot_be_read_here_is_named(compression: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("compression", "backports", "backports.zstd"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Unreadable, match=reason):
        unpacker(compression)


@pytest.mark.parametrize("compression", ["gzip", "xz", "zstd", "lzo", "lz4"])
@pytest.mark.parametrize("block", [b"", b"\0", b"\xff" * 9000, b"\x11" * 100])
def test_a_block_that_is_damaged_is_refused_by_each(compression: str, block: bytes) -> None:
    unpack = unpacker(compression)
    with contextlib.suppress(Unreadable):
        assert len(unpack(block, 8192)) <= 8192
