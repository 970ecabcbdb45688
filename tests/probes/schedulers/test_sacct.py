from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slurm_samples import fields, rows, sample

from probes.schedulers import JobAccounting, sacct
from probes.schedulers.from_sacct import from_sacct


def record(*job_ids: str) -> JobAccounting:
    return from_sacct(sacct.rows(rows(*job_ids), fields()), "22.05.8")


def test_names_with_bars_and_newlines_do_not_break_rows_apart() -> None:
    weird = record("17")
    assert weird.name == "weird|na\nme"
    assert weird.submit_line == "sbatch --parsable -J weird|na\nme --comment c|1 --wrap sleep 1"
    assert [s.name for s in weird.attempts[0].steps] == ["batch"]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(*[st.text(st.characters(exclude_characters=sacct.DELIMITER), max_size=8)] * 2), max_size=5))
def test_whatever_stands_in_a_field_the_rows_come_out_as_they_went_in(records: list[tuple[str, str]]) -> None:
    text = "".join(f"{i}{sacct.DELIMITER}{a}{sacct.DELIMITER}{b}{sacct.DELIMITER}\n" for i, (a, b) in enumerate(records))
    back = sacct.rows(text, ("JobIDRaw", "JobName", "Comment"))
    assert [(row["JobName"], row["Comment"]) for row in back] == records


def test_an_answer_that_was_cut_short_is_an_error_and_no_half_record() -> None:
    whole = rows("4")
    for cut in (whole[:-2], whole[: len(whole) // 2]):
        with pytest.raises(ValueError, match="ends in the middle of a record"):
            sacct.rows(cut, fields())
    assert sacct.rows("", fields()) == ()


def test_only_fields_that_this_sacct_offers_are_asked_for() -> None:
    offered = fields()
    assert "SubmitLine" in offered
    assert not {"StdOut", "Restarts", "SLUID"} & set(offered)  # of later releases
    assert "StdOut" in sacct.fields(sample("helpformat-22.05.txt") + " StdOut")


def test_a_sacct_without_the_vital_fields_is_refused() -> None:
    with pytest.raises(ValueError, match="offers no WorkDir"):
        sacct.fields(sample("helpformat-22.05.txt").replace("WorkDir", ""))


def test_sacct_takes_128_from_large_exit_codes_and_the_record_says_that_it_may_have() -> None:
    attempt = record("4").attempts[0]  # the job ended with `exit 137`
    assert (attempt.state, attempt.exit_code, attempt.exit_exact) == ("FAILED", 9, False)
    assert attempt.steps[0].exit_exact is False


def test_since_25_11_sacct_tells_exit_codes_as_they_are() -> None:
    assert from_sacct(sacct.rows(rows("4"), fields()), "25.11.0").attempts[0].exit_exact is True


def test_a_completed_job_with_a_failed_step_did_not_succeed() -> None:
    attempt = record("7").attempts[0]
    assert (attempt.state, attempt.exit_code, attempt.derived_exit_code) == ("COMPLETED", 0, 1)
    assert [(s.name, s.state) for s in attempt.steps] == [
        ("batch", "COMPLETED"),
        ("0", "COMPLETED"),
        ("1", "FAILED"),
        ("2", "COMPLETED"),
    ]
    assert attempt.succeeded is False


def test_a_step_out_of_memory_fails_a_job_that_calls_itself_completed() -> None:
    attempt = record("20").attempts[0]
    assert (attempt.state, attempt.derived_exit_code, attempt.succeeded) == ("COMPLETED", 253, False)


def test_who_cancelled_a_job_is_kept_beside_its_state() -> None:
    attempt = record("9").attempts[0]
    assert (attempt.state, attempt.state_text, attempt.succeeded) == ("CANCELLED", "CANCELLED by 5001", False)


def test_a_requeued_job_has_two_attempts_and_the_first_began_when_its_steps_did() -> None:
    requeued = record("13")
    first, last = requeued.attempts
    assert (first.state, first.started, first.ended) == ("REQUEUED", "2026-11-23T15:04:27+00:00", "2026-11-23T15:04:34+00:00")
    assert (last.state, last.exit_code, last.nodes) == ("FAILED", 4, ("cpu1",))
    assert requeued.final is True


def test_a_row_without_its_work_directory_is_not_final() -> None:
    early = [{**row, "WorkDir": ""} for row in sacct.rows(rows("4"), fields())]
    assert from_sacct(early, "22.05.8").final is False


def test_a_number_that_was_used_before_by_another_job_is_not_an_attempt_of_this_one() -> None:
    now = sacct.rows(rows("4"), fields())
    before = [{**row, "JobName": "older", "UID": "77", "Submit": "1500000000", "DBIndex": "1"} for row in now]
    assert len(from_sacct([*before, *now], "22.05.8").attempts) == 1


def test_a_job_that_was_cancelled_before_it_ran_used_nothing() -> None:
    never = record("11")
    assert (never.attempts[0].started, never.attempts[0].nodes) == ("", ())
    assert (never.used_seconds, never.used_cpu_seconds) == (None, None)


def test_requests_and_use_are_in_bytes_and_seconds() -> None:
    gpu = record("19")
    assert (gpu.asked_memory, gpu.asked_seconds, gpu.asked_gpus, gpu.gpu_type) == (104857600, 600, 2, "a100")
    assert (gpu.used_memory, gpu.used_cpu_seconds, gpu.used_seconds, gpu.used_cpus) == (221184, 0.003, 1.0, 1)


def test_since_24_05_sacct_shows_the_pattern_of_the_output_and_it_is_filled_in() -> None:
    task = [{**row, "StdOut": "/home/ada/%x-%A_%a.%j"} for row in sacct.rows(rows("14_2"), fields())]
    assert from_sacct(task, "24.11.5").stdout == "/home/ada/arr-14_2.25"


def test_no_time_limit_is_not_a_year() -> None:
    year = [{**row, "TimelimitRaw": "525600"} for row in sacct.rows(rows("4"), fields())]
    assert from_sacct(year, "22.05.8").asked_seconds is None


def test_every_filled_field_says_that_sacct_filled_it() -> None:
    told = record("19").rungs
    assert set(told.values()) == {"sacct"}
    assert {"name", "asked_memory", "used_memory", "attempts", "exit_code"} <= set(told)
