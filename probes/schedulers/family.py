"""Which record answers for an id that names a whole array or a heterogeneous job, and which ids are its parts?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from probes.schedulers import Attempt, JobAccounting
from probes.schedulers import notation as n


def expand(asked: Iterable[str], known: Mapping[str, JobAccounting]) -> tuple[str, ...]:
    """The ids asked for and, for each bare number of an array or heterogeneous job, its parts' ids."""
    wanted = dict.fromkeys(asked)
    for job in tuple(wanted):
        for part in known:
            if part.startswith((f"{job}_", f"{job}+")):
                wanted.update(dict.fromkeys(_members(part)))
    return tuple(wanted)


def _members(part: str) -> tuple[str, ...]:
    """`26_[9-20]` stands for tasks that never started: one row for all of them."""
    base, bracket, span = part.partition("_[")
    try:
        return tuple(f"{base}_{i}" for i in n.spans(span.rstrip("]"))) if bracket else (part,)
    except ValueError:
        return ()


def together(known: Mapping[str, JobAccounting]) -> dict[str, str]:
    """For each task that has no record of its own, the id of the record it shares."""
    return {member: part for part in known if "_[" in part for member in _members(part)}


def answer(job: str, known: Mapping[str, JobAccounting], shared: Mapping[str, str]) -> JobAccounting | None:
    """The record that answers for this id; None when there is none."""
    if job in known:
        return known[job]
    if job in shared:
        base, _, index = job.partition("_")
        return replace(known[shared[job]], job_id=job, array_job_id=base, array_task_id=index)
    parts = {p: r for p, r in known.items() if p.startswith((f"{job}_", f"{job}+"))}
    return _summary(job, parts) if parts else None


def _summary(job: str, parts: Mapping[str, JobAccounting]) -> JobAccounting:
    """One record for all: what was asked is equal; the state is that of the part most in need of attention."""
    array = any("_" in p for p in parts)
    first = next(iter(parts.values()))
    chosen = min(parts.values(), key=lambda r: _urgency(r.attempts[-1])) if array else first
    attempts = chosen.attempts[-1:] if array else first.attempts
    if not array and any(r.attempts[-1].succeeded is False for r in parts.values()):
        attempts = (*attempts[:-1], replace(attempts[-1], succeeded=False))
    return replace(
        first,
        job_id=job,
        array_job_id=job if array else "",
        array_task_id="",
        attempts=attempts,
        array_throttle=next((r.array_throttle for r in parts.values() if r.array_throttle), None),
        used_memory=max((r.used_memory for r in parts.values() if r.used_memory), default=None),
        final=all(r.final for r in parts.values()),
        gaps=(*first.gaps, f"a summary of {len(parts)} {'records of array tasks' if array else 'components'}"),
    )


def _urgency(attempt: Attempt) -> tuple[bool, bool]:
    """Unfinished before failed before fine."""
    return attempt.succeeded is not None, attempt.succeeded is not False
