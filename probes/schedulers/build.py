"""What do the records of all rungs (sacct, scontrol, job completion file) share when they become a JobAccounting?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from probes.schedulers import JobAccounting, StepRecord
from probes.schedulers import notation as n

EMPTY = (None, "", ())
ENDED = n.TERMINAL | {"REQUEUED"}
NO_LIMIT = 365 * 24 * 3600
"""Slurm's backfill writes a year for a job that has no time limit."""


def blank(job_id: str, version: str = "") -> JobAccounting:
    """A record that knows nothing but its name."""
    base, underscore, task = job_id.partition("_")
    unknown = dict.fromkeys((f.name for f in fields(JobAccounting) if f.type == "str"), "")
    numbers = dict.fromkeys((f.name for f in fields(JobAccounting) if "None" in str(f.type)), None)
    known = {
        "scheduler": "slurm",
        "version": version,
        "job_id": job_id,
        "array_job_id": base if underscore else "",
        "array_task_id": task,
    }
    return JobAccounting(**{**unknown, **numbers, **known, "attempts": (), "final": False})  # type: ignore[arg-type]  # names and types from its own fields


def label(record: JobAccounting, rung: str) -> JobAccounting:
    """Every field that is filled came from this rung."""
    own = {"scheduler", "job_id", "array_job_id", "array_task_id", "rungs", "gaps", "final"}
    filled = {f.name: rung for f in fields(record) if f.name not in own and getattr(record, f.name) not in EMPTY}
    codes = {"exit_code": rung} if record.attempts and record.attempts[-1].exit_code is not None else {}
    return replace(record, rungs=filled | codes)


def seconds(value: float | None) -> int | None:
    """A time limit in seconds; None where there is none."""
    return None if value in (None, NO_LIMIT) else int(value or 0)


def succeeded(state: str, code: tuple[int, int] | None, derived: int | None, steps: Sequence[StepRecord]) -> bool | None:
    """None while it runs; else nothing failed: not the job, not its exit code, no step."""
    if state not in ENDED:
        return None
    clean = code in (None, (0, 0)) and not derived
    return state == "COMPLETED" and clean and all(s.state in ("COMPLETED", "") for s in steps)


def derived(value: str) -> int | None:
    pair = n.exit_pair(value)
    return None if pair is None else pair[0] or (128 + pair[1] if pair[1] else 0)
