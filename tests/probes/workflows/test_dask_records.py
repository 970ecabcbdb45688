"""What Dask leaves if it is made to: the log of our preload, a performance report, a task stream, a dump; all captured from real runs."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.world import RealWorld
from probes.workflows import Asked, Event, Metric, Place, State, WorkflowRun
from probes.workflows.dask import READER
from probes.workflows.dask_history import prefix

CAPTURED = Path(__file__).parent / "captured/dask"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
W1, W2 = "tcp://10.0.0.1:4001", "tcp://10.0.0.2:4002"


class At(RealWorld):
    """This machine, at another time."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self._now = now

    def now(self) -> datetime:
        return self._now


def read(folder: Path, world: RealWorld | None = None) -> tuple[WorkflowRun, ...]:
    return tuple(READER.read(world or RealWorld(), str(folder)))


def captured(folder: Path, name: str) -> WorkflowRun:
    shutil.copy(CAPTURED / name, folder / name)
    (run,) = read(folder)
    return run


def at(seconds: float) -> float:
    return (NOON + timedelta(seconds=seconds)).timestamp()


def moved(key: str, move: str, seconds: float, stimulus: str = "x-1", **more: Any) -> dict[str, Any]:
    return {"what": "task", "t": at(seconds), "key": key, "move": move, "stimulus": stimulus, **more}


BEGIN = {"what": "begin", "t": at(0), "version": 1, "dask": "2026.8.0", "distributed": "2026.8.0", "scheduler": "Scheduler-1"}
END = {"what": "end", "t": at(100), "counts": {}, "dropped": 0}


def logged(folder: Path, *lines: object, begin: bool = True, end: bool = True) -> Path:
    """A log of our preload with these lines."""
    every = [*([BEGIN] if begin else []), *lines, *([END] if end else [])]
    (folder / "dask-1-node1-7-1.jsonl").write_text("".join(f"{x if isinstance(x, str) else json.dumps(x)}\n" for x in every))
    return folder


def test_a_real_log_tells_of_every_task_and_of_the_one_that_failed(tmp_path: Path) -> None:
    run = captured(tmp_path, "dask-log.jsonl")

    assert (run.state, run.proof) == (State.FAILED, "the scheduler closed, and 1 of 12 tasks had failed for good")
    assert (run.version, run.workers, run.host) == ("2026.8.0", 2, "node1")
    assert {t.name: t.state for t in run.tasks}["fails"] is State.FAILED
    assert [(t.name, len(t.attempts)) for t in run.tasks if len(t.attempts) > 1] == [("flaky", 2), ("fails", 2)]


def test_attempts_that_dask_itself_forgets_are_in_the_log(tmp_path: Path) -> None:
    run = captured(tmp_path, "dask-log.jsonl")
    flaky = next(t for t in run.tasks if t.name == "flaky")

    assert [a.state for a in flaky.attempts] == [State.FAILED, State.SUCCEEDED]
    assert next(t for t in run.tasks if t.name == "fails").attempts[1].reason == "ValueError('this task always fails')"
    assert [e.text for e in run.events if e.what == "retry"] == [
        "flaky-0 failed and was tried again",
        "fails-0 failed and was tried again",
    ]
    assert [(c.what, c.text) for c in run.constructs] == [
        ("retries", "flaky: up to 1 retries"),
        ("retries", "fails: up to 1 retries"),
    ]


def test_a_task_waits_for_what_the_scheduler_says_it_needs(tmp_path: Path) -> None:
    run = captured(tmp_path, "dask-log.jsonl")

    assert {t.id: set(t.needs) for t in run.tasks}["train-0"] == {"simulate-0-0", "simulate-0-1", "simulate-0-2"}


