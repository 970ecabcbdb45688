"""What is read of Pegasus. Its server side cannot be run here: the files are built from its documented formats and its public samples."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pegasusdir import (
    BRAINDUMP,
    END,
    FLAKY,
    HOME,
    INNER,
    JOBS,
    PREDICTED,
    STAGED,
    SUB,
    UUID,
    ended,
    kickstart,
    row,
    stampede,
    submit_dir,
)

from auditor.world import RealWorld
from probes.workflows import (
    Asked,
    Digest,
    Environment,
    File,
    Place,
    State,
    Task,
    Used,
    WorkflowRun,
    pegasus,
    pegasus_dag,
    pegasus_db,
)
from probes.workflows import pegasus_kickstart as kicked


class During(RealWorld):
    """This machine, a minute after the last record of these tests."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(1677913960, UTC)


def runs_of(folder: Path, world: RealWorld | None = None) -> list[WorkflowRun]:
    return list(pegasus.READER.read(world or RealWorld(), str(folder)))


def tasks_of(folder: Path) -> dict[str, Task]:
    return {t.id: t for t in runs_of(folder)[0].tasks}


def test_a_finished_workflow_is_told_from_files_alone(tmp_path: Path) -> None:
    (run,) = runs_of(submit_dir(tmp_path))

    assert (run.system, run.version, run.id, run.name, run.user, run.host) == ("pegasus", "5.0.5", UUID, "demo", "ada", "login1")
    assert run.command == "pegasus-plan --sites condorpool --output-site local workflow.yml"
    assert (run.state, run.proof) == (State.SUCCEEDED, "jobstate.log: DAGMan finished with 0")
    assert (run.started, run.ended) == ("2023-03-04T07:09:48+00:00", "2023-03-04T07:11:40+00:00")
    assert run.parameters == {"campaign": "two turns"}
    assert run.gaps == ()


def test_jobs_are_called_by_transformation_or_by_what_they_are_for(tmp_path: Path) -> None:
    tasks = tasks_of(submit_dir(tmp_path))

    assert {t.id: (t.name, t.needs) for t in tasks.values()} == {
        "stage_in_local_0": ("stage-in-tx", ()),
        "train_ID0000001": ("ml::train:1.0", ("stage_in_local_0",)),
        "predict_ID0000002": ("predict", ("train_ID0000001",)),
    }


def test_each_try_has_its_own_record_and_the_script_after_it_the_last_word(tmp_path: Path) -> None:
    train = tasks_of(submit_dir(tmp_path))["train_ID0000001"]

    assert train.state is State.SUCCEEDED
    assert [(a.number, a.state, a.exit_code, a.native_id, a.host) for a in train.attempts] == [
        (1, State.FAILED, 2, "4711", "node7"),
        (2, State.SUCCEEDED, 0, "4711", "node7"),
    ]
    assert train.attempts[0].reason == "JOB_FAILURE: no such option: -z"
    assert train.attempts[0].place == Place("jobstate.log", "line 7")


def test_a_job_that_its_own_script_refused_failed_although_it_exited_well(tmp_path: Path) -> None:
    states = STAGED + "1677913809 predict_ID0000002 SUBMIT 9.0 pool - 2\n1677913810 predict_ID0000002 JOB_SUCCESS 0 pool - 2\n"
    refused = states + "1677913811 predict_ID0000002 POST_SCRIPT_FAILURE 1 pool - 2\n"

    assert tasks_of(submit_dir(tmp_path / "a", refused + END.format(1)))["predict_ID0000002"].state is State.FAILED
    assert tasks_of(submit_dir(tmp_path / "b", states + END.format(1)))["predict_ID0000002"].state is State.SUCCEEDED


def test_a_job_whose_script_began_and_did_not_end_is_unknown(tmp_path: Path) -> None:
    cut = STAGED.replace("POST_SCRIPT_SUCCESS 0", "POST_SCRIPT_STARTED 8.0")

    assert tasks_of(submit_dir(tmp_path, cut))["stage_in_local_0"].state is State.UNKNOWN


def test_kickstart_measures_in_kilobytes_and_blocks(tmp_path: Path) -> None:
    train = tasks_of(submit_dir(tmp_path))["train_ID0000001"]

    assert train.used == Used(2.5, 1.5, 2696 * 1024, 10 * 512, 8 * 512, place=Place("jobstate.log", "line 13"))
    assert train.command == "/usr/bin/train -o model.h5"


def test_files_are_joined_by_logical_name_with_the_checksum_that_was_taken(tmp_path: Path) -> None:
    tasks = tasks_of(submit_dir(tmp_path))

    assert tasks["train_ID0000001"].files == (
        File("data.csv", "input"),
        File("model.h5", "output", 42, (Digest("sha256", "e" * 64),)),
    )
    assert tasks["predict_ID0000002"].files == (File("model.h5", "input"), File("next.txt", "output"))


def test_one_gpu_stands_in_every_submit_file_and_is_not_asked_for() -> None:
    assert pegasus_dag.submit(SUB).asked == Asked(
        memory=4096 << 20, other={"request_cpus": "ifthenelse(isundefined(DAGNodeRetry), 1, 2)"}
    )


