"""Which engines' runs are found where a job worked, and how do they belong to it? A real folder with a small provenance crate is enough."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from auditor.model import Absent
from auditor.world import RealWorld
from probes.workflows import Attempt, State, Task, WorkflowRun
from probes.workflows import workflow_runs as probe
from tests.factory import job


def run(started: str = "", *native: str) -> WorkflowRun:
    tasks = tuple(Task(n, "fit", State.SUCCEEDED, (Attempt(1, State.SUCCEEDED, native_id=n),)) for n in native)
    return WorkflowRun("parsl", "2026.10.26", "r1", "/data/flow", State.SUCCEEDED, "closed", started=started, tasks=tasks)


HELD = job("812_3", started_at="2026-11-23T12:00:00+00:00", ended_at="2026-11-23T13:00:00+00:00")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (run("2026-11-23T11:59:59+00:00"), "folder"),
        (run("2026-11-23T12:00:00.250+00:00"), "inside"),
        (run("2026-11-23T13:00:01+00:00"), "folder"),
        (run("", "811", "812_3"), "task"),
        (run("2026-11-23T12:30:00+00:00", "812"), "inside"),
        (run(), "folder"),
    ],
)
def test_a_run_is_the_jobs_own_by_number_or_by_time(found: WorkflowRun, expected: str) -> None:
    assert probe.relation(found, HELD) == expected


def test_local_runs_have_no_numbers_that_an_engine_could_mean() -> None:
    local = dataclasses.replace(HELD, scheduler="local", job_id="7")
    assert probe.relation(run("", "7"), local) == "folder"


def test_a_task_without_a_number_is_not_the_job_of_which_none_is_known() -> None:
    assert probe.relation(run("", ""), dataclasses.replace(HELD, job_id="")) == "folder"


def test_folders_that_the_script_names_are_looked_in_as_well(tmp_path: Path) -> None:
    for name in ("flow", "prov", "work"):
        (tmp_path / name).mkdir()
    script = (
        "snakemake --directory flow --cores 2\ncwltool --provenance=prov x.cwl\nnextflow run x -work-dir 'work'\nrun --dir gone\n"
    )
    found = probe.elsewhere(RealWorld(), job("1", workdir=str(tmp_path), script=script, argv=()))
    assert found == tuple(str(tmp_path / name) for name in ("flow", "prov", "work"))


def test_an_empty_work_directory_has_no_engine(tmp_path: Path) -> None:
    found = probe.collect(RealWorld(), job("1", workdir=str(tmp_path)))
    assert found == Absent("no workflow engine left a record below the work directory")


def test_a_work_directory_that_is_gone_is_absent(tmp_path: Path) -> None:
    found = probe.collect(RealWorld(), job("1", workdir=str(tmp_path / "gone")))
    assert found == Absent(f"the work directory is not there: {tmp_path}/gone")


def test_every_reader_has_its_own_name_and_marks() -> None:
    found = probe.readers()
    assert len({r.system for r in found}) == len(found)
    assert [r.system for r in found if not r.marks] == []