def test_time_and_bytes_are_summed_by_what_workers_did(tmp_path: Path) -> None:
    spans = [["transfer", at(2), at(4)], ["compute", at(4), at(9)], ["disk-write", at(9), at(10)]]
    logged(
        tmp_path,
        {"what": "worker+", "t": at(0), "worker": W1, "threads": 2},
        moved("a-1", "waiting>processing", 1, worker=W1),
        {"what": "sample", "t": at(5), "worker": W1, "spilled": 700},
        moved("a-1", "processing>memory", 10, worker=W1, nbytes=1000, spans=spans),
        {"what": "worker-", "t": at(20), "worker": W1},
    )
    place = Place("dask-1-node1-7-1.jsonl")

    run = read(tmp_path)[0]

    assert run.metrics == (
        Metric("compute-seconds", 5.0, place=place),
        Metric("disk-write-seconds", 1.0, place=place),
        Metric("transfer-seconds", 2.0, place=place),
        Metric("result-bytes", 1000.0, place=place),
        Metric("thread-seconds", 40.0, place=place),
        Metric("idle-seconds", 32.0, place=place),
        Metric("spilled-bytes", 700.0, place=place),
    )
    (attempt,) = run.tasks[0].attempts
    assert (attempt.submitted, attempt.started, attempt.ended, attempt.host) == (
        "2026-11-23T12:00:01+00:00",
        "2026-11-23T12:00:02+00:00",
        "2026-11-23T12:00:10+00:00",
        "10.0.0.1",
    )
    assert run.tasks[0].used.seconds == 5.0


def test_a_lost_worker_costs_an_attempt_and_what_it_held(tmp_path: Path) -> None:
    logged(
        tmp_path,
        moved("a", "waiting>processing", 1, worker=W1),
        moved("a", "processing>memory", 2, worker=W1),
        moved("b", "waiting>processing", 3, worker=W1),
        moved("b", "processing>released", 4, "handle-worker-cleanup-1"),
        moved("b", "waiting>processing", 5, worker=W2),
        moved("b", "processing>memory", 6, worker=W2),
        moved("a", "waiting>processing", 7, worker=W2),
        moved("a", "processing>memory", 8, worker=W2),
    )

    run = read(tmp_path)[0]

    assert [(e.what, e.text) for e in run.events] == [
        ("worker-lost", "b: its worker was lost"),
        ("rescheduled", "a was done again: its result was lost"),
    ]
    assert {t.id: [a.state for a in t.attempts] for t in run.tasks} == {
        "a": [State.SUCCEEDED, State.SUCCEEDED],
        "b": [State.KILLED, State.SUCCEEDED],
    }


def test_what_waits_for_a_failure_was_not_run(tmp_path: Path) -> None:
    logged(
        tmp_path,
        moved("a", "waiting>processing", 1, worker=W1),
        moved("a", "processing>erred", 2, "task-erred-1", worker=W1, error="ValueError(password=swordfish123)"),
        moved("b", "waiting>erred", 2, needs=["a"]),
    )

    run = read(tmp_path)[0]

    assert [(t.id, t.state) for t in run.tasks] == [("a", State.FAILED), ("b", State.NOT_RUN)]
    assert run.tasks[0].attempts[0].reason == "ValueError(password=[withheld])"


def test_a_task_that_kills_its_workers_is_given_up_and_has_failed(tmp_path: Path) -> None:
    """As a real scheduler moved it, which gives no reason with the last move."""
    logged(
        tmp_path,
        moved("a", "waiting>processing", 1, worker=W1),
        moved("a", "processing>released", 2, "handle-worker-cleanup-1"),
        moved("a", "queued>processing", 3, "worker-status-change-1", worker=W2),
        moved("a", "processing>erred", 4, "handle-worker-cleanup-2", worker=W2),
    )

    run = read(tmp_path)[0]

    (task,) = run.tasks
    assert (task.state, [(a.state, a.reason) for a in task.attempts]) == (
        State.FAILED,
        [(State.KILLED, "its worker was lost"), (State.FAILED, "its worker was lost once too often")],
    )
    assert [e.what for e in run.events] == ["worker-lost", "worker-lost"]


