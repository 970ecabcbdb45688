"""What Ray leaves: export events and results of Tune, captured from a real run, with all that can be missing from them or wrong with them."""

from __future__ import annotations

import base64
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.world import RealWorld
from probes.workflows import Asked, Environment, Metric, Place, State, WorkflowRun
from probes.workflows.ray import READER
from probes.workflows.ray_events import Session, take
from probes.workflows.ray_export import asked

CAPTURED = Path(__file__).parent / "captured/ray"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TRIAL = "objective_6468d_00000_0_x=1.0000_2026-11-23_21-32-32"
TABLE = "trial_id,done,hostname,loss,timestamp\n6468d_00000,False,node1,0.5,1795469556\n"


class At(RealWorld):
    """This machine, at another time."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self._now = now

    def now(self) -> datetime:
        return self._now


def read(folder: Path, world: RealWorld | None = None) -> tuple[WorkflowRun, ...]:
    return tuple(READER.read(world or At(NOON + timedelta(days=1)), str(folder)))


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def event(kind: str, seconds: float, **data: Any) -> dict[str, Any]:
    return {
        "event_id": "1",
        "source_type": f"EXPORT_{kind}",
        "timestamp": int((NOON + timedelta(seconds=seconds)).timestamp()),
        "event_data": data,
    }


def ns(seconds: float) -> str:
    return str(int((NOON + timedelta(seconds=seconds)).timestamp() * 1e9))


def task(number: str, states: dict[str, float], attempt: int = 0, **more: Any) -> dict[str, Any]:
    updates = {"state_ts_ns": {state: ns(when) for state, when in states.items()}, **more.pop("updates", {})}
    return event("TASK", 1, task_id=b64(number), job_id=b64("job1"), attempt_number=attempt, state_updates=updates, **more)


def info(name: str, **more: Any) -> dict[str, Any]:
    return {"task_info": {"func_or_class_name": name, "type": "NORMAL_TASK", **more}}


DRIVER = event(
    "DRIVER_JOB",
    9,
    job_id=b64("job1"),
    is_dead=True,
    start_time=str(int(ns(0)) // 1_000_000),
    end_time=str(int(ns(9)) // 1_000_000),
)


def logs(folder: Path, **files: list[Any]) -> Path:
    """A session's `logs`; each file of export events by its name."""
    where = folder / "session_1/logs"
    (where / "export_events").mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        text = "".join(f"{x if isinstance(x, str) else json.dumps(x)}\n" for x in lines)
        (where / f"export_events/event_EXPORT_{name}.log").write_text(text)
    return where


def test_a_real_session_tells_of_every_task_of_its_driver() -> None:
    (run,) = read(CAPTURED / "logs")

    assert (run.state, run.proof) == (State.FAILED, "the driver ended, and 1 of 25 tasks had failed for good")
    assert (run.version, run.workers) == ("2.60.0", 2)
    assert [t.state for t in run.tasks if t.name == "simulate"] == [State.SUCCEEDED] * 4
    assert run.gaps == ("export events do not say which task waits for which",)


def test_an_attempt_that_failed_and_was_repeated_is_told_with_its_reason() -> None:
    (run,) = read(CAPTURED / "logs")
    flaky = next(t for t in run.tasks if t.name == "flaky")

    assert [(a.number, a.state, a.reason) for a in flaky.attempts] == [
        (1, State.FAILED, "RuntimeError: the first try always fails"),
        (2, State.SUCCEEDED, ""),
    ]
    assert [(e.what, e.text) for e in run.events] == [
        ("retry", "flaky was tried again: RuntimeError: the first try always fails")
    ]


