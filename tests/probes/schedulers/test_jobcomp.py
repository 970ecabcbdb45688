from __future__ import annotations

from slurm_samples import sample

from probes.schedulers import jobcomp
from probes.schedulers.from_jobcomp import from_jobcomp


def test_the_completion_file_tells_exact_exit_codes() -> None:
    attempt = from_jobcomp(jobcomp.records(sample("jobcomp-22.05.txt"))["4"], "22.05.8").attempts[0]
    assert (attempt.exit_code, attempt.exit_exact, attempt.state) == (137, True, "FAILED")


def test_a_requeued_job_left_a_record_an_attempt() -> None:
    record = from_jobcomp(jobcomp.records(sample("jobcomp-22.05.txt"))["13"], "22.05.8")
    assert [(a.number, a.state, a.exit_code) for a in record.attempts] == [(0, "REQUEUED", 0), (1, "FAILED", 4)]


def test_a_name_with_a_newline_keeps_its_record_together() -> None:
    record = from_jobcomp(jobcomp.records(sample("jobcomp-22.05.txt"))["17"], "22.05.8")
    assert (record.name, record.workdir, record.attempts[0].state) == ("weird|na\nme", "/home/ada/work", "COMPLETED")


def test_array_tasks_and_components_are_known_by_their_ids() -> None:
    known = jobcomp.records(sample("jobcomp-22.05.txt"))
    assert {"14_0", "14_3", "15+0", "15+1"} <= set(known)


def test_a_failed_step_is_seen_in_the_derived_exit_code() -> None:
    attempt = from_jobcomp(jobcomp.records(sample("jobcomp-22.05.txt"))["7"], "22.05.8").attempts[0]
    assert (attempt.state, attempt.exit_code, attempt.derived_exit_code, attempt.succeeded) == ("COMPLETED", 0, 1, False)


def test_a_record_that_the_window_cut_is_left_out() -> None:
    text = sample("jobcomp-22.05.txt")
    assert "4" not in jobcomp.records(text[20:])
    assert len(jobcomp.records(text)["13"]) == 2
    assert len(jobcomp.records(text[:-40])["13"]) == 1


def test_a_file_full_of_half_records_is_read_in_a_moment() -> None:
    assert jobcomp.records(("JobId=1 UserId=a(1) GroupId=a(1) Name=x JobState=" * 200 + "\n") * 200) == {}


def test_a_name_cannot_forge_the_record_of_another_job() -> None:
    line = sample("jobcomp-22.05.txt").split("\n")[0]
    forged = line.replace("Name=exit137", f"Name=x\n{line.replace('JobId=4', 'JobId=99').replace('137:0', '0:0')}")
    assert "99" not in jobcomp.records(f"{forged}\n")
