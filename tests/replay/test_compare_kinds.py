"""When do two archives, images, tables of columns, weights, HDF5 and PDF files hold the same? Real files of each kind."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from auditor.replay.compare import examined, look
from auditor.replay.compare.content import Content
from auditor.replay.compare.kind import comparators
from auditor.replay.compare.ledger import Compared
from auditor.replay.compare.rules import Rules
from auditor.store import parquet as store_parquet
from auditor.verdict import Sameness

SAME = "within rtol 1e-06, atol 1e-12; same values, written differently"


def compare(a: bytes, b: bytes, name: str = "result.bin") -> Compared:
    return look(Content(name, raw=a), Content(name, raw=b), Rules())


def packed(day: int = 23, **members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, raw in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, day, 12, 0, 0)), raw)
    return out.getvalue()


def tarred(mtime: int = 0, mode: str = "w:gz", **members: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, raw in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(raw), mtime
            archive.addfile(info, io.BytesIO(raw))
    return out.getvalue()


def weights(values: Any, meta: str = "", shape: list[int] | None = None) -> bytes:
    raw = np.asarray(values, "<f4").tobytes()
    told: dict[str, Any] = {"w": {"dtype": "F32", "shape": shape or [len(raw) // 4], "data_offsets": [0, len(raw)]}}
    if meta:
        told = {"__metadata__": {"made": meta}, **told}
    header = json.dumps(told).encode()
    return struct.pack("<Q", len(header)) + header + raw


def hdf5(fill: Callable[[Any], None]) -> bytes:
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        fill(file)
    return out.getvalue()


def columns(folder: Path, name: str, query: str) -> bytes:
    with store_parquet.duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{folder / name}' (format parquet)")
    return (folder / name).read_bytes()


def test_each_kind_has_a_name_of_its_own() -> None:
    assert [c.name for c in comparators()] == [
        "archive", "csv", "hdf5", "image", "json", "log", "numpy", "parquet", "pdf", "safetensors", "text",
    ]  # fmt: skip


# archives


def test_an_archive_packed_on_another_day_in_another_order_is_equivalent() -> None:
    found = compare(packed(23, a=b"1", b=b"2"), packed(24, b=b"2", a=b"1"))
    aside = "left aside: times, owners and the order of an archive's members"
    assert found == Compared(Sameness.EQUIVALENT, "archive", f"{SAME}\n{aside}")


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_archives_likewise_however_they_are_packed(mode: str) -> None:
    if mode in ("w", "w:gz"):
        assert compare(tarred(1, mode, a=b"1"), tarred(2, mode, a=b"1")).sameness is Sameness.EQUIVALENT
    else:  # these carry no mark that we know: bytes decide
        assert compare(tarred(1, mode, a=b"1"), tarred(2, mode, a=b"1")).comparator == "bytes"


def test_a_member_is_compared_by_its_own_kind() -> None:
    a, b = packed(**{"m.json": b'{"loss": 0.5}'}), packed(**{"m.json": b'{"loss": 0.50000000001}'})
    assert compare(a, b).sameness is Sameness.EQUIVALENT
    worse = compare(a, packed(**{"m.json": b'{"loss": 0.6}'}))
    assert worse.detail.splitlines()[0] == "m.json: $.loss: 0.5 became 0.6"


def test_a_member_that_is_gone_or_new_is_told() -> None:
    found = compare(packed(a=b"1", b=b"2"), packed(a=b"1", c=b"2"))
    assert found.detail.splitlines()[:2] == ["b: present became absent", "c: absent became present"]


def test_a_text_packed_with_gzip_is_compared_as_its_content() -> None:
    import gzip

    a, b = gzip.compress(b"x,y\n1,2.0\n", mtime=1), gzip.compress(b"x,y\n1,2.0\n", mtime=2)
    assert compare(a, b, "t.csv.gz").sameness is Sameness.EQUIVALENT


def test_a_bomb_and_too_deep_a_nest_end_at_the_bytes() -> None:
    deep, other = b"1", b"2"
    for _ in range(5):
        deep, other = packed(inner=deep), packed(inner=other)
    found = compare(deep, other)
    assert (found.sameness, found.detail.splitlines()[0]) == (
        Sameness.DIFFERENT,
        "not compared as archive: archives within archives, more than 3 deep",
    )


# weights


def test_weights_within_tolerance_are_equivalent_whatever_the_header_says() -> None:
    found = compare(weights([1.0, 2.0], "monday"), weights([1.0, 2.0000002], "tuesday"))
    assert (found.sameness, found.comparator) == (Sameness.EQUIVALENT, "safetensors")
    assert found.detail.splitlines()[1] == "left aside: the header's free text (__metadata__)"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (weights([1.0, 3.0]), "w[1]: 2.0 became 3.0"),
        (weights([1.0, 2.0], shape=[2, 1]), "w shape: [2] became [2, 1]"),
        (weights([1.0, float("nan")]), "w[1]: 2.0 became nan"),
    ],
)
def test_other_weights_are_different(other: bytes, said: str) -> None:
    assert compare(weights([1.0, 2.0]), other) == Compared(Sameness.DIFFERENT, "safetensors", said)


def test_a_header_that_promises_more_than_there_is_ends_at_the_bytes() -> None:
    assert compare(weights([1.0, 2.0]), weights([1.0, 2.0])[:-4]).comparator == "bytes"


# HDF5


def test_chunks_and_packing_are_no_difference_and_values_are_compared_within_tolerance() -> None:
    a = hdf5(lambda f: f.create_dataset("x", data=np.arange(1000.0)))
    b = hdf5(lambda f: f.create_dataset("x", data=np.arange(1000.0) * (1 + 1e-9), chunks=(100,), compression="gzip"))
    found = compare(a, b)
    assert (found.sameness, found.comparator) == (Sameness.EQUIVALENT, "hdf5")


@pytest.mark.parametrize(
    ("fill", "said"),
    [
        (lambda f: f.create_dataset("x", data=[1.0, 2.5]), "/x[1]: 2.0 became 2.5"),
        (lambda f: f.create_dataset("x", data=[[1.0], [2.0]]), "/x shape: (2,) became (2, 1)"),
        (lambda f: f.create_dataset("x", data=np.array([1.0, 2.0], "f4")), "/x type: float64 became float32"),
        (lambda f: f.create_dataset("y", data=[1.0, 2.0]), "/x: present became absent\n/y: absent became present"),
        (lambda f: f.create_dataset("x", data=[1.0, float("nan")]), "/x[1]: 2.0 became nan"),
        (lambda f: f.create_group("x"), "/x: Dataset became Group"),
    ],
)
def test_other_data_sets_are_different(fill: Callable[[Any], None], said: str) -> None:
    assert compare(hdf5(lambda f: f.create_dataset("x", data=[1.0, 2.0])), hdf5(fill)) == Compared(
        Sameness.DIFFERENT, "hdf5", said
    )


def test_attributes_count_and_can_be_excused_by_a_rule() -> None:
    from auditor.replay.compare.rules import FieldRule

    a, b = (hdf5(lambda f, t=t: (f.create_dataset("x", data=[1.0]), f.attrs.update(made=t))) for t in ("monday", "tuesday"))
    assert compare(a, b).detail == "/@made: 'monday' became 'tuesday'"
    rules = Rules(fields=(FieldRule("/@made", None, "author"),))
    assert look(Content("x.h5", raw=a), Content("x.h5", raw=b), rules).sameness is Sameness.EQUIVALENT


def test_texts_records_and_equal_nans_are_compared_as_they_are() -> None:
    kind = np.dtype([("a", "i4"), ("b", "f8")])
    a = hdf5(lambda f: (f.create_dataset("t", data=["x", "y"]), f.create_dataset("r", data=np.array([(1, 2.0)], kind))))
    b = hdf5(lambda f: (f.create_dataset("t", data=["x", "z"]), f.create_dataset("r", data=np.array([(1, 2.0)], kind))))
    assert compare(a, b).detail == "/t[1]: b'y' became b'z'"
    nan = hdf5(lambda f: f.create_dataset("x", data=[float("nan")]))
    more = hdf5(lambda f: f.create_dataset("x", data=[float("nan")], chunks=(1,)))
    assert compare(nan, more).detail == "/x[0]: nan became nan"


def test_a_damaged_hdf5_file_ends_at_the_bytes() -> None:
    whole = hdf5(lambda f: f.create_dataset("x", data=np.arange(100.0)))
    found = compare(whole, whole[:600])
    assert (found.comparator, found.detail.splitlines()[0][:45]) == ("bytes", "not compared as hdf5: h5py could not read it:")


# Parquet


def test_parquet_rows_are_compared_whatever_the_packing(tmp_path: Path) -> None:
    a = columns(tmp_path, "a", "select range i, range::double x from range(1, 20001)")
    b = columns(tmp_path, "b", "select range i, range * 1.0000000001::double x from range(1, 20001)")
    found = compare(a, b)
    assert (found.sameness, found.comparator) == (Sameness.EQUIVALENT, "parquet")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select 1 i, 0.7::double x", "row 1, x: 0.5 became 0.7"),
        ("select 1 i, null::double x", "row 1, x: 0.5 became None"),
        ("select 2 i, 0.5::double x", "row 1, i: 1 became 2"),
        ("select 1 i, 0.5::float x", "columns: i INTEGER, x DOUBLE became i INTEGER, x FLOAT"),
        ("select 1 i, 0.5::double x union all select 1, 0.5", "rows: 1 became 2"),
        ("select 1 i, 'nan'::double x", "row 1, x: 0.5 became nan"),
    ],
)
def test_other_parquet_tables_are_different(tmp_path: Path, query: str, said: str) -> None:
    a, b = columns(tmp_path, "a", "select 1 i, 0.5::double x"), columns(tmp_path, "b", query)
    assert compare(a, b) == Compared(Sameness.DIFFERENT, "parquet", said)


def test_a_damaged_parquet_file_ends_at_the_bytes(tmp_path: Path) -> None:
    a = columns(tmp_path, "a", "select 1 i")
    assert compare(a, a[:-20]).comparator == "bytes"


# images


def drawn(colour: tuple[int, int, int], note: str = "", size: tuple[int, int] = (8, 4), form: str = "PNG") -> bytes:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Creation Time", note)
    image = Image.new("RGB", size, (255, 255, 255))
    image.putpixel((2, 1), colour)
    out = io.BytesIO()
    image.save(out, form, **({"pnginfo": info} if form == "PNG" else {}))
    return out.getvalue()


def test_an_image_with_other_metadata_is_equivalent() -> None:
    found = compare(drawn((1, 2, 3), "monday"), drawn((1, 2, 3), "tuesday"), "figure.png")
    assert found == Compared(Sameness.EQUIVALENT, "image", f"{SAME}\nleft aside: the image's metadata")


def test_an_image_with_another_pixel_is_different_and_the_place_is_told() -> None:
    found = compare(drawn((1, 2, 3)), drawn((1, 2, 9)))
    assert found.detail.splitlines()[0] == "pixels 2,1 to 2,1: as they were became 1 other ones of 32, by up to 6 of 255"


def test_an_image_of_another_size_is_different() -> None:
    assert compare(drawn((1, 2, 3)), drawn((1, 2, 3), size=(9, 4))).detail == "size: (8, 4) became (9, 4)"


def test_an_image_that_became_another_format_is_shown_as_pixels() -> None:
    assert compare(drawn((1, 2, 3)), drawn((1, 2, 3), form="BMP")).sameness is Sameness.EQUIVALENT


# PDF


def test_a_pdf_made_on_another_day_is_equivalent_and_another_drawing_is_not() -> None:
    a = b"%PDF-1.4 1 0 obj <</CreationDate (D:20261123)>> stream 1 0 0 rg endstream /ID [<ab> <cd>]"
    b = b"%PDF-1.4 1 0 obj <</CreationDate (D:20261124)>> stream 1 0 0 rg endstream /ID [<12> <34>]"
    assert compare(a, b) == Compared(
        Sameness.EQUIVALENT, "pdf", f"{SAME}\nleft aside: creation and modification dates, document ids"
    )
    assert compare(a, b.replace(b"1 0 0 rg", b"0 1 0 rg")).sameness is Sameness.DIFFERENT


# the choice


def test_content_decides_and_not_the_name() -> None:
    assert compare(drawn((1, 2, 3), "a"), drawn((1, 2, 3), "b"), "figure.csv").comparator == "image"


def test_an_output_that_became_another_kind_is_different_and_both_are_named() -> None:
    found = compare(drawn((1, 2, 3)), b"error: no display\n", "figure.png")
    assert found.detail.splitlines()[0] == "image became another kind"


def test_a_pickle_is_never_opened() -> None:
    a, b = b"\x80\x04K\x01.", b"\x80\x04K\x02."
    assert compare(a, b, "model.pkl") == Compared(Sameness.DIFFERENT, "bytes", "5 bytes became 5; they differ from byte 3 on")


@pytest.mark.parametrize("comparator", comparators(), ids=lambda c: c.name)
def test_every_kind_survives_rubbish_and_emptiness(comparator: Any) -> None:
    name = f"x.{comparator.suffixes[0]}"
    for a, b in ((b"", b"\n"), (b"\0" * 600, b"\xff" * 600), (b"PK\x03\x04" + b"\0" * 60, b"PK\x03\x04" + b"\1" * 60)):
        found, _ = examined(Content(name, raw=a), Content(name, raw=b), Rules())
        assert found.sameness is Sameness.DIFFERENT
