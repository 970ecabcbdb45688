"""What is read from W&B's `.wandb` files? Records by hand, after wandb_internal.proto; W&B itself runs in tests/real/test_trackers.py."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.tracking import DataSet, Metric, Model, TrackedRun
from probes.tracking.wandb import HEADER, READER
from probes.workflows import Digest, Place, State, Unreadable
from tests.probes.tracking.wire import field, logged

LONG_AGO = 1_700_000_000


def items(number: int, **values: object) -> bytes:
    """A record of key and JSON value pairs: history (2), summary (3)."""
    return field(number, b"".join(field(1, field(2, k) + field(16, json.dumps(v))) for k, v in values.items()))


def begun(**config: object) -> bytes:
    told = b"".join(field(1, field(1, k) + field(16, json.dumps(v))) for k, v in config.items())
    start = field(17, field(1, 1_795_435_200) + field(2, 500_000_000))
    return field(17, field(1, "9z") + field(3, "campaign") + field(4, told) + field(8, "surrogate") + field(13, "node1") + start)


def exited(code: int) -> bytes:
    return field(18, field(1, code))


def record(tmp_path: Path, *records: bytes, raw: bytes = b"", name: str = "offline-run-20261123_120000-9z") -> Path:
    path = tmp_path / name / "run-9z.wandb"
    path.parent.mkdir(parents=True)
    path.write_bytes(raw or logged(HEADER, *records))
    os.utime(path, (LONG_AGO, LONG_AGO))
    return tmp_path


def read(folder: Path) -> list[TrackedRun]:
    return list(READER.read(RealWorld(), str(folder)))


def test_a_run_from_its_beginning_to_its_exit(tmp_path: Path) -> None:
    environment = (
        field(6, "train.py") + field(9, field(2, "c" * 40)) + field(13, "ada") + field(27, field(1, "job_id") + field(2, "812"))
    )
    folder = record(
        tmp_path,
        begun(lr=0.1, seed=3, model={"layers": [1]}, _wandb={"x": 1}),
        field(26, environment),
        items(2, loss=1.0, note="text", _step=0),
        items(2, loss=0.25, _step=1, _runtime=3.5),
        items(3, loss=0.25, best=0.25, _wandb={}),
        field(7, field(3, field(1, "gpu.0.memory") + field(16, "12"))),
        field(11, field(5, "0.31.0")),
        exited(0),
    )

    assert read(folder) == [
        TrackedRun(
            system="wandb",
            id="9z",
            folder=str(tmp_path),
            state=State.SUCCEEDED,
            proof="exit record with code 0",
            version="0.31.0",
            name="surrogate",
            experiment="campaign",
            started="2026-11-23T12:00:00.500+00:00",
            user="ada",
            host="node1",
            source="train.py",
            commit="c" * 40,
            parameters={"lr": "0.1", "seed": "3", "model.layers": "[1]"},
            metrics=(Metric("loss", 0.25, 2, 0.25, 1.0, 1), Metric("best", 0.25, 1, 0.25, 0.25)),
            system_metrics=("system/gpu.0.memory",),
            seeds={"seed": "3"},
            job_ids=("812",),
            place=Place("offline-run-20261123_120000-9z/run-9z.wandb"),
        )
    ]


@pytest.mark.parametrize(("code", "state"), [(0, State.SUCCEEDED), (1, State.FAILED), (255, State.FAILED), (-9, State.FAILED)])
def test_the_exit_record_says_how_it_ended(tmp_path: Path, code: int, state: State) -> None:
    assert [(r.state, r.proof) for r in read(record(tmp_path, begun(), exited(code)))] == [
        (state, f"exit record with code {code}")
    ]


def test_without_an_exit_record_and_silent_for_long_it_was_killed(tmp_path: Path) -> None:
    assert [(r.state, r.name) for r in read(record(tmp_path, begun()))] == [(State.KILLED, "surrogate")]


def test_without_an_exit_record_and_written_to_just_now_it_goes_on(tmp_path: Path) -> None:
    folder = record(tmp_path, begun())
    os.utime(folder / "offline-run-20261123_120000-9z/run-9z.wandb")

    found = read(folder)[0]

    assert (found.state, found.proof.startswith("no exit record, and the file was written to ")) == (State.RUNNING, True)


def test_a_run_that_was_killed_before_its_first_record_has_its_id_from_the_file(tmp_path: Path) -> None:
    assert [(r.id, r.state, r.started) for r in read(record(tmp_path, raw=HEADER))] == [("9z", State.KILLED, "")]


def test_an_array_task_is_named_in_both_forms(tmp_path: Path) -> None:
    slurm = {"job_id": "815", "array_job_id": "812", "array_task_id": "3"}
    environment = b"".join(field(27, field(1, k) + field(2, v)) for k, v in slurm.items())

    assert read(record(tmp_path, field(26, environment), exited(0)))[0].job_ids == ("812_3", "815")


def test_artefacts_are_models_or_data_with_the_digests_they_have(tmp_path: Path) -> None:
    def artifact(kind: str, *files: str) -> bytes:
        told = b"".join(
            field(4, field(1, f) + field(2, base64.b64encode(bytes(range(16))).decode()) + field(4, 100)) for f in files
        )
        return field(8, field(4, kind) + field(5, "net") + field(6, "a66a") + field(12, told))

    found = read(
        record(
            tmp_path, artifact("model", "w.pt"), artifact("dataset", "a", "b"), field(25, field(2, "model") + field(3, "old:v1"))
        )
    )[0]
    listing, content = Digest("wandb", "a66a", "listing"), Digest("md5", bytes(range(16)).hex())

    assert found.models == (Model("net", "made", "w.pt", size=100, digests=(content, listing)), Model("old:v1", "used"))
    assert found.datasets == (DataSet("net", role="dataset made", digests=(listing,)),)


def test_what_was_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    raw = logged(HEADER, begun(), items(2, loss=1.0), items(2, loss=0.5))[:-4]
    found = read(record(tmp_path, raw=raw))[0]

    assert (found.metrics, found.gaps) == ((Metric("loss", 1.0, 1, 1.0, 1.0),), ("run-9z.wandb: the last record is cut off",))


def test_a_record_that_is_no_message_is_passed_over_and_said(tmp_path: Path) -> None:
    found = read(record(tmp_path, begun(), b"\xff\xff\xff", exited(0)))[0]

    assert (found.state, found.gaps) == (State.SUCCEEDED, ("run-9z.wandb: a record cannot be read: cut off",))


def test_a_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    record(tmp_path, begun(), exited(0))
    record(tmp_path, raw=b"PK\3\4 a zip", name="run-20261124_120000-9z")
    reading = READER.read(RealWorld(), str(tmp_path))

    assert next(reading).id == "9z"
    with pytest.raises(Unreadable, match=r"run-20261124_120000-9z/run-9z\.wandb: it does not begin with"):
        next(reading)


def test_the_link_to_the_latest_run_is_not_another_run(tmp_path: Path) -> None:
    record(tmp_path, begun(), exited(0))
    os.symlink(tmp_path / "offline-run-20261123_120000-9z", tmp_path / "latest-run")

    assert len(read(tmp_path)) == 1


def test_hostile_text_is_one_clean_line(tmp_path: Path) -> None:
    hostile = field(
        17, field(8, "evil\x1b]0;title\x07\nname") + field(4, field(1, field(1, "k\x1b[31m") + field(16, '"a\\u001b[0mb"')))
    )
    found = read(record(tmp_path, hostile))[0]

    assert (found.name, found.parameters) == ("evil name", {"k": "ab"})