def test_driver_and_worker_each_hold_a_part_of_one_attempt(tmp_path: Path) -> None:
    seen_by_driver = task("t1", {"1": 1, "5": 2, "11": 6}, **info("train", required_resources={"CPU": 2, "GPU": 1}))
    spans = [
        {"event_name": "task:execute", "start_time": ns(3), "end_time": ns(5)},
        {"event_name": "task:deserialize_arguments", "start_time": ns(2), "end_time": ns(3)},
    ]
    seen_by_worker = task("t1", {"8": 3}, updates={"node_id": b64("n1")}, profile_events={"events": spans})
    node = event("NODE", 0, node_id=b64("n1"), node_name="gpu1", resources_total={"CPU": 4, "GPU": 1})
    where = logs(tmp_path, TASK_1=[seen_by_driver], TASK_2=[seen_by_worker], NODE=[node], DRIVER_JOB=[DRIVER])

    (run,) = read(where)

    (one,) = run.tasks
    (attempt,) = one.attempts
    assert (one.id, one.name, one.state, one.asked, one.used.seconds) == (
        b"t1".hex(),
        "train",
        State.SUCCEEDED,
        Asked(2.0, 1.0),
        2.0,
    )
    assert (attempt.submitted[11:19], attempt.started[11:19], attempt.ended[11:19], attempt.host) == (
        "12:00:01",
        "12:00:03",
        "12:00:06",
        "gpu1",
    )
    assert (run.state, run.proof, run.workers) == (State.SUCCEEDED, "the driver ended, and all 1 tasks had finished", 4)
    assert run.metrics == (Metric("deserialize-seconds", 1.0),)


