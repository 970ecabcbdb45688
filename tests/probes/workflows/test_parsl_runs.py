"""What is read of Parsl: the database's tables, the log's lines, the configuration's text, and the scripts that it submitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from parslrun import CONFIG, RUN, Row, at, database, file, line, log, sample, status, task, tried, workflow

from auditor.world import RealWorld
from probes.workflows import Asked, File, Place, State, Task, Used, WorkflowRun, parsl, parsl_config, parsl_log, parsl_scripts


class Later(RealWorld):
    """This machine, an hour and a day after the run of these tests."""

    def now(self) -> datetime:
        return datetime(2026, 11, 24, 22, 29, 0, tzinfo=UTC)


class During(RealWorld):
    """This machine, ten seconds after the run's beginning."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(1795469350, UTC)


def written(folder: Path, rows: Mapping[str, Sequence[Row]] | None, text: str | None = None) -> Path:
    """A folder with `runinfo`: the database with these rows (None: without one), and the log."""
    (folder / "runinfo/000").mkdir(parents=True)
    if rows is not None:
        database(folder / "runinfo/monitoring.db", {"workflow": [workflow()], **rows})
    if text is not None:
        (folder / "runinfo/000/parsl.log").write_text(text)
    return folder


def run_of(folder: Path, world: RealWorld | None = None) -> WorkflowRun:
    (run,) = parsl.READER.read(world or Later(), str(folder / "runinfo"))
    return run


def tasks_of(folder: Path) -> dict[str, Task]:
    return {t.id: t for t in run_of(folder).tasks}


GOOD = {
    "task": [
        task(0, "simulate", task_outputs=f"[{file('0.txt')}]"),
        task(1, "train", task_depends="0", task_inputs=f"[{file('0.txt')}]"),
    ],
    "try": [tried(0), tried(1)],
    "status": [*status(0, "pending", "launched", "running", "exec_done"), *status(1, "pending", "launched", "exec_done")],
}


def test_a_run_succeeded_when_it_ended_and_every_task_has_a_good_end(tmp_path: Path) -> None:
    run = run_of(written(tmp_path, GOOD, log()))

    assert (run.id, run.version, run.name, run.user, run.host) == (RUN, "2026.10.26", "campaign.py", "ada", "login1")
    assert (run.state, run.proof) == (
        State.SUCCEEDED,
        "table workflow: time_completed is set, and all 2 tasks have an end that is good",
    )
    assert run.folder == str(tmp_path)
    assert [d.path for d in run.definitions] == ["campaign.py"]


def test_tasks_are_joined_by_dependencies_and_by_files(tmp_path: Path) -> None:
    tasks = tasks_of(written(tmp_path, GOOD))

    assert tasks["1"].needs == ("0",)
    assert (tasks["0"].files, tasks["1"].files) == ((File("0.txt", "output"),), (File("0.txt", "input"),))
    assert tasks["0"].place == Place("runinfo/monitoring.db", "table task, task_id 0")


def test_clock_readings_get_their_zone_from_the_log(tmp_path: Path) -> None:
    run = run_of(written(tmp_path, GOOD, log()))

    assert (run.started, run.zone_assumed) == ("2026-11-23T21:29:00+00:00", False)
    attempt = run.tasks[0].attempts[0]
    assert (attempt.submitted, attempt.started, attempt.ended) == (
        "2026-11-23T21:29:01+00:00",
        "2026-11-23T21:29:02+00:00",
        "2026-11-23T21:29:04.500+00:00",
    )
    assert run.tasks[0].used.seconds == 2.5


def test_without_the_log_our_own_zone_is_taken_and_said_so(tmp_path: Path) -> None:
    assert run_of(written(tmp_path, GOOD)).zone_assumed


