"""Damaged, hostile and huge: what does the reader of Snakemake's folders do with them? A gap or one clear line; nothing is run, nothing outside is read."""

from __future__ import annotations

import base64
import json
import os
import pickle
import sqlite3
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest
from snakefolder import (
    CLOSED,
    GOOD,
    HEADER,
    NAME,
    SIMULATE,
    SIMULATED,
    START,
    STATS,
    TRAIN,
    TRAINED,
    encoded,
    made,
    record,
    run,
    runs,
)

from probes.workflows import State, Unreadable
from probes.workflows import snakemake as reader
from probes.workflows.snakemake_files.metadata import code


def database(folder: Path, *rows: dict[str, object], columns: str = "") -> Path:
    """`.snakemake/metadata.db` of version 9 with these rows; columns: of another schema."""
    path = folder / ".snakemake/metadata.db"
    path.parent.mkdir(exist_ok=True)
    every = columns or (
        "rule, input, log, shellcmd, params, code, record_format_version, conda_env, container_img_url, software_stack_hash, job_hash,"
        " starttime, endtime, incomplete, external_jobid, input_checksums, namespace, target, primary key (namespace, target)"
    )
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"create table snakemake_metadata ({every})")
        db.execute("create table snakemake_locks (namespace, file_path, lock_type)")
        for row in rows:
            names = ", ".join(row)
            db.execute(f"insert into snakemake_metadata ({names}) values ({', '.join('?' * len(row))})", tuple(row.values()))
        db.commit()
    return path


def row(target: str, rule: str) -> dict[str, object]:
    content = record(rule)
    return {k: json.dumps(v) if isinstance(v, (list, dict)) else v for k, v in content.items()} | {
        "namespace": "x",
        "target": target,
    }


def test_the_database_tells_the_same_as_the_files(tmp_path: Path) -> None:
    files = run(made(tmp_path / "files", GOOD, {"out.txt": record("simulate"), "model.txt": record("train")}))
    made(tmp_path / "database")
    database(tmp_path / "database", row("out.txt", "simulate"), row("model.txt", "train"))
    other = run(tmp_path / "database")
    assert [(t.name, t.state, t.command, t.used.seconds) for t in other.tasks] == [
        (t.name, t.state, t.command, t.used.seconds) for t in files.tasks
    ]
    assert [p.path for p in other.places] == [f".snakemake/log/{NAME}", ".snakemake/metadata.db"]


@pytest.mark.parametrize("columns", ["target, rule", "target, rule, starttime, endtime, of_a_later_version"])
def test_a_database_with_missing_or_unknown_columns_is_read_as_far_as_it_goes(tmp_path: Path, columns: str) -> None:
    made(tmp_path)
    database(tmp_path, {"target": "out.txt", "rule": "simulate"}, columns=columns)
    assert [t.state for t in run(tmp_path).tasks] == [State.SUCCEEDED, State.SUCCEEDED]


def test_a_database_without_its_table_is_a_gap(tmp_path: Path) -> None:
    made(tmp_path)
    with closing(sqlite3.connect(tmp_path / ".snakemake/metadata.db")) as db:
        db.execute("create table other (x)")
    assert ".snakemake/metadata.db has no table snakemake_metadata" in run(tmp_path).gaps


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"not a database at all"])
def test_half_a_database_is_a_gap(tmp_path: Path, content: bytes) -> None:
    made(tmp_path)
    (tmp_path / ".snakemake/metadata.db").write_bytes(content)
    told = run(tmp_path)
    assert (told.state, any(gap.startswith(".snakemake/metadata.db") for gap in told.gaps)) == (State.SUCCEEDED, True)


def test_a_database_that_another_process_has_locked_is_read(tmp_path: Path) -> None:
    made(tmp_path)
    path = database(tmp_path, row("out.txt", "simulate"))
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("begin exclusive")
        told = run(tmp_path)
    assert told.tasks[0].command == "./simulate"