def test_a_task_that_is_given_up_between_two_workers_has_failed(tmp_path: Path) -> None:
    logged(
        tmp_path,
        moved("a", "waiting>processing", 1, worker=W1),
        moved("a", "processing>released", 2, "handle-worker-cleanup-1"),
        moved("a", "released>erred", 2, "handle-worker-cleanup-1", error="KilledWorker('a')"),
    )

    assert read(tmp_path)[0].tasks[0].attempts[0].reason == "KilledWorker('a')"


def test_what_the_client_takes_back_was_not_lost(tmp_path: Path) -> None:
    logged(tmp_path, moved("a", "waiting>processing", 1), moved("a", "processing>released", 2, "cancel-key-1"))

    run = read(tmp_path)[0]

    assert ([e.what for e in run.events], run.tasks[0].attempts[0].reason) == (["rescheduled"], "taken back by the client")


def test_abstract_resources_are_told_and_a_gpu_is_one_by_its_name(tmp_path: Path) -> None:
    logged(tmp_path, moved("a", "released>waiting", 1, resources={"GPU": 1.0, "licence": 2.0}))

    assert read(tmp_path)[0].tasks[0].asked == Asked(gpus=1.0, other={"GPU": "1", "licence": "2"})


@pytest.mark.parametrize(("after", "state"), [(30, State.RUNNING), (600, State.KILLED)])
def test_a_log_without_an_end_is_of_a_run_that_goes_on_or_was_killed(tmp_path: Path, after: float, state: State) -> None:
    """The preload's heart beats every thirty seconds."""
    logged(tmp_path, moved("a", "waiting>processing", 1, worker=W1), {"what": "beat", "t": at(50)}, end=False)

    run = read(tmp_path, At(NOON + timedelta(seconds=50 + after)))[0]

    assert (run.state, run.tasks[0].state, run.ended) == (state, state, "")


def test_success_is_said_only_where_every_task_gave_its_result(tmp_path: Path) -> None:
    done = [moved("a", "waiting>processing", 1, worker=W1), moved("a", "processing>memory", 2, worker=W1)]
    logged(tmp_path, *done)
    assert read(tmp_path)[0].proof == "the scheduler closed, and all 1 tasks had given their result"

    logged(tmp_path, *done, moved("b", "released>waiting", 1))
    run = read(tmp_path)[0]
    assert (run.state, run.proof) == (State.UNKNOWN, "the scheduler closed with 1 of 2 tasks not done")


def test_broken_lines_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    logged(
        tmp_path, "{half", "[1]", {"what": "task"}, moved("a", "waiting>processing", 1), '{"what": "task", "t": "x', begin=False
    )

    run = read(tmp_path)[0]

    assert run.gaps == ("the log has no beginning: versions are not known", "4 lines are broken")
    assert [t.id for t in run.tasks] == ["a"]


def test_odd_values_and_hostile_text_raise_nothing(tmp_path: Path) -> None:
    odd: list[Any] = [None, 3, "x\x1b[2J\ny", [], [1], {}, True, 1e308]
    lines = [
        moved(str(o), f"{o}>{o}", 1, needs=o, resources=o, retries=o, spans=[o, [o, o, o]], worker=o, nbytes=o, prefix=o, error=o)
        for o in odd
    ]
    lines += [
        {"what": w, "t": o, "worker": o, "threads": o, "spilled": o, "tasks": o}
        for o in odd
        for w in ("worker+", "worker-", "graph")
    ]
    lines += [moved("k\x1b[31m", "a>processing", 2), moved("k\x1b[31m", "processing>b", 3, spans=[["x", "y", None]] * 3)]
    logged(tmp_path, *lines)

    run = read(tmp_path)[0]

    assert len(run.tasks) == 9
    assert "\x1b" not in "".join(t.id + t.name for t in run.tasks) + "".join(e.text for e in run.events)


def test_a_gigabyte_of_zeros_called_a_log_is_not_ours(tmp_path: Path) -> None:
    with (tmp_path / "dask-1-node1-7-1.jsonl").open("wb") as file:
        file.truncate(1 << 30)

    assert read(tmp_path) == ()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "dask-x.jsonl").symlink_to(CAPTURED / "dask-log.jsonl")

    assert read(tmp_path) == ()


