"""Damaged, hostile and huge: what does the reader of Nextflow's folders do with them? A gap or one clear line; nothing outside is read.

Files are built in the form that the engine's sources show, as it cannot be run here.
"""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import pytest
from nextfolder import GOOD, SESSION, SIMULATED, START, WORK, lineage, made, row, run, runs, task_dir

from probes.workflows import State
from probes.workflows import nextflow as reader


@pytest.mark.parametrize("cut", range(0, GOOD.index("Goodbye"), 151))
def test_a_log_that_is_cut_anywhere_with_an_open_history_is_never_a_success(tmp_path: Path, cut: int) -> None:
    told = run(made(tmp_path, GOOD[:cut], row("-")))
    assert told.state is State.UNKNOWN
    assert {t.state for t in told.tasks} <= {State.SUCCEEDED, State.FAILED, State.UNKNOWN}


@pytest.mark.parametrize("history", ["\n\n", "no tabs here\n", "a\tb\n", "\x00" * 4096, row()[:40]])
def test_lines_of_a_history_that_are_no_runs_are_a_gap(tmp_path: Path, history: str) -> None:
    told = run(made(tmp_path, GOOD, history))
    assert (told.name, told.tasks != ()) == ("irreverent_bernard", True)
    assert ".nextflow.log tells of a run that .nextflow/history does not know" in told.gaps


@pytest.mark.parametrize("end", ["COMPL", "COMPLETED\t0\t1", "COMPLETED\t0\t12", "COMPLETED\t0\t12\t5"])
def test_the_last_cell_of_a_trace_that_was_being_written_is_not_believed(tmp_path: Path, end: str) -> None:
    made(tmp_path, "")
    (tmp_path / "trace.txt").write_text(
        f"hash\tname\tstatus\texit\trealtime\trchar\nd4/783af2\tA\tCOMPLETED\t0\t2s\t7\n0f/aaaaaa\tB\t{end}"
    )
    first, last = run(tmp_path).tasks
    assert (first.state, first.used.seconds, first.used.read) == (State.SUCCEEDED, 2.0, 7)
    assert (last.state, last.used.seconds, last.used.read) == {
        "COMPL": (State.UNKNOWN, None, None), "COMPLETED\t0\t12\t5": (State.SUCCEEDED, 0.012, None),
    }.get(end, (State.SUCCEEDED, None, None))  # fmt: skip


@pytest.mark.parametrize("content", ["", "window.data = ", 'window.data = {"trace": 3};', "window.data = [[[["])
def test_a_report_without_rows_is_no_trace(tmp_path: Path, content: str) -> None:
    made(tmp_path)
    (tmp_path / "report.html").write_text(content)
    assert [t.state for t in run(tmp_path).tasks] == [State.SUCCEEDED, State.SUCCEEDED]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"kind": 3}', '{"kind": "TaskRun", "spec": []}', "[" * 100_000])
def test_a_broken_lineage_record_is_counted(tmp_path: Path, content: str) -> None:
    made(tmp_path)
    lineage(
        tmp_path, "d4783af283d4976d53c5696aea0b997b", "TaskRun", sessionId=SESSION, name="SIMULATE (a)", script="x", input="odd"
    )
    (tmp_path / ".lineage/broken").mkdir()
    (tmp_path / ".lineage/broken/.data.json").write_text(content)
    told = run(tmp_path)
    assert "1 lineage records could not be read" in told.gaps
    assert told.tasks[0].command == "x"


def test_lineage_of_other_types_than_expected_does_not_stop_the_reading(tmp_path: Path) -> None:
    made(tmp_path)
    odd = {"name": 7, "value": {"a": [1]}}
    lineage(
        tmp_path, "d4783af283d4976d53c5696aea0b997b", "AgentRun", sessionId=SESSION, name=["x"], input=[odd, 3, None], model=None
    )
    lineage(tmp_path, "d4783af283d4976d53c5696aea0b997b/f", "FileOutput", taskRun=3, size="big", checksum=[])
    lineage(tmp_path, "00", "WorkflowRun", sessionId=SESSION, params={"a": 1}, workflow=[])
    assert [e.text for e in run(tmp_path).events if e.what == "agent"] == [
        "['x']: a model that is not named, at most ? rounds, runner ?",
    ]  # fmt: skip


@pytest.mark.parametrize("name", [".command.run", ".exitcode", ".command.trace", ".command.sh"])
@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"nextflow.trace/v2\nrealtime=\n%cpu=x\n\n=", b"### ---\n" + b"### - x\n" * 9]
)
def test_damaged_files_of_a_task_leave_its_facts_empty(tmp_path: Path, name: str, content: bytes) -> None:
    made(tmp_path)
    (task_dir(tmp_path, "d4/783af2") / name).write_bytes(content)
    task = run(tmp_path).tasks[0]
    assert (task.state, task.used.seconds, task.environments) == (State.SUCCEEDED, None, ())