def test_a_database_in_a_folder_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    made(tmp_path)
    path = database(tmp_path, row("out.txt", "simulate"))
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        assert run(tmp_path).tasks[0].command == "./simulate"
    finally:
        path.parent.chmod(0o755)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", '{"rule": 7, "input": 3, "starttime": "soon", "input_checksums": []}', "[" * 100_000]
)
def test_a_broken_record_does_not_spoil_the_others(tmp_path: Path, content: str) -> None:
    made(tmp_path, GOOD, {"out.txt": record("simulate")})
    (tmp_path / ".snakemake/metadata" / encoded("model.txt")).write_text(content)
    told = run(tmp_path)
    assert next((t.state, t.command) for t in told.tasks) == (State.SUCCEEDED, "./simulate")


def test_records_that_could_not_be_read_are_counted(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / ".snakemake/metadata/not base64").write_text("{}")
    (tmp_path / ".snakemake/metadata" / encoded("x")).write_text("{")
    assert "2 metadata records of .snakemake/metadata could not be read" in run(tmp_path).gaps


def test_a_long_path_that_was_split_over_folders_is_put_together(tmp_path: Path) -> None:
    target = "deep/" * 80 + "out.txt"
    made(tmp_path, GOOD.replace("output: out.txt", f"output: {target}"))
    name = encoded(target)
    folder = tmp_path / ".snakemake/metadata" / f"@{name[:200]}"
    folder.mkdir()
    (folder / f"@{name[200:400]}").mkdir()
    (folder / f"@{name[200:400]}" / name[400:]).write_text(json.dumps(record("simulate")))
    assert run(tmp_path).tasks[0].command == "./simulate"


def test_a_mark_of_an_incomplete_output_with_a_long_name_counts_once(tmp_path: Path) -> None:
    made(tmp_path, HEADER + STATS + SIMULATE)
    folder = tmp_path / ".snakemake/incomplete" / f"@{encoded('deep/' * 60)[:200]}"
    folder.mkdir()
    (folder / encoded("deep/" * 60)[200:]).write_text("{}")
    (tmp_path / ".snakemake/locks/0.output.lock").write_text("x\n")
    assert [e.text for e in run(tmp_path).events] == ["1 outputs are marked as incomplete"]


def test_the_size_of_a_file_that_was_changed_after_the_run_is_not_that_of_the_run(tmp_path: Path) -> None:
    made(tmp_path, GOOD, {"out.txt": record("simulate")})
    (tmp_path / "out.txt").write_text("four")
    os.utime(tmp_path / "out.txt", (START + 1, START + 1))
    sizes = [f.size for f in run(tmp_path).tasks[0].files if f.path == "out.txt"]
    os.utime(tmp_path / "out.txt", (START + 999, START + 999))
    assert (sizes, [f.size for f in run(tmp_path).tasks[0].files if f.path == "out.txt"]) == ([4], [None])


