"""What waits, and which runs have ended? Take in the spool, ask the schedulers in batches, look once more, take that in too.

Safe to kill anywhere: what was seen lies in the spool until it is in the store, and only one sweep works at a time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from auditor import spool
from auditor.home import Home
from auditor.model import Absent, AuditError, Found, Job, Phase
from auditor.store import Store, ingest_spool
from auditor.submit import later, witness
from auditor.submit.lock import LOCK_SECONDS, alone
from auditor.world import RealWorld
from probes.schedulers.local_executor import VARIABLE, collect
from probes.schedulers.slurm import Answer, accounting, last_resort

PAUSES = (0.5, 1.0, 2.0, 5.0)
"""Seconds between two questions while we wait; the last one stays."""
GIVE_UP_SECONDS = 600
"""A job that nobody knows this long after its submission will not turn up any more."""


@dataclass(frozen=True)
class Pending:
    """A run that is not finished yet, or could not be asked about, in words."""

    run: str
    job: str
    why: str


@dataclass(frozen=True)
class SweepReport:
    """ingested: spool files taken in; completed: run ids; quarantined: (file name, reason)."""

    ingested: int
    completed: tuple[str, ...]
    pending: tuple[Pending, ...]
    quarantined: tuple[tuple[str, str], ...] = ()
    given_up: tuple[str, ...] = ()
    """Run ids that no record knows any more; they are not asked about again."""


@dataclass
class _Round:
    """What one sweep has done so far."""

    completed: dict[str, None]
    pending: list[Pending]
    given_up: dict[str, str]


def sweep(home: Home, wait: float = 0.0) -> SweepReport:
    """Complete what can be completed now; with `wait`, keep asking that many seconds for what is still on its way.

    Raises AuditError: another sweep or another process holds on too long, the home cannot be written.
    """
    with alone(home):
        ingested, aside, jobs, known = _take_in(home)
        done = _Round({}, [], {})
        end = time.monotonic() + wait
        for pause in _pauses():
            done.pending = []
            jobs = _complete(home, jobs, known, done)
            if not jobs or time.monotonic() + pause > end:
                break
            time.sleep(pause)
        again, more = 0, aside[:0]
        if done.completed or done.given_up:
            again, more, _, _ = _take_in(home, done.given_up)
    return SweepReport(ingested + again, tuple(done.completed), tuple(done.pending), (*aside, *more), tuple(done.given_up))


def _pauses() -> Iterator[float]:
    yield from PAUSES
    while True:
        yield PAUSES[-1]


def _take_in(
    home: Home, given_up: Mapping[str, str] | None = None
) -> tuple[int, tuple[tuple[str, str], ...], tuple[Job, ...], frozenset[str]]:
    """Ingest the spool; how many files, which were broken, which jobs are open, and all run ids where an array is among them."""
    with Store.open(home.store, wait=LOCK_SECONDS) as store:
        report = ingest_spool(store, home)
        for run, why in (given_up or {}).items():
            store.record(run, "given-up", why)
        jobs = store.unfinished()
        known = frozenset(row.id for row in store.runs(limit=0)) if any(j.is_array for j in jobs) else frozenset()
    return report.files, report.quarantined, jobs, known


def _complete(home: Home, jobs: Sequence[Job], known: frozenset[str], done: _Round) -> tuple[Job, ...]:
    """One question to each scheduler for all of them; the jobs that are still open afterwards."""
    left = [job for job in jobs if job.scheduler == "local" and not _local(home, job, done)]
    slurm = [job for job in jobs if job.scheduler == "slurm"]
    for cluster in sorted({job.cluster for job in slurm}):
        mine = [job for job in slurm if job.cluster == cluster]
        answers = accounting(RealWorld(), [job.job_id for job in mine], cluster)
        for job in _with_tasks(mine, answers, known, done):
            if not _one(home, job, answers[job.job_id], done):
                left.append(job)
    return tuple(left)


def _with_tasks(jobs: Sequence[Job], answers: Mapping[str, Answer], known: frozenset[str], done: _Round) -> Iterator[Job]:
    """The jobs and, of arrays, the tasks that accounting tells of and that are not finished already."""
    open_now = {job.run_id for job in jobs}
    for job in (j for j in jobs if j.is_array):
        for name, answer in answers.items():
            if name.startswith(f"{job.job_id}_") and isinstance(answer, Found) and answer.value.final:
                task = replace(job, job_id=name, is_array=False)
                if task.run_id not in open_now | known and task.run_id not in done.completed:
                    yield task
    yield from jobs


def _one(home: Home, job: Job, answer: Answer, done: _Round) -> bool:
    """Complete this job if its record is final, or nobody will ever know more. False: it stays open."""
    if isinstance(answer, Found) and answer.value.final:
        _spool(home, later.known_now(job, answer.value), answer)
        done.completed[job.run_id] = None
        return True
    if isinstance(answer, Absent) and _age(job) > GIVE_UP_SECONDS:
        found = last_resort(RealWorld(), job) or answer
        _spool(home, later.known_now(job, found.value) if isinstance(found, Found) else job, found)
        done.given_up[job.run_id] = found.source if isinstance(found, Found) else found.reason
        return True
    done.pending.append(Pending(job.run_id, job.job_id, _why(answer)))
    return False


def _spool(home: Home, job: Job, answer: Answer) -> None:
    """What hashes the job's own files is asked of every task; the rest of an array once."""
    task = "_" in job.job_id
    spool.save(home.spool, later.complete(job, answer, lambda p: p.guest if task else not (job.is_array and p.guest)))


def _why(answer: Answer) -> str:
    if isinstance(answer, Found):
        state = answer.value.attempts[-1].state
        return f"{state}{'' if not answer.value.attempts[-1].final else ', but its record is not complete yet'}"
    return answer.reason if isinstance(answer, Absent) else str(answer)


def _age(job: Job) -> float:
    """Seconds since it was submitted; endless when that is not known."""
    return (datetime.now(UTC) - datetime.fromisoformat(job.submitted_at)).total_seconds() if job.submitted_at else float("inf")


def _local(home: Home, job: Job, done: _Round) -> bool:
    """A run of our own executor that was cut off before it could close the record itself."""
    environ = {**os.environ, VARIABLE: witness.record_path(home, job.job_id)}
    try:
        record = collect(RealWorld(environ), job)
    except AuditError as error:  # a damaged record will not get better
        record = Absent(error.message)
    if isinstance(record, Absent):
        if _age(job) <= GIVE_UP_SECONDS:
            done.pending.append(Pending(job.run_id, job.job_id, record.reason))
            return False
        done.given_up[job.run_id] = record.reason
    elif not record.final:
        done.pending.append(Pending(job.run_id, job.job_id, record.attempts[-1].state))
        return False
    else:
        done.completed[job.run_id] = None
    if witness.see(home, job if isinstance(record, Absent) else later.known_now(job, record), Phase.LATER, environ):
        witness.forget(home, job.job_id)
    return True
