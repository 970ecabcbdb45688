"""What is read from event files? Events by hand; TensorBoard's own writer runs in tests/real/test_trackers.py."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.tracking import Metric, TrackedRun
from probes.tracking.tensorboard import READER
from probes.workflows import Place, State, Unreadable
from tests.probes.tracking.stores import files
from tests.probes.tracking.wire import field, framed, single

NAME = "events.out.tfevents.1795435200.node1.4711.0"


def event(step: int, *values: bytes) -> bytes:
    return field(1, 1795435200.0) + field(2, step) + field(5, b"".join(field(1, v) for v in values))


def scalar(tag: str, value: float) -> bytes:
    return field(1, tag) + single(2, value)


def tensor(tag: str, raw: bytes, kind: int = 1, shape: bytes = b"") -> bytes:
    """As TensorFlow 2 writes a scalar."""
    return field(1, tag) + field(8, field(1, kind) + field(2, shape) + field(4, raw))


def plugin(content: bytes) -> bytes:
    return field(1, "_hparams_") + field(9, field(1, field(1, "hparams") + field(2, content)))


def write(folder: Path, *events: bytes, name: str = NAME, cut: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    raw = framed(*events)
    (folder / name).write_bytes(raw[: len(raw) - cut])
    return folder


def read(folder: Path) -> list[TrackedRun]:
    return list(READER.read(RealWorld(), str(folder)))


def test_scalars_of_both_kinds(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "lr0.1",
        field(3, "brain.Event:2"),
        event(0, scalar("loss", 1.0), tensor("acc", struct.pack("<f", 0.5))),
        event(1, scalar("loss", 0.5), tensor("wide", struct.pack("<d", 0.25), kind=2)),
    )

    assert read(folder) == [
        TrackedRun(
            system="tensorboard",
            id=NAME,
            folder=str(folder),
            state=State.UNKNOWN,
            proof="TensorBoard's files keep no exit status",
            name="lr0.1",
            started="2026-11-23T12:00:00+00:00",
            host="node1",
            metrics=(
                Metric("loss", 0.5, 2, 0.5, 1.0, 1),
                Metric("acc", 0.5, 1, 0.5, 0.5, 0),
                Metric("wide", 0.25, 1, 0.25, 0.25, 1),
            ),
            place=Place(NAME),
        )
    ]


def test_images_and_tensors_with_dimensions_are_no_numbers(tmp_path: Path) -> None:
    image = field(1, "image") + field(4, field(1, 28))
    vector = tensor("vector", struct.pack("<f", 1.0), shape=field(2, field(1, 1)))

    assert read(write(tmp_path, event(0, image, vector)))[0].metrics == ()


def test_hyperparameters_and_how_the_session_ended(tmp_path: Path) -> None:
    values = {"lr": field(2, 0.1), "kind": field(3, "mean"), "big": field(4, 1), "seed": field(2, 11.0)}
    start = b"".join(field(1, field(1, k) + field(2, v)) for k, v in values.items()) + field(5, 1795435300.0)
    end = field(1, 1) + field(2, 1795435400.0)
    found = read(write(tmp_path, event(0, plugin(field(3, start))), event(0, plugin(field(4, end)))))[0]

    assert (found.parameters, found.seeds) == ({"lr": "0.1", "kind": "mean", "big": "true", "seed": "11"}, {"seed": "11"})
    assert (found.state, found.proof) == (State.SUCCEEDED, "the session's status is SUCCESS")
    assert (found.started, found.ended) == ("2026-11-23T12:01:40+00:00", "2026-11-23T12:03:20+00:00")


def test_a_program_that_went_on_from_a_checkpoint_wrote_a_second_file_of_the_same_run(tmp_path: Path) -> None:
    write(tmp_path, event(0, scalar("loss", 1.0)))
    write(tmp_path, event(1, scalar("loss", 0.5)), name=NAME.replace("1795435200", "1795435900"))

    assert [(r.id, [(m.count, m.last) for m in r.metrics]) for r in read(tmp_path)] == [(NAME, [(2, 0.5)])]


def test_a_file_that_was_cut_off_is_read_up_to_there(tmp_path: Path) -> None:
    found = read(write(tmp_path, event(0, scalar("loss", 1.0)), event(1, scalar("loss", 0.5)), cut=3))[0]

    assert ([m.count for m in found.metrics], found.gaps) == ([1], (f"{NAME}: the last record is cut off",))


def test_a_file_without_one_whole_event_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="a length's checksum is wrong"):
        read(files(tmp_path, {NAME: "this is no event file at all"}))


def test_an_empty_file_is_a_run_of_which_nothing_is_known_but_its_beginning(tmp_path: Path) -> None:
    assert [(r.started, r.metrics) for r in read(files(tmp_path, {NAME: ""}))] == [("2026-11-23T12:00:00+00:00", ())]


def test_a_record_that_is_no_event_ends_the_reading_of_its_file(tmp_path: Path) -> None:
    found = read(write(tmp_path, event(0, scalar("loss", 1.0)), b"\xff\xff", event(1, scalar("loss", 0.5))))[0]

    assert ([m.count for m in found.metrics], found.gaps) == ([1], (f"{NAME}: a record is no event",))


def test_folders_of_lightning_and_ray_tune_are_left_to_their_readers(tmp_path: Path) -> None:
    for name in ("hparams.yaml", "result.json"):
        folder = write(tmp_path / name, event(0, scalar("loss", 1.0)))
        (folder / name).write_text("{}")

        assert read(folder) == []


def test_links_and_other_files_are_passed_over(tmp_path: Path) -> None:
    other = write(tmp_path / "other", event(0, scalar("loss", 1.0)))
    folder = files(tmp_path / "run", {"notes.txt": "", f"{NAME}.profile-empty": ""})
    os.symlink(other / NAME, folder / NAME)

    assert read(folder) == []
