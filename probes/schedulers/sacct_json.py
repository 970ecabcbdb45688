"""Which exit codes does `sacct --json` tell exactly? From 23.11 (data_parser v0.0.40) on; before, it calls failures SUCCESS.

Asked only for jobs whose code the table form may have cut by 128 and whom the controller has forgotten.
"""

from __future__ import annotations

import json
from typing import Any

from probes.schedulers import notation as n

SINCE = (23, 11)

Key = tuple[str, str]
"""The id a job is called, and its submission (ISO 8601 UTC): one of its attempts."""


def query(job_ids: tuple[str, ...]) -> tuple[str, ...]:
    return ("sacct", "--json", "-j", ",".join(job_ids))


def exit_codes(output: str) -> dict[Key, int]:
    """Exact exit codes. Raises ValueError for what is not such JSON; jobs without a number are left out."""
    data = json.loads(output)
    if not isinstance(data, dict) or not isinstance(data.get("jobs"), list):
        raise ValueError("sacct --json gave no list of jobs")
    found: dict[Key, int] = {}
    for job in data["jobs"]:
        code = _number(_in(job, "exit_code", "return_code"))
        submitted = _in(job, "time", "submission")
        if code is not None and isinstance(submitted, int):
            found[_called(job), n.when(str(submitted))] = code
    return found


def _called(job: Any) -> str:
    """`123`, `123_4` or `22+1`."""
    for group, part, mark in (("array", "task_id", "_"), ("het", "job_offset", "+")):
        index = _number(_in(job, group, part))
        if index is not None and _in(job, group, "job_id"):
            return f"{_in(job, group, 'job_id')}{mark}{index}"
    return str(_in(job, "job_id"))


def _in(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _number(value: Any) -> int | None:
    """The number of `{"set": true, "infinite": false, "number": 137}`; a bare number is the old, wrong form."""
    if isinstance(value, dict) and value.get("set") and not value.get("infinite") and isinstance(value.get("number"), int):
        return int(value["number"])
    return None