class Trap:
    """Whoever unpickles it is found out."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.mkdir, ("unpickled",))


def test_a_pickle_is_never_loaded_and_its_strings_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pickled = base64.b64encode(pickle.dumps(["shell", "./simulate {input}", Trap()])).decode()
    told = run(made(tmp_path, GOOD, {"out.txt": record("simulate", shellcmd=None, code=pickled)}))
    assert "./simulate {input}" in told.tasks[0].command
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize("text", ["print(1)", "gAS", base64.b64encode(b"\x80\x04K").decode(), ""])
def test_code_that_is_no_whole_pickle_stays_as_it_is_written(text: str) -> None:
    assert code(text) == text


@pytest.mark.parametrize("cut", range(0, GOOD.index("Complete log"), 97))
def test_a_log_that_is_cut_anywhere_is_a_run_and_never_a_success(tmp_path: Path, cut: int) -> None:
    told = run(made(tmp_path, GOOD[:cut]))
    assert told.state in (State.KILLED, State.UNKNOWN)
    assert all(t.state in (State.SUCCEEDED, State.KILLED, State.NOT_RUN) for t in told.tasks)


def test_control_sequences_of_a_log_do_not_come_through(tmp_path: Path) -> None:
    log = GOOD.replace("User: ada", "User: \x1b]0;owned\x07ada\x1b[2J").replace("n=0", "n=\u202e0\x1b[31m")
    told = run(made(tmp_path, log))
    assert (told.user, told.tasks[0].parameters["n"]) == ("ada", "0")


def test_a_path_with_a_line_break_in_a_record_is_a_path_and_breaks_no_line_of_ours(tmp_path: Path) -> None:
    told = run(made(tmp_path, GOOD, {"evil\nFinished jobid: 9": record("simulate")}))
    assert [t.id for t in told.tasks] == ["1", "0"]
    rest = runs(tmp_path)[-1]
    assert (rest.id, len(rest.tasks)) == ("without-log", 1)


def test_a_command_that_prints_the_engines_words_does_not_end_a_job(tmp_path: Path) -> None:
    shell = "    shell:\n        echo\nFinished jobid: 0 (Rule: train)\n"
    log = HEADER + STATS + SIMULATE + SIMULATED + TRAIN + shell
    assert [(t.name, t.state) for t in run(made(tmp_path, log)).tasks] == [("simulate", State.SUCCEEDED), ("train", State.KILLED)]


def test_files_that_need_each_other_are_a_circle_and_not_a_crash(tmp_path: Path) -> None:
    log = GOOD.replace("input: design.txt", "input: model.txt, out.txt")
    assert {t.id: t.needs for t in run(made(tmp_path, log)).tasks} == {"1": ("0",), "0": ("1",)}
    circle = {
        "a": record("a", input=["b"], starttime=1.0, endtime=1.0),
        "b": record("b", input=["a"], starttime=1.0, endtime=1.0),
    }
    rest = runs(made(tmp_path, GOOD, circle))[-1]
    assert {t.name: len(t.needs) for t in rest.tasks} == {"a": 1, "b": 1}


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "log").mkdir(parents=True)
    (outside / "log" / NAME).write_text(GOOD.replace("ada", "canary"))
    (outside / "config.yaml").write_text("canary: true\n")
    (outside / "train.tsv").write_text("s\tmax_rss\n99.0\t1.0\n")
    folder = made(tmp_path / "run", GOOD, {"model.txt": record("train")})
    for name in ("config.yaml", "train.tsv"):
        (folder / name).symlink_to(outside / name)
    (folder / "Snakefile").symlink_to("/etc/passwd")
    (outside / "record").write_text(json.dumps(record("simulate", shellcmd="canary")))
    (folder / ".snakemake/metadata" / encoded("out.txt")).symlink_to(outside / "record")
    (folder / ".snakemake/log/2027-01-01T000000.000000.snakemake.log").symlink_to(outside / "log" / NAME)
    told = runs(folder)
    assert (told[0].state, told[0].gaps) == (
        State.UNKNOWN,
        ("'.snakemake/log/2027-01-01T000000.000000.snakemake.log' is or crosses a link",),
    )
    assert told[1].tasks[1].used.seconds == 1.0
    assert "canary" not in repr(told) and "root:" not in repr(told)


def test_a_folder_of_the_engine_that_is_itself_a_link_is_refused(tmp_path: Path) -> None:
    made(tmp_path / "outside")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/.snakemake").symlink_to(tmp_path / "outside/.snakemake")
    with pytest.raises(OSError, match="is or crosses a link"):
        runs(tmp_path / "run")


def test_paths_of_a_log_that_lead_out_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.tsv").write_text("s\tmax_rss\n99.0\t1.0\n")
    log = GOOD.replace("benchmark: train.tsv", "benchmark: ../secret.tsv")
    told = run(made(tmp_path / "run", log, {"model.txt": record("train")}))
    assert told.tasks[1].used.seconds == 1.0


def test_a_pipe_in_the_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    made(tmp_path, GOOD, {"model.txt": record("train")})
    for name in ("train.tsv", "config.yaml", ".snakemake/metadata.db", ".snakemake/log/2027-01-01T000000.000000.snakemake.log"):
        os.mkfifo(tmp_path / name)
    assert [r.state for r in runs(tmp_path)] == [State.UNKNOWN, State.SUCCEEDED]


def test_a_folder_with_nothing_in_it_is_unreadable_in_one_line(tmp_path: Path) -> None:
    (tmp_path / ".snakemake/log").mkdir(parents=True)
    with pytest.raises(Unreadable, match="holds no log and no metadata: nothing was run here"):
        runs(tmp_path)


def test_an_empty_log_is_told_as_such(tmp_path: Path) -> None:
    told = run(made(tmp_path, ""))
    assert (told.state, told.tasks) == (State.UNKNOWN, ())
    assert "is empty: nothing was begun" in told.proof


def test_of_a_log_that_is_too_long_the_head_and_the_end_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_LOG", 4096)
    many = "".join(SIMULATE.replace("jobid: 1", f"jobid: {n}").replace("out.txt", f"{n}.txt") for n in range(2, 9000))
    log = HEADER + STATS + SIMULATE + SIMULATED + many + TRAIN + TRAINED + CLOSED
    told = run(made(tmp_path, log))
    assert told.state is State.SUCCEEDED
    assert {t.state for t in told.tasks} == {State.SUCCEEDED, State.UNKNOWN}
    assert any("the first 4096 were read, and of its tail how it ended" in gap for gap in told.gaps)


def test_a_gigabyte_of_nothing_is_read_in_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_LOG", 16 << 20)
    made(tmp_path)
    with (tmp_path / ".snakemake/log" / NAME).open("r+b") as file:
        file.truncate(1 << 30)
    tracemalloc.start()
    try:
        assert [t.state for t in run(tmp_path).tasks] == [State.SUCCEEDED, State.SUCCEEDED]
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_the_own_log_of_a_submitted_job_tells_what_failed_inside_of_it(tmp_path: Path) -> None:
    submitted = "Job 1 has been submitted with SLURM jobid 23 (log: /home/ada/run/.snakemake/slurm_logs/rule_simulate/23.log).\n"
    inner = SIMULATE.replace("jobid: 1", "jobid: 0")
    failed = "[Mon Nov 23 21:23:35 2026]\nError in rule simulate:\n    message: None\n    jobid: 0\nTrying to restart job 0.\n"
    made(tmp_path, HEADER + STATS + SIMULATE + submitted + SIMULATED + TRAIN + TRAINED + CLOSED)
    own = tmp_path / ".snakemake/slurm_logs/rule_simulate/23.log"
    own.parent.mkdir(parents=True)
    image = "Activating singularity image sim.sif\n"
    own.write_text(HEADER.replace("login1", "node7") + inner + failed + inner + image)
    (tmp_path / ".snakemake/metadata" / encoded("out.txt")).write_text(
        json.dumps(record("simulate", container_img_url="sim.sif"))
    )
    told = run(tmp_path).tasks[0]
    attempts = told.attempts
    assert [e.enacted and e.enacted.path for e in told.environments] == [".snakemake/slurm_logs/rule_simulate/23.log"]
    assert [(a.number, a.state, a.native_id, a.host) for a in attempts] == [
        (1, State.FAILED, "23", "node7"),
        (2, State.SUCCEEDED, "23", "node7"),
    ]


def test_an_array_gives_each_job_its_number_in_the_order_of_the_log(tmp_path: Path) -> None:
    array = "Submitted array job with Snakemake IDs 1,0 and SLURM job ID 16. The individual task IDs are 1-2.\n"
    told = run(made(tmp_path, HEADER + STATS + SIMULATE + TRAIN + array + SIMULATED + TRAINED + CLOSED))
    assert {t.name: t.attempts[0].native_id for t in told.tasks} == {"simulate": "16_1", "train": "16_2"}
    assert next((c.what, c.text) for c in told.constructs) == ("array", "Slurm job 16 with 2 tasks")


def test_the_efficiency_report_tells_what_a_submitted_job_used(tmp_path: Path) -> None:
    run_id = "SLURM run ID: 0d0b5770-d23c-4a33-a77b-4090d5c3f291\n"
    submitted = "Job 1 has been submitted with SLURM jobid 15 (log: /gone/15.log).\n"
    made(tmp_path, HEADER + run_id + STATS + SIMULATE + submitted + SIMULATED + TRAIN + TRAINED + CLOSED)
    (tmp_path / "efficiency_report_0d0b5770-d23c-4a33-a77b-4090d5c3f291.csv").write_text(
        ",JobID,JobName,RuleName,Elapsed,TotalCPU,NNodes,NCPUS,MaxRSS,ReqMem,Elapsed_sec,TotalCPU_sec,MaxRSS_MB,MainJobID\n"
        "3,15.0,python,rule_start,00:00:05,00:02.594,1,1,129156K,,5.0,2.594,126.0,15\n"
        "4,15.extern,x,,00:00:01,00:00.1,1,1,,,1.0,0.1,0,15\n"
    )
    told = run(tmp_path)
    used = told.tasks[0].used
    assert (used.seconds, used.cpu_seconds, used.memory) == (5.0, 2.594, 126 << 20)
    assert told.parameters["slurm run id"] == "0d0b5770-d23c-4a33-a77b-4090d5c3f291"


def test_jobs_of_a_group_share_the_number_under_which_they_were_submitted(tmp_path: Path) -> None:
    group = "[Mon Nov 23 21:23:35 2026] Group job pair (jobs in lexicogr. order):\n\n"
    indented = "".join(f"    {line}\n" for line in SIMULATE.splitlines())
    message = (
        "    [Mon Nov 23 21:23:35 2026]\n    Job 0: training\n    Reason: Missing output files: model.txt; Forced execution\n"
    )
    submitted = "Submitted group job dedb8416-cd45 with external jobid '77'.\n"
    made(
        tmp_path,
        HEADER + STATS + group + indented + message + submitted + SIMULATED + TRAINED + CLOSED,
        {"model.txt": record("train")},
    )
    told = run(tmp_path)
    assert [(t.name, t.attempts[0].native_id, t.files[-1].path) for t in told.tasks] == [
        ("simulate", "77", "out.txt"), ("train", "77", "model.txt"),
    ]  # fmt: skip


def test_of_version_7_logs_and_records_say_less_and_that_is_told(tmp_path: Path) -> None:
    log = (HEADER.split("\n\n")[-1] + STATS + SIMULATE + SIMULATED + TRAIN + TRAINED).replace("localrule", "rule")
    log = log.replace("Finished jobid: 1 (Rule: simulate)", "Finished job 1.").replace(
        "Finished jobid: 0 (Rule: train)", "Finished job 0."
    )
    told = run(made(tmp_path, log + f"Complete log: .snakemake/log/{NAME}\n"))
    assert (told.version, told.state, told.id, len(told.tasks)) == ("", State.SUCCEEDED, "2026-11-23T212335.813269", 2)
    assert f".snakemake/log/{NAME} has no header (Snakemake before 9): version, command and host are not told" in told.gaps


def test_epochs_that_are_no_times_are_none(tmp_path: Path) -> None:
    told = run(
        made(
            tmp_path,
            GOOD,
            {"out.txt": record("simulate", starttime=1e300, endtime=-1e300), "model.txt": record("x", endtime=START)},
        )
    )
    assert told.tasks[0].used.seconds == 1.0


def test_a_quiet_log_tells_of_no_job_and_a_mended_error_is_no_failure(tmp_path: Path) -> None:
    """`snakemake -q`, version 9.27: neither jobs nor progress are told; what was tried again ended well."""
    error = 'RuleException:\nCalledProcessError in file "Snakefile", line 65:\n'
    again = f"{HEADER}Select jobs to execute...\nExecute 1 jobs...\n{error}Trying to restart job 5.\nExecute 1 jobs...\n"
    quiet = run(made(tmp_path / "quiet", again + CLOSED))
    broken = run(made(tmp_path / "broken", f"{HEADER}Execute 1 jobs...\n{error}{CLOSED}"))

    assert (quiet.state, quiet.proof.partition(": ")[2]) == (
        State.UNKNOWN,
        "the log is closed without a word of any job: it was kept quiet (--quiet)",
    )
    assert (broken.state, broken.proof.partition(": ")[2]) == (State.FAILED, "CalledProcessError")
