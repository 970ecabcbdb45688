"""`sacct --json` of Slurm 24.11.5 and 22.05.8 for a job that ended with 137, cut to what is read."""

from __future__ import annotations

import json

import pytest

from probes.schedulers import sacct_json


def number(value: int) -> dict[str, object]:
    return {"set": True, "infinite": False, "number": value}


UNSET = {"set": False, "infinite": False, "number": 0}
NEW = {
    "job_id": 4,
    "array": {"job_id": 0, "task_id": UNSET},
    "het": {"job_id": 0, "job_offset": UNSET},
    "exit_code": {"status": ["ERROR"], "return_code": number(137), "signal": {"id": UNSET, "name": ""}},
    "time": {"submission": 1795421373},
}
OLD = {"job_id": 351, "exit_code": {"status": "SUCCESS", "return_code": 0}, "time": {"submission": 1795418736}}


def test_the_newer_form_tells_the_exact_code() -> None:
    assert sacct_json.exit_codes(json.dumps({"jobs": [NEW]})) == {("4", "2026-11-23T08:09:33+00:00"): 137}


def test_the_older_form_calls_failures_a_success_and_is_not_believed() -> None:
    assert sacct_json.exit_codes(json.dumps({"jobs": [OLD]})) == {}


def test_an_array_task_is_found_under_its_own_id() -> None:
    task = {**NEW, "array": {"job_id": 26, "task_id": number(3)}}
    assert list(sacct_json.exit_codes(json.dumps({"jobs": [task]}))) == [("26_3", "2026-11-23T08:09:33+00:00")]


@pytest.mark.parametrize("text", ["", "[]", '{"jobs": 3}', "{"])
def test_what_is_no_list_of_jobs_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        sacct_json.exit_codes(text)
