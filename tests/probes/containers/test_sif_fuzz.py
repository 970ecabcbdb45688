"""Does a damaged or lying image ever do more than be refused? Real images of siftool and mksquashfs, bytes changed in every place."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import struct
import subprocess
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.world import RealWorld
from probes.containers.compressed import Unreadable
from probes.containers.limits import Limits
from probes.containers.sifformat import NotSif
from probes.containers.sifread import read, sboms
from probes.containers.squashfs import Squashfs
from probes.containers.treehash import of_layers, of_sif
from tests.needs import need
from tests.probes.containers import test_sifformat as sifs

WORLD = RealWorld(env={"PATH": ""})
FEW = Limits(bytes=64 << 20, seconds=10, entries=10_000)
TABLE, DESCRIPTOR = 4096, 585


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe, a root file system, a parts list and a note, as siftool packs them."""
    need(*[tool for tool in ("siftool", "mksquashfs") if not shutil.which(tool)])
    work = tmp_path_factory.mktemp("fuzz")
    root = work / "root"
    (root / ".singularity.d").mkdir(parents=True)
    (root / ".singularity.d/labels.json").write_text('{"a": "b"}')
    (root / "link").symlink_to("a/large")
    (root / "a").mkdir()
    (root / "a/large").write_bytes(random.Random(1).randbytes(40_000) + bytes(20_000))
    for number in range(20):
        (root / f"a/{number}").write_text(str(number) * 100)
    (work / "recipe").write_text("Bootstrap: docker\nFrom: busybox\n%labels\n a b\n")
    (work / "parts.json").write_text('{"bomFormat": "CycloneDX"}')
    (work / "inspect-metadata.json").write_text('{"data": {"attributes": {"labels": {}}}}')
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": work}
    subprocess.run(["mksquashfs", "root", "root.sqfs", "-quiet", "-no-progress", "-b", "16K"], **quiet)
    subprocess.run(["siftool", "new", "x.sif"], **quiet)
    for arguments in (
        ["--datatype", "1", "x.sif", "recipe"],
        ["--datatype", "4", "--partfs", "1", "--parttype", "2", "--partarch", "2", "x.sif", "root.sqfs"],
        ["--datatype", "6", "x.sif", "inspect-metadata.json"],
        ["--datatype", "9", "--sbomformat", "cyclonedx-json", "x.sif", "parts.json"],
    ):
        subprocess.run(["siftool", "add", "--groupid", "1", *arguments], **quiet)
    return work / "x.sif"


def looked_at(path: Path) -> None:
    """Everything that reads an image; what it may say of a bad one is that it is bad."""
    try:
        read(WORLD, str(path))
        list(sboms(WORLD, str(path)))
    except NotSif:
        pass
    with contextlib.suppress(NotSif, Unreadable, OSError):
        of_sif(WORLD, str(path), FEW)


def test_the_whole_image_is_read(image: Path) -> None:
    found = read(WORLD, str(image))
    assert (found.labels, found.base, found.fs_type) == ({"a": "b"}, "busybox", "squashfs")
    assert [(one.format, raw) for one, raw in sboms(WORLD, str(image))] == [("cyclonedx-json", b'{"bomFormat": "CycloneDX"}')]
    assert of_sif(WORLD, str(image)).startswith("sha256:")


INTERESTING = st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_changed_bytes_are_refused_or_read_and_nothing_else_happens(image: Path, data: st.DataObject) -> None:
    content = bytearray(image.read_bytes())
    partition = 36864 if len(content) > 36864 else 0
    places = (
        st.integers(0, 127)
        | st.integers(TABLE, TABLE + 5 * DESCRIPTOR)
        | st.integers(partition, min(len(content), partition + 96) - 1)
        | st.integers(0, len(content) - 1)
    )
    for at, value in data.draw(st.lists(st.tuples(places, INTERESTING), min_size=1, max_size=8)):
        content[at] = value
    cut = data.draw(st.none() | st.integers(0, len(content)))
    path = image.with_name("changed.sif")
    path.write_bytes(content[:cut])
    looked_at(path)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_signatures_and_an_oci_image_with_changed_bytes_are_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    work = tmp_path_factory.getbasetemp()
    if data.draw(st.booleans()):
        path, *_ = sifs.oci_sif(work / "oci.sif", b"hsqs no more")
    else:
        extra = struct.pack("<i256s", 1, bytes(20))
        signatures = [(sifs.SIGNATURE, text, extra, "") for text in (sifs.CAPTURED, sifs.DSSE)]
        path = sifs.sif(work / "signed.sif", (sifs.DEFFILE, sifs.RECIPE, b"", ""), *signatures, links={2: 0xF0000001, 3: 1})
    content = bytearray(path.read_bytes())
    places = st.integers(TABLE, TABLE + 4 * DESCRIPTOR) | st.integers(TABLE + 48 * DESCRIPTOR, len(content) - 1)
    for at, value in data.draw(st.lists(st.tuples(places, INTERESTING), min_size=1, max_size=8)):
        content[at] = value
    path.write_bytes(content)
    looked_at(path)


