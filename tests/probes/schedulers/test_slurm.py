"""The ladder: who is asked, in how many questions, whose word counts, and what an empty answer means."""

from __future__ import annotations

from dataclasses import replace

import pytest
from slurm_samples import DISABLED, UNKNOWN, rows, sample, shown, slurm

from auditor.model import Absent, Found, Grade, Job
from auditor.world import Ran, RecordedWorld
from probes.schedulers import JobAccounting, logs
from probes.schedulers.slurm import PROBE, accounting


def one(world: RecordedWorld, job: str) -> JobAccounting:
    answer = accounting(world, [job])[job]
    assert isinstance(answer, Found), answer
    return answer.value


def test_the_exact_exit_code_is_scontrols_and_the_memory_is_saccts() -> None:
    record = one(slurm(asked=["4"], controller={"4": shown("4")}, accounting=rows("4")), "4")
    assert (record.attempts[-1].exit_code, record.attempts[-1].exit_exact) == (137, True)
    assert (record.rungs["exit_code"], record.rungs["submit_line"], record.rungs["asked_memory"]) == (
        "scontrol",
        "sacct",
        "sacct",
    )
    assert record.attempts[-1].steps[0].name == "batch"
    assert record.final is True


def test_without_scontrols_word_the_exit_code_is_marked_as_doubtful() -> None:
    record = one(slurm(asked=["4"], controller={"4": UNKNOWN}, accounting=rows("4")), "4")
    assert (record.attempts[-1].exit_code, record.attempts[-1].exit_exact, record.rungs["exit_code"]) == (9, False, "sacct")


def test_a_job_that_waits_costs_no_question_to_the_database() -> None:
    world = slurm(asked=["12"], controller={"12": shown("12")}, missing=["sacct"])
    record = one(world, "12")
    assert (record.attempts[-1].state, record.final, record.gaps) == ("PENDING", False, ())


def test_both_attempts_are_there_and_the_last_has_the_number_of_restarts() -> None:
    record = one(slurm(asked=["13"], controller={"13": shown("13")}, accounting=rows("13")), "13")
    assert [(a.number, a.state, a.exit_code) for a in record.attempts] == [(0, "REQUEUED", 0), (2, "FAILED", 4)]


def test_an_attempt_that_sacct_does_not_show_yet_comes_from_scontrol() -> None:
    names = rows("13").split("\n")
    requeued_only = "".join(
        line + "\n" for line in names if line and "FAILED" not in line and "13.extern\x1f13.extern\x1f" not in line
    )
    running = shown("13").replace("JobState=FAILED", "JobState=RUNNING")
    record = one(slurm(asked=["13"], controller={"13": running}, accounting=requeued_only), "13")
    assert [a.state for a in record.attempts] == ["REQUEUED", "RUNNING"]
    assert record.final is False


def test_a_finished_job_that_sacct_does_not_show_yet_is_not_final() -> None:
    just_ended = shown("4").replace("EndTime=1795446267", "EndTime=1795449599")  # a second ago
    assert just_ended != shown("4")
    record = one(slurm(asked=["4"], controller={"4": just_ended}), "4")
    assert (record.attempts[-1].state, record.final) == ("FAILED", False)
    assert record.gaps == ("sacct has no record of it yet",)


def test_a_user_whom_sacct_shows_nothing_gets_the_controllers_word_after_a_while() -> None:
    record = one(slurm(asked=["4"], controller={"4": shown("4")}), "4")  # ended an hour ago
    assert record.final is True
    assert record.gaps == ("sacct shows this user no record of it",)


def test_while_the_database_is_down_a_finished_job_is_not_called_final() -> None:
    down = Ran(1, "", "sacct: error: Problem talking to the database: Connection refused\n")
    record = one(slurm(asked=["4"], controller={"4": shown("4")}, accounting=down), "4")  # ended an hour ago
    assert (record.attempts[-1].exit_code, record.final) == (137, False)
    assert record.gaps == ("sacct: sacct: error: Problem talking to the database: Connection refused",)


def test_a_number_nobody_knows_is_absent_and_just_after_submission_not_yet() -> None:
    world = slurm(asked=["99"], controller={"99": UNKNOWN})
    assert accounting(world, ["99"])["99"] == Absent("the controller and accounting know no job 99")
    fresh = Job("slurm", "99", submitted_at="2026-11-23T15:59:58+00:00")
    assert PROBE.collect(world, fresh) == Absent("the controller and accounting know no job 99 yet")


def test_a_controller_that_cannot_be_asked_is_an_error_and_not_an_absent_job() -> None:
    world = slurm(asked=["99"])
    broken = {
        **world.commands,
        ("scontrol", "show", "config"): Ran(1, "", "Unable to contact slurm controller (connect failure)\n"),
    }
    answer = accounting(replace(world, commands=broken), ["99"])["99"]
    assert isinstance(answer, OSError)
    assert "Unable to contact slurm controller" in str(answer)


def test_the_record_stands_where_only_the_controller_is_silent() -> None:
    world = slurm(asked=["4"], accounting=rows("4"))
    broken = {
        **world.commands,
        ("scontrol", "show", "config"): Ran(1, "", "Unable to contact slurm controller (connect failure)\n"),
    }
    record = one(replace(world, commands=broken), "4")
    assert (record.final, record.attempts[-1].exit_exact) == (True, False)
    assert record.gaps == ("scontrol: Unable to contact slurm controller (connect failure)",)


