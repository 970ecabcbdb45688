"""Tip 6 by example: one array for alike runs, one rank for each device?"""

from __future__ import annotations

from auditor.campaign import Campaign, Sibling
from auditor.model import Evidence
from auditor.verdict import Sameness
from probes.workflow import SystemsUsed, Use
from tests.factory import accounting, at, seen, submission
from tests.reports.ask import (
    FAILED,
    IDENTICAL,
    NEVER,
    NOT_APPLICABLE,
    PASSED,
    UNKNOWN,
    WEAK,
    advised,
    declared,
    later,
    replayed,
    said,
)

TYPED = seen(submission("#!/bin/bash\nsource env.sh\npython train.py --lr 0.1\n"))


def campaign(twins: int = 0, size: int = 0, throttle: int = 0, tasks: tuple[Sibling, ...] = ()) -> Evidence:
    return later(Campaign("me", ("label",), tasks, (), size, throttle, 0, (), tuple(f"{n:016d}" for n in range(twins))))


def task(number: int, minutes: int) -> Sibling:
    return Sibling(f"{number:016d}", f"7_{number}", "solve", "COMPLETED", "s7", "solve.sh", at(0), at(1), at(1 + minutes))


def uses(*found: Use) -> Evidence:
    return declared(SystemsUsed(found, {}, (), (), ()))


def test_twelve_lookalikes_become_one_throttled_array() -> None:
    assert said("lookalike-submissions", campaign(twins=11), TYPED) == (
        FAILED,
        "12 submissions differ only in numbers: one array of 12 tasks",
    )
    assert advised("lookalike-submissions", campaign(twins=11), TYPED)[1] == (
        "#SBATCH --array=0-11%4\npython train.py --lr 0.1   # with $SLURM_ARRAY_TASK_ID where the numbers differ"
    )


def test_one_lookalike_may_be_a_correction() -> None:
    assert said("lookalike-submissions", campaign(twins=1), TYPED) == (PASSED, "1 look-alike of this submission")
    assert said("lookalike-submissions", campaign(size=40), TYPED) == (PASSED, "one array of 40 tasks")
    assert said("lookalike-submissions", TYPED) == (UNKNOWN, "never captured: campaign after the run")


def test_a_large_array_wants_a_throttle() -> None:
    me = later(accounting("7_3"))

    assert said("unbounded-array", campaign(size=1000), me) == (WEAK, "array of 1,000 tasks, no limit on how many at a time")
    assert advised("unbounded-array", campaign(size=1000), me)[1] == "#SBATCH --array=0-999%50"
    assert said("unbounded-array", campaign(size=1000, throttle=20), me) == (PASSED, "array of 1,000 tasks, at most 20 at a time")
    assert said("unbounded-array", campaign(size=60), me)[0] == PASSED
    assert said("unbounded-array", campaign(), later(accounting())) == (NOT_APPLICABLE, "not a task of an array (slurm)")
    assert said("unbounded-array", campaign(size=1000))[0] == UNKNOWN


def test_tasks_shorter_than_a_minute_are_packed() -> None:
    quick = later(accounting("7_3", used_seconds=30.0))

    assert said("tiny-tasks", campaign(size=100), quick, TYPED) == (FAILED, "the middle one of 1 task took 30 s")
    assert advised("tiny-tasks", campaign(size=100), quick, TYPED)[1] == (
        "#SBATCH --array=0-9\n"
        "first=$((SLURM_ARRAY_TASK_ID * 10))\n"
        "for i in $(seq $first $((first + 9))); do SLURM_ARRAY_TASK_ID=$i python train.py --lr 0.1; done"
    )
    assert said("tiny-tasks", campaign(size=100), later(accounting("7_3", used_seconds=200.0)), TYPED)[0] == WEAK


def test_a_few_tasks_of_seconds_are_one_job() -> None:
    per_task = seen(submission("./solve --case $SLURM_ARRAY_TASK_ID\n"))

    assert advised("tiny-tasks", campaign(size=4), later(accounting("7_3", used_seconds=2.0)), per_task)[1] == (
        "# one job, no array line:\nfor i in $(seq 0 3); do ./solve --case $i; done"
    )


def test_tasks_of_some_minutes_pass() -> None:
    mine = later(accounting("7_3", used_seconds=600.0))

    assert said("tiny-tasks", campaign(size=4, tasks=(task(0, 9), task(1, 11))), mine, TYPED) == (
        PASSED,
        "the middle one of 3 tasks took 10 min",
    )
    assert said("tiny-tasks", campaign(), later(accounting()), TYPED) == (NOT_APPLICABLE, "not a task of an array (slurm)")
    assert said("tiny-tasks", campaign(size=4), later(accounting("7_3", used_seconds=None)), TYPED) == (
        UNKNOWN,
        "no task of the array has finished",
    )


def test_four_gpus_want_a_launcher() -> None:
    four = later(accounting(asked_gpus=4))
    torchrun = uses(Use("torchrun", "distributed", "command", "train.sh:3"))

    assert said("idle-devices", torchrun, four, TYPED) == (
        PASSED,
        "1 node and 4 GPUs asked for, started by torchrun (train.sh:3)",
    )
    assert said("idle-devices", uses(), four, TYPED) == (
        FAILED,
        "1 node and 4 GPUs asked for, and no launcher in the scripts that would use more than one",
    )
    assert advised("idle-devices", uses(), four, TYPED)[1] == (
        "srun --ntasks-per-node=1 torchrun --nnodes=1 --nproc-per-node=4 train.py --lr 0.1"
    )
    assert advised("idle-devices", uses(), later(accounting(asked_nodes=3)), TYPED)[1].startswith(
        "srun --ntasks=3 python train.py"
    )


def test_one_device_needs_no_launcher() -> None:
    assert said("idle-devices", uses(), later(accounting(asked_gpus=1)), TYPED) == (
        NOT_APPLICABLE,
        "1 node and 1 GPU were allocated (slurm): nothing to distribute",
    )
    assert said("idle-devices", uses(), later(accounting(asked_gpus=None)), TYPED)[0] == UNKNOWN
    assert said("idle-devices", uses(), later(accounting(asked_gpus=None, scheduler="local")), TYPED)[0] == NOT_APPLICABLE


def test_a_task_replayed_alone_is_not_tied_to_the_others() -> None:
    assert said("tied-task", replayed()) == (PASSED, f"this task alone: {IDENTICAL}")
    assert said("tied-task", replayed(Sameness.DIFFERENT))[0] == FAILED
    assert said("tied-task") == (UNKNOWN, NEVER)
