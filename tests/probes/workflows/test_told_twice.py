"""Is a run that two records tell of told once, and are two runs that look alike still two?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nextfolder

from auditor.world import RealWorld
from probes.workflows import Attempt, Place, State, Task, WorkflowRun, workflow_runs
from probes.workflows.summary import summary
from probes.workflows.twice import Twice, fuller, fuller_run
from tests.factory import job

SESSION = "082c8487-b30a-4649-83c4-fdcc0e480bed"


def run(
    id: str = "a", started: str = "", *tasks: tuple[str, str], system: str = "dask", folder: str = "/flow", file: str = "log"
) -> WorkflowRun:
    made = tuple(Task(n, "fit", State.SUCCEEDED, (Attempt(1, State.SUCCEEDED, started=at),)) for n, at in tasks)
    return WorkflowRun(system, "1", id, folder, State.SUCCEEDED, "", started=started, tasks=made, places=(Place(file),))


def told(*runs: WorkflowRun) -> list[int | None]:
    twice = Twice()
    return [twice.before(one) for one in runs]


def at(second: float) -> str:
    return f"2026-11-23T12:00:{second:06.3f}+00:00"


def test_tasks_that_began_at_the_same_moment_in_two_records_are_those_of_one_run() -> None:
    log = run("Scheduler-1", at(0), ("fit-0", at(1.001)), ("fit-1", at(2)), ("fit-2", at(3)))
    report = run("report.html", at(1), ("fit-0", at(1.002)), ("fit-1", at(2)))

    assert told(log, report) == [None, 0]


def test_two_runs_of_one_program_have_the_same_names_and_other_times() -> None:
    assert told(run("s1", at(0), ("fit-0", at(1))), run("s2", at(0), ("fit-0", at(1.5)))) == [None, None]


def test_a_session_is_one_run_unless_it_was_resumed() -> None:
    first = run(SESSION, at(0), system="nextflow")
    crate, resumed = replace(first, id=f"#{SESSION}", started=at(2)), replace(first, started=at(50))

    assert told(first, crate, resumed, replace(first, system="parsl")) == [None, 0, None, None]


def test_names_that_are_no_numbers_of_a_session_bind_nothing() -> None:
    assert told(run("trial", at(0)), run("trial", at(0)), run("", ""), run("", "")) == [None] * 4


def test_the_record_that_tells_more_is_kept_with_the_places_of_both() -> None:
    little = summary(run("r", at(0), folder="/flow/results", file="ro-crate-metadata.json"))
    much = summary(run("r", at(0), ("a", at(1)), file=".nextflow.log"))

    assert fuller(little, much) == fuller(much, little) == replace(
        much, places=(Place(".nextflow.log"), Place("results/ro-crate-metadata.json"))
    )  # fmt: skip


def test_of_two_records_with_as_many_attempts_the_one_that_knows_what_waits_for_what_is_kept() -> None:
    report = run("report", at(0), ("a", at(1)), ("b", at(2)), file="report.html")
    log = replace(report, id="log", places=(Place("log"),), tasks=(report.tasks[0], replace(report.tasks[1], needs=("a",))))

    assert fuller(summary(report), summary(log)).id == fuller_run(report, log).id == fuller_run(log, report).id == "log"


def test_by_documented_format_the_crate_of_nf_prov_beside_nextflows_own_record_is_no_second_run(tmp_path: Path) -> None:
    """https://github.com/nextflow-io/nf-prov, WrrocRenderer: the run is a CreateAction `#SESSION`."""
    nextfolder.made(tmp_path)
    started = nextfolder.run(tmp_path).started
    graph = [
        {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"},
         "conformsTo": [{"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"}]},
        {"@id": "./", "@type": "Dataset", "mainEntity": {"@id": "main.nf"}, "mentions": {"@id": f"#{SESSION}"},
         "conformsTo": [{"@id": "https://w3id.org/ro/wfrun/process/0.1"}, {"@id": "https://w3id.org/ro/wfrun/provenance/0.1"}]},
        {"@id": "main.nf", "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"], "programmingLanguage": {"@id": "#nextflow"}},
        {"@id": "#nextflow", "@type": "ComputerLanguage", "name": "Nextflow", "version": "25.10.2"},
        {"@id": f"#{SESSION}", "@type": "CreateAction", "instrument": {"@id": "main.nf"}, "startTime": started, "endTime": started,
         "actionStatus": "http://schema.org/CompletedActionStatus"},
    ]  # fmt: skip
    (tmp_path / "results").mkdir()
    (tmp_path / "results/ro-crate-metadata.json").write_text(
        json.dumps({"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph})
    )

    found = workflow_runs.collect(RealWorld(), job("1", workdir=str(tmp_path)))
    _, shown, _ = workflow_runs.look(RealWorld(), str(tmp_path))

    assert isinstance(found, workflow_runs.WorkflowRuns)
    assert [(r.system, r.id, r.tasks) for r in found.runs] == [("nextflow", SESSION, 2)]
    assert "results/ro-crate-metadata.json" in [p.path for p in found.runs[0].places]
    assert [(r.id, len(r.tasks)) for r in shown] == [(SESSION, 2)]