@pytest.mark.parametrize("compression", ["gzip", "xz", "zstd", "lzo", "lz4"])
def test_a_file_system_with_changed_bytes_is_refused_or_read(image: Path, compression: str) -> None:
    """Its lists of folders and inodes lie at the end, stored as they are: every byte of theirs is changed in turn."""
    plain = image.with_name(f"{compression}.sqfs")
    plain.unlink(missing_ok=True)
    argv = ["mksquashfs", image.with_name("root"), plain, "-quiet", "-b", "16K", "-comp", compression, "-noI", "-noF"]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    content = plain.read_bytes()
    (lists,) = struct.unpack_from("<Q", content, 64)
    changed = image.with_name("changed.sqfs")
    chance = random.Random(7)
    for at in [*range(96), *range(lists, len(content), 3)]:
        damaged = bytearray(content)
        damaged[at] = chance.choice((0, 1, 0x7F, 0xFF, damaged[at] ^ 1, damaged[at] ^ 0x80))
        changed.write_bytes(damaged)
        with contextlib.suppress(Unreadable, NotSif, OSError):
            of_sif(WORLD, str(changed), FEW)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 4095), INTERESTING), min_size=1, max_size=6))
def test_a_layer_with_changed_bytes_is_refused_or_read(changes: list[tuple[int, int]]) -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as out:
        for name in ("a", "long" * 40, "b"):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = 5, 1.5
            out.addfile(member, io.BytesIO(b"12345"))
    content = bytearray(raw.getvalue())
    for at, value in changes:
        content[at] = value
    with contextlib.suppress(Unreadable, OSError):
        of_layers([io.BytesIO(content)], FEW)


def lie(image: Path, index: int, field: int, value: int) -> Path:
    """A copy in which one number of one descriptor is another. field: 0 offset, 1 size."""
    content = bytearray(image.read_bytes())
    struct.pack_into("<q", content, TABLE + index * DESCRIPTOR + 17 + 8 * field, value)
    path = image.with_name("lie.sif")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("value", [-1, 1 << 31, 1 << 40, (1 << 63) - 1])
@pytest.mark.parametrize("field", [0, 1])
@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_a_lie_about_size_or_place_allocates_nothing(image: Path, index: int, field: int, value: int) -> None:
    path = lie(image, index, field, value)
    tracemalloc.start()
    try:
        with pytest.raises(NotSif, match="lies outside the file"):
            read(WORLD, str(path))
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_objects_that_share_bytes_or_an_id_are_refused(image: Path) -> None:
    """If each of 4,096 objects were the whole file, hashing them would take hours."""
    with pytest.raises(NotSif, match="lies over another"):
        read(WORLD, str(lie(image, 0, 0, 36864)))
    content = bytearray(image.read_bytes())
    struct.pack_into("<I", content, TABLE + 5, 2)
    image.with_name("lie.sif").write_bytes(content)
    with pytest.raises(NotSif, match="two objects have one id"):
        read(WORLD, str(image.with_name("lie.sif")))


def test_a_file_that_claims_to_be_huge_stops_at_the_limit(tmp_path: Path, image: Path) -> None:
    """Zeros take no room in a squashfs, however many there are."""
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(128 << 20)
    squashfs = tmp_path / "x.sqfs"
    subprocess.run(["mksquashfs", tmp_path / "huge", squashfs, "-quiet"], check=True, stdout=subprocess.DEVNULL)
    assert squashfs.stat().st_size < 1 << 20
    with pytest.raises(OSError, match="holds more than 67108864 bytes"):
        of_sif(WORLD, str(squashfs), FEW)


def test_a_file_system_that_is_cut_says_so_wherever_it_is_cut(image: Path, tmp_path: Path) -> None:
    whole = image.with_name("root.sqfs").read_bytes()
    (end,) = struct.unpack_from("<Q", whole, 40)
    for length in range(0, end - 100, 997):
        with pytest.raises(Unreadable):
            image_of = Squashfs(lambda at, n, length=length: whole[:length][at : at + n])  # type: ignore[misc]
            for _, inode in image_of.walk():
                if inode.kind == "file":
                    list(image_of.content(inode))


def test_an_image_that_is_gone_meanwhile_is_said(image: Path, tmp_path: Path) -> None:
    class Going(RealWorld):
        """The file is removed after the first reading of a part."""

        def span(self, path: str, start: int, length: int) -> bytes:
            raw = super().span(path, start, length)
            if start >= TABLE:
                os.unlink(path)
            return raw

    path = shutil.copy(image, tmp_path / "x.sif")
    with pytest.raises(FileNotFoundError):
        read(Going(env={}), str(path))
