"""Tip 4 by example: was what was asked for used?"""

from __future__ import annotations

from typing import Any

from auditor.model import Evidence
from auditor.verdict import Sameness
from probes.hardware import Gpu
from probes.kernel import KernelAccounting
from probes.submission import Directive
from tests.factory import accounting, environment, hardware, seen, submission
from tests.reports.ask import (
    FAILED,
    IDENTICAL,
    NEVER,
    NOT_APPLICABLE,
    PASSED,
    UNKNOWN,
    WEAK,
    advised,
    end,
    later,
    replayed,
    said,
    start,
)

GIB = 1 << 30


def asked(*options: str) -> Evidence:
    return seen(submission(directives=tuple(Directive(o, "1", 2) for o in options)))


def used(**changes: Any) -> Evidence:
    return later(accounting(**changes))


def test_a_job_that_names_its_needs_passes() -> None:
    assert said("unstated-needs", asked("--mem", "-c", "--time")) == (
        PASSED,
        "memory, cores and time are asked for in so many words",
    )


def test_missing_requests_are_filled_in_from_what_was_used() -> None:
    record = used(used_memory=2 * GIB, used_cpus=4, used_seconds=1000.0)

    assert said("unstated-needs", asked("--mem"), record) == (WEAK, "left to the site's defaults: cores, time")
    assert advised("unstated-needs", asked(), record) == (
        FAILED,
        "#SBATCH --mem=3G\n#SBATCH --cpus-per-task=4\n#SBATCH --time=00:25:00",
    )


def test_a_command_run_by_the_local_executor_has_nobody_to_ask() -> None:
    assert said("unstated-needs", seen(submission(given_by="command")))[0] == NOT_APPLICABLE
    assert said("unstated-needs") == (UNKNOWN, "never captured: submission at submission")


def test_idle_memory_gives_the_line_to_paste() -> None:
    assert said("idle-memory", used(asked_memory=64 * GIB, used_memory=int(2.4 * GIB))) == (
        FAILED,
        "2.4 GiB of 64.0 GiB used at the peak (4 %)",
    )
    assert advised("idle-memory", used(asked_memory=64 * GIB, used_memory=int(2.4 * GIB)))[1] == "#SBATCH --mem=3G"
    assert said("idle-memory", used(asked_memory=64 * GIB, used_memory=20 * GIB))[0] == WEAK


def test_used_memory_or_a_small_remainder_passes() -> None:
    assert said("idle-memory", used(asked_memory=64 * GIB, used_memory=40 * GIB))[0] == PASSED
    assert said("idle-memory", used(asked_memory=GIB, used_memory=GIB // 50)) == (
        PASSED,
        "20.5 MiB of 1.0 GiB used at the peak (2 %): less than 2.0 GiB lay idle",
    )


def test_the_kernels_own_peak_counts_where_it_is_higher_than_the_sampled_one() -> None:
    kernel = end(KernelAccounting("job", "/job", 40 * GIB, None, None, None, None, None))
    session = end(KernelAccounting("session", "/user", 60 * GIB, None, None, None, None, None))

    assert said("idle-memory", used(asked_memory=64 * GIB, used_memory=GIB), kernel) == (
        PASSED,
        "40.0 GiB of 64.0 GiB used at the peak (62 %)",
    )
    assert said("idle-memory", used(asked_memory=64 * GIB, used_memory=GIB), session)[0] == FAILED


def test_a_job_too_short_to_sample_says_so() -> None:
    assert said("idle-memory", used(used_memory=None)) == (
        UNKNOWN,
        "memory asked for or used is not known: the job ended before its first sample",
    )
    assert said("idle-memory", used(scheduler="local", asked_memory=None))[0] == NOT_APPLICABLE
    assert said("idle-memory", used(final=False)) == (UNKNOWN, "the scheduler's record is not final")


def test_idle_cores_give_the_line_to_paste() -> None:
    lazy = used(used_cpus=32, used_cpu_seconds=1200.0, used_seconds=600.0)

    assert said("idle-cores", lazy) == (FAILED, "2.0 of 32 cores busy on average (6 %)")
    assert advised("idle-cores", lazy)[1] == "#SBATCH --cpus-per-task=2"
    assert said("idle-cores", used(used_cpus=8, used_cpu_seconds=1800.0, used_seconds=600.0))[0] == WEAK
    assert said("idle-cores", used(used_cpus=2, used_cpu_seconds=1100.0, used_seconds=600.0))[0] == PASSED
    assert said("idle-cores", used(used_cpus=1, used_cpu_seconds=60.0, used_seconds=600.0))[0] == WEAK


def test_cpu_time_that_nobody_counted_is_no_verdict() -> None:
    assert said("idle-cores", used(used_cpu_seconds=None, gaps=("TotalCPU is empty",))) == (
        UNKNOWN,
        "cores, CPU time or run time are not known: TotalCPU is empty",
    )
    assert said("idle-cores", used(used_seconds=2.0))[0] == UNKNOWN


def test_a_gpu_that_was_asked_for_must_be_seen() -> None:
    a100 = start(hardware(gpus=(Gpu(0, "NVIDIA A100", None),)))

    assert said("unseen-gpu", used(asked_gpus=1), a100) == (
        PASSED,
        "1 GPU allocated, 1 seen by the job as it started: NVIDIA A100",
    )
    assert said("unseen-gpu", used(asked_gpus=1), start(hardware())) == (
        FAILED,
        "1 GPU allocated, 0 seen by the job as it started",
    )
    assert said("unseen-gpu", used(asked_gpus=0), start(hardware())) == (NOT_APPLICABLE, "no GPU was allocated (slurm)")
    assert said("unseen-gpu", used(asked_gpus=1))[0] == UNKNOWN
    assert said("unseen-gpu", used(asked_gpus=None, scheduler="local"), start(hardware()))[0] == NOT_APPLICABLE


def test_more_threads_than_cores_fail() -> None:
    eight = start(environment(OMP_NUM_THREADS="8"))

    assert said("oversubscribed-threads", eight, used(used_cpus=8)) == (PASSED, "OMP_NUM_THREADS=8 on 8 cores")
    assert said("oversubscribed-threads", eight, used(used_cpus=4)) == (
        FAILED,
        "OMP_NUM_THREADS=8 on 4 cores: threads wait for each other",
    )
    assert said("oversubscribed-threads", start(environment()), used())[0] == NOT_APPLICABLE
    assert said("oversubscribed-threads", eight, used(used_cpus=None, asked_cpus=None))[0] == UNKNOWN


def test_only_another_machine_proves_that_the_result_is_not_bound_to_one() -> None:
    assert said("bound-to-one-machine", replayed()) == (PASSED, IDENTICAL)
    assert said("bound-to-one-machine", replayed(same_machine=True)) == (
        UNKNOWN,
        "only shown on the machine of the run: 1 output identical in a replay on the same machine (local)",
    )
    assert said("bound-to-one-machine", replayed(Sameness.DIFFERENT))[0] == FAILED
    assert said("bound-to-one-machine") == (UNKNOWN, NEVER)
