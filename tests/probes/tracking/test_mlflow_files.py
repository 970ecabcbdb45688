"""What is read from MLflow's file store (`mlruns/`)? Folders as MLflow writes them, by hand; MLflow itself runs in tests/real/test_mlflow.py."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.tracking import DataSet, Metric, Model, TrackedRun
from probes.tracking.mlflow import READER
from probes.workflows import Digest, Place, State
from probes.workflows.find import Mark, marked
from tests.probes.tracking.stores import EXPERIMENT, META, files

STORE = {
    "0/meta.yaml": EXPERIMENT.replace("campaign", "Default").replace("7", "0"),
    "7/meta.yaml": EXPERIMENT,
    "7/a1/meta.yaml": META,
}


def store(tmp_path: Path, **texts: str) -> Path:
    """A store with one run, `a1` in experiment 7; further files of that run by path."""
    return files(tmp_path / "mlruns", STORE | {f"7/a1/{name}": text for name, text in texts.items()})


def read(folder: Path) -> list[TrackedRun]:
    return list(READER.read(RealWorld(), str(folder)))


def test_a_run_with_parameters_metrics_and_tags(tmp_path: Path) -> None:
    folder = store(
        tmp_path,
        **{
            "params/lr": "0.1",
            "params/model/seed": "42",
            "tags/mlflow.source.name": "train.py",
            "tags/favourite": "blue",
            "metrics/loss": "1795435200000 1.0 0\n1795435201000 0.25 1\n1795435202000 0.5 2\n",
            "metrics/system/cpu": "1795435200000 12.0 0\n",
            "artifacts/notes.txt": "hello",
            "artifacts/deep/er.txt": "you",
        },
    )

    assert read(folder) == [
        TrackedRun(
            system="mlflow",
            id="a1",
            folder=str(folder),
            state=State.SUCCEEDED,
            proof="status FINISHED, ended at 2026-11-23T12:01:00+00:00",
            name="train",
            experiment="campaign",
            started="2026-11-23T12:00:00+00:00",
            ended="2026-11-23T12:01:00+00:00",
            user="ada",
            source="train.py",
            parameters={"lr": "0.1", "model/seed": "42"},
            metrics=(Metric("loss", 0.5, 3, 0.25, 1.0, 2),),
            system_metrics=("system/cpu",),
            artifacts=2,
            artifact_bytes=8,
            seeds={"model/seed": "42"},
            tags={"mlflow.source.name": "train.py"},
            place=Place("7/a1/meta.yaml"),
        )
    ]


def test_a_store_is_found_by_its_experiments_whatever_it_is_called_and_an_experiment_is_no_store(tmp_path: Path) -> None:
    folder = files(tmp_path / "my_runs", STORE | {"7/1a/meta.yaml": META})
    found = marked((str(tmp_path),), {"mlflow": READER.marks})

    assert found.marks == (Mark("mlflow", str(folder)), Mark("mlflow", f"{folder}/7"))
    assert [len(read(Path(mark.folder))) for mark in found.marks] == [2, 0]


def test_data_models_and_registered_versions(tmp_path: Path) -> None:
    mlmodel = "flavors:\n  sklearn: {}\n  python_function: {}\nmlflow_version: 3.17.2\nmodel_size_bytes: 10\n"
    folder = store(
        tmp_path,
        **{
            "inputs/x/meta.yaml": "source_id: d1\nsource_type: DATASET\ntags:\n  mlflow.data.context: train\n",
            "inputs/y/meta.yaml": "source_id: m-2\nsource_type: MODEL\ntags: {}\n",
            "outputs/m-1/meta.yaml": "source_type: RUN_OUTPUT\n",
        },
    )
    files(
        folder,
        {
            "7/datasets/d1/meta.yaml": 'digest: 549ad917\nname: sims\nsource: \'{"uri": "data.csv"}\'\nsource_type: local\n',
            "7/models/m-1/meta.yaml": "name: net\n",
            "7/models/m-1/artifacts/MLmodel": mlmodel,
            "7/models/m-2/meta.yaml": "name: before\n",
            "models/net/version-3/meta.yaml": "model_id: m-1\nname: net\nrun_id: a1\nversion: 3\n",
            "models/net/aliases/champion": "3",
        },
    )

    found = read(folder)[0]

    assert found.datasets == (DataSet("sims", "data.csv", "train", (Digest("mlflow", "549ad917", "state"),)),)
    assert found.models == (
        Model("net", "made", "7/models/m-1/artifacts", "sklearn", "net/3@champion", 10),
        Model("before", "used", "7/models/m-2/artifacts"),
    )


def test_a_point_that_was_logged_twice_counts_once(tmp_path: Path) -> None:
    """The file store writes a metric again when a model is logged after it."""
    folder = store(tmp_path, **{"metrics/loss": "1795435200000 1.0 0\n1795435201000 0.5 1\n1795435200000 1.0 0\n"})

    assert read(folder)[0].metrics == (Metric("loss", 0.5, 2, 0.5, 1.0, 1),)


def test_a_killed_runs_last_sign_of_life_is_in_the_proof(tmp_path: Path) -> None:
    folder = store(tmp_path, **{"metrics/loss": "1795435230000 1.0 0\n"})
    (folder / "7/a1/meta.yaml").write_text(
        META.replace("end_time: 1795435260000", "end_time: null").replace("status: 3", "status: 1")
    )

    assert [(r.state, r.proof) for r in read(folder)] == [
        (
            State.RUNNING,
            "status RUNNING and no end time, last metric at 2026-11-23T12:00:30+00:00: it goes on, or was killed, which MLflow does not notice",
        )
    ]


@pytest.mark.parametrize(
    "text", ["", "status: [", "- a\n- b\n", "start_time: !!python/object/apply:os.system ['true']\n", "\0\1\2"]
)
def test_a_run_whose_description_is_damaged_is_there_and_says_so(tmp_path: Path, text: str) -> None:
    folder = store(tmp_path, **{"params/lr": "0.1"})
    (folder / "7/a1/meta.yaml").write_text(text)

    found = read(folder)[0]

    assert (found.id, found.state, found.parameters) == ("a1", State.UNKNOWN, {"lr": "0.1"})
    assert found.gaps == ("meta.yaml is empty, damaged or cannot be read: status and times are not known",)


def test_a_metric_with_damaged_lines_has_the_others(tmp_path: Path) -> None:
    folder = store(
        tmp_path, **{"metrics/loss": "1795435200000 1.0 0\nrubbish\n\n1795435201000 nan 1\n17954352", "metrics/empty": ""}
    )

    assert read(folder)[0].metrics == (Metric("loss", None, 2, 1.0, 1.0, 1),)


def test_links_out_of_the_store_are_not_followed(tmp_path: Path) -> None:
    folder = store(tmp_path, **{"params/lr": "0.1", "artifacts/a": "1"})
    secret = files(tmp_path / "secret", {"key": "hunter2", "meta.yaml": META, "b2/meta.yaml": META})
    os.symlink(secret / "key", folder / "7/a1/params/key")
    os.symlink(secret, folder / "7/a1/artifacts/more")
    os.symlink(secret / "b2", folder / "7/b2")

    assert [(r.id, r.parameters, r.artifacts) for r in read(folder)] == [("a1", {"lr": "0.1"}, 1)]


def test_a_metric_of_a_gigabyte_is_read_at_both_ends_in_bounded_memory(tmp_path: Path) -> None:
    folder = store(tmp_path, **{"metrics/loss": "1795435200000 1.0 0\n"})
    with (folder / "7/a1/metrics/loss").open("r+b") as file:
        file.seek(1 << 30)
        file.write(b"\n1795435209000 0.125 9\n")
    tracemalloc.start()
    found = read(folder)[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found.metrics == (Metric("loss", 0.125, 2, 0.125, 1.0, 9),)
    assert found.gaps == ("metric loss: more than 4194304 bytes, only the beginning and the end were read",)
    assert peak < 64 << 20


def test_the_older_name_of_a_runs_id_and_the_tag_of_its_name(tmp_path: Path) -> None:
    folder = store(tmp_path, **{"tags/mlflow.runName": "first"})
    (folder / "7/a1/meta.yaml").write_text(
        "run_uuid: a1\nname: ''\nstatus: 3\nstart_time: 1795435200000\nend_time: 1795435260000\n"
    )

    assert [(r.id, r.name) for r in read(folder)] == [("a1", "first")]


def test_a_folder_without_a_store_has_no_runs(tmp_path: Path) -> None:
    assert read(files(tmp_path, {"7/readme.txt": "nothing", "meta.txt": ""})) == []
