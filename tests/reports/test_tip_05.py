"""Tip 5 by example: does independent work run side by side?"""

from __future__ import annotations

from auditor.campaign import Campaign, Link, Sibling
from auditor.model import Evidence
from auditor.verdict import Sameness
from probes.schedulers import StepRecord
from probes.workflow import SystemsUsed
from tests.factory import accounting, at, attempt, seen, sha, submission
from tests.reports.ask import (
    DIFFERENT,
    FAILED,
    IDENTICAL,
    NEVER,
    NOT_APPLICABLE,
    PASSED,
    UNKNOWN,
    advised,
    declared,
    later,
    replayed,
    said,
)


def run(number: int, start: int, end: int, dependency: str = "") -> Sibling:
    return Sibling(
        f"{number:016d}", str(number), "sim", "COMPLETED", f"s{number}", "sim.sh #", at(0), at(start), at(end), "cpu", dependency
    )


def campaign(*runs: Sibling, links: tuple[Link, ...] = ()) -> Evidence:
    return later(Campaign("me", ("label",), runs, links, 0, 0, 0, (), ()))


def steps(*elapsed: float, tasks: int = 1, cores: int = 8, total: float = 600.0) -> Evidence:
    made = tuple(StepRecord(str(n), "COMPLETED", 0, 0, None, None, t, tasks, f"./solve {n}") for n, t in enumerate(elapsed))
    return later(accounting("123", attempt(steps=made), used_cpus=cores, used_seconds=total))


def test_a_serial_loop_becomes_an_array_of_the_same_width() -> None:
    loop = declared(SystemsUsed((), {}, (), (), ("run.sh:4 for seed in $(seq 1 20); do",)))

    assert said("serial-loop", loop, seen(submission())) == (
        FAILED,
        "a loop runs programs one after another: run.sh:4 for seed in $(seq 1 20); do",
    )
    assert advised("serial-loop", loop, seen(submission()))[1] == (
        "#SBATCH --array=1-20\nseed=$SLURM_ARRAY_TASK_ID   # in train.sh, instead of the loop"
    )


def test_a_loop_over_words_becomes_an_array_over_the_same_words() -> None:
    loop = declared(SystemsUsed((), {}, (), (), ("run.sh:4 for lr in 0.1 0.01 1e-3; do ./fit $lr; done",)))

    assert advised("serial-loop", loop, seen(submission()))[1] == (
        "#SBATCH --array=0-2\nvalues=(0.1 0.01 1e-3); lr=${values[$SLURM_ARRAY_TASK_ID]}   # in train.sh, instead of the loop"
    )


def test_without_a_serial_loop_the_parallel_lines_are_named() -> None:
    quiet = declared(SystemsUsed((), {}, (), ("run.sh:5 xargs -P 8 ./solve",), ()))

    assert said("serial-loop", quiet, seen(submission())) == (
        PASSED,
        "no loop runs programs one after another; side by side: run.sh:5 xargs -P 8 ./solve",
    )
    assert said("serial-loop", seen(submission())) == (UNKNOWN, "never captured: systems used at submission")


def test_runs_that_overlap_pass() -> None:
    assert said("queued-singly", campaign(run(1, 0, 20), run(2, 5, 25), run(3, 30, 40))) == (
        PASSED,
        "at most 2 runs of 3 at the same time",
    )


def test_runs_one_after_another_with_nothing_to_hand_on_fail() -> None:
    assert said("queued-singly", campaign(run(1, 0, 10), run(2, 10, 20), run(3, 20, 30))) == (
        FAILED,
        "at most 1 run of 3 at the same time, though nothing was handed from one to the next",
    )


def test_runs_shorter_than_the_clock_s_second_leave_it_open() -> None:
    assert said("queued-singly", campaign(run(1, 0, 0), run(2, 0, 0), run(3, 1, 1))) == (
        UNKNOWN,
        "most runs end in the second in which they begin: whether they overlapped cannot be told",
    )


def test_a_chain_by_data_or_dependency_has_to_wait() -> None:
    hand = (Link("0" * 15 + "1", "0" * 15 + "2", "a", sha("a")), Link("0" * 15 + "2", "0" * 15 + "3", "b", sha("b")))
    by_data = campaign(run(1, 0, 10), run(2, 10, 20), run(3, 20, 30), links=hand)
    by_dependency = campaign(run(1, 0, 10), run(2, 10, 20, "afterok:1"), run(3, 20, 30, "afterok:2"))

    assert said("queued-singly", by_data)[0] == NOT_APPLICABLE
    assert said("queued-singly", by_dependency)[0] == NOT_APPLICABLE


def test_two_runs_are_too_few_to_ask() -> None:
    assert said("queued-singly", campaign(run(1, 0, 10), run(2, 10, 20))) == (
        NOT_APPLICABLE,
        "2 runs of the campaign finished; from 3 on there is something to overlap",
    )
    assert said("queued-singly") == (UNKNOWN, "never captured: campaign after the run")


def test_narrow_steps_in_a_row_waste_the_cores() -> None:
    assert said("steps-in-a-row", steps(190, 200, 200)) == (
        FAILED,
        "3 srun steps took 10 min summed, in a job of 10 min on 8 cores: one after another, each on less than half of the cores",
    )
    assert advised("steps-in-a-row", steps(190, 200, 200))[1] == (
        "srun --exact --mem=341M ./solve 0 &   # each step so: without --mem the first one holds all of it\nwait"
    )


def test_overlapping_or_wide_steps_pass_and_few_are_not_asked() -> None:
    assert said("steps-in-a-row", steps(500, 550, 590))[0] == PASSED
    assert said("steps-in-a-row", steps(190, 200, 200, tasks=8))[0] == PASSED
    assert said("steps-in-a-row", steps(300, 300))[0] == NOT_APPLICABLE
    assert said("steps-in-a-row", later(accounting(final=False))) == (UNKNOWN, "the scheduler's record is not final")
    assert said("steps-in-a-row", later(accounting(used_seconds=0.0)))[0] == NOT_APPLICABLE


def test_a_replay_without_siblings_proves_independence() -> None:
    assert said("dependent-run", replayed()) == (PASSED, f"alone, without its siblings: {IDENTICAL}")
    assert said("dependent-run", replayed(Sameness.DIFFERENT)) == (FAILED, f"not shown to be independent: {DIFFERENT}")
    assert said("dependent-run") == (UNKNOWN, NEVER)