def test_what_failed_by_a_dependency_is_not_in_the_count_of_failures_and_makes_the_run_failed(tmp_path: Path) -> None:
    rows = {
        "workflow": [workflow(tasks_failed_count=1)],
        "task": [task(0, "explode"), task(1, "after", task_depends="0")],
        "try": [
            tried(0, task_fail_history="ValueError('no')"),
            tried(1, task_try_time_launched=None, task_try_time_running=None, task_fail_history="DependencyError([...])"),
        ],
        "status": [*status(0, "launched", "failed"), *status(1, "pending", "dep_fail")],
    }

    run = run_of(written(tmp_path, rows))

    assert (run.state, run.proof) == (State.FAILED, "1 of 2 tasks failed and 1 did not run for that")
    assert [(t.state, len(t.attempts)) for t in run.tasks] == [(State.FAILED, 1), (State.NOT_RUN, 0)]
    assert run.tasks[0].attempts[0].reason == "ValueError('no')"


def test_a_second_try_hides_no_first_one(tmp_path: Path) -> None:
    rows = {
        "task": [task(3, "predict")],
        "try": [tried(3, 1), tried(3, 0, task_fail_history="BashExitFailure('predict', 7)")],
        "status": [*status(3, "launched", "fail_retryable"), *status(3, "pending", "launched", "exec_done", attempt=1)],
    }

    run = run_of(written(tmp_path, rows))

    assert [(a.number, a.state, a.exit_code) for a in run.tasks[0].attempts] == [(1, State.FAILED, 7), (2, State.SUCCEEDED, None)]
    assert [(e.what, e.text, e.task) for e in run.events] == [("retry", "try 2 of predict after BashExitFailure", "3")]


def test_a_result_from_memory_is_cached_and_was_not_tried(tmp_path: Path) -> None:
    rows = {
        "task": [task(0, "prepare", task_memoize="1")],
        "try": [tried(0, task_try_time_running=None)],
        "status": status(0, "memo_done"),
    }

    run = run_of(written(tmp_path, rows))

    assert (run.tasks[0].state, run.tasks[0].attempts) == (State.CACHED, ())
    assert [c.text for c in run.constructs if c.what == "cache"] == ["1 of 1 results were taken from memory"]


def test_a_join_app_is_a_loop_construct_and_waits_for_what_it_started(tmp_path: Path) -> None:
    rows = {
        "task": [task(0, "both"), task(1, "prepare"), task(2, "prepare")],
        "try": [tried(0, task_joins="1,2"), tried(1), tried(2)],
        "status": [r for n in range(3) for r in status(n, "exec_done")],
    }

    run = run_of(written(tmp_path, rows))

    assert run.tasks[0].needs == ("1", "2")
    assert [c.text for c in run.constructs if c.what == "loop"] == ["join app both: it started the tasks that it waits for"]


def test_counters_belong_to_the_worker_and_only_their_growth_is_the_tasks(tmp_path: Path) -> None:
    rows = {
        **GOOD,
        "resource": [sample(0, 1.0, 9e8, 14e6, 7000), sample(0, 3.25, 8e8, 15e6, 9000), sample(1, 1.0, 5e8, 14e6, 7000)],
    }

    tasks = tasks_of(written(tmp_path, rows))

    place = Place("runinfo/monitoring.db", "table resource, task_id 0")
    assert tasks["0"].used == Used(2.5, 2.25, 900_000_000, 1_000_000, 2000, place=place)
    assert (tasks["1"].used.cpu_seconds, tasks["1"].used.memory) == (None, 500_000_000)


def test_a_killed_run_has_no_end_and_its_open_tasks_were_killed(tmp_path: Path) -> None:
    rows = {
        "workflow": [workflow(time_completed=None)],
        "task": [task(0, "simulate"), task(1, "hang"), task(2, "later", task_depends="1")],
        "try": [tried(0), tried(1, task_try_time_returned=None)],
        "status": [*status(0, "exec_done"), *status(1, "launched", "running"), *status(2, "pending")],
    }

    run = run_of(written(tmp_path, rows, log(end=False)))

    assert run.state is State.KILLED
    assert run.proof == "time_completed is empty, and nothing was recorded after 2026-11-23T21:29:00+00:00"
    assert [t.state for t in run.tasks] == [State.SUCCEEDED, State.KILLED, State.NOT_RUN]
    assert (run.ended, run.tasks[1].attempts[0].ended) == ("", "")


