"""What is read from Optuna's storages? By hand; Optuna itself runs in tests/real/test_trackers.py."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.tracking import Metric, TrackedRun
from probes.tracking.optuna import READER
from probes.workflows import Place, State, Unreadable
from tests.probes.tracking.stores import database, files

SCHEMA = """
create table studies (study_id integer primary key, study_name text); insert into studies values (1, 'surrogate');
create table version_info (version_info_id integer, schema_version integer, library_version text); insert into version_info values (1, 12, '5.0.0');
create table trials (trial_id integer primary key, number integer, study_id integer, state text, datetime_start text, datetime_complete text);
create table trial_params (trial_id integer, param_name text, param_value float, distribution_json text);
create table trial_user_attributes (trial_id integer, key text, value_json text);
create table trial_values (trial_id integer, objective integer, value float, value_type text);
create table trial_intermediate_values (trial_id integer, step integer, intermediate_value float, intermediate_value_type text);
create table trial_heartbeats (trial_id integer, heartbeat text);
"""
CHOICES = json.dumps({"name": "CategoricalDistribution", "attributes": {"choices": ["mean", "median", None, 4]}})
WHOLE = json.dumps({"name": "IntDistribution", "attributes": {"low": 1, "high": 9}})
TRIAL = {
    "trial_id": 1, "number": 0, "study_id": 1, "state": "COMPLETE",
    "datetime_start": "2026-11-23 12:00:00.5", "datetime_complete": "2026-11-23 12:01:00",
}  # fmt: skip


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def read(folder: Path) -> list[TrackedRun]:
    return list(READER.read(RealWorld(), str(folder)))


def test_a_trial_with_its_choices_values_and_steps(tmp_path: Path) -> None:
    database(
        tmp_path / "study.db",
        {
            "trials": [TRIAL],
            "trial_params": [
                {"trial_id": 1, "param_name": "kind", "param_value": 1.0, "distribution_json": CHOICES},
                {"trial_id": 1, "param_name": "seed", "param_value": 7.0, "distribution_json": WHOLE},
                {"trial_id": 1, "param_name": "lr", "param_value": 0.1, "distribution_json": "{}"},
            ],
            "trial_values": [{"trial_id": 1, "objective": 0, "value": 0.5, "value_type": "FINITE"}],
            "trial_intermediate_values": [{"trial_id": 1, "step": s, "intermediate_value": 1.0 - s / 4} for s in range(3)],
            "trial_user_attributes": [{"trial_id": 1, "key": "slurm_job_id", "value_json": "812"}],
        },
        SCHEMA,
    )

    assert read(tmp_path) == [
        TrackedRun(
            system="optuna",
            id="surrogate/0",
            folder=str(tmp_path),
            state=State.SUCCEEDED,
            proof="state COMPLETE",
            version="5.0.0",
            name="trial 0",
            experiment="surrogate",
            started="2026-11-23T12:00:00.500+00:00",
            ended="2026-11-23T12:01:00+00:00",
            zone_assumed=True,
            parameters={"kind": "median", "seed": "7", "lr": "0.1"},
            metrics=(Metric("intermediate value", 0.5, 3, 0.5, 1.0, 2), Metric("value", 0.5, 1, 0.5, 0.5)),
            seeds={"seed": "7"},
            job_ids=("812",),
            tags={"optuna.state": "COMPLETE", "slurm_job_id": "812"},
            place=Place("study.db", "table trials, trial_id 1"),
        )
    ]


@pytest.mark.parametrize(
    ("state", "read_as"),
    [
        ("PRUNED", State.SUCCEEDED),
        ("FAIL", State.FAILED),
        ("WAITING", State.NOT_RUN),
        ("RUNNING", State.RUNNING),
        ("odd", State.UNKNOWN),
    ],
)
def test_a_pruned_trial_ended_as_it_should(tmp_path: Path, state: str, read_as: State) -> None:
    database(tmp_path / "study.db", {"trials": [TRIAL | {"state": state}]}, SCHEMA)

    assert [(r.state, r.tags.get("optuna.state", "odd")) for r in read(tmp_path)] == [(read_as, state)]


def test_the_last_heartbeat_of_a_trial_that_goes_on_is_in_the_proof(tmp_path: Path) -> None:
    rows = {"trials": [TRIAL | {"state": "RUNNING"}], "trial_heartbeats": [{"trial_id": 1, "heartbeat": "2026-11-23 12:05:00"}]}
    database(tmp_path / "study.db", rows, SCHEMA)

    assert read(tmp_path)[0].proof == (
        "state RUNNING and no end time: it goes on, or was killed; last heartbeat at 2026-11-23T12:05:00+00:00"
    )


def test_several_objectives_and_a_value_that_is_infinite(tmp_path: Path) -> None:
    values = [
        {"trial_id": 1, "objective": 0, "value": 0.5, "value_type": "FINITE"},
        {"trial_id": 1, "objective": 1, "value": None, "value_type": "INF_POS"},
    ]
    database(tmp_path / "study.db", {"trials": [TRIAL], "trial_values": values}, SCHEMA)

    assert [(m.name, m.last) for m in read(tmp_path)[0].metrics] == [("value 0", 0.5), ("value 1", None)]


def test_an_old_schema_with_the_value_in_the_trial_and_no_number(tmp_path: Path) -> None:
    old = """create table studies (study_id integer, study_name text); create table trial_params (trial_id integer);
    create table trials (trial_id integer, study_id integer, state text, value float); insert into studies values (1, 's');"""
    database(tmp_path / "old.sqlite3", {"trials": [{"trial_id": 4, "study_id": 1, "state": "COMPLETE", "value": 2.5}]}, old)

    assert [(r.id, r.metrics, r.started) for r in read(tmp_path)] == [("s/4", (Metric("value", 2.5, 1, 2.5, 2.5),), "")]


@pytest.mark.parametrize(
    "distribution", ["", "[]", "nonsense", '{"name": "CategoricalDistribution", "attributes": {"choices": []}}']
)
def test_a_distribution_that_says_nothing_leaves_the_number(tmp_path: Path, distribution: str) -> None:
    params = [{"trial_id": 1, "param_name": "x", "param_value": 3.5, "distribution_json": distribution}]
    database(tmp_path / "study.db", {"trials": [TRIAL], "trial_params": params}, SCHEMA)

    assert read(tmp_path)[0].parameters == {"x": "3.5"}


LINES = (
    {"op_code": 0, "study_name": "first", "directions": [1]},
    {"op_code": 0, "study_name": "second", "directions": [1]},
    {"op_code": 4, "study_id": 1, "datetime_start": "2026-11-23T12:00:00+00:00"},
    {"op_code": 5, "trial_id": 0, "param_name": "kind", "param_value_internal": 0, "distribution": CHOICES},
    {"op_code": 4, "study_id": 1, "datetime_start": "2026-11-23T12:00:30+00:00"},
    {"op_code": 7, "trial_id": 0, "step": 3, "intermediate_value": 0.5},
    {"op_code": 8, "trial_id": 0, "user_attr": {"phase": "train"}},
    {"op_code": 6, "trial_id": 0, "state": 2, "values": [0.5], "datetime_complete": "2026-11-23T12:01:00+00:00"},
)


def journal(*lines: object) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def test_a_journal_is_played_back(tmp_path: Path) -> None:
    files(tmp_path, {"optuna_journal.log": journal(*LINES)})
    going, pruned = read(tmp_path)

    assert (going.id, going.state, going.started) == ("second/1", State.RUNNING, "2026-11-23T12:00:30+00:00")
    assert (pruned.id, pruned.parameters, pruned.tags) == (
        "second/0",
        {"kind": "mean"},
        {"optuna.state": "PRUNED", "phase": "train"},
    )
    assert (pruned.ended, pruned.zone_assumed, pruned.place) == (
        "2026-11-23T12:01:00+00:00",
        False,
        Place("optuna_journal.log", "line 3"),
    )
    assert [(m.name, m.last, m.step) for m in pruned.metrics] == [("intermediate value", 0.5, 3), ("value", 0.5, None)]


def test_a_journal_that_was_cut_off_or_damaged_says_how_much_of_it(tmp_path: Path) -> None:
    text = journal(*LINES) + '{"op_code":6,"trial_id":"x","state":[]}\n' + '{"op_code":6,"trial_id":1,"sta'
    files(tmp_path, {"journal": text})

    assert {r.gaps for r in read(tmp_path)} == {
        ("2 lines of journal cannot be read (longer than 16384 bytes, cut off, or no JSON)",),
    }


def test_changes_of_trials_that_are_not_there_change_nothing(tmp_path: Path) -> None:
    odd = [{"op_code": 6, "trial_id": n, "state": 1} for n in (-1, 99, 10**30)]
    files(tmp_path, {"journal": journal(*LINES, *odd)})

    assert [r.tags["optuna.state"] for r in read(tmp_path)] == ["RUNNING", "PRUNED"]


def test_other_files_with_such_names_have_no_trials(tmp_path: Path) -> None:
    files(tmp_path, {"study.txt": "my study", "journal.pdf": "%PDF", "optuna.py": "import optuna", "notes.db": "text"})
    os.symlink("/etc/passwd", tmp_path / "journal.log")

    assert read(tmp_path) == []


def test_optunas_own_file_that_cannot_be_read_is_said_to_be_unreadable(tmp_path: Path) -> None:
    files(tmp_path, {"optuna.db": "half a databa"})

    with pytest.raises(Unreadable, match=r"optuna\.db: not a SQLite database"):
        read(tmp_path)
