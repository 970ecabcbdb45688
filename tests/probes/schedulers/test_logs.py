from __future__ import annotations

import pytest

from probes.schedulers import logs

LINES = {
    "TIMEOUT": "slurmstepd: error: *** JOB 12 ON cpu1 CANCELLED AT 2026-11-23T15:04:33 DUE TO TIME LIMIT ***",
    "NODE_FAIL": "slurmstepd-cpu2: error: *** JOB 12 ON cpu2 CANCELLED AT 2026-11-23T15:04:33 DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS ***",
    "REQUEUED": "slurmstepd-cpu2: error: *** JOB 12 ON cpu2 CANCELLED AT 2026-11-23T15:04:33 DUE TO JOB REQUEUE ***",
    "PREEMPTED": "slurmstepd: error: *** JOB 12 ON cpu1 CANCELLED AT 2026-11-23T15:04:33 DUE TO PREEMPTION ***",
    "CANCELLED": "slurmstepd-cpu1: error: *** JOB 12 ON cpu1 CANCELLED AT 2026-11-23T15:04:33 ***",
    "OUT_OF_MEMORY": "slurmstepd-cpu2: error: Detected 1 oom-kill event(s) in StepId=12.batch. Some of your processes may have been killed by the"
    " cgroup out-of-memory handler.",
}


@pytest.mark.parametrize("state", LINES)
def test_slurms_last_words_tell_how_the_job_ended(state: str) -> None:
    assert logs.facts(f"epoch 1\n{LINES[state]}\n", "12").state == state


def test_a_line_about_another_job_tells_nothing_of_this_one() -> None:
    assert logs.facts(LINES["TIMEOUT"], "13").state == ""


def test_a_sentence_in_the_middle_of_a_line_is_the_programs_own() -> None:
    assert logs.facts(f"I read: {LINES['TIMEOUT']}").state == ""


def test_a_log_that_says_nothing_of_its_end_gives_no_success() -> None:
    assert logs.facts("all done, exit code 0, COMPLETED\n").state == ""


def test_what_a_log_tells_is_never_final() -> None:
    record = logs.from_log("12", logs.facts(LINES["TIMEOUT"]), "/home/ada/slurm-12.out")
    assert (record.final, record.attempts[0].succeeded, record.attempts[0].nodes) == (False, False, ("cpu1",))
    assert set(record.rungs.values()) == {"logs"}