def test_a_job_that_says_running_when_the_session_ended_was_killed(tmp_path: Path) -> None:
    alive = event("DRIVER_JOB", 1, job_id=b64("job1"), is_dead=False, start_time=str(int(ns(0)) // 1_000_000))
    where = logs(
        tmp_path,
        TASK_1=[task("t1", {"1": 1, "8": 2}, **info("train")), task("t2", {"1": 1}, **info("train"))],
        DRIVER_JOB=[alive],
    )

    (run,) = read(where)
    (now,) = read(where, At(NOON + timedelta(minutes=2)))

    assert (run.state, run.proof) == (State.KILLED, "the events end without the driver's end")
    assert [t.state for t in run.tasks] == [State.KILLED, State.NOT_RUN]
    assert (now.state, now.tasks[0].state) == (State.RUNNING, State.RUNNING)


@pytest.mark.parametrize(
    ("status", "state"), [("SUCCEEDED", State.SUCCEEDED), ("FAILED", State.FAILED), ("STOPPED", State.KILLED)]
)
def test_a_submitted_job_has_a_state_of_its_own(tmp_path: Path, status: str, state: State) -> None:
    submitted = event("SUBMISSION_JOB", 9, submission_job_id="raysubmit_1", status=status)
    where = logs(tmp_path, TASK_1=[task("t1", {"11": 3}, **info("a"))], DRIVER_JOB=[DRIVER], SUBMISSION_JOB=[submitted])

    assert read(where)[0].proof == f"Ray's job submission says {status}"
    assert read(where)[0].state is state


def test_a_lost_worker_is_an_event(tmp_path: Path) -> None:
    died = {"error_info": {"error_type": "WORKER_DIED", "error_message": "The worker died unexpectedly"}}
    where = logs(tmp_path, TASK_1=[task("t1", {"8": 1, "12": 2}, updates=died, **info("a"))], DRIVER_JOB=[DRIVER])

    assert [(e.what, e.text) for e in read(where)[0].events] == [("worker-lost", "a: WORKER_DIED")]


def test_an_environment_is_enacted_where_the_agent_says_that_it_was_made(tmp_path: Path) -> None:
    wanted = {"pip": {"packages": ["torch==2.13.0"]}, "env_vars": {"TOKEN": "abcdef1234567890"}}
    other = {"image_uri": "docker.io/org/sim@sha256:00"}
    lines = [
        task("t1", {"11": 3}, **info("a", runtime_env_info={"serialized_runtime_env": json.dumps(wanted)})),
        task("t2", {"11": 3}, **info("b", runtime_env_info={"serialized_runtime_env": json.dumps(other)})),
    ]
    where = logs(tmp_path, TASK_1=lines, DRIVER_JOB=[DRIVER])
    made = json.dumps(dict(reversed(wanted.items())))
    (where / "runtime_env_agent.log").write_text(
        f"x\n2026-11-23 INFO a.py:593 -- Successfully created runtime env: {made}, context: {{}}\n"
    )

    (run,) = read(where)

    python, image = (t.environments[0] for t in run.tasks)
    assert (python.kind, python.name, python.enacted) == ("python", "torch==2.13.0", Place("runtime_env_agent.log", "line 2"))
    declared = Place("export_events/event_EXPORT_TASK_1.log", "line 2")
    assert image == Environment("container", "docker.io/org/sim@sha256:00", declared, digests=image.digests)
    assert "abcdef1234567890" not in repr(run)


def test_a_placement_group_is_no_new_resource() -> None:
    group = "8bd4322e17cb594e5f84fb309cad01000000"

    assert asked(
        {f"CPU_group_0_{group}": 2, f"CPU_group_{group}": 2, f"GPU_group_{group}": 1, f"bundle_group_{group}": 0.001}
    ) == Asked(2.0, 1.0)
    assert asked({"CPU": 1, "memory": 1e9, "licence": 3}) == Asked(1.0, memory=10**9, other={"licence": "3"})


def test_a_training_is_one_task_whose_workers_are_ranks(tmp_path: Path) -> None:
    run = event("TRAIN_RUN", 1, id="r1", name="fit", status="FINISHED")
    first = event(
        "TRAIN_RUN_ATTEMPT",
        1,
        run_id="r1",
        attempt_id="a1",
        status="ERRORED",
        start_time_ns=ns(1),
        workers=[{}, {}],
        status_detail="OOM",
    )
    second = event("TRAIN_RUN_ATTEMPT", 2, run_id="r1", attempt_id="a2", status="FINISHED", start_time_ns=ns(2), workers=[{}, {}])
    where = logs(tmp_path, TRAIN_STATE=[run, first, second], DRIVER_JOB=[DRIVER])

    (one,) = read(where)[0].tasks

    assert (one.name, one.state, one.asked.tasks) == ("fit", State.SUCCEEDED, 2)
    assert [(a.state, a.reason) for a in one.attempts] == [(State.FAILED, "OOM"), (State.SUCCEEDED, "")]


def test_empty_files_mean_that_the_export_was_not_on(tmp_path: Path) -> None:
    where = logs(tmp_path, TASK_1=[], NODE=[])

    (run,) = read(where)

    assert (run.state, run.proof) == (State.UNKNOWN, "its record is empty")
    assert run.gaps == ("the export events are empty: RAY_enable_export_api_write=1 was not set where Ray was started",)


def test_odd_lines_raise_nothing_and_are_counted(tmp_path: Path) -> None:
    odd: list[Any] = [None, 3, "x\x1b[2J", [], [1], {}, True, -1, "9" * 400]
    lines = [event(k, 1, **dict.fromkeys(("task_id", "job_id", "attempt_number", "state_updates", "task_info", "profile_events"), o))
             for k in ("TASK", "NODE", "ACTOR", "DRIVER_JOB", "SUBMISSION_JOB", "TRAIN_RUN", "TRAIN_RUN_ATTEMPT", "NEW") for o in odd]  # fmt: skip
    where = logs(tmp_path, TASK_1=["{half", "[]", "{}", *lines, task("t1", {"11": 3}, **info("evil\x1b[31m\nname")), DRIVER])

    runs = read(where)

    assert "3 lines are broken" in runs[0].gaps
    assert "\x1b" not in repr(runs)
    assert "evil name" in {t.name for r in runs for t in r.tasks}


def test_a_link_among_the_events_is_not_followed(tmp_path: Path) -> None:
    where = logs(tmp_path, TASK_1=[])
    (where / "export_events/event_EXPORT_TASK_2.log").symlink_to(CAPTURED / "logs/export_events/event_EXPORT_TASK_27365.log")

    assert read(where)[0].tasks == ()


def test_a_session_that_is_a_link_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "export_events").symlink_to(CAPTURED / "logs/export_events")
    (tmp_path / "gcs_server.out").symlink_to(CAPTURED / "logs/gcs_server.out")

    (run,) = read(tmp_path)

    assert (run.tasks, run.version) == ((), "")


def test_a_real_search_tells_of_its_trials() -> None:
    (run,) = read(CAPTURED / "search")

    assert (run.state, run.proof, run.name) == (State.SUCCEEDED, "all 2 trials are TERMINATED", "search")
    assert [(t.name, t.id, t.parameters, t.used.seconds) for t in run.tasks] == [
        ("objective", "6468d_00000", {"x": "1.0"}, 0.0007410049438476562),
        ("objective", "6468d_00001", {"x": "2.0"}, 0.0006394386291503906),
    ]
    assert run.metrics[0] == Metric("6468d_00000/loss", 0.5, 2, Place(f"{TRIAL}/result.json", "last line"))
    assert run.constructs == (), "a grid search learns nothing from its results"


def search(folder: Path, **changed: Any) -> Path:
    """The captured search with other words for its first trial."""
    where = folder / "search"
    shutil.copytree(CAPTURED / "search", where)
    path = next(where.glob("experiment_state-*.json"))
    state = json.loads(path.read_text())
    about, meanwhile = (json.loads(text) for text in state["trial_data"][0])
    mine = {k: changed.pop(k) for k in tuple(changed) if k in about}
    state["trial_data"] = [[json.dumps(about | mine), json.dumps(meanwhile | changed)]]
    path.write_text(json.dumps(state))
    os.utime(path, (NOON.timestamp(), NOON.timestamp()))
    return where


def test_a_trial_that_still_runs_in_the_last_state_was_killed(tmp_path: Path) -> None:
    where = search(tmp_path, status="RUNNING")

    assert read(where)[0].proof == "1 of 1 trials still say RUNNING in the last state that was written"
    assert read(where, At(NOON + timedelta(minutes=5)))[0].state is State.RUNNING


def test_a_failed_trial_has_its_reason_and_each_try(tmp_path: Path) -> None:
    where = search(tmp_path, status="ERROR", num_failures=2)
    failure = "Failure # {} (occurred at 2026-11-23_12-00-00)\nTraceback:\nValueError: nan, token=abcdef123456\n"
    (where / TRIAL / "error.txt").write_text(failure.format(1) + failure.format(2))

    (run,) = read(where)

    assert (run.state, run.proof) == (State.FAILED, "1 of 1 trials ended in an error")
    assert [(a.state, a.reason) for a in run.tasks[0].attempts] == [(State.FAILED, "ValueError: nan, token=[withheld]")] * 2


def test_a_searcher_that_keeps_a_state_is_a_loop(tmp_path: Path) -> None:
    where = search(tmp_path)
    (where / "searcher-state-2026.pkl").write_bytes(b"\x80\x05.")

    assert [c.what for c in read(where)[0].constructs] == ["loop"]


def test_the_table_serves_where_the_lines_are_missing(tmp_path: Path) -> None:
    where = search(tmp_path)
    os.remove(where / TRIAL / "result.json")
    (where / TRIAL / "progress.csv").write_text(TABLE)

    assert [(m.name, m.value) for m in read(where)[0].metrics] == [("6468d_00000/loss", 0.5)]


def test_a_trials_folder_that_leads_elsewhere_is_not_looked_into(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/result.json").write_text('{"loss": 1}\n')
    where = search(tmp_path, relative_logdir="../out")

    assert (read(where)[0].metrics, read(where)[0].tasks[0].files) == ((), ())


def test_pickles_in_a_configuration_are_told_and_not_opened(tmp_path: Path) -> None:
    where = search(
        tmp_path,
        config={"lr": {"_type": "CLOUDPICKLE_FALLBACK", "value": "8005"}, "net": {"width": 3}, "api_key": "abcdef12345678"},
    )

    assert read(where)[0].tasks[0].parameters == {"lr": "(pickled)", "net/width": "3", "api_key": "[withheld]"}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"trial_data": 3}', '{"trial_data": [["{", "{}"], [1, 2], 3, []]}', '{"trial_data": [["[]", "null"]]}'],
)
def test_a_damaged_state_is_a_run_with_a_gap_or_without_trials(tmp_path: Path, text: str) -> None:
    (tmp_path / "experiment_state-1.json").write_text(text)

    (run,) = read(tmp_path)

    assert run.state is State.UNKNOWN
    assert run.gaps or not run.metrics


def test_a_secret_in_the_words_of_a_failure_is_withheld(tmp_path: Path) -> None:
    failed = {"error_type": "TASK", "error_message": "Traceback\nValueError: API_TOKEN=abcdef1234567890"}
    session = Session()
    take(
        session,
        {"source_type": "EXPORT_TASK", "event_data": {"task_id": "AAAA", "state_updates": {"error_info": failed}}},
        Place("x"),
    )

    assert session.works["000000"].tries[0].reason == "ValueError: API_TOKEN=[withheld]"
