"""Which tracked runs are the job's own, and what is kept of all? Real stores in folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from auditor import codec
from auditor.capture import observe
from auditor.model import Absent, Job, Phase, Status
from auditor.redact import Redactor
from auditor.world import RealWorld
from probes.tracking.experiments import PROBE, collect
from probes.tracking.looking import readers
from probes.tracking.pointed import Pointed, in_environment, in_text
from probes.tracking.record import MAX_FEW, MAX_NAMES, MAX_OTHERS, MAX_RUNS, Experiments, RunCount
from probes.workflows import State
from tests.probes.tracking.stores import START, database, files, run

JOB = Job("slurm", "812", "lab", "s1", started_at="2026-11-23T11:59:00+00:00", ended_at="2026-11-23T12:30:00+00:00")
HOURS = 3_600_000


def job(folder: Path, **changes: object) -> Job:
    return Job(**{**vars(JOB), "workdir": str(folder), **changes})  # type: ignore[arg-type]


def seen(folder: Path, world: RealWorld | None = None, **changes: object) -> Experiments:
    found = collect(world or RealWorld({}), job(folder, **changes))
    assert isinstance(found, Experiments)
    return found


def tag(uuid: str, key: str, value: str) -> dict[str, str]:
    return {"run_uuid": uuid, "key": key, "value": value}


def test_a_reader_for_each_tracker_is_found_by_its_file() -> None:
    assert [r.system for r in readers()] == ["dvc", "hydra", "lightning", "mlflow", "optuna", "ray-tune", "tensorboard", "wandb"]


def test_runs_that_name_the_job_come_first_then_those_of_its_time_then_the_rest(tmp_path: Path) -> None:
    rows = {
        "runs": [
            run("later", start_time=START + 9 * HOURS),
            run("inside"),
            run("array", start_time=START - HOURS),
            run("named", start_time=START - HOURS),
            run("ours", start_time=START - 2 * HOURS),
        ],
        "tags": [
            tag("named", "slurm.job_id", "812"),
            tag("ours", "audit.run_id", JOB.run_id),
            tag("array", "slurm.job_id", "812_3"),
            tag("later", "slurm.job_id", "8120"),
        ],
    }
    database(tmp_path / "mlflow.db", rows)
    found = seen(tmp_path)

    assert [(r.id, r.relation) for r in found.runs] == [
        ("named", "task"),
        ("ours", "task"),
        ("inside", "inside"),
        ("later", "folder"),
        ("array", "folder"),
    ]
    assert (found.seen, found.unread, found.walked_all) == (5, (), True)
    assert found.counts == (
        RunCount("mlflow", "campaign", "succeeded", "folder", 2),
        RunCount("mlflow", "campaign", "succeeded", "task", 2),
        RunCount("mlflow", "campaign", "succeeded", "inside", 1),
    )


def test_a_local_run_has_no_job_number_that_a_tracker_could_name(tmp_path: Path) -> None:
    database(tmp_path / "mlflow.db", {"runs": [run()], "tags": [tag("a1", "slurm.job_id", "812")]})

    assert [r.relation for r in seen(tmp_path, scheduler="local", started_at="").runs] == ["folder"]


def test_a_run_may_name_the_submission_and_an_empty_name_is_nobodys(tmp_path: Path) -> None:
    """What is told at submission is told to all that come of it; an adopted job has no submission of ours."""
    early = {"start_time": START - HOURS}
    tags = [tag("named", "audit.run_id", "s1"), tag("empty", "audit.run_id", "")]
    database(tmp_path / "mlflow.db", {"runs": [run("named", **early), run("empty", **early)], "tags": tags})

    assert {r.id: r.relation for r in seen(tmp_path).runs} == {"named": "task", "empty": "folder"}
    assert {r.id: r.relation for r in seen(tmp_path, submission="").runs} == {"named": "folder", "empty": "folder"}


def test_tasks_of_an_array_share_what_was_told_at_submission_so_the_number_or_else_the_time_decides(tmp_path: Path) -> None:
    """Task 812_3 ran from 11:59 to 12:30; 812_4 beside it and 812_9 after it were told the same."""
    later = {"start_time": START + 9 * HOURS}
    named = ["third", "fourth", "ninth", "beside"]
    tags = [tag(name, "audit.run_id", "s1") for name in named]
    numbers = [tag("third", "slurm.job_id", "812_3"), tag("fourth", "slurm.job_id", "812_4"), tag("raw", "slurm.job_id", "815")]
    runs = [run("third"), run("fourth"), run("ninth", **later), run("beside"), run("raw")]
    database(tmp_path / "mlflow.db", {"runs": runs, "tags": tags + numbers})
    task = seen(tmp_path, job_id="812_3")

    assert {r.id: r.relation for r in task.runs} == {
        "third": "task", "fourth": "folder", "ninth": "folder", "beside": "inside", "raw": "inside",
    }  # fmt: skip
    assert {r.id: r.relation for r in seen(tmp_path, job_id="812").runs}["raw"] == "folder"


def test_an_open_run_that_names_a_job_that_is_over_was_killed(tmp_path: Path) -> None:
    open_ = {"status": "RUNNING", "end_time": None}
    rows = {
        "runs": [run("named", **open_), run("timed", **open_), run("other", **open_ | {"start_time": START - HOURS})],
        "tags": [tag("named", "slurm.job_id", "812")],
    }
    database(tmp_path / "mlflow.db", rows)
    over = [(r.id, r.state, r.proof.rpartition("; ")[2]) for r in seen(tmp_path).runs]
    going = [(r.id, r.state) for r in seen(tmp_path, ended_at="").runs]

    assert over[0] == ("named", State.KILLED, "its job ended at 2026-11-23T12:30:00+00:00")
    assert over[1] == ("timed", State.UNKNOWN, "the job in whose time it began ended at 2026-11-23T12:30:00+00:00")
    assert over[2][:2] == ("other", State.RUNNING)
    assert {state for _, state in going} == {State.RUNNING}


def test_of_very_many_runs_the_jobs_own_are_kept_and_the_rest_is_counted(tmp_path: Path) -> None:
    others = [run(f"x{n}", start_time=START - HOURS - n, status="FAILED") for n in range(1500)]
    database(tmp_path / "mlflow.db", {"runs": [*others, *(run(f"own{n}") for n in range(3))]})
    found = seen(tmp_path)

    assert [r.relation for r in found.runs] == ["inside"] * 3 + ["folder"] * MAX_OTHERS
    assert (found.seen, [(c.state, c.relation, c.runs) for c in found.counts]) == (
        1503,
        [("failed", "folder", 1500), ("succeeded", "inside", 3)],
    )


def test_more_runs_of_its_own_than_are_kept(tmp_path: Path) -> None:
    database(tmp_path / "mlflow.db", {"runs": [run(f"own{n}") for n in range(MAX_RUNS * 5)]})

    assert (len(seen(tmp_path).runs), seen(tmp_path).seen) == (MAX_RUNS, MAX_RUNS * 5)


def test_of_a_run_with_very_many_parameters_so_many_are_kept_and_the_cut_is_said(tmp_path: Path) -> None:
    params = [{"run_uuid": uuid, "key": f"p{n:03}", "value": "1"} for uuid in ("own", "other") for n in range(150)]
    database(tmp_path / "mlflow.db", {"runs": [run("own"), run("other", start_time=START - HOURS)], "params": params})

    assert [(r.id, len(r.parameters), r.omitted) for r in seen(tmp_path).runs] == [
        ("own", MAX_NAMES, (f"{150 - MAX_NAMES} more parameters",)),
        ("other", MAX_FEW, (f"{150 - MAX_FEW} more parameters",)),
    ]


def test_a_broken_record_is_said_and_hides_no_other(tmp_path: Path) -> None:
    files(tmp_path, {"a/mlflow.db": "no database", "b/dvc.yaml": "stages: ["})
    database(tmp_path / "mlflow.db", {"runs": [run()]})
    found = seen(tmp_path)

    assert ([r.id for r in found.runs], len(found.unread)) == (["a1"], 2)
    assert found.unread[0] == f"mlflow {tmp_path}/a: mlflow.db: not a SQLite database"


def test_only_broken_records_are_no_absence(tmp_path: Path) -> None:
    files(tmp_path, {"mlflow.db": "no database"})

    assert (seen(tmp_path).runs, len(seen(tmp_path).unread)) == ((), 1)


def test_a_folder_without_a_record_is_looked_through_and_has_none(tmp_path: Path) -> None:
    files(tmp_path, {"train.py": "import mlflow", "notes.db": "text", "my study.txt": ""})

    assert collect(RealWorld({}), job(tmp_path)) == Absent("no tracker left a record below the work directory")
    assert collect(RealWorld({}), job(tmp_path / "gone")) == Absent(f"the work directory is not there: {tmp_path}/gone")


def test_a_store_that_the_script_points_to_is_read_and_a_server_is_named_and_not_asked(tmp_path: Path) -> None:
    store, work = tmp_path / "store", tmp_path / "work"
    store.mkdir()
    work.mkdir()
    database(store / "tracking.db", {"runs": [run()]})
    script = f"export MLFLOW_TRACKING_URI=sqlite:///{store}/tracking.db\npython a.py --tracking-uri http://ada:secret@mlflow.example.org:5000/x\n"
    found = seen(work, script=script)

    assert ([(r.folder, r.relation) for r in found.runs], found.elsewhere) == (
        [(str(store), "inside")],
        ("http://mlflow.example.org:5000/x",),
    )
    assert seen(work, script="export MLFLOW_TRACKING_URI=https://mlflow.example.org").elsewhere == ("https://mlflow.example.org",)


def test_of_a_store_that_only_our_own_environment_names_runs_count_that_name_the_job(tmp_path: Path) -> None:
    """Whoever sweeps may work on another project by now."""
    store, work = tmp_path / "store", tmp_path / "work"
    store.mkdir()
    work.mkdir()
    database(store / "mlflow.db", {"runs": [run("a1"), run("b2")], "tags": [tag("b2", "slurm.job_id", "812")]})
    world = RealWorld({"MLFLOW_TRACKING_URI": f"sqlite:///{store}/mlflow.db"})

    assert [r.id for r in seen(work, world).runs] == ["b2"]


def test_a_store_to_which_two_ways_lead_is_read_once(tmp_path: Path) -> None:
    database(tmp_path / "mlflow.db", {"runs": [run()]})

    assert seen(tmp_path, script=f"MLFLOW_TRACKING_URI=sqlite:///{tmp_path}/mlflow.db").seen == 1


def test_evidence_is_redacted_and_comes_back_from_json(tmp_path: Path) -> None:
    params = [tag("a1", "url", "postgres://ada:hunter2@db/x"), tag("a1", "password", "hunter2222")]
    database(tmp_path / "mlflow.db", {"runs": [run()], "params": params})
    evidence = observe(PROBE, RealWorld({}), job(tmp_path), Phase.LATER, Redactor({}))
    raw = codec.dumps(evidence.data)

    assert (evidence.status, b"hunter2" in raw) == (Status.OK, False)
    assert codec.loads(raw, Experiments).runs[0].id == "a1"


def test_links_to_other_folders_are_not_looked_through(tmp_path: Path) -> None:
    other, work = tmp_path / "other", tmp_path / "work"
    other.mkdir()
    work.mkdir()
    database(other / "mlflow.db", {"runs": [run()]})
    os.symlink(other, work / "link")

    assert isinstance(collect(RealWorld({}), job(work)), Absent)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("MLFLOW_TRACKING_URI=sqlite:///runs.db", Pointed(databases=("/w/runs.db",))),
        ("export MLFLOW_TRACKING_URI='sqlite:////abs/runs.db'", Pointed(databases=("/abs/runs.db",))),
        ("MLFLOW_TRACKING_URI=file:///abs/mlruns python x.py", Pointed(folders=("/abs/mlruns",))),
        ("MLFLOW_TRACKING_URI=/abs/mlruns", Pointed(folders=("/abs/mlruns",))),
        ('mlflow.set_tracking_uri("http://tracker:5000")', Pointed(servers=("http://tracker:5000",))),
        ("mlflow server --backend-store-uri sqlite:///x.db", Pointed(databases=("/w/x.db",))),
        ("MLFLOW_TRACKING_URI=postgresql+psycopg2://a:b@db/x", Pointed(servers=("postgresql+psycopg2://db/x",))),
        ("optuna.create_study(storage='sqlite:///study.db')", Pointed(databases=("/w/study.db",))),
        ("export WANDB_DIR=/scratch/wandb", Pointed(folders=("/scratch/wandb",))),
        ("MLFLOW_TRACKING_URI=$HOME/x MLFLOW_TRACKING_URI=databricks WANDB_DIR=relative", Pointed()),
        ("MLFLOW_TRACKING_URI=http://[bad", Pointed()),
    ],
)
def test_where_a_text_points_to(text: str, found: Pointed) -> None:
    assert in_text(text, "/w") == found


def test_where_an_environment_points_to() -> None:
    told = {"MLFLOW_TRACKING_URI": "sqlite:///a.db", "WANDB_DIR": "/scratch", "TENSORBOARD_LOGDIR": "logs", "HOME": "/root"}

    assert in_environment(told, "/w") == Pointed(databases=("/w/a.db",), folders=("/scratch",))


def test_a_number_with_the_name_of_a_server_behind_it_is_the_job(tmp_path: Path) -> None:
    """As PBS writes it."""
    database(tmp_path / "mlflow.db", {"runs": [run("a", start_time=START - HOURS)], "tags": [tag("a", "pbs.job_id", "812.head")]})

    assert [r.relation for r in seen(tmp_path).runs] == ["task"]