def test_a_run_that_wrote_a_moment_ago_goes_on(tmp_path: Path) -> None:
    rows = {
        "workflow": [workflow(time_completed=None)],
        "task": [task(0, "simulate")],
        "status": status(0, "launched", "running"),
    }

    run = run_of(written(tmp_path, rows, log(end=False)), During())

    assert (run.state, run.tasks[0].state) == (State.RUNNING, State.RUNNING)


def test_a_run_that_ended_without_telling_of_a_task_proves_nothing(tmp_path: Path) -> None:
    rows = {"task": [task(0, "simulate")], "try": [tried(0)], "status": status(0, "launched", "running")}

    assert run_of(written(tmp_path, rows)).state is State.UNKNOWN


def test_several_runs_of_one_folder_are_told_newest_first(tmp_path: Path) -> None:
    rows = {
        "workflow": [workflow(run_id="old", time_began=at(0)), workflow(run_id="new", time_began=at(9), rundir="/x/runinfo/001")]
    }
    written(tmp_path, rows)
    (tmp_path / "runinfo/002").mkdir()
    (tmp_path / "runinfo/002/parsl.log").write_text(log())

    assert [r.id for r in parsl.READER.read(Later(), str(tmp_path))] == ["new", "old", RUN]


def test_after_run_999_comes_1000(tmp_path: Path) -> None:
    for number in ("998", "999", "1000", "999old"):
        (tmp_path / "runinfo" / number).mkdir(parents=True)
        (tmp_path / "runinfo" / number / "parsl.log").write_text("")

    assert [r.id for r in parsl.READER.read(Later(), str(tmp_path))] == ["1000", "999", "998"]


def test_an_end_is_one_although_a_worker_s_clock_says_that_something_came_later(tmp_path: Path) -> None:
    rows = {"task": [task(0, "f")], "try": [tried(0)], "status": status(0, "launched", "exec_done", "running_ended")}

    assert run_of(written(tmp_path, rows)).tasks[0].state is State.SUCCEEDED


def test_the_block_of_a_scheduler_has_its_job_number_and_a_local_one_a_process_id(tmp_path: Path) -> None:
    rows = {**GOOD, "block": [{"run_id": RUN, "executor_label": "sim", "block_id": "0", "job_id": "4711", "status": "RUNNING"}]}

    on_slurm = run_of(written(tmp_path / "a", rows, log()))
    local = run_of(written(tmp_path / "b", rows, log(config=CONFIG.replace("SlurmProvider", "LocalProvider"))))
    untold = run_of(written(tmp_path / "c", rows))

    assert [r.tasks[0].attempts[0].native_id for r in (on_slurm, local, untold)] == ["4711", "", ""]


SCRIPT = """#!/bin/bash
#SBATCH --job-name=parsl.sim.block-0.1
#SBATCH --nodes=2
#SBATCH --time=00:05:00
#SBATCH --gres=gpu:2
#SBATCH -p gpu
module load cuda/12.1 gcc
conda activate ml
apptainer exec --nv /images/sim.sif process_worker_pool.py
"""


@pytest.mark.parametrize(
    "script", ["parsl.sim.block-0.1795469350.2051096", "parsl.sim.block-0.1795.sh", "parsl.sim.block-0.1795.submit"]
)
def test_what_a_block_asked_for_is_in_its_script(tmp_path: Path, script: str) -> None:
    written(tmp_path, GOOD, log())
    (tmp_path / "runinfo/000/submit_scripts").mkdir()
    for name, text in ((script, SCRIPT), (f"{script}.stdout", "#SBATCH --nodes=99\n"), (f"{script}.ec", "0\n")):
        (tmp_path / "runinfo/000/submit_scripts" / name).write_text(text)

    asked = tasks_of(tmp_path)["0"].asked

    block = {"block --nodes": "2", "block --time": "00:05:00", "block --gres": "gpu:2", "block -p": "gpu"}
    assert asked == Asked(cpus=4.0, gpus=1.0, memory=int(1.5 * (1 << 30)), partition="gpu", other=block)


