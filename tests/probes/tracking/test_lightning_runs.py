"""What is read from Lightning's folders? Built after its documented formats (CSVLogger, TensorBoardLogger, ModelCheckpoint): it needs PyTorch to run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.tracking import Metric, Model, TrackedRun
from probes.tracking.lightning import READER
from probes.workflows import Place, State
from tests.probes.tracking.stores import files
from tests.probes.tracking.wire import field, framed, single

CSV = "epoch,step,train_loss,val_loss\n0,49,1.5,\n0,49,,0.75\n1,99,0.5,\n1,99,,0.25\n"
HPARAMS = "lr: 0.001\nmodel:\n  layers: 3\nseed: 42\n"


def logs(tmp_path: Path, **texts: str) -> Path:
    return files(tmp_path / "lightning_logs", texts)


def read(folder: Path) -> list[TrackedRun]:
    return list(READER.read(RealWorld(), str(folder)))


def test_a_version_as_documented_with_hyperparameters_metrics_and_checkpoints(tmp_path: Path) -> None:
    folder = logs(
        tmp_path,
        **{
            "version_0/hparams.yaml": HPARAMS,
            "version_0/metrics.csv": CSV,
            "version_0/checkpoints/epoch=0-step=50.ckpt": "zip",
            "version_0/checkpoints/epoch=1-step=100-val_loss=0.25.ckpt": "a pickle",
        },
    )

    assert read(folder) == [
        TrackedRun(
            system="lightning",
            id="lightning_logs/version_0",
            folder=str(folder),
            state=State.UNKNOWN,
            proof="Lightning's loggers keep no exit status",
            name="version_0",
            experiment="lightning_logs",
            parameters={"lr": "0.001", "model.layers": "3", "seed": "42"},
            metrics=(Metric("train_loss", 0.5, 2, 0.5, 1.5, 99), Metric("val_loss", 0.25, 2, 0.25, 0.75, 99)),
            models=(
                Model("epoch=0-step=50.ckpt", "made", "version_0/checkpoints/epoch=0-step=50.ckpt", "checkpoint", size=3),
                Model(
                    "epoch=1-step=100-val_loss=0.25.ckpt",
                    "made",
                    "version_0/checkpoints/epoch=1-step=100-val_loss=0.25.ckpt",
                    "checkpoint",
                    size=8,
                ),
            ),
            seeds={"seed": "42"},
            tags={"lightning.epoch": "1", "lightning.step": "100"},
            place=Place("version_0/hparams.yaml"),
        )
    ]


def test_newest_version_first_by_number_and_other_folders_are_none(tmp_path: Path) -> None:
    versions = {f"version_{n}/hparams.yaml": "{}" for n in (2, 10, 9)}
    folder = logs(tmp_path, **versions, **{"version_x/hparams.yaml": "{}", "version_3/notes.txt": ""})

    assert [r.name for r in read(folder)] == ["version_10", "version_9", "version_2"]


def test_without_metrics_csv_numbers_come_from_event_files(tmp_path: Path) -> None:
    folder = logs(tmp_path, **{"version_0/hparams.yaml": HPARAMS})
    loss = field(2, 7) + field(5, field(1, field(1, "loss") + single(2, 0.5)))
    (folder / "version_0/events.out.tfevents.1795435200.node1.1.0").write_bytes(framed(loss))

    assert read(folder)[0].metrics == (Metric("loss", 0.5, 1, 0.5, 0.5, 7),)


def test_python_objects_in_hyperparameters_make_nothing_and_the_rest_is_read(tmp_path: Path) -> None:
    hparams = "lr: 0.1\nloss: !!python/object/apply:os.system ['touch made']\nnet: !!python/object:model.Net {layers: 3}\n"
    found = read(logs(tmp_path, **{"version_0/hparams.yaml": hparams}))[0]

    assert found.parameters == {"lr": "0.1", "loss": '["touch made"]', "net.layers": "3"}
    assert not os.path.exists("made")


def test_the_seed_of_lightnings_command_line_is_in_its_own_file(tmp_path: Path) -> None:
    texts = {"version_0/hparams.yaml": "{}", "version_0/config.yaml": "seed_everything: 7\ntrainer: {max_epochs: 3}\n"}

    assert read(logs(tmp_path, **texts))[0].seeds == {"seed_everything": "7"}


@pytest.mark.parametrize("text", ["", "epoch,step\n", "\0\1\2,\n", 'a,b\n"unclosed\n1,2', "x\n" + "1,2,3\n" * 5])
def test_a_table_of_another_shape_makes_no_accident(tmp_path: Path, text: str) -> None:
    assert len(read(logs(tmp_path, **{"version_0/metrics.csv": text}))) == 1


def test_damaged_hyperparameters_are_said(tmp_path: Path) -> None:
    found = read(logs(tmp_path, **{"version_0/hparams.yaml": "lr: [", "version_0/metrics.csv": CSV}))[0]

    assert (len(found.metrics), [g.split(":")[0] for g in found.gaps]) == (2, ["hparams.yaml"])
