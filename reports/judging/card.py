"""Who and what was this run? The head of a report, from the job, the scheduler's record and the act of submitting."""

from __future__ import annotations

import os
import shlex

from auditor.model import Job, Phase
from auditor.scorecard import RunCard
from probes.schedulers import JobAccounting
from probes.submission import Submission
from reports.judging.record import Record

VERBS = {"slurm": "sbatch", "local": "auditor run"}


def run_card(job: Job, seen: Record) -> RunCard:
    """What the job itself says first; the scheduler's record fills the rest. Times are those of the last attempt."""
    accounting, submission = seen.value(JobAccounting, Phase.LATER), seen.value(Submission, Phase.SUBMIT)
    known = accounting.value if accounting else None
    last = known.attempts[-1] if known and known.attempts else None
    return RunCard(
        id=job.run_id,
        name=(known.name if known else "") or _name(job, submission.value if submission else None),
        job_id=job.job_id,
        cluster=job.cluster or (known.cluster if known else ""),
        scheduler=job.scheduler,
        user=job.user or (known.user if known else ""),
        state=last.state if last else "",
        command=_command(job, known),
        workdir=job.workdir or (known.workdir if known else ""),
        submitted_at=job.submitted_at or (last.submitted if last else ""),
        started_at=last.started if last else job.started_at,
        ended_at=last.ended if last else "",
        attempts=max(len(known.attempts) if known else 0, seen.attempt + 1),
        label=job.label,
    )


def _name(job: Job, submission: Submission | None) -> str:
    named = [d.value for d in submission.directives if d.option.lstrip("-") in ("job-name", "J")] if submission else []
    return named[-1] if named else os.path.basename(job.script_path)


def _command(job: Job, known: JobAccounting | None) -> str:
    if job.argv:
        return shlex.join((*VERBS.get(job.scheduler, job.scheduler).split(), *job.argv))
    return known.submit_line or known.command if known else ""
