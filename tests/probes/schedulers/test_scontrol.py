from __future__ import annotations

from slurm_samples import sample, shown

from probes.schedulers import scontrol
from probes.schedulers.from_scontrol import from_scontrol


def test_each_record_is_known_by_the_id_people_use() -> None:
    names = "4 7 8 9 11 12 13 14_0 14_1 14_2 14_3 15+0 15+1 17 18 19 20 21 26_1 26_[9-20]"
    assert set(scontrol.records(sample("scontrol-22.05.txt"))) == set(names.split())


def test_the_exit_code_is_exact() -> None:
    record = from_scontrol(scontrol.records(shown("4"))["4"], "22.05.8", "lab")
    attempt = record.attempts[0]
    assert (attempt.state, attempt.exit_code, attempt.signal, attempt.exit_exact) == ("FAILED", 137, 0, True)


def test_a_name_with_a_newline_is_one_name() -> None:
    record = scontrol.records(shown("17"))["17"]
    assert (record["JobName"], record["JobState"], record["WorkDir"]) == ("weird|na\nme", "COMPLETED", "/home/ada/work")


def test_a_comment_that_looks_like_a_field_changes_nothing() -> None:
    forged = shown("4").replace("   StdErr=", "   Comment=x ExitCode=0:0 JobState=COMPLETED \n   StdErr=")
    record = scontrol.records(forged)["4"]
    assert (record["ExitCode"], record["JobState"]) == ("137:0", "FAILED")


def test_two_records_that_claim_one_id_are_both_left_out() -> None:
    twice = f"{shown('4')}\n\n{shown('4').replace('137:0', '0:0')}\n\n{shown('7')}"
    assert sorted(scontrol.records(twice)) == ["7"]


def test_paths_with_blanks_stay_whole() -> None:
    record = scontrol.records(shown("4").replace("WorkDir=/home/ada/work", "WorkDir=/home/ada/my work"))["4"]
    assert record["WorkDir"] == "/home/ada/my work"


def test_an_empty_answer_holds_no_record() -> None:
    assert scontrol.records("") == scontrol.records("No jobs in the system\n") == {}


def test_a_job_that_waits_has_not_started_and_says_why() -> None:
    record = from_scontrol(scontrol.records(shown("12"))["12"], "22.05.8", "lab")
    attempt = record.attempts[0]
    assert (attempt.state, attempt.reason, attempt.started, attempt.ended) == ("PENDING", "DependencyNeverSatisfied", "", "")
    assert (attempt.exit_code, attempt.succeeded, record.final) == (None, None, False)
    assert record.dependency == "afterok:11(failed)"


def test_an_array_task_knows_its_array_and_how_many_may_run_at_once() -> None:
    record = from_scontrol(scontrol.records(shown("25"))["14_2"], "22.05.8", "lab")
    assert (record.array_job_id, record.array_task_id, record.array_throttle) == ("14", "2", 2)


def test_gpus_are_read_from_the_request_where_the_site_does_not_count_them() -> None:
    uncounted = shown("19").replace(",gres/gpu=2,gres/gpu:a100=2", "")
    record = from_scontrol(scontrol.records(uncounted)["19"], "22.05.8", "lab")
    assert (record.asked_gpus, record.gpu_type) == (2, "a100")


def test_a_job_that_asked_for_no_gpu_is_known_to_have_none() -> None:
    def gpus(text: str) -> int | None:
        return from_scontrol(scontrol.records(text)["4"], "22.05.8", "lab").asked_gpus

    assert gpus(shown("4")) == 0
    assert gpus(shown("4").replace("   JOB_GRES=(null)", "   JOB_GRES=shard:2")) is None
    assert gpus(shown("4").replace("   JOB_GRES=(null)", "   TresPerTask=gres:gpu:1")) is None


def test_the_number_of_restarts_is_the_attempts_number() -> None:
    assert from_scontrol(scontrol.records(shown("13"))["13"], "22.05.8", "lab").attempts[0].number == 2
