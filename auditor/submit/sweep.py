"""What waits, and which runs have ended? Take in the spool, ask the schedulers in batches, look once more, take that in too.

Safe to kill anywhere: what was seen lies in the spool until it is in the store, and only one sweep works at a time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from auditor import spool
from auditor.home import Home
from auditor.model import Absent, AuditError, Found, Job, Phase, Probe
from auditor.store import Store, ingest_spool
from auditor.submit import later, witness
from auditor.submit.attach import tidy
from auditor.submit.lock import LOCK_SECONDS, alone
from auditor.submit.traces import clean
from auditor.world import RealWorld
from probes.schedulers import JobAccounting
from probes.schedulers.local_executor import VARIABLE, collect
from probes.schedulers.slurm import Answer, accounting, last_resort
from probes.tracing import FileTrace

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
    """What one sweep has done so far. given_up: run ids and why, noted in the store when it is next open."""

    ingested: int = 0
    quarantined: list[tuple[str, str]] = field(default_factory=list)
    completed: dict[str, None] = field(default_factory=dict)
    pending: list[Pending] = field(default_factory=list)
    given_up: dict[str, str] = field(default_factory=dict)
    noted: set[str] = field(default_factory=set)


def sweep(home: Home, wait: float = 0.0) -> SweepReport:
    """Complete what can be completed now; with `wait`, keep asking that many seconds for what is still on its way.

    Raises AuditError: another sweep or another process holds on too long, the home cannot be written.
    """
    end = time.monotonic() + wait
    done = _Round()
    with alone(home):
        for pause in _pauses():
            jobs, known = _take_in(home, done)
            done.pending = []
            _complete(home, jobs, known, done)
            if not done.pending or time.monotonic() + pause > end:
                break
            time.sleep(pause)
        if done.completed or done.given_up:
            _take_in(home, done)
    return SweepReport(done.ingested, tuple(done.completed), tuple(done.pending), tuple(done.quarantined), tuple(done.given_up))


def _pauses() -> Iterator[float]:
    yield from PAUSES
    while True:
        yield PAUSES[-1]


def _take_in(home: Home, done: _Round) -> tuple[tuple[Job, ...], frozenset[str]]:
    """Ingest the spool; which jobs are open, and all run ids where an array is among them."""
    with Store.open(home.store, wait=LOCK_SECONDS) as store:
        report = ingest_spool(store, home)
        done.ingested += report.files
        done.quarantined += report.quarantined
        for run in set(done.given_up) - done.noted:
            store.record(run, "given-up", done.given_up[run])
            done.noted.add(run)
        jobs = store.unfinished()
        clean(home, store.evidence, jobs)
        tidy(home.root)
        known = frozenset(row.id for row in store.runs(limit=0)) if any(j.is_array for j in jobs) else frozenset()
    return jobs, known


def _complete(home: Home, jobs: Sequence[Job], known: frozenset[str], done: _Round) -> None:
    """One question to each scheduler for all of them."""
    for job in jobs:
        if job.scheduler == "local":
            _local(home, job, done)
    slurm = [job for job in jobs if job.scheduler == "slurm"]
    for cluster in sorted({job.cluster for job in slurm}):
        mine = [job for job in slurm if job.cluster == cluster]
        answers = accounting(RealWorld(), [job.job_id for job in mine], cluster)
        for job in _with_tasks(mine, answers, known, done):
            _one(home, job, answers[job.job_id], done)


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


def _one(home: Home, job: Job, answer: Answer, done: _Round) -> None:
    """Complete this job if its record is final, or nobody will ever know more."""
    if isinstance(answer, Found) and answer.value.final:
        _spool(home, later.known_now(job, answer.value), answer)
        done.completed[job.run_id] = None
    elif isinstance(answer, Absent) and _age(job) > GIVE_UP_SECONDS:
        found = last_resort(RealWorld(), job) or answer
        _spool(home, later.known_now(job, found.value) if isinstance(found, Found) else job, found)
        done.given_up[job.run_id] = found.source if isinstance(found, Found) else found.reason
    else:
        done.pending.append(Pending(job.run_id, job.job_id, _why(answer)))


def _spool(home: Home, job: Job, answer: Answer) -> None:
    """What tells of the job's own files is asked of every task; the rest of an array once."""
    task = "_" in job.job_id
    spool.save(home.spool, later.complete(job, answer, lambda p: _of_tasks(p) if task else not (job.is_array and _of_tasks(p))))


def _of_tasks(probe: Probe[Any]) -> bool:
    return probe.guest or probe.kind is FileTrace


def _why(answer: Answer) -> str:
    if isinstance(answer, Found):
        state = answer.value.attempts[-1].state
        return f"{state}{'' if not answer.value.attempts[-1].final else ', but its record is not complete yet'}"
    return answer.reason if isinstance(answer, Absent) else str(answer)


def _age(job: Job) -> float:
    """Seconds since it was submitted; endless when that is not known."""
    return (datetime.now(UTC) - datetime.fromisoformat(job.submitted_at)).total_seconds() if job.submitted_at else float("inf")


def _local(home: Home, job: Job, done: _Round) -> None:
    """A run of our own executor that was cut off before it could close the record itself."""
    environ = {**os.environ, VARIABLE: witness.record_path(home, job.job_id)}
    try:
        record = collect(RealWorld(environ), job)
    except AuditError as error:  # a damaged record will not get better
        record = Absent(error.message)
    if isinstance(record, Absent) and _age(job) > GIVE_UP_SECONDS:
        done.given_up[job.run_id] = record.reason
    elif isinstance(record, JobAccounting) and record.final:
        job = later.known_now(job, record)
        done.completed[job.run_id] = None
    else:
        why = record.reason if isinstance(record, Absent) else record.attempts[-1].state
        done.pending.append(Pending(job.run_id, job.job_id, why))
        return
    if witness.see(home, job, Phase.LATER, environ):
        witness.forget(home, job.job_id)