def test_what_workers_ran_in_is_enacted_where_a_scheduler_took_the_script(tmp_path: Path) -> None:
    rows = {**GOOD, "block": [{"run_id": RUN, "executor_label": "sim", "block_id": "0", "job_id": "4711"}]}
    written(tmp_path, rows, log())
    (tmp_path / "runinfo/000/submit_scripts").mkdir()
    for block in ("0", "1"):
        path = tmp_path / f"runinfo/000/submit_scripts/parsl.sim.block-{block}.1795.submit"
        path.write_text(SCRIPT if block == "0" else "module load never\n")

    found = {(e.kind, e.name): (bool(e.declared), bool(e.enacted)) for e in run_of(tmp_path).environments}

    assert found == {
        ("module", "cuda/12.1"): (True, True),
        ("venv", "/home/ada/venv"): (True, False),
        ("module", "gcc"): (True, True),
        ("conda", "ml"): (True, True),
        ("container", "/images/sim.sif"): (True, True),
        ("module", "never"): (True, False),
    }


def test_the_configuration_is_read_as_text() -> None:
    configured = parsl_config.parse(CONFIG)

    sim, train = configured.executors
    assert (configured.retries, configured.monitored) == (2, True)
    assert (sim.label, sim.kind, sim.provider, sim.scheduler, sim.launcher) == (
        "sim",
        "HighThroughputExecutor",
        "SlurmProvider",
        "slurm",
        "SrunLauncher",
    )
    assert (sim.workers, sim.blocks, sim.nodes_per_block) == (2 * 3 * 2, 3, 2)
    assert sim.worker_init == "module load cuda/12.1\nsource /home/ada/venv/bin/activate"
    assert (train.label, train.provider, train.workers) == ("train", "", 5)


@pytest.mark.parametrize(
    ("text", "checkpoint"),
    [
        ("Config(checkpoint_mode='task_exit', executors=[])", "task_exit"),
        ("Config(memoizer=BasicMemoizer(checkpoint_mode='periodic'))", "periodic"),
        ("Config(checkpoint_mode=None)", ""),
    ],
)
def test_checkpoints_are_known_of_older_and_newer_configurations(text: str, checkpoint: str) -> None:
    assert parsl_config.parse(text).checkpoint == checkpoint


def test_workers_and_limits_are_counted_over_all_executors(tmp_path: Path) -> None:
    run = run_of(written(tmp_path, GOOD, log()))

    assert run.workers == 12 + 5
    assert [c.text for c in run.constructs if c.what in {"limit", "retries"}] == [
        "retries=2",
        "executor sim: 12 at once in 3 blocks",
        "executor train: 5 at once",
    ]


def test_saved_results_are_seen_and_never_opened(tmp_path: Path) -> None:
    written(tmp_path, GOOD, log())
    (tmp_path / "runinfo/000/checkpoint").mkdir()
    (tmp_path / "runinfo/000/checkpoint/tasks.pkl").write_bytes(b"cos\nsystem\n(S'touch made'\ntR.")

    assert [c.what for c in run_of(tmp_path).constructs if c.what == "resume"] == ["resume"]


LOGGED = (
    line(1, "Task 0 submitted for App simulate, not waiting on any dependency"),
    line(1, "Task 0 initializing state to pending"),
    line(1, "Task 1 submitted for App train, waiting on task 0"),
    line(1, "Task 1 initializing state to pending"),
    line(2, "Parsl task 0 try 0 launched on executor sim with executor id 1"),
    line(2, "Task 0 changing state from pending to launched"),
    line(3, "Task 0 try 0 failed with exception of type ValueError"),
    line(3, "Task 0 changing state from launched to fail_retryable"),
    line(4, "Parsl task 0 try 1 launched on executor sim with executor id 2"),
    line(4, "Standard out for task 0 will be redirected to /home/ada/project/runinfo/000/task_logs/0000/task_0000.stdout"),
    line(6, "Task 0 changing state from launched to exec_done"),
    line(7, "Task 1 changing state from pending to dep_fail"),
)