def test_what_the_plan_asks_for_fills_what_the_submit_file_leaves_open(tmp_path: Path) -> None:
    asked = tasks_of(submit_dir(tmp_path))["train_ID0000001"].asked

    assert (asked.cpus, asked.gpus, asked.memory, asked.seconds, asked.nodes, asked.tasks) == (4, 1, 4096 << 20, 600, 2, 16)


def test_a_container_is_declared_with_its_checksum_and_enacted_where_it_was_launched(tmp_path: Path) -> None:
    submit_dir(tmp_path / "a")
    submit_dir(tmp_path / "b", **{"00/00/train_ID0000001.err.001": "PegasusLite: exitcode 0\n"})

    (used,), (unused,) = (tasks_of(tmp_path / name)["train_ID0000001"].environments for name in ("a", "b"))

    assert used == Environment(
        "container",
        "docker:///pytorch/pytorch:2.1",
        declared=Place("catalogs/transformations.yml", "containers, name torch"),
        enacted=Place("00/00/train_ID0000001.err.001", "[Container]"),
        digests=(Digest("sha256", "dd78aaa88e1c6a8bf31c052eacfa03fba616ebfd903d7b2eb1b0ed6853b48713"),),
    )
    assert unused.enacted is None


def test_a_workflow_that_failed_leaves_jobs_that_never_ran_and_a_rescue_dag(tmp_path: Path) -> None:
    rescue = "# Total number of Nodes: 3\n# Nodes premarked DONE: 1\n# Nodes that failed: 1\nDONE stage_in_local_0\nRETRY x 1\n"
    (run,) = runs_of(
        submit_dir(tmp_path, STAGED + FLAKY[: FLAKY.index("1677913874")] + END.format(1), **{"demo-0.dag.rescue001": rescue})
    )

    assert (run.state, run.proof) == (State.FAILED, "jobstate.log: DAGMan finished with 1")
    assert [t.state for t in run.tasks] == [State.SUCCEEDED, State.FAILED, State.NOT_RUN]
    assert [(c.what, c.text) for c in run.constructs] == [
        ("retries", "RETRY up to 2 for 2 of 3 jobs"),
        ("limit", "MAXJOBS stagein 10"),
        ("staging", "1 of 3 jobs move files"),
        ("resume", "rescue DAG: 1 nodes done, 1 failed"),
    ]


def test_a_run_that_was_resumed_is_judged_by_its_last_end(tmp_path: Path) -> None:
    again = "1677913950 INTERNAL *** DAGMAN_STARTED 12.0 ***\n1677913960 INTERNAL *** DAGMAN_FINISHED 0 ***\n"
    (run,) = runs_of(submit_dir(tmp_path, STAGED + END.format(1) + again))

    assert run.state is State.SUCCEEDED
    assert [e.what for e in run.events] == ["resumed"]


def test_a_workflow_without_an_end_has_not_succeeded(tmp_path: Path) -> None:
    states = STAGED + FLAKY + PREDICTED[: PREDICTED.index("1677913895")]
    submit_dir(tmp_path, states)

    (old,), (fresh,) = runs_of(tmp_path), runs_of(tmp_path, During())
    (tmp_path / "monitord.done").write_text("")
    (killed,) = runs_of(tmp_path)

    assert [r.state for r in (old, fresh, killed)] == [State.UNKNOWN, State.RUNNING, State.KILLED]
    assert [r.tasks[2].state for r in (old, fresh, killed)] == [State.UNKNOWN, State.RUNNING, State.KILLED]


def test_raw_wait_statuses_become_exit_codes() -> None:
    assert [pegasus_db.exit_code(raw) for raw in (0, 256, 512, 9, 139, -1, None)] == [0, 1, 2, -9, -11, -1, None]


def test_the_database_tells_tries_and_leaves_scripts_out(tmp_path: Path) -> None:
    submit_dir(
        tmp_path, None, **{"demo-0.dag": None, "00/00/train_ID0000001.out.000": None, "00/00/train_ID0000001.out.001": None}
    )
    stampede(tmp_path / "demo-0.stampede.db", {**JOBS, "workflowstate": ended(256)})

    (run,) = runs_of(tmp_path)

    train, out = run.tasks
    assert (run.state, run.proof) == (State.FAILED, "demo-0.stampede.db: DAGMan finished with 256")
    assert [(a.state, a.exit_code, a.native_id, a.host) for a in train.attempts] == [
        (State.FAILED, 2, "9.0", "node7"),
        (State.SUCCEEDED, 0, "10.0", "node7"),
    ]
    assert (train.used.seconds, train.used.cpu_seconds, train.used.memory) == (2.5, 1.5, 2696 * 1024)
    assert (out.name, out.state, out.needs) == ("stage-out-tx", State.NOT_RUN, ("train_ID0000001",))


