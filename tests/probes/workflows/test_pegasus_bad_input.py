"""A damaged, older or hostile Pegasus submit directory is told as far as it goes. Built from documented formats: Pegasus cannot be run here."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from pegasusdir import BRAINDUMP, DAG, END, FLAKY, JOBS, PREDICTED, STAGED, TABLES, UUID, ended, kickstart, stampede, submit_dir

from auditor.world import RealWorld
from probes.workflows import State, Unreadable, WorkflowRun, pegasus, pegasus_dag, pegasus_plan, pegasus_states, pegasus_tasks

OUT = "00/00/train_ID0000001.out.001"


def run_of(folder: Path) -> WorkflowRun:
    return next(iter(pegasus.READER.read(RealWorld(), str(folder))))


@pytest.mark.parametrize(
    "text", ["", "- invocation: True\n  mainjob: [", "- invocation: True\n  mainjob: 7\n", "\x00\xff", "{" * 9999]
)
def test_a_broken_kickstart_record_leaves_the_states(tmp_path: Path, text: str) -> None:
    run = run_of(submit_dir(tmp_path, **{OUT: text}))

    train = run.tasks[1]
    assert (train.state, [a.state for a in train.attempts]) == (State.SUCCEEDED, [State.FAILED, State.SUCCEEDED])


def test_a_kickstart_record_that_is_no_yaml_is_a_gap(tmp_path: Path) -> None:
    run = run_of(submit_dir(tmp_path, **{OUT: "- invocation: True\n  mainjob: [\n"}))

    assert len(run.gaps) == 1 and run.gaps[0].startswith(OUT)


def test_a_tag_that_asks_for_an_object_makes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    evil = "!!python/object/apply:os.system ['touch made']"
    run_of(
        submit_dir(tmp_path, **{OUT: kickstart().replace("version: 3.0", f"version: {evil}"), "workflow.yml": f"name: {evil}\n"})
    )

    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("name", ["workflow.yml", "catalogs/transformations.yml", "braindump.yml", "demo-0.dag", "jobstate.log"])
@pytest.mark.parametrize(
    "text", [None, "", "[1, 2", "- a\n- b\n", "x: {jobs: 7, transformations: [7, {sites: 7}]}\n", "\x00" * 100]
)
def test_any_file_may_be_missing_or_broken(tmp_path: Path, name: str, text: str | None) -> None:
    submit_dir(tmp_path, **{name: text})
    stampede(tmp_path / "demo-0.stampede.db", JOBS)

    run = run_of(tmp_path)

    assert run.id == UUID and "train_ID0000001" in [t.id for t in run.tasks]


def test_a_line_that_was_cut_is_left_out(tmp_path: Path) -> None:
    states = STAGED + FLAKY + "1677913890 predict_ID000"

    assert {t.id: t.state for t in run_of(submit_dir(tmp_path, states)).tasks}["predict_ID0000002"] is State.NOT_RUN


@pytest.mark.parametrize("table", sorted(set(TABLES) - {"workflow"}))
def test_a_table_that_is_not_there_leaves_the_rest(tmp_path: Path, table: str) -> None:
    (tmp_path / "braindump.yml").write_text(BRAINDUMP)
    rows = {**JOBS, "workflowstate": ended(0)}
    stampede(tmp_path / "demo-0.stampede.db", rows, {k: v for k, v in TABLES.items() if k != table})

    assert run_of(tmp_path).id == UUID


def test_a_schema_that_is_not_known_is_read_by_name_and_said_so(tmp_path: Path) -> None:
    (tmp_path / "braindump.yml").write_text(BRAINDUMP)
    rows = {**JOBS, "dbversion": [{"version_number": 99}]}
    stampede(tmp_path / "demo-0.stampede.db", rows, {**TABLES, "job": (*TABLES["job"], "surprise")})

    run = run_of(tmp_path)

    assert "stampede schema 99, of which 14 is known here" in run.gaps
    assert [t.id for t in run.tasks] == ["train_ID0000001", "stage_out_0"]


@pytest.mark.parametrize("content", [b"", b"nothing", b"SQLite format 3\x00" + b"\xff" * 8192])
def test_a_broken_database_leaves_the_files(tmp_path: Path, content: bytes) -> None:
    submit_dir(tmp_path)
    (tmp_path / "demo-0.stampede.db").write_bytes(content)

    assert run_of(tmp_path).state is State.SUCCEEDED


def test_a_broken_database_alone_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "demo-0.stampede.db").write_bytes(b"nothing")

    with pytest.raises(Unreadable, match="not a SQLite database"):
        run_of(tmp_path)


def test_a_locked_database_is_read_as_it_lies(tmp_path: Path) -> None:
    submit_dir(tmp_path)
    path = stampede(tmp_path / "demo-0.stampede.db", JOBS)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("begin exclusive")

        run = run_of(tmp_path)

    assert any("without its journal" in gap for gap in run.gaps)


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    submit_dir(tmp_path / "secret")
    submit_dir(tmp_path / "run", **{OUT: None, "jobstate.log": None})
    (tmp_path / "run" / OUT).symlink_to(tmp_path / "secret" / OUT)
    (tmp_path / "run/jobstate.log").symlink_to(tmp_path / "secret/jobstate.log")

    run = run_of(tmp_path / "run")

    assert (run.state, [t.attempts for t in run.tasks]) == (State.UNKNOWN, [(), (), ()])


def test_a_submit_file_outside_of_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.sub").write_text("request_memory = 77\n")

    run = run_of(submit_dir(tmp_path / "run", **{"demo-0.dag": "JOB train_ID0000001 ../secret.sub\n"}))

    assert run.tasks[0].asked.memory == 2048 << 20  # the plan's


def test_a_braindump_that_names_another_dag_does_not_lead_outside(tmp_path: Path) -> None:
    (tmp_path / "evil.dag").write_text("JOB evil evil.sub\n")

    run = run_of(submit_dir(tmp_path / "run", **{"braindump.yml": BRAINDUMP.replace("demo-0.dag", "../evil.dag")}))

    assert "evil" not in [t.id for t in run.tasks]


def test_a_cycle_in_the_dag_is_told_as_it_is(tmp_path: Path) -> None:
    cyclic = DAG + "PARENT predict_ID0000002 CHILD stage_in_local_0 predict_ID0000002\n"

    tasks = {t.id: t.needs for t in run_of(submit_dir(tmp_path, **{"demo-0.dag": cyclic})).tasks}

    assert tasks["stage_in_local_0"] == ("predict_ID0000002",)
    assert tasks["predict_ID0000002"] == ("train_ID0000001",)


def test_control_sequences_do_not_come_through(tmp_path: Path) -> None:
    run = run_of(
        submit_dir(
            tmp_path,
            STAGED.replace("local - 1", "lo\x1b[31mcal - 1") + END.format(0),
            **{
                OUT: kickstart().replace("hostname: node7", "hostname: no\u0007de7"),
                "braindump.yml": BRAINDUMP.replace('dax_label: "demo"', 'dax_label: "de\\emo\\n"'),
                "workflow.yml": None,
            },
        )
    )

    assert "\\x1b" not in repr(run) and "\\n" not in repr(run) and "\\x07" not in repr(run)


def test_properties_are_named_and_never_read(tmp_path: Path) -> None:
    run = run_of(
        submit_dir(tmp_path, **{"pegasus.75.properties": "pegasus.catalog.workflow.url = mysql://ada:hunter2hunter2@db\n"})
    )

    assert "pegasus.75.properties" in [d.path for d in run.definitions]
    assert "hunter2" not in repr(run)


def test_a_dag_without_an_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pegasus_dag, "MAX_JOBS", 100)
    monkeypatch.setattr(pegasus_dag, "MAX_EDGES", 1000)
    jobs = [f"JOB j{n} j{n}.sub" for n in range(5000)]
    edges = ["PARENT " + " ".join(f"j{n}" for n in range(90)) + " CHILD " + " ".join(f"j{n}" for n in range(90))]

    dag = pegasus_dag.parse(iter(list(enumerate([*jobs, *edges * 50], 1))))

    assert (len(dag.jobs), dag.whole) == (100, False)
    assert sum(len(j.after) for j in dag.jobs.values()) <= 1090


def test_states_without_an_end_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pegasus_states, "MAX_STATES", 10)
    lines = [(n, f"1677913788 job{n} SUBMIT 1.0 local - {n}") for n in range(1, 10_000)]

    jobs, _ = pegasus_states.parse(iter(lines))

    assert len(jobs) == 10


def test_of_states_that_are_too_many_bytes_the_end_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pegasus_states, "MAX_BYTES", 4096)
    filler = "1677913850 train_ID0000001 IMAGE_SIZE 9.0 condorpool - 2\n" * 20_000

    run = run_of(submit_dir(tmp_path, STAGED + filler + END.format(1)))

    assert run.state is State.FAILED
    assert any("larger than we read" in gap for gap in run.gaps)


def test_more_kickstart_records_than_are_opened_are_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pegasus_tasks, "MAX_KICKSTART", 1)

    run = run_of(submit_dir(tmp_path, STAGED + FLAKY + PREDICTED + END.format(0)))

    assert "only 1 kickstart records were read" in run.gaps


def test_a_kickstart_record_of_a_gigabyte_is_a_gap(tmp_path: Path) -> None:
    submit_dir(tmp_path)
    with (tmp_path / OUT).open("wb") as file:
        file.truncate(1 << 30)

    assert any(gap.startswith(OUT) and "larger than" in gap for gap in run_of(tmp_path).gaps)


@pytest.mark.parametrize(
    "document", [None, 7, "x", [], {"jobs": [7, {}, {"uses": [7, {"lfn": 3}], "profiles": 7, "metadata": []}]}]
)
def test_plans_of_any_other_shape_are_left_out(document: object) -> None:
    assert set(pegasus_plan.abstract(document).jobs) <= {""}
    assert pegasus_plan.containers(document, "tc.yml") == {}