def test_a_run_without_a_database_is_told_by_its_log(tmp_path: Path) -> None:
    run = run_of(written(tmp_path, None, log(*LOGGED)))

    first, second = run.tasks
    assert (run.id, run.state, run.started, run.ended) == (
        RUN,
        State.FAILED,
        "2026-11-23T21:29:00+00:00",
        "2026-11-23T21:29:30+00:00",
    )
    assert (first.name, first.state, second.needs, second.state) == ("simulate", State.SUCCEEDED, ("0",), State.NOT_RUN)
    assert [(a.number, a.state, a.reason, a.ended[17:19]) for a in first.attempts] == [
        (1, State.FAILED, "ValueError", "03"),
        (2, State.SUCCEEDED, "", "06"),
    ]
    assert first.files == (File("runinfo/000/task_logs/0000/task_0000.stdout", "log"),)
    assert run.gaps == ("no monitoring database for this run: what its tasks used and where they ran is not recorded",)


def test_the_log_tells_the_ends_that_the_database_did_not_get(tmp_path: Path) -> None:
    rows = {
        "workflow": [workflow(time_completed=None)],
        "task": [task(0, "simulate"), task(1, "train")],
        "status": status(0, "launched"),
    }

    run = run_of(written(tmp_path, rows, log(*LOGGED)))

    assert [t.state for t in run.tasks] == [State.SUCCEEDED, State.NOT_RUN]
    assert run.state is State.FAILED


@pytest.mark.parametrize(
    ("inputs", "paths"),
    [
        (f"[{file('a.txt')}, {file('b.txt')}]", ["a.txt", "b.txt"]),
        (f"({file('a, b>.txt')},)", ["a, b>.txt"]),
        (f"[{file('/data/x', 'globus')}]", ["globus://host/data/x"]),
        (f"[{file('a.txt', extra=' local_path=/tmp/a.txt')}]", ["a.txt"]),
        (f"[{file('/home/ada/project/in/x')}]", ["in/x"]),
        ("[]", []),
        ("None", []),
        ("[<DataFuture at 0x7f super=None>]", []),
    ],
)
def test_files_are_read_out_of_their_representation(tmp_path: Path, inputs: str, paths: list[str]) -> None:
    rows = {"task": [task(0, "f", task_inputs=inputs)], "try": [tried(0)], "status": status(0, "exec_done")}

    assert [f.path for f in tasks_of(written(tmp_path, rows))["0"].files] == paths


def test_files_that_are_fetched_are_staging(tmp_path: Path) -> None:
    rows = {"task": [task(0, "f", task_inputs=f"[{file('/data/x', 'globus')}]")], "status": status(0, "exec_done")}

    assert [c.text for c in run_of(written(tmp_path, rows)).constructs if c.what == "staging"] == ["inputs by globus"]


def test_a_moved_tree_keeps_its_relative_names(tmp_path: Path) -> None:
    stdout = "/home/ada/project/runinfo/000/task_logs/0000/task_0000_f.stdout"
    rows = {"task": [task(0, "f", task_stdout=stdout)], "status": status(0, "exec_done")}

    assert [f.path for f in tasks_of(written(tmp_path, rows))["0"].files] == ["runinfo/000/task_logs/0000/task_0000_f.stdout"]


def test_options_of_other_schedulers_are_read_too() -> None:
    assert parsl_scripts.directives("#PBS -l select=1\n#SBATCH --exclusive\n# SBATCH --no\necho #SBATCH --no\n") == {
        "-l": "select=1",
        "--exclusive": "",
    }


def test_the_zone_is_told_by_one_line_of_the_log() -> None:
    log_of = parsl_log.parse(enumerate(["1795469333.576021 2026-11-24 03:13:53 MainProcess-1 MainThread-2 x:1 y INFO: z"], 1))

    assert str(log_of.zone) == "UTC+05:45"


def test_a_task_without_an_end_in_a_run_that_closed_its_record_has_an_end_that_nobody_knows(tmp_path: Path) -> None:
    rows = {"task": [task(0, "simulate")], "try": [tried(0)], "status": status(0, "launched", "running")}

    assert [t.state for t in run_of(written(tmp_path, rows)).tasks] == [State.UNKNOWN]