def test_where_there_is_no_slurm_at_all_each_missing_tool_is_named() -> None:
    answer = accounting(slurm(asked=["4"], missing=["sacct", "scontrol"]), ["4"])["4"]
    assert isinstance(answer, Absent)
    assert "scontrol is not installed here" in answer.reason and "sacct is not installed here" in answer.reason


def test_without_accounting_the_completion_file_tells_of_earlier_attempts() -> None:
    world = slurm(
        asked=["13"], controller={"13": UNKNOWN}, config="config-light-22.05.txt", completions=sample("jobcomp-22.05.txt")
    )
    record = one(world, "13")
    assert [a.state for a in record.attempts] == ["REQUEUED", "FAILED"]
    assert record.rungs["attempts"] == "jobcomp"
    assert record.gaps == ("accounting is disabled on this cluster: steps and memory use are not recorded",)


def test_without_accounting_the_completion_file_remembers_what_the_controller_forgot() -> None:
    world = slurm(
        asked=["4"], controller={"4": UNKNOWN}, config="config-light-22.05.txt", completions=sample("jobcomp-22.05.txt")
    )
    record = one(world, "4")
    assert (record.attempts[-1].exit_code, record.final, record.rungs["exit_code"]) == (137, True, "jobcomp")


def test_sacct_may_find_out_by_itself_that_accounting_is_disabled() -> None:
    world = slurm(asked=["4"], controller={"4": shown("4")}, accounting=DISABLED)
    assert one(world, "4").final is True


def test_an_array_is_answered_as_a_whole_and_by_its_tasks() -> None:
    world = slurm(asked=["14"], controller={"14": shown("14", "23", "24", "25")}, accounting=rows("14_0", "14_1", "14_2", "14_3"))
    answers = accounting(world, ["14"])
    assert sorted(answers) == ["14", "14_0", "14_1", "14_2", "14_3"]
    codes = {job: a.value.attempts[-1].exit_code for job, a in answers.items() if isinstance(a, Found) and "_" in job}
    assert codes == {"14_0": 0, "14_1": 1, "14_2": 2, "14_3": 3}
    whole = answers["14"]
    assert isinstance(whole, Found)
    assert (whole.value.job_id, whole.value.array_job_id, whole.value.array_throttle, whole.value.final) == ("14", "14", 2, True)
    assert whole.value.attempts[-1].succeeded is False


def test_tasks_that_never_started_share_a_record_and_each_has_its_own_id() -> None:
    answers = accounting(slurm(asked=["26"], controller={"26": shown("26", "27")}, accounting=rows("26_1", "26_[9-20]")), ["26"])
    assert sorted(a for a in answers if "_" in a) == sorted(["26_1", *(f"26_{n}" for n in range(9, 21))])
    never = answers["26_9"]
    assert isinstance(never, Found)
    assert (never.value.job_id, never.value.array_task_id, never.value.attempts[-1].state) == ("26_9", "9", "CANCELLED")
    assert never.value.attempts[-1].started == ""


def test_a_heterogeneous_job_answers_for_its_components() -> None:
    answers = accounting(slurm(asked=["15"], controller={"15": shown("15", "16")}, accounting=rows("15+0", "15+1")), ["15"])
    assert sorted(answers) == ["15", "15+0", "15+1"]


def test_many_jobs_are_asked_for_in_one_list() -> None:
    jobs = ["4", "7", "9", "11", "13", "17", "18", "19", "20", "21"]
    world = slurm(asked=jobs, controller={"": sample("scontrol-22.05.txt")}, accounting=rows(*jobs))
    answers = accounting(world, jobs)  # any other command would raise: it is not recorded
    assert all(isinstance(a, Found) and a.value.final for a in answers.values())


def test_what_accounting_and_controller_forgot_the_jobs_own_output_may_tell() -> None:
    world = slurm(asked=["12"], controller={"12": UNKNOWN})
    path = "/home/ada/work/slurm-12.out"
    told = "slurmstepd: error: *** JOB 12 ON cpu1 CANCELLED AT 2026-11-23T15:04:33 DUE TO TIME LIMIT ***\n"
    world = replace(world, files={path: b""}, commands={**world.commands, logs.tail(path): Ran(0, told, "")})
    answer = PROBE.collect(world, Job("slurm", "12", workdir="/home/ada/work"))
    assert isinstance(answer, Found)
    assert (answer.value.attempts[0].state, answer.grade, answer.value.final) == ("TIMEOUT", Grade.DECLARED, False)


def test_a_job_of_another_scheduler_is_none_of_slurms() -> None:
    assert PROBE.collect(slurm(asked=[]), Job("local", "L0")) == Absent("a local job is not Slurm's")


@pytest.mark.parametrize("noise", ["sacct: error: Problem talking to the database\n", ""])
def test_an_empty_failing_sacct_is_a_failure(noise: str) -> None:
    world = slurm(asked=["99"], controller={"99": UNKNOWN}, accounting=Ran(1, "", noise))
    assert isinstance(accounting(world, ["99"])["99"], OSError)
