"""What is still to be seen of a run that has ended? Its accounting, fetched for many at once, and the probes of the phase `later`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from auditor.capture import capture, observe
from auditor.model import Absent, Capture, Evidence, Found, Job, Phase, Probe
from auditor.redact import Redactor
from auditor.submit.keep import clean
from auditor.world import RealWorld, World
from probes.schedulers import JobAccounting
from probes.schedulers.slurm import PROBE as SLURM
from probes.schedulers.slurm import Answer

Choice = Callable[[Probe[Any]], bool]


def world_of(job: Job, environ: Mapping[str, str] = os.environ) -> RealWorld:
    """This machine, seen from the job's work directory where that is still there."""
    return RealWorld(environ, job.workdir if os.path.isdir(job.workdir) else "/")


def known_now(job: Job, record: JobAccounting) -> Job:
    """The job with what only its accounting tells: the attempt that counts, and whatever was not known before."""
    last = record.attempts[-1]
    return replace(
        job,
        attempt=last.number,
        started_at=last.started or job.started_at,
        ended_at=last.ended or job.ended_at,
        workdir=job.workdir or record.workdir,
        user=job.user or record.user,
    )


def accounting_evidence(world: World, job: Job, answer: Answer) -> Evidence:
    """An answer that is here already, as the probe would have given it: redacted, labelled, an exception as `failed`."""

    def given(_world: World, _job: Job) -> JobAccounting | Found[JobAccounting] | Absent:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return observe(replace(SLURM, collect=given), world, job, Phase.LATER, Redactor(world.env))


def complete(job: Job, answer: Answer, choice: Choice, shared: Iterable[Evidence] = ()) -> Capture:
    """The capture that ends a run's story: its accounting, what the chosen later probes see now, and what all tasks share."""
    from auditor.registry import probes

    world = world_of(job)
    chosen = (p for p in probes().values() if p.kind is not JobAccounting and choice(p))
    seen = capture(world, job, Phase.LATER, chosen)
    evidence = (accounting_evidence(world, job, answer), *seen.evidence, *shared)
    return Capture(clean(job, Redactor(world.env)), Phase.LATER, evidence)
