"""What does `auditor experiments` print? Typed as a user types it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from auditor.world import Ran, RealWorld
from tests.probes.tracking.stores import database, run


def auditor(folder: Path, *words: str) -> Ran:
    world = RealWorld(cwd=str(folder))
    return world.run(sys.executable, "-m", "auditor", "experiments", *words, env={"COLUMNS": "160"}, timeout=60)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    params = [
        {"run_uuid": "a1", "key": k, "value": v}
        for k, v in (("lr", "0.1"), ("seed", "42"), ("api_key", "sk-abcdefghijklmnopqrst"))
    ]
    metrics = [{"run_uuid": "a1", "key": "loss", "value": 0.25, "timestamp": 0, "step": 3, "is_nan": 0}]
    database(tmp_path / "mlflow.db", {"runs": [run(name="evil\x1b[31m name")], "params": params, "latest_metrics": metrics})
    return tmp_path


def test_a_table_with_seeds_first_and_without_secrets_and_control_sequences(store: Path) -> None:
    ran = auditor(store)

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[1].split() == (
        "mlflow campaign evil name succeeded 2026-11-23 12:00 loss 0.25 seed=42, lr=0.1, api_key=[withheld] –".split()
    )


def test_json_holds_every_run_whole_and_no_secret(store: Path) -> None:
    ran = auditor(store, "--json")
    told = json.loads(ran.out)

    assert [(r["id"], r["parameters"]["seed"], r["place"]["locator"]) for r in told["runs"]] == [
        ("a1", "42", "table runs, run_uuid a1")
    ]
    assert (told["unread"], told["walked_all"], "sk-abc" in ran.out) == ([], True, False)


def test_a_folder_without_a_record_is_no_error_and_no_success(tmp_path: Path) -> None:
    ran = auditor(tmp_path)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("auditor: no record of dvc, hydra, lightning, mlflow, optuna,")


def test_a_broken_record_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("no database")
    ran = auditor(tmp_path)

    assert ran.err.splitlines()[0] == f"auditor: not read: mlflow {tmp_path}: mlflow.db: not a SQLite database"


def test_a_path_that_is_no_folder_is_said_to_be_none(tmp_path: Path) -> None:
    ran = auditor(tmp_path, "nowhere")

    assert (ran.code, ran.err) == (
        2,
        "auditor: nowhere is not a folder\n  hint: name the folder in which the tracked program was started\n",
    )
