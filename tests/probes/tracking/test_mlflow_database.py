"""What is read from MLflow's SQLite store? Files as MLflow writes them, by hand; MLflow itself runs in tests/real/test_mlflow.py."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.tracking import DataSet, Metric, Model, TrackedRun
from probes.tracking.mlflow import READER
from probes.workflows import Digest, Place, State, Unreadable
from tests.probes.tracking.stores import SCHEMA, START, database, files, points, run


def read(folder: Path) -> list[TrackedRun]:
    return list(READER.read(RealWorld(), str(folder)))


def tag(key: str, value: str, uuid: str = "a1") -> dict[str, str]:
    return {"key": key, "value": value, "run_uuid": uuid}


def test_a_run_with_parameters_metrics_and_tags(tmp_path: Path) -> None:
    database(
        tmp_path / "mlflow.db",
        {
            "runs": [run()],
            "params": [tag("lr", "0.1"), tag("random_state", "42")],
            "tags": [tag("mlflow.source.name", "train.py"), tag("mlflow.source.git.commit", "c" * 40), tag("favourite", "blue")],
            **points("a1", "loss", 1.0, 0.25, 0.5),
        },
    )

    assert read(tmp_path) == [
        TrackedRun(
            system="mlflow",
            id="a1",
            folder=str(tmp_path),
            state=State.SUCCEEDED,
            proof="status FINISHED, ended at 2026-11-23T12:01:00+00:00",
            name="train",
            experiment="campaign",
            started="2026-11-23T12:00:00+00:00",
            ended="2026-11-23T12:01:00+00:00",
            user="ada",
            source="train.py",
            commit="c" * 40,
            parameters={"lr": "0.1", "random_state": "42"},
            metrics=(Metric("loss", 0.5, 3, 0.25, 1.0, 2),),
            seeds={"random_state": "42"},
            tags={"mlflow.source.git.commit": "c" * 40, "mlflow.source.name": "train.py"},
            place=Place("mlflow.db", "table runs, run_uuid a1"),
        )
    ]


def test_newest_first(tmp_path: Path) -> None:
    database(tmp_path / "mlflow.db", {"runs": [run("a1"), run("b2", start_time=START + 5), run("c3", start_time=None)]})

    assert [r.id for r in read(tmp_path)] == ["b2", "a1", "c3"]


@pytest.mark.parametrize(
    ("status", "state"),
    [("FINISHED", "succeeded"), ("FAILED", "failed"), ("KILLED", "killed"), ("SCHEDULED", "not-run"), ("ODD", "unknown")],
)
def test_the_status_is_the_trackers_word(tmp_path: Path, status: str, state: str) -> None:
    database(tmp_path / "mlflow.db", {"runs": [run(status=status)]})

    assert [r.state for r in read(tmp_path)] == [state]


def test_a_run_that_was_killed_stays_running_and_the_proof_says_that_nobody_knows(tmp_path: Path) -> None:
    rows = {"runs": [run(status="RUNNING", end_time=None)], **points("a1", "loss", 1.0)}
    database(tmp_path / "mlflow.db", rows)

    assert [(r.state, r.ended, r.proof) for r in read(tmp_path)] == [
        (
            State.RUNNING,
            "",
            "status RUNNING and no end time, last metric at 2026-11-23T12:00:00+00:00: it goes on, or was killed, which MLflow does not notice",
        )
    ]


def test_no_number_is_made_of_nan_and_infinity(tmp_path: Path) -> None:
    """MLflow keeps a NaN as 0 with a mark, and an infinity as the largest number."""
    nan = {"key": "loss", "value": 0.0, "timestamp": START, "run_uuid": "a1", "step": 0, "is_nan": 1}
    huge = {**nan, "key": "norm", "value": 1.7976931348623157e308, "is_nan": 0}
    database(tmp_path / "mlflow.db", {"runs": [run()], "metrics": [nan, huge], "latest_metrics": [nan, huge]})

    assert read(tmp_path)[0].metrics == (Metric("loss", None, 1, None, None, 0), Metric("norm", None, 1, None, None, 0))


def test_metrics_of_the_machine_are_kept_by_name_only(tmp_path: Path) -> None:
    database(tmp_path / "mlflow.db", {"runs": [run()], **points("a1", "system/gpu_0_utilization", 12.0)})

    assert [(r.metrics, r.system_metrics) for r in read(tmp_path)] == [((), ("system/gpu_0_utilization",))]


def test_a_data_set_has_its_source_its_role_and_a_digest_that_is_none_of_its_content(tmp_path: Path) -> None:
    about = {"dataset_uuid": "d1", "experiment_id": 1, "name": "sims", "digest": "549ad917", "dataset_source_type": "http"}
    database(
        tmp_path / "mlflow.db",
        {
            "runs": [run()],
            "datasets": [{**about, "dataset_source": '{"url": "https://example.org/x.csv"}'}],
            "inputs": [
                {
                    "input_uuid": "i1",
                    "source_type": "DATASET",
                    "source_id": "d1",
                    "destination_type": "RUN",
                    "destination_id": "a1",
                }
            ],
            "input_tags": [{"input_uuid": "i1", "name": "mlflow.data.context", "value": "train"}],
        },
    )

    assert read(tmp_path)[0].datasets == (
        DataSet("sims", "https://example.org/x.csv", "train", (Digest("mlflow", "549ad917", "state"),)),
    )


MLMODEL = "flavors:\n  python_function:\n    python_version: 3.11.7\n  sklearn:\n    code: null\nmlflow_version: 3.17.2\nmodel_size_bytes: 2250\n"


def made_and_used(tmp_path: Path) -> None:
    logged = {"experiment_id": 1, "name": "surrogate", "source_run_id": "a1"}
    link = {"input_uuid": "i", "source_type": "RUN_OUTPUT", "destination_type": "MODEL_OUTPUT"}
    database(
        tmp_path / "mlflow.db",
        {
            "runs": [run(), run("b2", start_time=START + 5)],
            "logged_models": [{**logged, "model_id": "m-1", "artifact_location": "/old/mlruns/1/models/m-1/artifacts"}],
            "inputs": [
                {**link, "source_id": "a1", "destination_id": "m-1"},
                {
                    **link,
                    "source_id": "b2",
                    "destination_id": "m-1",
                    "source_type": "RUN_INPUT",
                    "destination_type": "MODEL_INPUT",
                },
            ],
            "model_versions": [{"name": "surrogate", "version": 3, "source": "models:/m-1", "run_id": "a1"}],
            "registered_model_aliases": [{"name": "surrogate", "version": 3, "alias": "champion"}],
        },
    )
    files(tmp_path / "mlruns/1/models/m-1/artifacts", {"MLmodel": MLMODEL, "requirements.txt": "mlflow\n"})


def test_a_model_is_followed_from_the_run_that_made_it_to_the_run_that_used_it_also_in_a_moved_tree(tmp_path: Path) -> None:
    made_and_used(tmp_path)
    path = "mlruns/1/models/m-1/artifacts"

    used, made = read(tmp_path)

    assert made.models == (Model("surrogate", "made", path, "sklearn", "surrogate/3@champion", 2250),)
    assert used.models == (Model("surrogate", "used", path, "sklearn", "", 2250),)
    assert (made.version, made.environment) == ("3.17.2", (f"{path}/requirements.txt",))


def test_a_model_outside_of_the_stores_folder_is_named_and_not_read(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    made_and_used(store)
    os.rename(store / "mlruns/1/models/m-1", tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", store / "mlruns/1/models/m-1")

    assert [(m.path, m.flavour, m.size) for m in read(store)[1].models] == [("mlruns/1/models/m-1/artifacts", "", None)]


def test_before_mlflow_3_a_model_is_known_by_the_runs_tag_and_the_registrys_path(tmp_path: Path) -> None:
    history = json.dumps([{"run_id": "a1", "artifact_path": "model", "flavors": {}}])
    source = "/old/mlruns/1/a1/artifacts/model"
    schema = SCHEMA.replace("logged_models", "not_yet_models")
    database(
        tmp_path / "mlflow.db",
        {
            "runs": [run()],
            "tags": [tag("mlflow.log-model.history", history)],
            "model_versions": [{"name": "net", "version": 1, "source": source, "run_id": "a1"}],
        },
        schema,
    )
    files(tmp_path / "mlruns/1/a1/artifacts/model", {"MLmodel": MLMODEL})

    found = read(tmp_path)[0]

    assert found.models == (Model("model", "made", "mlruns/1/a1/artifacts/model", "sklearn", "net/1", 2250),)
    assert (found.artifacts, found.artifact_bytes) == (1, len(MLMODEL))


def test_a_store_of_mlflow_1_without_the_table_of_latest_metrics_and_without_a_runs_name(tmp_path: Path) -> None:
    schema = """
    create table experiments (experiment_id integer, name text);
    create table runs (run_uuid text, status text, start_time bigint, end_time bigint, source_version text, experiment_id integer);
    create table params ("key" text, value text, run_uuid text); create table tags ("key" text, value text, run_uuid text);
    create table metrics ("key" text, value float, timestamp bigint, run_uuid text, step bigint);
    insert into experiments values (1, 'old');
    """
    old = {
        "run_uuid": "a1",
        "status": "FINISHED",
        "start_time": START,
        "end_time": START,
        "experiment_id": 1,
        "source_version": "d" * 40,
    }
    rows = [{k: v for k, v in row.items() if k != "is_nan"} for row in points("a1", "loss", 2.0, 1.0)["metrics"]]
    database(tmp_path / "mlruns.db", {"runs": [old], "metrics": rows, "tags": [tag("mlflow.runName", "first")]}, schema)

    found = read(tmp_path)[0]

    assert (found.name, found.experiment, found.commit, found.artifacts) == ("first", "old", "d" * 40, None)
    assert found.metrics == (Metric("loss", 1.0, 2, 1.0, 2.0, 1),)


def test_columns_and_tables_that_nobody_knows_yet_are_passed_over(tmp_path: Path) -> None:
    more = SCHEMA + "alter table runs add column mood text; create table quantum (state text);"
    database(tmp_path / "mlflow.db", {"runs": [run(mood="good")]}, more)

    assert [r.name for r in read(tmp_path)] == ["train"]


def test_a_nested_run_names_its_parent_and_a_tag_names_the_schedulers_job(tmp_path: Path) -> None:
    tags = [
        tag("mlflow.parentRunId", "p9"),
        tag("slurm.job_id", "812_3"),
        tag("audit.run_id", "f" * 16),
        tag("slurm_job_id", "none"),
    ]
    database(tmp_path / "mlflow.db", {"runs": [run()], "tags": tags})

    found = read(tmp_path)[0]

    assert (found.parent, found.job_ids, found.tags["audit.run_id"]) == ("p9", ("812_3",), "f" * 16)


def test_dirty_is_said_only_where_mlflow_says_it(tmp_path: Path) -> None:
    said = [tag("mlflow.source.git.dirty", "true", "b2"), tag("mlflow.source.git.commit", "c" * 40, "a1")]
    database(tmp_path / "mlflow.db", {"runs": [run("a1"), run("b2", start_time=0)], "tags": said})

    assert [r.dirty for r in read(tmp_path)] == [None, True]


def test_a_deleted_run_is_there_and_says_so(tmp_path: Path) -> None:
    database(tmp_path / "mlflow.db", {"runs": [run(lifecycle_stage="deleted")]})

    assert read(tmp_path)[0].gaps == ("it was deleted in MLflow and is still in its store",)


def test_hostile_text_is_one_clean_line_and_a_password_is_withheld(tmp_path: Path) -> None:
    params = [
        tag("note", "a\x1b[31mred\x1b[0m\nb"),
        tag("db_password", "hunter22222"),
        tag("max_tokens", "4096"),
        tag("x" * 400, "y" * 5000),
    ]
    database(tmp_path / "mlflow.db", {"runs": [run(name="evil\n\x1b]0;title\x07name")], "params": params})

    found = read(tmp_path)[0]

    assert (found.parameters["note"], found.parameters["db_password"], found.parameters["max_tokens"]) == (
        "ared b",
        "[withheld]",
        "4096",
    )
    assert max(len(k) + len(v) for k, v in found.parameters.items()) <= 700
    assert "\n" not in found.name and "\x1b" not in found.name


def test_a_database_of_another_program_has_no_runs(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as db:
        db.execute("create table runs (id text)")
    (tmp_path / "notes.db").write_text("no database at all")

    assert read(tmp_path) == []


@pytest.mark.parametrize("content", [b"SQLite format 3\0 and then nothing", b"half a", b"\0" * 4096])
def test_mlflows_own_file_that_cannot_be_read_is_said_to_be_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mlflow.db").write_bytes(content)

    with pytest.raises(Unreadable, match=r"mlflow\.db: "):
        read(tmp_path)


def test_a_store_that_breaks_off_gives_what_could_be_read_and_then_says_so(tmp_path: Path) -> None:
    path = database(tmp_path / "mlflow.db", {"runs": [run(f"r{n:05}", name="x" * 200) for n in range(3000)]})
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])

    with pytest.raises(Unreadable, match=r"mlflow\.db: .*malformed"):
        read(tmp_path)


def test_a_locked_store_is_read_as_it_lies_and_every_run_says_so(tmp_path: Path) -> None:
    path = database(tmp_path / "mlflow.db", {"runs": [run()]})
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("begin exclusive")
        assert [r.gaps for r in read(tmp_path)] == [("read without its journal: database is locked",)]


def test_a_run_without_most_values_is_a_run_without_them(tmp_path: Path) -> None:
    nothing = dict.fromkeys(
        ("name", "user_id", "status", "start_time", "end_time", "lifecycle_stage", "artifact_uri", "experiment_id")
    )
    database(tmp_path / "mlflow.db", {"runs": [run() | nothing, run("b2", start_time="yesterday", end_time=-5)]})

    empty, odd = sorted(read(tmp_path), key=lambda r: r.id)

    assert (empty.state, empty.proof, empty.started, empty.experiment) == (State.UNKNOWN, "status missing, no end time", "", "")
    assert (odd.started, odd.ended) == ("", "")
