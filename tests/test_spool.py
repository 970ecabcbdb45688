"""Nouns as bytes and back, and files that are there whole or not at all."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from auditor import objects, spool
from auditor.codec import digest, dumps, loads
from auditor.model import AuditError, Capture, Evidence, Grade, Job, Phase, Status

EVIDENCE = Evidence(
    "git",
    1,
    "GitState",
    Phase.SUBMIT,
    0,
    Status.ABSENT,
    Grade.OBSERVED,
    "git",
    "no repository",
    "2026-11-23T10:00:00+00:00",
    "n1",
)
CAPTURE = Capture(Job("slurm", "123", cluster="lab", submission="ab12"), Phase.SUBMIT, (EVIDENCE,))


def test_canonical_json_is_sorted_and_compact() -> None:
    assert dumps({"b": (1, 2), "a": Status.OK}) == b'{"a":"ok","b":[1,2]}'


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps({"x": float("nan")})


def test_a_capture_comes_back_as_it_was_with_the_same_ids() -> None:
    again = loads(dumps(CAPTURE), Capture)
    assert again == CAPTURE
    assert again.evidence[0].id == EVIDENCE.id == digest(EVIDENCE)


def test_bytes_that_are_not_utf8_come_back() -> None:
    odd = Job("slurm", "1", workdir=b"/data/\xff".decode("utf-8", "surrogateescape"))
    assert loads(dumps(odd), Job) == odd


@pytest.mark.parametrize(
    ("raw", "message"), [(b"{", "is not JSON"), (b'{"job": 3}', "does not read as Capture"), (b"[" * 100_000, "is not JSON")]
)
def test_a_file_that_does_not_fit_is_one_clear_line(raw: bytes, message: str) -> None:
    with pytest.raises(AuditError, match=message):
        loads(raw, Capture, "x.json")


def test_spooling_twice_is_one_private_file(tmp_path: Path) -> None:
    folder = str(tmp_path / "spool")
    assert spool.save(folder, CAPTURE) == spool.save(folder, CAPTURE)
    (path,) = spool.waiting(folder)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert loads(Path(path).read_bytes(), Capture) == CAPTURE


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/y").touch()
    with pytest.raises(OSError, match="x"):
        spool.write(str(tmp_path), "x", b"data")
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def names(folder: Path) -> list[str]:
    return [os.path.basename(path) for path in spool.waiting(str(folder))]


@pytest.mark.parametrize(
    "written", [b"", b"na", b"names\0\nHOME\n\0ulimit\0", b"env:A\0end", b"env:A\0end\0", b"auditor\x001\0end\0"]
)
def test_a_record_that_is_being_written_is_left_alone_until_its_end_or_a_long_silence(tmp_path: Path, written: bytes) -> None:
    record = tmp_path / "41-0-end.raw"
    record.write_bytes(written)
    assert names(tmp_path) == []
    with open(record, "ab") as file:
        file.write(b"\0status\x000\0end\0\0")
    assert names(tmp_path) == ["41-0-end.raw"]
    record.write_bytes(written)
    os.utime(record, ns=(0, time.time_ns() - int(spool.PATIENCE + 1) * 10**9))
    assert names(tmp_path) == ["41-0-end.raw"]


def test_what_is_no_file_does_not_stop_the_others(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.raw")
    (tmp_path / "b.raw").mkdir()
    (tmp_path / "c.raw").symlink_to(tmp_path / "nowhere")
    (tmp_path / "d.json").write_text("{}")
    assert names(tmp_path) == ["a.raw", "b.raw", "c.raw", "d.json"]


def test_an_empty_or_missing_spool_is_no_error(tmp_path: Path) -> None:
    assert list(spool.waiting(str(tmp_path / "none"))) == []


def test_one_run_has_one_id_and_an_adopted_job_another() -> None:
    wrapped = Job("slurm", "123_4", cluster="lab", submission="ab12")
    assert wrapped.run_id == Job("slurm", "123_4", cluster="lab", submission="ab12", attempt=2, workdir="/x").run_id
    assert wrapped.run_id != Job("slurm", "123_5", cluster="lab", submission="ab12").run_id
    adopted = Job("slurm", "123", cluster="lab", submitted_at="2026-11-23T10:00:00+00:00")
    assert adopted.run_id != Job("slurm", "123", cluster="other", submitted_at="2026-11-23T10:00:00+00:00").run_id


def test_objects_are_kept_once_and_a_damaged_one_is_noticed(tmp_path: Path) -> None:
    sha = objects.keep(str(tmp_path), b"print(1)\n")
    assert objects.keep(str(tmp_path), b"print(1)\n") == sha
    assert objects.get(str(tmp_path), sha) == b"print(1)\n"
    assert objects.get(str(tmp_path), "0" * 64) is None
    Path(objects.path(str(tmp_path), sha)).write_bytes(b"print(2)\n")
    with pytest.raises(ValueError, match="damaged"):
        objects.get(str(tmp_path), sha)
