"""A damaged, locked, older or hostile Parsl record is told as far as it goes; nothing in it is evaluated or unpickled."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from parslrun import CONFIG, RUN, TABLES, database, file, line, log, status, task, tried, workflow

from auditor.world import RealWorld
from probes.workflows import State, Unreadable, WorkflowRun, parsl, parsl_config, parsl_log, parsl_tasks

GOOD = {"workflow": [workflow()], "task": [task(0, "f")], "try": [tried(0)], "status": status(0, "launched", "exec_done")}
LINES = (
    line(1, "Task 0 submitted for App f, not waiting on any dependency"),
    line(2, "Task 0 changing state from launched to exec_done"),
)


def written(folder: Path, text: str | None = None) -> Path:
    (folder / "runinfo/000").mkdir(parents=True, exist_ok=True)
    if text is not None:
        (folder / "runinfo/000/parsl.log").write_text(text)
    return folder / "runinfo"


def runs_of(runinfo: Path) -> list[WorkflowRun]:
    return list(parsl.READER.read(RealWorld(), str(runinfo)))


@pytest.mark.parametrize("content", [b"no database at all", b"SQLite format 3\x00" + b"\xff" * 4096, b""])
def test_a_broken_database_leaves_the_log(tmp_path: Path, content: bytes) -> None:
    runinfo = written(tmp_path, log(*LINES))
    (runinfo / "monitoring.db").write_bytes(content)

    (run,) = runs_of(runinfo)

    assert (run.state, [t.name for t in run.tasks]) == (State.SUCCEEDED, ["f"])
    assert any("monitoring" in gap for gap in run.gaps)


def test_a_database_cut_in_the_middle_gives_what_can_be_read(tmp_path: Path) -> None:
    runinfo = written(tmp_path, log(*LINES))
    whole = database(runinfo / "monitoring.db", {**GOOD, "task": [task(n, "f" * 500) for n in range(500)]}).read_bytes()
    (runinfo / "monitoring.db").write_bytes(whole[: len(whole) // 2])

    (run,) = runs_of(runinfo)

    assert run.gaps and run.tasks


@pytest.mark.parametrize("table", ["task", "try", "status", "node", "block", "resource"])
def test_a_missing_table_is_a_gap(tmp_path: Path, table: str) -> None:
    runinfo = written(tmp_path)
    database(runinfo / "monitoring.db", GOOD, {name: columns for name, columns in TABLES.items() if name != table})

    (run,) = runs_of(runinfo)

    assert f"monitoring.db: no table {table} that tells runs apart" in run.gaps


def test_missing_columns_are_empty_and_unknown_ones_are_left_alone(tmp_path: Path) -> None:
    runinfo = written(tmp_path)
    tables = {
        "workflow": ("run_id", "time_began", "rundir", "surprise"),
        "task": ("task_id", "run_id", "surprise"),
        "status": ("task_id", "run_id", "task_status_name", "timestamp"),
    }
    database(runinfo / "monitoring.db", {**GOOD, "task": [{**task(0, "f"), "surprise": b"\x80\x04."}]}, tables)

    (run,) = runs_of(runinfo)

    assert (run.id, run.tasks[0].state, run.tasks[0].name, run.user) == (RUN, State.SUCCEEDED, "", "")


def test_a_locked_database_is_read_as_it_lies(tmp_path: Path) -> None:
    runinfo = written(tmp_path)
    path = database(runinfo / "monitoring.db", GOOD)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("begin exclusive")

        (run,) = runs_of(runinfo)

    assert run.tasks[0].state is State.SUCCEEDED
    assert any("without its journal" in gap for gap in run.gaps)


def test_a_database_in_a_folder_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    runinfo = written(tmp_path)
    path = database(runinfo / "monitoring.db", GOOD)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma journal_mode = wal")
    path.chmod(0o444)
    runinfo.chmod(0o555)
    try:
        (run,) = runs_of(runinfo)
    finally:
        runinfo.chmod(0o755)

    assert run.tasks[0].state is State.SUCCEEDED


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    secret = database(tmp_path / "secret.db", GOOD)
    (tmp_path / "secret.log").write_text(log(*LINES))
    runinfo = written(tmp_path / "run")
    (runinfo / "monitoring.db").symlink_to(secret)
    (runinfo / "000/parsl.log").symlink_to(tmp_path / "secret.log")

    (run,) = runs_of(runinfo)

    assert (run.tasks, run.version) == ((), "")
    assert sum("link" in gap for gap in run.gaps) == 2


def test_an_empty_folder_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "monitoring.db").write_bytes(b"nothing")

    with pytest.raises(Unreadable, match="not a SQLite database"):
        runs_of(tmp_path)


def test_a_log_of_another_run_in_the_same_folder_is_left_aside(tmp_path: Path) -> None:
    runinfo = written(tmp_path, log(*LINES))
    database(runinfo / "monitoring.db", {**GOOD, "workflow": [workflow(run_id="other")]})

    (run,) = runs_of(runinfo)

    assert f"000/parsl.log is of another run ({RUN})" in run.gaps


def test_nothing_of_a_configuration_is_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "Config(executors=(__import__('os').system('touch made'), HighThroughputExecutor(label=open('made', 'w'))), retries=9**9**9)"

    configured = parsl_config.parse(text)

    assert not (tmp_path / "made").exists()
    assert configured.retries == 0


@pytest.mark.parametrize(
    "text", ["", "Config(", "Config(" * 5000, ")" * 5000, "Config(executors=[" + "'" * 999, "Config(a=<<<<>" + "<" * 9999]
)
def test_a_configuration_that_was_cut_gives_what_is_there(text: str) -> None:
    assert parsl_config.parse(text).executors == ()


def test_a_secret_of_the_configuration_is_not_kept(tmp_path: Path) -> None:
    config = CONFIG.replace("run_dir='runinfo'", "api_token='hunter2hunter2', password='hunter2hunter2'")

    assert "hunter2" not in repr(runs_of(written(tmp_path, log(*LINES, config=config))))


def test_keys_beside_the_log_are_not_read(tmp_path: Path) -> None:
    runinfo = written(tmp_path, log(*LINES))
    (runinfo / "000/sim/certificates").mkdir(parents=True)
    (runinfo / "000/sim/certificates/client.key_secret").write_text("hunter2")

    assert "hunter2" not in repr(runs_of(runinfo))


def test_a_cycle_of_dependencies_is_told_as_it_is(tmp_path: Path) -> None:
    runinfo = written(tmp_path)
    tasks = [task(0, "a", task_depends="1"), task(1, "b", task_depends="0, 1,x,-1")]
    database(runinfo / "monitoring.db", {**GOOD, "task": tasks})

    assert [t.needs for t in runs_of(runinfo)[0].tasks] == [("1",), ("0", "1")]


def test_control_sequences_and_line_ends_do_not_come_through(tmp_path: Path) -> None:
    runinfo = written(tmp_path, log(line(1, "Task 0 submitted for App f\x1b[31m, not waiting on any dependency")))
    rows = {
        **GOOD,
        "task": [task(0, "f\x1b[2J\n", task_inputs=f"[{file(chr(10) + 'a' + chr(27) + '[31m.txt')}]")],
        "try": [tried(0, task_fail_history="Bad(\x1b]0;t\x07\n)")],
        "status": status(0, "failed"),
    }
    database(runinfo / "monitoring.db", rows)

    told = repr(runs_of(runinfo))

    assert "\\x1b" not in told and "\\n" not in told


@pytest.mark.parametrize("when", ["", "yesterday", "2026-13-45 99:99:99", 17, b"\xff", "9" * 400])
def test_times_that_are_none_are_empty(tmp_path: Path, when: object) -> None:
    runinfo = written(tmp_path)
    database(
        runinfo / "monitoring.db",
        {**GOOD, "try": [tried(0, task_try_time_running=when)], "workflow": [workflow(time_began=when)]},
    )

    (run,) = runs_of(runinfo)

    assert (run.started, run.tasks[0].attempts[0].started) == ("", "")


def test_hostile_lists_of_files_cost_linear_time() -> None:
    text = "<File at 0x1 url=" + " path=" * 20_000 + "<File at 0x2 url=" * 5_000

    assert len(list(parsl_tasks.listed(text))) == 5_001


def test_a_log_of_a_gigabyte_is_read_in_pieces_with_an_end_to_its_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless() -> Iterator[tuple[int, str]]:
        for number in range(20_000):
            yield number, line(number, f"Task {number} initializing state to pending").rstrip("\n")
            yield number, "x" * 1000

    monkeypatch.setattr(parsl_log, "MAX_TASKS", 1000)
    told = parsl_log.parse(endless())

    assert (len(told.tasks), told.whole) == (1000, False)


def test_of_a_log_that_is_too_large_the_end_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsl_log, "MAX_BYTES", 4096)
    filler = "".join(line(6, f"nothing of interest {n}", "DEBUG") for n in range(20_000))
    runinfo = written(tmp_path, log(*LINES, filler))

    (run,) = runs_of(runinfo)

    assert run.proof.startswith("000/parsl.log its last lines: Workflow shutdown information")
    assert any("not all of it was read" in gap for gap in run.gaps)


def test_a_log_without_an_end_of_its_configuration_does_not_grow(tmp_path: Path) -> None:
    lines = [(1, line(0, "Starting DataFlowKernel with config").rstrip("\n")), *((n, "    x=1,") for n in range(2, 100_000))]

    told = parsl_log.parse(iter(lines))

    assert told.configured.executors == () and told.config_line == 2


def test_a_folder_of_a_thousand_runs_is_bounded(tmp_path: Path) -> None:
    for number in range(parsl.MAX_RUNS + 20):
        (tmp_path / f"runinfo/{number:03d}").mkdir(parents=True)
        (tmp_path / f"runinfo/{number:03d}/parsl.log").write_text("")

    assert len(runs_of(tmp_path / "runinfo")) == parsl.MAX_RUNS