def test_cores_of_the_database_count_where_there_is_more_than_the_one_that_every_job_has(tmp_path: Path) -> None:
    (tmp_path / "braindump.yml").write_text(BRAINDUMP)
    second = {"job_instance_id": 3, "job_id": 2, "job_submit_seq": 3, "multiplier_factor": 1}
    instances = [{**JOBS["job_instance"][0], "multiplier_factor": 4}, JOBS["job_instance"][1], second]
    stampede(tmp_path / "demo-0.stampede.db", {**JOBS, "job_instance": instances})

    assert [t.asked.cpus for t in runs_of(tmp_path)[0].tasks] == [4.0, None]


def test_registered_checksums_fill_what_kickstart_did_not_see(tmp_path: Path) -> None:
    submit_dir(tmp_path)
    meta = [("size", "130"), ("checksum.type", "sha256"), ("checksum.value", "f" * 64)]
    rows = {"rc_lfn": [{"lfn_id": 1, "lfn": "data.csv"}], "rc_meta": [{"lfn_id": 1, "key": k, "value": v} for k, v in meta]}
    stampede(tmp_path / "demo-0.stampede.db", {**JOBS, **rows})

    assert tasks_of(tmp_path)["train_ID0000001"].files[0] == File("data.csv", "input", 130, (Digest("sha256", "f" * 64),))


def test_a_nested_workflow_is_a_run_of_its_own_told_with_its_root(tmp_path: Path) -> None:
    inner = f"{HOME}/00/00/inner.000"
    submit_dir(tmp_path)
    (tmp_path / "00/00/inner.000").mkdir()
    (tmp_path / "00/00/inner.000/braindump.yml").write_text(BRAINDUMP.replace(f'\nwf_uuid: "{UUID}"', f'\nwf_uuid: "{INNER}"'))
    nested = row(wf_id=2, wf_uuid=INNER, submit_dir=inner, parent_wf_id=1, dax_label="inner")
    instance = {"job_instance_id": 3, "job_id": 2, "job_submit_seq": 9, "subwf_id": 2, "exitcode": 0}
    rows = {**JOBS, "workflow": [nested, row()], "job_instance": [*JOBS["job_instance"], instance], "workflowstate": ended(0, 2)}
    stampede(tmp_path / "demo-0.stampede.db", rows)

    root, child = runs_of(tmp_path)

    assert (root.id, child.id, child.name, child.state) == (UUID, INNER, "demo", State.SUCCEEDED)
    assert {t.id: t.parameters for t in root.tasks}["stage_out_0"] == {"subworkflow": INNER}
    assert runs_of(tmp_path / "00/00/inner.000") == []


def test_a_clustered_job_sums_its_invocations(tmp_path: Path) -> None:
    text = "[cluster-task id=1]\n" + kickstart() + "[cluster-task id=2]\n" + kickstart(3) + "[cluster-summary stat=ok]\n"

    told = kicked.parse(text)

    assert (told.count, told.seconds, told.code) == (2, 5.0, 3)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("regular_exitcode: 7", 7),
        ("signalled: 9\n      signal_name: Killed", -9),
        ("failure_error: 2\n      error: no such file", 127),
    ],
)
def test_ends_other_than_exits_are_told_apart(status: str, code: int) -> None:
    assert kicked.parse(kickstart().replace("regular_exitcode: 0", status)).code == code


def test_nothing_of_the_environment_but_the_job_number_is_kept(tmp_path: Path) -> None:
    assert "hunter2" not in repr(runs_of(submit_dir(tmp_path)))


def test_a_moved_tree_is_read_where_it_is_now(tmp_path: Path) -> None:
    submit_dir(tmp_path / "a")
    before = runs_of(tmp_path / "a")[0].tasks
    shutil.move(tmp_path / "a", tmp_path / "b")

    assert runs_of(tmp_path / "b")[0].tasks == before


def test_nested_dags_and_final_nodes_are_jobs() -> None:
    text = (
        "SUBDAG EXTERNAL inner inner.dag\nFINAL last last.sub\nJOB a a.sub\nPARENT a CHILD inner last\nPARENT inner CHILD last\n"
    )

    dag = pegasus_dag.parse(enumerate(text.splitlines(), 1))

    assert {j.name: (j.nested, j.after) for j in dag.jobs.values()} == {
        "inner": (True, ["a"]),
        "last": (False, ["a", "inner"]),
        "a": (False, []),
    }


def test_the_script_after_a_job_has_the_last_word_over_what_the_job_itself_said(tmp_path: Path) -> None:
    states = STAGED.replace("stage_in_local_0 JOB_SUCCESS 0", "stage_in_local_0 JOB_FAILURE 1")

    assert tasks_of(submit_dir(tmp_path, states + END.format(0)))["stage_in_local_0"].state is State.SUCCEEDED


def test_a_monitor_that_ended_saw_the_end_of_a_run_that_has_none(tmp_path: Path) -> None:
    """`MONITORD_FINISHED` in the log says what the file `monitord.done` says."""
    states = STAGED + "1677913901 INTERNAL *** MONITORD_FINISHED 0 ***\n"

    assert [r.state for r in runs_of(submit_dir(tmp_path, states))] == [State.KILLED]
