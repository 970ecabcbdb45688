"""What does Slurm know of a job? The ladder sacct -> scontrol -> completion file -> log, asked for many jobs at once.

The controller is asked first: it answers in milliseconds, alone knows exact exit codes, and a job that still waits or
runs for the first time needs no query to the accounting database. Every fact carries the rung it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from auditor.model import Absent, Found, Grade, Job, Phase, Probe
from auditor.world import World
from probes.schedulers import JobAccounting, logs
from probes.schedulers.family import answer, expand, together
from probes.schedulers.fetch import Heard, ask
from probes.schedulers.outputs import paths

Answer = Found[JobAccounting] | Absent | Exception

SETTLED_SECONDS = 60
"""An empty answer from sacct is "not yet" until a job has ended this long ago; 22.05 writes its records up to 5 s late."""


def accounting(world: World, job_ids: Iterable[str], cluster: str = "", tasks: bool = True) -> Mapping[str, Answer]:
    """What is known of each of these jobs, in as few queries as there are hundreds of jobs.

    An array or a heterogeneous job named by its bare number is answered by a summary, and by each of its parts under
    the part's own id (unless `tasks` is false). Exception: could not look; Absent: looked, and nobody knows it.
    """
    asked = tuple(dict.fromkeys(job_ids))
    heard = ask(world, asked, cluster)
    now = world.now()
    known = {job: _settled(record, heard, now) for job, record in heard.records.items()}
    wanted = expand(asked, known) if tasks else asked
    shared = together(known)
    return {job: _found(answer(job, known, shared), job, heard) for job in wanted}


def _found(record: JobAccounting | None, job: str, heard: Heard) -> Answer:
    if record is not None:
        return Found(record, _source(record))
    if heard.failures:  # who could not be asked might have known it
        return OSError(f"job {job}: {'; '.join((*heard.failures, *heard.gaps))}")
    who = " and ".join(heard.answered)
    return Absent(f"{who} know{'' if ' and ' in who else 's'} no job {job}" if who else f"job {job}: {'; '.join(heard.gaps)}")


def _source(record: JobAccounting) -> str:
    return "+".join(sorted(set(record.rungs.values()))) or "slurm"


def _settled(record: JobAccounting, heard: Heard, now: datetime) -> JobAccounting:
    """Final? Only sacct's complete row makes it so where there is accounting, unless it stays silent for good."""
    gaps = tuple(dict.fromkeys((*record.gaps, *heard.gaps, *heard.failures)))
    if not record.final or not heard.has_sacct or "sacct" in record.rungs.values():
        return replace(record, gaps=gaps)
    if heard.sacct_failed:
        return replace(record, final=False, gaps=gaps)
    ended = record.attempts[-1].ended
    old = bool(ended) and (now - datetime.fromisoformat(ended)).total_seconds() > SETTLED_SECONDS
    why = "sacct shows this user no record of it" if old else "sacct has no record of it yet"
    return replace(record, final=old, gaps=(*gaps, why))


def collect(world: World, job: Job) -> Found[JobAccounting] | Absent:
    """One job. Raises when nobody could be asked."""
    if job.scheduler != "slurm":
        return Absent(f"a {job.scheduler} job is not Slurm's")
    known = accounting(world, (job.job_id,), job.cluster, tasks=False)[job.job_id]
    if isinstance(known, Found):
        return known
    from_log = last_resort(world, job)
    if from_log is not None:
        return from_log
    if isinstance(known, Exception):
        raise known
    return Absent(f"{known.reason} yet") if _just_submitted(world, job) else known


def _just_submitted(world: World, job: Job) -> bool:
    if not job.submitted_at:
        return False
    return (world.now() - datetime.fromisoformat(job.submitted_at)).total_seconds() < SETTLED_SECONDS


def last_resort(world: World, job: Job) -> Found[JobAccounting] | None:
    """When no record knows the job: what Slurm itself wrote into the job's output."""
    for path in paths(job):
        if not world.exists(path):
            continue
        seen = logs.facts(world.run(*logs.tail(path)).out)
        if seen.state:
            record = replace(
                logs.from_log(job.job_id, seen, path), workdir=job.workdir, gaps=("only the job's own output tells of its end",)
            )
            return Found(record, f"logs: {path}", Grade.DECLARED)
    return None


PROBE = Probe(
    name="slurm",
    kind=JobAccounting,
    collect=collect,
    phases=frozenset({Phase.SUBMIT, Phase.LATER}),
    source="scontrol, sacct",
)
