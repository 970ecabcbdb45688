"""What is kept of a workflow run? Literal runs, their summaries beside them."""

from __future__ import annotations

from auditor.codec import dumps
from probes.workflows import Asked, Attempt, Digest, Environment, File, Place, State, Task, Used, WorkflowRun
from probes.workflows.record import FileCount
from probes.workflows.summary import concurrent, summary


def at(second: int) -> str:
    return f"2026-11-23T12:00:{second:02d}+00:00"


def tried(number: int, start: int, end: int, state: State = State.SUCCEEDED, **more: object) -> Attempt:
    return Attempt(number, state, started=at(start), ended=at(end), **more)  # type: ignore[arg-type]


def run(*tasks: Task, **more: object) -> WorkflowRun:
    return WorkflowRun("snakemake", "9.27.1", "r1", "/data/flow", State.SUCCEEDED, "(5 of 5 steps) done", tasks=tasks, **more)  # type: ignore[arg-type]


def test_concurrency_counts_moments_and_a_successor_is_not_beside_its_predecessor() -> None:
    assert concurrent([tried(1, 0, 10), tried(1, 10, 20)]) == 1
    assert concurrent([tried(1, 0, 10), tried(1, 9, 20), tried(1, 9, 11)]) == 3


def test_an_attempt_without_an_end_is_not_counted() -> None:
    assert concurrent([Attempt(1, State.RUNNING, started=at(0))]) == 0


def test_seconds_are_the_measured_ones_else_between_the_stamps_of_the_last_attempt() -> None:
    measured = Task("1", "fit", State.SUCCEEDED, (tried(1, 0, 50),), used=Used(seconds=4.0))
    stamped = Task("2", "fit", State.SUCCEEDED, (tried(1, 0, 9, State.FAILED), tried(2, 10, 16)))
    backwards = Task("3", "fit", State.SUCCEEDED, (tried(1, 9, 2),))
    group = summary(run(measured, stamped, backwards)).groups[0]
    assert (group.seconds, group.seconds_of, group.median_seconds, group.longest_seconds) == (10.0, 2, 5.0, 6.0)


def test_retries_are_those_with_more_than_one_attempt_or_a_later_number() -> None:
    twice = Task("1", "fit", State.SUCCEEDED, (tried(1, 0, 1, State.FAILED, reason="exit 1"), tried(2, 2, 3)))
    later = Task("2", "fit", State.SUCCEEDED, (tried(3, 4, 5),))
    once = Task("3", "fit", State.SUCCEEDED, (tried(1, 6, 7),))
    seen = summary(run(twice, later, once))
    assert (seen.attempts, seen.retried, seen.groups[0].reasons) == (4, 2, ("exit 1",))


def test_core_seconds_go_over_tasks_of_which_all_three_numbers_are_known() -> None:
    known = Task("1", "fit", State.SUCCEEDED, asked=Asked(cpus=4), used=Used(seconds=10.0, cpu_seconds=12.0))
    half = Task("2", "fit", State.SUCCEEDED, asked=Asked(cpus=4), used=Used(seconds=10.0))
    group = summary(run(known, half)).groups[0]
    assert (group.core_seconds_asked, group.core_seconds_used, group.core_seconds_of) == (40.0, 12.0, 1)


def test_asked_is_the_largest_of_each_kind() -> None:
    small = Task("1", "fit", State.SUCCEEDED, asked=Asked(cpus=1, memory=2_000, partition="gpu"))
    large = Task("2", "fit", State.SUCCEEDED, asked=Asked(cpus=8, memory=1_000))
    assert summary(run(small, large)).groups[0].asked == Asked(cpus=8, memory=2_000, partition="gpu")


def test_files_count_paths_once_and_only_content_digests_as_hashed() -> None:
    raw = File("raw.csv", "input", 100, (Digest("sha256", "ab" * 32),))
    state_only = File("big.h5", "input", None, (Digest("nextflow", "f00", scope="state"),))
    tasks = (Task("1", "fit", State.SUCCEEDED, files=(raw, state_only)), Task("2", "fit", State.SUCCEEDED, files=(raw,)))
    assert summary(run(*tasks)).groups[0].inputs == FileCount(files=2, sized=1, bytes=100, hashed=1)


def test_the_ends_are_what_no_task_made_and_what_no_task_read() -> None:
    first = Task("1", "a", State.SUCCEEDED, files=(File("raw", "input"), File("mid", "output")))
    second = Task("2", "b", State.SUCCEEDED, files=(File("mid", "input"), File("out", "output"), File("b.log", "log")))
    seen = summary(run(first, second))
    assert [(f.path, f.role) for f in seen.files] == [("out", "output"), ("raw", "input")]


def test_an_environment_that_one_task_used_and_another_did_not_stands_twice() -> None:
    image = Environment("container", "docker://lab/fit", declared=Place("Snakefile", "line 3"))
    used = Environment("container", "docker://lab/fit", declared=Place("Snakefile", "line 3"), enacted=Place("run.log", "line 9"))
    tasks = (Task("1", "fit", State.SUCCEEDED, environments=(image,)), Task("2", "fit", State.SUCCEEDED, environments=(used,)))
    assert summary(run(*tasks)).groups[0].environments == (image, used)


def test_whatever_is_cut_is_said() -> None:
    many = [Task(str(n), f"step{n}", State.SUCCEEDED, files=(File(f"in{n}", "input"),)) for n in range(250)]
    seen = summary(run(*many))
    assert seen.omitted == ("150 of 250 groups of tasks", "50 of 250 inputs and final outputs")
    assert (len(seen.groups), len(seen.files), seen.tasks) == (100, 200, 250)


def test_states_are_counted_and_none_is_left_out() -> None:
    tasks = [Task(str(n), "fit", state) for n, state in enumerate([State.FAILED, State.NOT_RUN, State.NOT_RUN, State.CACHED])]
    assert summary(run(*tasks)).states == {"failed": 1, "cached": 1, "not-run": 2}


def test_ten_thousand_tasks_with_all_their_job_numbers_are_a_few_hundred_kilobytes_of_evidence() -> None:
    many = [
        Task(
            str(n), f"rule_{n % 8}", State.SUCCEEDED, (tried(1, 0, 9, native_id=f"{10_000_000 + n}_{n}"),), (str(n - 1),),
            (File(f"in/{n}.csv", "input", 9), File(f"out/{n}.dat", "output", 9)), command="fit " * 100, parameters={"n": str(n)},
        )
        for n in range(10_000)
    ]  # fmt: skip
    seen = summary(run(*many))
    assert (len(seen.native_ids), len(dumps(seen)) < 400_000) == (10_000, True)
