"""What has a tracked run to do with the audited job, and how did it end, now that the job is over? Pure."""

from __future__ import annotations

import re
from dataclasses import fields, replace

from auditor.model import Job
from probes.tracking import TrackedRun
from probes.tracking.record import MAX_FEW, MAX_LISTED, MAX_NAMES, TrackedSeen
from probes.workflows import State

_CUT = ("parameters", "metrics", "system_metrics", "datasets", "models", "gaps", "environment")


def seen(run: TrackedRun, job: Job) -> TrackedSeen:
    """With its relation, its end judged by the job's, and cut to a bounded size."""
    related = relation(run, job)
    ended = _ended(run, job, related)
    most = MAX_FEW if related == "folder" else MAX_NAMES
    kept, omitted = dict[str, object](), []
    for name in _CUT:
        every = getattr(ended, name)
        limit = most if name in {"parameters", "metrics", "system_metrics"} else MAX_LISTED
        if len(every) > limit:
            kept[name] = dict(list(every.items())[:limit]) if isinstance(every, dict) else every[:limit]
            omitted.append(f"{len(every) - limit} more {name.replace('_', ' ')}")
    values = {f.name: getattr(ended, f.name) for f in fields(TrackedRun)} | kept
    return TrackedSeen(**values, relation=related, omitted=tuple(omitted))


def relation(run: TrackedRun, job: Job) -> str:
    """See TrackedSeen.relation. A number decides, where the record names one; our own word was given to every task of an array alike, so
    there the time at which the tracked run began has to fit, and tasks side by side cannot be told apart."""
    inside = bool(job.started_at and run.started) and job.started_at <= _second(run.started) <= (job.ended_at or "9")
    told = run.tags.get("audit.run_id", "")
    if any(_same(i, job) for i in run.job_ids) or (told and told == job.run_id):
        return "task"
    if run.job_ids and all(_foreign(i, job) for i in run.job_ids):
        return "folder"
    if told and told == job.submission and not ("_" in job.job_id and job.started_at and run.started):
        return "task"
    return "inside" if inside else "folder"


def _same(told: str, job: Job) -> bool:
    """A number as PBS writes it (`812.head`) is `812`; an array's task `812_3` is not the job `812`."""
    return job.scheduler != "local" and bool(told) and _number(told) == job.job_id


def _foreign(told: str, job: Job) -> bool:
    """Is it surely another job's? A task of an array is also told as a plain number of its own (sbatch(1), SLURM_JOB_ID), which is not known here."""
    return job.scheduler != "local" and _number(told) != job.job_id and ("_" in _number(told) or "_" not in job.job_id)


def _number(told: str) -> str:
    return told.split(".", maxsplit=1)[0]


def _ended(run: TrackedRun, job: Job, related: str) -> TrackedRun:
    """A run that is still open in the record, while the job in which it ran is over."""
    over = job.ended_at and run.state is State.RUNNING and not run.ended
    if not over or related == "folder":
        return run
    state = State.KILLED if related == "task" else State.UNKNOWN
    words = "its job" if related == "task" else "the job in whose time it began"
    return replace(run, state=state, proof=f"{run.proof}; {words} ended at {job.ended_at}")


def _second(moment: str) -> str:
    """Without the fraction, so that it compares with a job's times, which have none."""
    return re.sub(r"\.\d+(?=[+-])", "", moment)