def test_control_sequences_and_secrets_do_not_come_through(tmp_path: Path) -> None:
    log = START.replace("--rate 0.1", "--api_key canary-canary-1") + SIMULATED.replace("(a)", "(\x1b[31m\u202ea)")
    history = row().replace("--rate 0.1", "--api_key canary-canary-1")
    made(tmp_path, log, history)
    task_dir(tmp_path, "d4/783af2", sh="export TOKEN=canary-canary-2\n")
    told = run(tmp_path)
    assert dict(told.tasks[0].parameters) == {"tag": "a"}
    assert "canary" not in repr(told)


def test_steps_that_need_each_other_are_a_circle_and_not_a_crash(tmp_path: Path) -> None:
    made(tmp_path)
    for key, other in (("d4/783af2", "94/b48eac"), ("94/b48eac", "d4/783af2")):
        task_dir(tmp_path, key, run=f"ln -s {WORK}/{other}83d4976d53c5696aea0b997b/x x\n")
    task_dir(tmp_path, "a2/5117de", run=f"ln -s {WORK}/d4/783af283d4976d53c5696aea0b997b/x x\n")
    assert {t.id: t.needs for t in run(tmp_path).tasks} == {"d4/783af2": ("94/b48eac",), "94/b48eac": ("d4/783af2",)}


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/.data.json").write_text(
        json.dumps({"kind": "TaskRun", "spec": {"sessionId": SESSION, "name": "canary"}})
    )
    (tmp_path / "outside/.command.sh").write_text("canary")
    (tmp_path / "outside/trace.txt").write_text("hash\tname\tstatus\nd4/783af2\tcanary\tFAILED\n")
    folder = made(tmp_path / "run")
    (folder / ".lineage").mkdir()
    (folder / ".lineage/linked").symlink_to(tmp_path / "outside")
    (folder / "work/d4").mkdir(parents=True)
    (folder / "work/d4/783af283d4976d53c5696aea0b997b").symlink_to(tmp_path / "outside")
    (folder / "trace.txt").symlink_to(tmp_path / "outside/trace.txt")
    (folder / "results").symlink_to(tmp_path / "outside")
    (folder / "nextflow.config").symlink_to("/etc/passwd")
    told = run(folder)
    assert "canary" not in repr(told) and "root:" not in repr(told)
    assert [t.state for t in told.tasks] == [State.SUCCEEDED, State.SUCCEEDED]


def test_a_store_that_links_to_itself_ends(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / ".lineage").mkdir()
    (tmp_path / ".lineage/again").symlink_to(tmp_path / ".lineage")
    assert run(tmp_path).state is State.SUCCEEDED


def test_a_pipe_in_the_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    made(tmp_path)
    at = task_dir(tmp_path, "d4/783af2")
    for path in (
        at / ".command.run",
        at / ".exitcode",
        tmp_path / "trace.txt",
        tmp_path / "nextflow.config",
        tmp_path / ".nextflow.log.1",
    ):
        os.mkfifo(path)
    assert run(tmp_path).tasks[0].state is State.SUCCEEDED


def test_a_long_log_without_a_closed_history_is_unknown_and_not_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_BYTES", 1 << 18)
    log = (START + SIMULATED).replace("470@login1", f"4194305@{os.uname().nodename}") + "noise\n" * (1 << 18)
    told = run(made(tmp_path, log, row("-")))
    assert (told.state, told.proof) == (State.UNKNOWN, ".nextflow.log is too long to be read to its end")
    assert any("the first 262144 were read" in gap for gap in told.gaps)


def test_a_gigabyte_of_nothing_is_read_in_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_BYTES", 16 << 20)
    made(tmp_path)
    with (tmp_path / ".nextflow.log").open("r+b") as file:
        file.truncate(1 << 30)
    tracemalloc.start()
    try:
        assert len(run(tmp_path).tasks) == 2
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_two_runs_do_not_take_each_others_tasks_from_one_trace(tmp_path: Path) -> None:
    other = "11111111-b30a-4649-83c4-fdcc0e480bed"
    made(tmp_path, GOOD, row("OK", "first", other, "2020-12-04 09:00:00") + row())
    log = (START + SIMULATED).replace(SESSION, other).replace("irreverent_bernard", "first").replace("d4/783af2", "0f/aaaaaa")
    (tmp_path / ".nextflow.log.1").write_text(log)
    (tmp_path / "trace.txt").write_text(
        "hash\tname\tstatus\trealtime\nd4/783af2\tSIMULATE (a)\tCOMPLETED\t2s\n0f/aaaaaa\tSIMULATE (a)\tFAILED\t3s\n"
    )
    new, old = runs(tmp_path)
    assert [(t.id, t.used.seconds) for t in new.tasks] == [("d4/783af2", 2.0), ("94/b48eac", None)]
    assert [(t.id, t.state) for t in old.tasks] == [("0f/aaaaaa", State.FAILED)]
