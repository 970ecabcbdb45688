"""Are the steps of a run told, where they are known, and is nothing said of them that was not recorded?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from auditor.model import Evidence, Phase
from probes.schedulers import StepRecord
from probes.workflows import State
from probes.workflows.record import TaskGroup, WorkflowRuns, WorkflowSeen
from tests import archived, factory
from tests.factory import at, seen
from tests.reports.test_crate import graph

PREPARE = StepRecord("0", "COMPLETED", 0, 0, 100 << 20, 11.5, 12.0, 1, "python3 prep.py in.csv")
FIT = StepRecord("1", "FAILED", 3, 0, None, None, 61.0, 2, "/usr/bin/python3 fit.py")
BATCH = StepRecord("batch", "COMPLETED", 0, 0, 1 << 20, 1.0, 73.0, 1, "")


def stepped(folder: Path, *steps: StepRecord) -> Evidence:
    """The accounting of the tiny run, with steps."""
    tries = (factory.attempt(0, steps=steps or (BATCH, PREPARE, FIT)),)
    return seen(archived.accounting(folder, attempts=tries), phase=Phase.LATER, taken_at=at(13))


def engined(*groups: TaskGroup, relation: str = "inside") -> Evidence:
    """A workflow engine's run inside of the tiny run."""
    made = groups or (
        TaskGroup("simulate", 4, {"succeeded": 4}, 5, 1, started=at(2), ended=at(4), seconds=200.0, command="simulate {seed}"),
        TaskGroup("train", 1, {"failed": 1}, 2, 0, started=at(5), memory_used=1 << 30, reasons=("exit code 1",)),
    )
    run = WorkflowSeen("snakemake", "9", "r1", ".", State.FAILED, "its log", relation, tasks=5, groups=made)
    return seen(WorkflowRuns((run,), 1), phase=Phase.LATER, taken_at=at(14))


def actions(entities: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [e for e in entities.values() if e["@type"] == "CreateAction"]


def test_each_srun_is_an_action_of_a_program_and_slurm_s_own_steps_are_not(tmp_path: Path) -> None:
    entities = graph(tmp_path, stepped(tmp_path / "work"))
    run, prepare, fit = actions(entities)
    assert run["instrument"] == {"@id": "code/job.sh"}
    assert (prepare["name"], fit["name"]) == ("srun step 0", "srun step 1")
    assert prepare["instrument"] == fit["instrument"]
    assert entities[prepare["instrument"]["@id"]]["name"] == "python3"
    assert prepare["description"] == "python3 prep.py in.csv; its end was not recorded, it is no later than the run's"
    assert "startTime" not in prepare


def test_a_failed_step_says_so_with_its_error(tmp_path: Path) -> None:
    fit = actions(graph(tmp_path, stepped(tmp_path / "work")))[2]
    assert (fit["actionStatus"], fit["error"]) == ("http://schema.org/FailedActionStatus", "FAILED, exit code 3")


def test_what_a_step_used_is_told_with_unit_and_manual_and_the_unknown_is_left_out(tmp_path: Path) -> None:
    entities = graph(tmp_path, stepped(tmp_path / "work"))
    _, prepare, fit = actions(entities)
    values = [
        (entities[u["@id"]]["propertyID"].rpartition("_")[2], entities[u["@id"]]["value"]) for u in prepare["resourceUsage"]
    ]
    assert values == [("MaxRSS", "104857600"), ("TotalCPU", "11.5"), ("Elapsed", "12"), ("NTasks", "1")]
    assert [entities[u["@id"]]["name"] for u in fit["resourceUsage"]] == ["elapsed wall time", "tasks"]


def test_the_script_is_the_workflow_and_names_its_tools(tmp_path: Path) -> None:
    entities = graph(tmp_path, stepped(tmp_path / "work"))
    script = entities["code/job.sh"]
    assert script["@type"] == ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
    assert entities["./"]["mainEntity"] == {"@id": "code/job.sh"}
    assert "https://w3id.org/ro/wfrun/provenance/0.5" in [p["@id"] for p in entities["./"]["conformsTo"]]
    told = [m["@id"] for m in entities["./"]["mentions"]]
    assert told[:-1] == [a["@id"] for a in actions(entities)]
    assert entities[told[-1]]["@type"] == "OrganizeAction"
    assert [entities[s["@id"]]["name"] for s in script["step"]] == ["srun step 0", "srun step 1"]
    assert script["hasPart"]["@id"] in entities


def test_tasks_of_one_name_are_one_step_of_an_engine_s_run(tmp_path: Path) -> None:
    entities = graph(tmp_path, stepped(tmp_path / "work"), engined())
    _, simulate, train = actions(entities)
    assert (simulate["name"], train["name"]) == ("simulate: 4 tasks, 5 attempts", "train: 1 task, 2 attempts")
    assert simulate["description"] == "snakemake: simulate {seed}"
    assert (simulate["startTime"], simulate["endTime"]) == (at(2), at(4))
    assert (train["actionStatus"], train["error"]) == ("http://schema.org/FailedActionStatus", "exit code 1")


def test_a_workflow_that_only_lies_in_the_folder_is_not_told_as_steps(tmp_path: Path) -> None:
    entities = graph(tmp_path, engined(relation="folder"))
    assert len(actions(entities)) == 1
    assert entities["./"]["conformsTo"] == {"@id": "https://w3id.org/ro/wfrun/process/0.5"}


def test_a_run_with_no_step_of_its_own_stays_a_process_run_crate(tmp_path: Path) -> None:
    entities = graph(tmp_path, stepped(tmp_path / "work", BATCH))
    assert "mainEntity" not in entities["./"]
    assert entities["code/job.sh"]["@type"] == "File"


def test_ten_thousand_steps_are_not_all_told(tmp_path: Path) -> None:
    many = tuple(StepRecord(str(n), "COMPLETED", 0, 0, None, None, 1.0, 1, f"a{n} x") for n in range(10_000))
    assert len(actions(graph(tmp_path, stepped(tmp_path / "work", *many)))) == 201


def test_hostile_text_of_a_step_stays_one_line_of_text(tmp_path: Path) -> None:
    nasty = StepRecord("0\n", "COMPLETED", 0, 0, None, None, 1.0, 1, "\x1b[31mrm \udcff\n-rf")
    step = actions(graph(tmp_path, stepped(tmp_path / "work", nasty)))[1]
    assert step["description"].startswith(" [31mrm � -rf")
    assert step["name"] == "srun step 0 "
