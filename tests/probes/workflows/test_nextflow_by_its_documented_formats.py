"""What is told of a Nextflow run? The engine cannot be run here: every file is built in the form that its sources and public logs show."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from nextfolder import END, FLAKY, GOOD, SESSION, SIMULATED, START, WORK, lineage, made, row, run, runs, task_dir

from probes.workflows import Digest, State, Unreadable
from probes.workflows.nextflow import READER
from probes.workflows.nextflow_files import units

HEADER = """#!/bin/bash
#SBATCH -J nf-SIMULATE_(a)
#SBATCH -c 4
#SBATCH -t 01:30:00
#SBATCH --mem 8192M
#SBATCH -p gpu
### ---
### name: 'SIMULATE (a)'
### container: 'docker://example.org/sim@sha256:{digest}'
### outputs:
### - 'out.txt'
### ...
set -e
nxf_stage() {{
    true
    # stage input files
    rm -f design.txt
    ln -s {work}/a2/5117de83d4976d53c5696aea0b997b/design.txt design.txt
}}
"""


def test_by_documented_format_a_run_tells_version_session_name_and_places_to_work(tmp_path: Path) -> None:
    told = run(made(tmp_path))
    assert (told.version, told.id, told.name, told.host, told.workers) == ("25.10.2", SESSION, "irreverent_bernard", "login1", 12)
    assert (told.state, told.proof) == (State.SUCCEEDED, ".nextflow/history line 1: OK")
    assert dict(told.parameters) == {"rate": "0.1"}


def test_by_documented_format_the_zone_is_found_by_the_exits_that_the_log_gives_in_utc(tmp_path: Path) -> None:
    log = GOOD.replace("Dec-05 09:", "Dec-05 11:")
    told = run(made(tmp_path, log, row(when="2020-12-05 11:59:02")))
    assert (told.started, told.ended, told.zone_assumed) == ("2020-12-05T09:59:02+00:00", "2020-12-05T09:59:15+00:00", False)


def test_by_documented_format_a_task_has_its_job_number_times_and_exit_code(tmp_path: Path) -> None:
    simulate = run(made(tmp_path)).tasks[0]
    (attempt,) = simulate.attempts
    assert (simulate.id, simulate.name, dict(simulate.parameters), simulate.state) == (
        "d4/783af2", "SIMULATE", {"tag": "a"}, State.SUCCEEDED,
    )  # fmt: skip
    assert (attempt.native_id, attempt.exit_code, attempt.submitted, attempt.started, attempt.ended) == (
        "14", 0, "2020-12-05T09:59:06.026+00:00", "2020-12-05T09:59:10.774+00:00", "2020-12-05T09:59:10.778+00:00",
    )  # fmt: skip


def test_by_documented_format_a_retry_is_another_attempt_of_the_same_task(tmp_path: Path) -> None:
    told = run(made(tmp_path))
    train = told.tasks[1]
    assert (train.id, train.state) == ("94/b48eac", State.SUCCEEDED)
    assert [(a.number, a.state, a.exit_code, a.reason) for a in train.attempts] == [
        (1, State.FAILED, 137, "Process `TRAIN` terminated with an error exit status (137)"),
        (2, State.SUCCEEDED, 0, ""),
    ]
    assert [(e.what, e.task) for e in told.events] == [("retry", "94/b48eac")]


def test_by_documented_format_a_task_that_ended_with_another_code_than_0_failed(tmp_path: Path) -> None:
    told = run(made(tmp_path, START + SIMULATED.replace("exit: 0", "exit: 2") + END, row("ERR")))
    assert (told.tasks[0].state, told.tasks[0].attempts[0].exit_code) == (State.FAILED, 2)
    made(tmp_path / "trace", "")
    (tmp_path / "trace/trace.txt").write_text("hash\tname\tstatus\texit\nd4/783af2\tA\tCOMPLETED\t3\n")
    assert run(tmp_path / "trace").tasks[0].state is State.FAILED


def test_by_documented_format_two_tasks_of_one_name_are_two(tmp_path: Path) -> None:
    again = SIMULATED.replace("d4/783af2", "0f/aaaaaa").replace("id: 1;", "id: 9;").replace("jobId: 14", "jobId: 19")
    assert [t.id for t in run(made(tmp_path, START + SIMULATED + again + END)).tasks] == ["d4/783af2", "0f/aaaaaa"]


def test_by_documented_format_the_counts_of_a_wrapped_line_are_metrics(tmp_path: Path) -> None:
    metrics = {m.name: m.value for m in run(made(tmp_path)).metrics}
    assert (metrics["retriesCount"], metrics["peakRunning"], metrics["succeedDuration"], metrics["peakMemory"]) == (
        1,
        2,
        71.0,
        8 << 30,
    )


def test_by_documented_format_an_array_directive_is_a_construct(tmp_path: Path) -> None:
    assert [(c.what, c.text) for c in run(made(tmp_path)).constructs] == [("array", "SIMULATE: array=100")]


def test_by_documented_format_retries_forks_loops_and_resume_are_constructs(tmp_path: Path) -> None:
    (tmp_path / "main.nf").write_text("process A {\n  maxForks 3\n  // maxForks 4\n  scratch true\n}\n  A.recurse(x).times(3)\n")
    (tmp_path / "nextflow.config").write_text("process.errorStrategy = 'retry'\nexecutor.queueSize = 50\n")
    command = row().replace("-with-trace", "-resume")
    found = [(c.what, c.place and f"{c.place.path} {c.place.locator}") for c in run(made(tmp_path, GOOD, command)).constructs]
    assert found == [
        ("resume", ".nextflow.log command"), ("array", ".nextflow.log line 13"), ("limit", "main.nf line 2"), ("staging", "main.nf line 4"),
        ("loop", "main.nf line 6"), ("retries", "nextflow.config line 1"), ("limit", "nextflow.config line 2"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1m 57s", 117.0), ("742ms", 0.742), ("1d 1h 14m 19s", 90859.0), ("117000", 117.0), ("-", None), ("?", None)],
)
def test_by_documented_format_times_are_read_in_words_and_raw(text: str, seconds: float | None) -> None:
    assert units.seconds(text) == seconds


@pytest.mark.parametrize(("text", "size"), [("11.7 MB", 12268339), ("8 GB", 8 << 30), ("0", 0), ("12288", 12288), ("-", None)])
def test_by_documented_format_sizes_are_read_in_words_and_raw(text: str, size: int | None) -> None:
    assert units.size(text) == size


TRACE = (
    "task_id\thash\tnative_id\tname\tstatus\texit\tsubmit\tduration\trealtime\t%cpu\tpeak_rss\tpeak_vmem\trchar\twchar\n"
    "1\td4/783af2\t14\tSIMULATE (a)\tCOMPLETED\t0\t2020-12-05 09:59:06.026\t5s\t1m 57s\t609.5%\t11.7 MB\t20 MB\t2 GB\t1 KB\n"
)


def test_by_documented_format_the_default_trace_tells_what_a_task_used(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "trace-20201205-1.txt").write_text(TRACE)
    used = run(tmp_path).tasks[0].used
    assert (used.seconds, used.cpu_seconds, used.memory, used.read, used.written) == (
        117.0,
        117.0 * 6.095,
        12268339,
        2 << 30,
        1024,
    )
    assert used.place and (used.place.path, used.place.locator) == ("trace-20201205-1.txt", "line 2")


def test_by_documented_format_a_raw_trace_with_other_columns_and_commas_is_read(tmp_path: Path) -> None:
    made(tmp_path, "")
    (tmp_path / "results/pipeline_info").mkdir(parents=True)
    (tmp_path / "results/pipeline_info/execution_trace_1.csv").write_text("nothing,of,ours\n")
    (tmp_path / "results/pipeline_info/execution_trace_1.txt").write_text(
        "hash,name,status,exit,attempt,native_id,submit,start,complete,realtime,cpus,memory,time,queue,accelerator,container,syscr,new_one\n"
        "d4/783af2,SIMULATE (a, b),COMPLETED,0,1,812_3,1607162346026,1607162347000,1607162350000,3000,4,8589934592,3600000,gpu,1,sim:1,7,x\n"
    )
    (task,) = run(tmp_path).tasks
    (attempt,) = task.attempts
    assert (dict(task.parameters), task.asked.cpus, task.asked.gpus, task.asked.memory, task.asked.seconds, task.asked.partition) == (
        {"tag": "a, b"}, 4.0, 1.0, 8 << 30, 3600.0, "gpu",
    )  # fmt: skip
    assert (attempt.native_id, attempt.started, attempt.ended) == (
        "812_3",
        "2020-12-05T09:59:07+00:00",
        "2020-12-05T09:59:10+00:00",
    )
    assert (task.used.seconds, task.used.read_calls) == (3.0, 7)
    assert [(e.name, e.declared and e.declared.locator, e.enacted) for e in task.environments] == [("sim:1", "line 2", None)]


def test_by_documented_format_tries_of_a_trace_are_joined_by_their_attempt_number(tmp_path: Path) -> None:
    made(tmp_path, "")
    (tmp_path / "trace.txt").write_text(
        "task_id\thash\tname\tstatus\texit\tattempt\n1\taa/000001\tTRAIN\tFAILED\t137\t1\n3\taa/000003\tTRAIN\tCOMPLETED\t0\t2\n"
        "2\taa/000002\tTRAIN\tCOMPLETED\t0\t1\n"
    )
    assert [(t.id, [a.state.value for a in t.attempts]) for t in run(tmp_path).tasks] == [
        ("aa/000001", ["failed", "succeeded"]),
        ("aa/000002", ["succeeded"]),
    ]


def test_by_documented_format_the_rows_of_a_report_are_taken_where_there_is_no_trace(tmp_path: Path) -> None:
    made(tmp_path, "")
    data = {
        "trace": [
            {"task_id": "1", "hash": "d4/783af2", "name": "SIMULATE (a)", "status": "CACHED", "exit": "0", "realtime": "3000"}
        ]
    }
    (tmp_path / "report.html").write_text(f"<html><script>\n  window.data = {json.dumps(data)};\n</script></html>")
    told = run(tmp_path)
    assert [(t.id, t.state, t.used.seconds) for t in told.tasks] == [("d4/783af2", State.CACHED, 3.0)]
    assert [e.what for e in told.events] == ["resumed"]


def test_by_documented_format_a_wrapper_that_names_its_container_enacts_it(tmp_path: Path) -> None:
    made(tmp_path)
    task_dir(tmp_path, "d4/783af2", run=HEADER.format(digest="ab" * 32, work=WORK), sh="#!/bin/bash\nsimulate\n")
    task_dir(tmp_path, "a2/5117de", run="#!/bin/bash\n")
    simulate = run(tmp_path).tasks[0]
    (environment,) = simulate.environments
    assert (environment.name, environment.declared, environment.refused) == (
        f"docker://example.org/sim@sha256:{'ab' * 32}",
        None,
        None,
    )
    assert environment.enacted and environment.enacted.locator == "### container"
    assert environment.digests == (Digest("sha256", "ab" * 32),)
    assert (simulate.asked.cpus, simulate.asked.memory, simulate.asked.seconds, simulate.asked.partition) == (
        4.0,
        8 << 30,
        5400.0,
        "gpu",
    )
    assert simulate.command == "#!/bin/bash\nsimulate\n"


def test_by_documented_format_a_wrapper_that_names_no_container_refuses_the_declared_one(tmp_path: Path) -> None:
    made(tmp_path, "")
    (tmp_path / "trace.txt").write_text("hash\tname\tstatus\tcontainer\nd4/783af2\tA\tCOMPLETED\tsim:1\n")
    task_dir(tmp_path, "d4/783af2", run="#!/bin/bash\n### ---\n### name: 'A'\n### ...\n")
    (environment,) = run(tmp_path).tasks[0].environments
    assert (bool(environment.declared), environment.enacted, bool(environment.refused)) == (True, None, True)


def test_by_documented_format_a_container_of_a_task_that_never_began_is_not_enacted(tmp_path: Path) -> None:
    submitted = "Dec-05 09:59:06.030 [Task submitter] INFO  nextflow.Session - [d4/783af2] Submitted process > SIMULATE (a)\n"
    made(tmp_path, START + submitted, row("-"))
    task_dir(tmp_path, "d4/783af2", run=HEADER.format(digest="ab" * 32, work=WORK))
    assert run(tmp_path).tasks[0].environments == ()
    task_dir(tmp_path, "d4/783af2", begin="")
    assert [bool(e.enacted) for e in run(tmp_path).tasks[0].environments] == [True]


def test_by_documented_format_what_the_wrapper_activates_is_enacted(tmp_path: Path) -> None:
    made(tmp_path)
    wrapper = (
        "#!/bin/bash\nnxf_module_load samtools 1.2\nnxf_module_load gcc\n# conda environment\n"
        'source $(conda info --json | awk \'/conda_prefix/ { gsub(/"|,/, "", $2); print $2 }\')/bin/activate /conda/env-4a\n'
        "# spack environment\nspack env activate -d /spack/env-7\n"
    )
    task_dir(tmp_path, "d4/783af2", run=wrapper)
    lineage(
        tmp_path,
        "d4783af283d4976d53c5696aea0b997b",
        "TaskRun",
        sessionId=SESSION,
        name="SIMULATE (a)",
        conda="file:///conda/env-4a",
    )
    told = {(e.kind, e.name): (bool(e.declared), bool(e.enacted)) for e in run(tmp_path).tasks[0].environments}
    assert told == {
        ("conda", "/conda/env-4a"): (True, True),
        ("spack", "/spack/env-7"): (False, True),
        ("module", "samtools/1.2"): (False, True),
        ("module", "gcc"): (False, True),
    }


def test_by_documented_format_links_of_the_wrapper_tell_who_made_an_input(tmp_path: Path) -> None:
    made(tmp_path)
    task_dir(tmp_path, "d4/783af2", run=HEADER.format(digest="ab" * 32, work=WORK))
    simulate = run(tmp_path).tasks[0]
    assert simulate.needs == ("94/b48eac",)  # the task whose second try has the hash a2/5117de
    assert [(f.path, f.role) for f in simulate.files] == [
        ("work/a2/5117de83d4976d53c5696aea0b997b/design.txt", "input"),
        ("work/d4/783af283d4976d53c5696aea0b997b/out.txt", "output"),
    ]


def test_by_documented_format_the_measurements_of_the_work_directory_fill_what_no_trace_tells(tmp_path: Path) -> None:
    made(tmp_path)
    measured = "nextflow.trace/v2\nrealtime=2000\n%cpu=1950\ncpu_model=x\nrchar=10\nwchar=20\nsyscr=3\nsyscw=4\npeak_rss=100\n"
    task_dir(tmp_path, "d4/783af2", trace=measured, exitcode="0")
    used = run(tmp_path).tasks[0].used
    assert (used.seconds, used.cpu_seconds, used.memory, used.read, used.written, used.read_calls, used.write_calls) == (
        2.0, 3.9, 102400, 10, 20, 3, 4,
    )  # fmt: skip


def test_by_documented_format_a_run_that_was_never_closed_elsewhere_is_unknown(tmp_path: Path) -> None:
    told = run(made(tmp_path, START + FLAKY.split("Dec-05 09:59:14")[0], row("-")))
    assert (told.state, told.proof) == (State.UNKNOWN, ".nextflow/history line 1: not closed: killed, or still running elsewhere")
    assert (told.ended, told.tasks[0].state) == ("", State.UNKNOWN)


def test_by_documented_format_a_run_that_was_never_closed_here_and_has_no_process_was_killed(tmp_path: Path) -> None:
    log = (START + FLAKY.split("Dec-05 09:59:14")[0]).replace("470@login1", f"4194305@{os.uname().nodename}")
    told = run(made(tmp_path, log, row("-")))
    assert (told.state, told.tasks[0].state) == (State.KILLED, State.KILLED)


def test_by_documented_format_an_exit_code_without_the_engines_word_is_no_success(tmp_path: Path) -> None:
    log = (START + FLAKY.split("Dec-05 09:59:14")[0]).replace("470@login1", f"4194305@{os.uname().nodename}")
    made(tmp_path, log, row("-"))
    task_dir(tmp_path, "a2/5117de", begin="", exitcode="0")
    task = run(tmp_path).tasks[0]
    assert (task.state, task.attempts[-1].exit_code) == (State.UNKNOWN, 0)


def test_by_documented_format_rotated_logs_go_to_their_own_runs_newest_first(tmp_path: Path) -> None:
    other = "11111111-b30a-4649-83c4-fdcc0e480bed"
    made(tmp_path, "", row("ERR", "first_try", other, "2020-12-04 09:00:00") + row())
    (tmp_path / ".nextflow.log").write_text(GOOD)
    (tmp_path / ".nextflow.log.1").write_text(START.replace(SESSION, other).replace("irreverent_bernard", "first_try"))
    new, old = runs(tmp_path)
    assert [(r.name, r.state, r.places[-1].path, len(r.tasks)) for r in (new, old)] == [
        ("irreverent_bernard", State.SUCCEEDED, ".nextflow.log", 2),
        ("first_try", State.FAILED, ".nextflow.log.1", 0),
    ]


def test_by_documented_format_a_run_whose_log_was_rotated_away_says_so(tmp_path: Path) -> None:
    told = run(made(tmp_path, ""))
    assert (told.state, told.zone_assumed) == (State.SUCCEEDED, True)
    assert "the log of this run is not there: it was rotated away, or written elsewhere (`nextflow -log`)" in told.gaps


def test_by_documented_format_a_log_without_a_history_is_a_run(tmp_path: Path) -> None:
    (tmp_path / ".nextflow.log").write_text(START + SIMULATED + END.replace("failedCount=1", "failedCount=0"))
    told = run(tmp_path)
    assert (told.state, told.proof) == (State.SUCCEEDED, ".nextflow.log line 17: completed, no task failed")


def test_by_documented_format_cached_tasks_are_neither_done_nor_failed(tmp_path: Path) -> None:
    cached = "Dec-05 09:59:06.030 [Actor Thread 3] INFO  nextflow.processor.TaskProcessor - [d4/783af2] Cached process > SIMULATE (a)\n"
    told = run(made(tmp_path, START + cached + END))
    assert [(t.id, t.state) for t in told.tasks] == [("d4/783af2", State.CACHED)]
    assert [(e.what, e.text) for e in told.events] == [("resumed", "1 tasks were taken from an earlier run")]


def test_by_documented_format_a_month_in_another_language_is_still_a_line(tmp_path: Path) -> None:
    told = run(made(tmp_path, GOOD.replace("Dec-05", "12月-05")))
    assert [t.attempts[0].ended for t in told.tasks][:1] == ["2020-12-05T09:59:10.778+00:00"]


LID = "86" + "2df53160e07cd823c0c3960545e747"[:30]


def test_by_documented_format_the_lineage_adds_steps_files_and_digests_with_what_they_cover(tmp_path: Path) -> None:
    made(tmp_path, "")
    checksum = {"value": "b14f5171a48ce5c22ea27d7b8e57b6c4", "algorithm": "nextflow", "mode": "standard"}
    lineage(tmp_path, "16b31030474f2e96c55f4940bca3ab64", "WorkflowRun", sessionId=SESSION, name="x", params=[
        {"type": "String", "name": "outdir", "value": "/results"}, {"type": "String", "name": "api_token", "value": "canary-canary"},
    ], workflow={"commitId": "86165b8c81d43a1f57363964431395152e353e56", "repository": "https://example.org/x"})  # fmt: skip
    lineage(tmp_path, LID, "TaskRun", sessionId=SESSION, name="TRAIN", script="train.py", container=None, conda="file:///env-4a",
            input=[{"type": "path", "name": "x", "value": ["lid://d4783af283d4976d53c5696aea0b997b/out.txt"]}])  # fmt: skip
    lineage(
        tmp_path,
        f"{LID}/model.pt",
        "FileOutput",
        path=f"{WORK}/86/{LID[2:]}/model.pt",
        size=7,
        taskRun=f"lid://{LID}",
        checksum=checksum,
    )
    told = run(tmp_path)
    (task,) = told.tasks
    assert (task.name, task.command, task.state) == ("TRAIN", "train.py", State.UNKNOWN)
    assert [(f.role, f.size, f.digests) for f in task.files] == [
        ("input", None, ()), ("output", 7, (Digest("nextflow", "b14f5171a48ce5c22ea27d7b8e57b6c4", "state"),)),
    ]  # fmt: skip
    assert told.definitions[0].revision == "86165b8c81d43a1f57363964431395152e353e56"
    assert (told.parameters["outdir"], "canary-canary" in repr(told)) == ("/results", False)


def test_by_documented_format_an_agent_is_a_task_and_an_event(tmp_path: Path) -> None:
    made(tmp_path, "")
    lineage(tmp_path, LID, "AgentRun", sessionId=SESSION, name="analyst (1)", runner="pi", model="openai/some-model", resolvedModel=None,
            maxIterations=20, instruction="Be concise.", input=[])  # fmt: skip
    told = run(tmp_path)
    assert [(t.id, t.name) for t in told.tasks] == [("86/2df531", "analyst")]
    assert [(e.what, e.text, e.task) for e in told.events] == [
        ("agent", "analyst (1): openai/some-model, at most 20 rounds, runner pi", "86/2df531"),
    ]  # fmt: skip


def test_by_documented_format_a_moved_tree_is_read_where_it_lies_now(tmp_path: Path) -> None:
    made(tmp_path / "elsewhere")
    task_dir(tmp_path / "elsewhere", "d4/783af2", run=HEADER.format(digest="ab" * 32, work=WORK))
    assert run(tmp_path / "elsewhere").tasks[0].needs == ("94/b48eac",)


def test_by_documented_format_a_work_directory_outside_of_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "scratch/work").mkdir(parents=True)
    task_dir(tmp_path / "scratch", "d4/783af2", sh="secret")
    (tmp_path / "launch").mkdir()
    (tmp_path / "launch/work").symlink_to(tmp_path / "scratch/work")
    told = run(made(tmp_path / "launch", GOOD.replace(WORK, str(tmp_path / "scratch/work"))))
    assert "secret" not in repr(told)
    assert any("does not lie in the folder: task directories were not read" in gap for gap in told.gaps)


def test_a_folder_with_an_empty_history_and_no_log_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="tells of a run"):
        runs(made(tmp_path, "", ""))


def test_the_reader_is_known_by_its_folder_or_its_log() -> None:
    assert (READER.system, READER.marks) == ("nextflow", (".nextflow", ".nextflow.log"))


def test_by_documented_format_a_run_over_new_year_ends_in_the_next_one(tmp_path: Path) -> None:
    """The log has no year; the history has one."""
    log = (
        GOOD.replace("Dec-05 09:59:02", "Dec-31 23:59:02").replace("Dec-05 09:59:1", "Jan-01 00:00:1").replace("Dec-05", "Dec-31")
    )
    told = run(made(tmp_path, log.replace("09:59:", "23:59:"), row(when="2020-12-31 23:59:02")))
    years = sorted({a.ended[:4] for t in told.tasks for a in t.attempts if a.ended and a.submitted})
    assert (told.started[:4], "2021" in years, [t.id for t in told.tasks if t.attempts[-1].ended < t.attempts[-1].submitted]) == (
        "2020", True, [],
    )  # fmt: skip


def test_by_documented_format_an_aborted_task_was_killed_and_did_not_fail(tmp_path: Path) -> None:
    made(tmp_path, "")
    (tmp_path / "trace.txt").write_text("task_id\thash\tname\tstatus\texit\n1\taa/000001\tTRAIN\tABORTED\t-\n")
    assert [t.state for t in run(tmp_path).tasks] == [State.KILLED]


def test_by_documented_format_a_report_is_escaped_for_html_and_told_as_it_was(tmp_path: Path) -> None:
    made(tmp_path, "")
    data = {"trace": [{"task_id": "1", "hash": "d4/783af2", "name": "FIT (a &amp; b)", "status": "COMPLETED", "exit": "0"}]}
    (tmp_path / "report.html").write_text(f"<html><script>\n  window.data = {json.dumps(data)};\n</script></html>")
    assert [dict(t.parameters) for t in run(tmp_path).tasks] == [{"tag": "a & b"}]


def test_by_documented_format_a_secret_in_the_words_of_a_failure_is_withheld(tmp_path: Path) -> None:
    secret = FLAKY.replace("terminated with an error exit status (137)", "failed: API_TOKEN=abcdef1234567890")
    told = run(made(tmp_path, START + SIMULATED + secret + END))
    assert (len([a.reason for t in told.tasks for a in t.attempts if "failed" in a.reason]), "abcdef12345" in repr(told)) == (
        1,
        False,
    )
