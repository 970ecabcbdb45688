"""What do the readers of data formats say of real files? `captured/` was made by the formats' own libraries (captured/make.py)."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from contextlib import suppress
from pathlib import Path

import h5py
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.model import Absent, Job
from auditor.world import RealWorld
from probes.formats import FormatFile, FormatFiles, Part, Unreadable, adios2, parquet, safetensors, shards, zarr
from probes.formats.candidates import Walk
from probes.formats.hdf5 import read as read_hdf5
from probes.formats.layout import collect, readers
from probes.formats.numpy_arrays import read as read_numpy
from probes.formats.thrift import Compact

CAPTURED = str(Path(__file__).parent / "captured")
WORLD = RealWorld(cwd=CAPTURED)


def test_a_parquet_file_tells_its_row_groups_and_codecs() -> None:
    assert parquet.read(WORLD, f"{CAPTURED}/rows.parquet") == FormatFile(
        f"{CAPTURED}/rows.parquet",
        "parquet",
        "parquet-cpp-arrow version 26.0.1",
        2276,
        parts=(Part("rows", (20, 2), "table", (5, 2), 4, 1059, 1024, ("zstd",)),),
        parts_total=1,
        closed=True,
    )


def test_a_zarr_store_counts_the_chunks_that_were_written() -> None:
    found = zarr.read(WORLD, f"{CAPTURED}/v2.zarr")
    assert (found.version, found.files, found.size) == ("2", 8, 655)
    assert found.parts == (Part("field", (40, 40), "<f4", (10, 20), 4, 320, 6400, ("blosc",)),)  # of 8: the rest is fill value


def test_a_zarr_store_of_version_3_tells_its_codecs() -> None:
    found = zarr.read(WORLD, f"{CAPTURED}/v3.zarr")
    assert found.parts == (Part("field", (40, 40), "float32", (10, 20), 4, 84, 6400, ("bytes", "zstd")),)


def test_a_sharded_zarr_array_tells_how_it_is_cut_inside() -> None:
    found = zarr.read(WORLD, f"{CAPTURED}/sharded.zarr")
    assert found.parts == (Part(".", (64, 64), "float64", (32, 64), 2, 2632, 32768, ("sharding_indexed(8,8)",)),)


@pytest.mark.parametrize(("name", "calls", "written"), [("run.bp4", None, None), ("run.bp5", 3, 2400)])
def test_adios2_tells_steps_writers_and_where_it_noted_them_calls(name: str, calls: int | None, written: int | None) -> None:
    found = adios2.read(WORLD, f"{CAPTURED}/{name}")
    assert (found.format, found.version, found.steps, found.writers) == (f"adios2-{name[4:]}", "2.12.1", 3, 1)
    assert (found.calls, found.written, found.closed, found.reason) == (calls, written, True, "")


def test_an_adios2_writer_that_died_left_its_output_open() -> None:
    index = bytearray(Path(f"{CAPTURED}/run.bp5/md.idx").read_bytes())
    index[39] = 1
    assert adios2.header(bytes(index)) == ("2.12.1", 5, False)


def test_tensors_are_known_from_the_header() -> None:
    found = safetensors.read(WORLD, f"{CAPTURED}/model.safetensors")
    assert found.parts == (
        Part("weight", (4, 8), "F32", stored=128, logical=128),
        Part("bias", (4,), "F16", stored=8, logical=8),
    )


def test_a_shard_holds_samples_of_several_files() -> None:
    found = shards.read(WORLD, f"{CAPTURED}/shard-000000.tar")
    assert (found.format, found.parts_total, found.parts) == (
        "webdataset",
        6,
        (Part("samples", (3,), "files", (), 6, 27, 27),),
    )


def test_a_tar_of_single_files_is_no_shard(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "code.tar", "w") as tar:
        for name in ("a.py", "b.py"):
            about = tarfile.TarInfo(name)
            about.size = 3
            tar.addfile(about, io.BytesIO(b"pas"))
    assert shards.read(WORLD, str(tmp_path / "code.tar")).format == "tar"


def test_numpy_headers_are_read_and_nothing_is_unpickled(tmp_path: Path) -> None:
    numpy.save(tmp_path / "a.npy", numpy.zeros((3, 5), "<f4"))
    numpy.savez_compressed(tmp_path / "b.npz", x=numpy.zeros((100, 100)), y=numpy.arange(3, dtype="<i2"))
    numpy.save(tmp_path / "objects.npy", numpy.array([{"a": 1}], dtype=object), allow_pickle=True)
    one = read_numpy(WORLD, str(tmp_path / "a.npy"))
    assert one.parts == (Part("array", (3, 5), "<f4", stored=188, logical=60),)
    two = read_numpy(WORLD, str(tmp_path / "b.npz"))
    assert [(p.name, p.shape, p.dtype, p.logical, p.filters) for p in two.parts] == [
        ("x", (100, 100), "<f8", 80000, ("deflate",)),
        ("y", (3,), "<i2", 6, ("deflate",)),
    ]
    assert read_numpy(WORLD, str(tmp_path / "objects.npy")).parts[0].dtype == "|O"


def test_hdf5_tells_chunks_filters_and_files_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("g/chunked", (100, 100), "f8", chunks=(10, 10), compression="gzip", shuffle=True, fletcher32=True)[
            :
        ] = 1
        file.create_dataset("plain", (5,), "i4")[:] = 1
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
    found = read_hdf5(WORLD, str(path))
    chunked, plain = found.parts
    assert (chunked.name, chunked.shape, chunked.dtype, chunked.chunk, chunked.chunks) == (
        "g/chunked",
        (100, 100),
        "float64",
        (10, 10),
        100,
    )
    assert (chunked.logical, chunked.filters) == (80000, ("gzip", "shuffle", "fletcher32"))
    assert plain == Part("plain", (5,), "int32", (), None, 20, 20, ())
    assert (found.format, found.links, found.parts_total, found.reason) == ("hdf5", ("other.h5:/x",), 2, "")


def test_a_truncated_hdf5_file_is_not_read_and_an_unfinished_output(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = numpy.zeros(1000)
    whole = (tmp_path / "a.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    job = Job("slurm", "1", workdir=str(tmp_path), outputs=("cut.h5",))
    seen = collect(RealWorld(cwd=str(tmp_path)), job)
    assert isinstance(seen, FormatFiles)
    (cut,) = [f for f in seen.files if f.role == "output"]
    assert (cut.parts, cut.closed) == ((), None)
    assert cut.reason.startswith("not read: h5py could not read it: OSError: Unable to synchronously open file (truncated file")


@pytest.mark.parametrize("suffix", ["parquet", "h5", "npy", "npz", "tar"])
def test_a_file_that_is_none_of_its_suffix_is_no_data_file(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"x.{suffix}").write_bytes(b"not at all" * 100)
    seen = collect(RealWorld(cwd=str(tmp_path)), Job("slurm", "1", workdir=str(tmp_path)))
    assert seen == Absent("no data file of a known format")


def test_a_format_without_a_signature_is_opened_and_refused(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"not at all" * 100)
    seen = collect(RealWorld(cwd=str(tmp_path)), Job("slurm", "1", workdir=str(tmp_path)))
    assert isinstance(seen, FormatFiles)
    assert [f.reason for f in seen.files] == [f"not read: its header would be {int.from_bytes(b'not at a', 'little')} bytes"]


SAMPLES = ("rows.parquet", "model.safetensors", "shard-000000.tar")


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_damaged_files_raise_unreadable_or_give_something(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = bytearray((Path(CAPTURED) / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / name
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    reader = next(r for r in readers() if path.name.endswith(r.suffixes))
    with suppress(Unreadable):
        assert isinstance(reader.read(WORLD, str(path)), FormatFile)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_thrift_or_unreadable(data: bytes) -> None:
    with suppress(Unreadable):
        assert isinstance(Compact(data).struct(), dict)


def test_the_probe_finds_stores_and_files_and_says_which_role_they_have(tmp_path: Path) -> None:
    for name in os.listdir(CAPTURED):
        source = Path(CAPTURED) / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    (tmp_path / "unreadable").mkdir(mode=0o000)
    job = Job("slurm", "1", workdir=str(tmp_path), inputs=("rows.parquet",), outputs=("*.zarr",))
    found = collect(RealWorld(cwd=str(tmp_path)), job)
    assert isinstance(found, FormatFiles)
    assert sorted((f.path, f.format, f.role) for f in found.files) == [
        ("model.safetensors", "safetensors", "present"),
        ("rows.parquet", "parquet", "input"),
        ("run.bp4", "adios2-bp4", "present"),
        ("run.bp5", "adios2-bp5", "present"),
        ("shard-000000.tar", "webdataset", "present"),
        ("sharded.zarr", "zarr", "output"),
        ("v2.zarr", "zarr", "output"),
        ("v3.zarr", "zarr", "output"),
    ]
    assert found.seen == 8


def test_a_walk_that_is_cut_short_says_so(tmp_path: Path) -> None:
    for n in range(20):
        (tmp_path / f"{n:02}.parquet").write_bytes(b"PAR1")
    short, whole = Walk(readers(), entries=10), Walk(readers(), entries=21)
    assert (len(list(short.below([str(tmp_path)]))), short.whole) == (10, False)
    assert (len(list(whole.below([str(tmp_path)]))), whole.whole) == (20, True)
    late = Walk(readers(), deadline=0.0)
    assert (list(late.below([str(tmp_path)])), late.whole) == ([], False)


def test_a_folder_that_went_meanwhile_is_a_gap_of_the_walk(tmp_path: Path) -> None:
    walk = Walk(readers())
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shutil.copy(f"{CAPTURED}/rows.parquet", tmp_path / name)
    found = []
    for one in walk.below([str(tmp_path)]):
        found.append(os.path.relpath(one.path, tmp_path))
        shutil.rmtree(tmp_path / "b", ignore_errors=True)
    assert (found, walk.whole) == (["a/rows.parquet"], False)


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to("..")
    shutil.copy(f"{CAPTURED}/rows.parquet", tmp_path / "a")
    found = collect(RealWorld(cwd=str(tmp_path)), Job("slurm", "1", workdir=str(tmp_path)))
    assert isinstance(found, FormatFiles) and [f.path for f in found.files] == ["a/rows.parquet"]
