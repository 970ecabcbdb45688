"""What does `auditor workflow` print? Typed as a user types it, over records of engines."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

from auditor.world import Ran, RealWorld

TABLES = """
create table workflow (run_id text, workflow_name text, workflow_version text, time_began text, time_completed text, rundir text);
create table task (task_id integer, run_id text, task_depends text, task_func_name text, task_inputs text, task_outputs text);
create table try (try_id integer, task_id integer, run_id text, task_executor text, task_try_time_launched text,
  task_try_time_running text, task_try_time_returned text, task_fail_history text, task_joins text);
create table status (task_id integer, task_status_name text, timestamp text, run_id text, try_id integer);
insert into workflow values ('r1', 'flow.py', '1', '2026-11-23 12:00:00', '2026-11-23 12:01:00', '/gone/runinfo/000');
insert into task values (0, 'r1', '', 'make', '[]', '[]'), (1, 'r1', '0', 'count', '[]', '[]');
insert into try values (0, 0, 'r1', 'cpu', '2026-11-23 12:00:01', null, '2026-11-23 12:00:05', '', null),
  (0, 1, 'r1', 'cpu', '2026-11-23 12:00:06', null, '2026-11-23 12:00:07', '', null);
insert into status values (0, 'exec_done', '2026-11-23 12:00:05', 'r1', 0), (1, 'exec_done', '2026-11-23 12:00:07', 'r1', 0);
"""


def auditor(folder: Path, *words: str, columns: int = 120) -> Ran:
    world = RealWorld(cwd=str(folder))
    return world.run(sys.executable, "-m", "auditor", "workflow", *words, env={"COLUMNS": str(columns), "TZ": "UTC"}, timeout=60)


def parsl(folder: Path, name: str = "make") -> Path:
    (folder / "runinfo").mkdir()
    with closing(connect(folder / "runinfo/monitoring.db")) as database:
        database.executescript(TABLES.replace("'make'", f"'{name}'"))
    return folder


def test_times_that_the_engine_did_not_keep_are_a_dash_and_not_none_side_by_side(tmp_path: Path) -> None:
    ran = auditor(parsl(tmp_path))

    assert (ran.code, ran.err, "side by side " in ran.out.replace("side by side  environment", "")) == (0, "", False)
    assert [line.split() for line in ran.out.splitlines() if line.startswith("  make")] == [
        ["make", "1", "1", "succeeded", "1", "–", "–", "–"]
    ]


def test_what_waits_for_what_is_an_order_where_no_file_joins_it(tmp_path: Path) -> None:
    lines = [line.strip() for line in auditor(parsl(tmp_path)).out.splitlines()]

    assert "order        make → count (1)" in lines
    assert not [line for line in lines if line.startswith("data flow")]


def test_no_secret_and_no_control_sequence_reaches_the_terminal_or_the_json(tmp_path: Path) -> None:
    parsl(tmp_path, "make\x1b[31m ghp_abcdefghijklmnopqrstuvwxyz0123456789")
    table, rows = auditor(tmp_path), auditor(tmp_path, "--json")

    assert len(json.loads(rows.out)["runs"][0]["tasks"]) == 2
    assert [word for word in ("ghp_abc", "\x1b[31m ghp") if word in table.out or word in rows.out] == []


def test_a_narrow_terminal_keeps_name_number_and_end(tmp_path: Path) -> None:
    assert "  count  1       1 succeeded" in auditor(parsl(tmp_path), columns=60).out


def test_where_nothing_is_the_systems_are_named_and_where_else_to_look(tmp_path: Path) -> None:
    ran = auditor(tmp_path)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("auditor: no record of cwltool, dask, fireworks, nextflow,") and "auditor report RUN" in ran.err


def test_a_record_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "runinfo").mkdir()
    (tmp_path / "runinfo/monitoring.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 200)
    ran = auditor(tmp_path)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[0].startswith(f"auditor: not read: parsl {tmp_path}/runinfo: monitoring.db: ")
