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
    """See TrackedSeen.relation."""
    told = run.tags.get("audit.run_id", "")
    numbered = job.scheduler != "local" and any(_same(i, job.job_id) for i in run.job_ids)
    named = numbered or (bool(told) and told in (job.run_id, job.submission))
    if named:
        return "task"
    inside = bool(job.started_at and run.started) and job.started_at <= _second(run.started) <= (job.ended_at or "9")
    return "inside" if inside else "folder"


def _same(told: str, job_id: str) -> bool:
    """A number as PBS writes it (`812.head`) is `812`; an array's task `812_3` is not the job `812`."""
    return bool(told) and told.split(".", maxsplit=1)[0] == job_id


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