def test_a_performance_report_is_read_from_its_page(tmp_path: Path) -> None:
    run = captured(tmp_path, "dask-report.html")

    assert (run.state, run.version, run.workers, len(run.tasks)) == (State.FAILED, "2026.8.0", 2, 12)
    assert run.proof == "the report was written when its block ended, and 1 of 12 tasks failed"
    assert run.gaps == (
        "a performance report shows what ended while it was made; an attempt that failed and was repeated is not in it",
    )
    train = next(t for t in run.tasks if t.id == "train-0")
    assert (train.name, train.state, len(train.attempts)) == ("train", State.SUCCEEDED, 1)
    assert train.attempts[0].started < train.attempts[0].ended, "moving its data came first, and belongs to the same attempt"
    assert run.command == "client.submit(simulate, 1, 0.0)"


def test_pickled_types_in_a_task_stream_stay_text(tmp_path: Path) -> None:
    run = captured(tmp_path, "dask-task-stream.json")

    assert (run.state, run.proof) == (State.FAILED, "1 of 12 tasks failed")
    failed = next(t for t in run.tasks if t.state is State.FAILED)
    assert (failed.id, failed.attempts[0].reason) == ("fails-0", "ValueError('this task always fails')")


def test_a_dump_of_the_cluster_tells_of_moves_up_to_then(tmp_path: Path) -> None:
    run = captured(tmp_path, "dask-cluster-dump.yaml")

    assert (run.state, run.version, run.workers) == (State.UNKNOWN, "2026.8.0", 2)
    assert run.proof == "the dump was taken while the scheduler was at work: how the run ended is not in it"
    assert {t.id: [a.state for a in t.attempts] for t in run.tasks}["flaky-0"] == [State.FAILED, State.SUCCEEDED]
    assert run.events == (
        Event(
            "retry",
            "flaky-0 failed and was tried again",
            "2026-11-23T21:36:21.978+00:00",
            "flaky-0",
            Place("dask-cluster-dump.yaml", "scheduler.transition_log[41]"),
        ),
    )


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("dask-report.html", "Dask Performance Report <script type='x'>", "the page has no task stream in it"),
        (
            "dask-report.html",
            'Dask Performance Report<script type="application/json">{"a":</script>',
            "the page has no task stream in it",
        ),
        ("dask-task-stream.json", '[{"startstops": ', "dask-task-stream.json: Expecting value"),
        ("dask-task-stream.json", '{"startstops": 3}', "dask-task-stream.json is no list of tasks"),
        ("dask-cluster-dump.yaml", "scheduler: [", "dask-cluster-dump.yaml: while parsing"),
        ("dask-cluster-dump.yaml", "scheduler: {a: !!python/object:os.system {}}", "dask-cluster-dump.yaml: could not determine"),
        ("dask-cluster-dump.yaml", "scheduler: {a: 1}", "dask-cluster-dump.yaml has no transition_log of a scheduler"),
    ],
)
def test_a_damaged_file_is_a_run_with_a_gap(tmp_path: Path, name: str, text: str, why: str) -> None:
    (tmp_path / name).write_text(text)

    (run,) = read(tmp_path)

    assert (run.state, run.proof) == (State.UNKNOWN, "its record cannot be read")
    assert run.gaps[0].startswith(f"{name} cannot be read: {why}")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("simulate-0-1", "simulate"),
        ("('sum-aggregate-3fe1cbb1d3f3a5a2', 0, 1)", "sum-aggregate"),
        ("inc-d1e8a8f8", "inc"),
        ("inc-abcdefab", "inc"),
        ("read-csv-0f", "read-csv"),
        ("0123456789abcdef0123456789abcdef", "data"),
        ("", "other"),
    ],
)
def test_tasks_are_called_by_the_beginning_of_their_key(key: str, name: str) -> None:
    assert prefix(key) == name
