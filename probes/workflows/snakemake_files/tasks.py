"""Which tasks did a run have? Its log says what was tried and how it ended; the metadata records add what was exact: files, commands, digests.

A record belongs to a run only if it was written while that run lasted: a later run in the same folder writes over it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from probes.records.lines import one_line
from probes.records.times import between, local
from probes.records.within import relative
from probes.workflows import Attempt, Place, State, Task, Used
from probes.workflows.snakemake_files.asked import asked, wildcards
from probes.workflows.snakemake_files.files import Frame, files_of, paths
from probes.workflows.snakemake_files.jobside import JobSide, job_side
from probes.workflows.snakemake_files.log import Job, Try
from probes.workflows.snakemake_files.measured import benchmark
from probes.workflows.snakemake_files.metadata import Record, code

MAX_PLANNED = 10_000
_SHORTEST = 8
"""A secret that can be known as one has more characters: `dsn=abcd`."""


def tasks(frame: Frame, made: Mapping[str, tuple[str, ...]], run: State) -> Iterator[Task]:
    """In the order of the log, then those that were planned and never begun."""
    maker = {path: name for name, all_made in made.items() for path in all_made}
    digests = {path: sums for record in frame.records.values() for path, sums in record.checksums.items()}
    for name, job in frame.log.jobs.items():
        record = next((frame.records[p] for p in made[name] if p in frame.records), None)
        record = record if record is None or not job.rule or record.rule == job.rule else None
        yield _task(frame, job, made[name], record, maker, digests, run)
    if run in (State.FAILED, State.KILLED) and not frame.log.cut:
        yield from _never_begun(frame)


def _task(
    frame: Frame,
    job: Job,
    made: tuple[str, ...],
    record: Record | None,
    maker: Mapping[str, str],
    digests: Mapping[str, str],
    run: State,
) -> Task:
    read = record.inputs if record else paths(job.fields.get("input", ""), frame.folder, frame.before)
    read = tuple(relative(frame.folder, path, frame.before) for path in read)
    sides = [job_side(frame.world, frame.folder, frame.before, t, job.rule) if t.native else None for t in job.tries]
    frame.unseen.extend(t.native for t, side in zip(job.tries, sides, strict=True) if t.native and side is None)
    tried = tuple(_attempts(frame, job, sides, run))
    return Task(
        id=job.id,
        name=job.rule or (record.rule if record else "") or "(not told)",
        state=_state(job, run, frame.log.cut),
        attempts=tried,
        needs=tuple(sorted({m for path in read if (m := _maker(path, maker)) and m != job.id})),
        files=tuple(files_of(frame, job, read, made, record, digests)),
        asked=asked(job.fields),
        used=_used(frame, job, record, tried),
        environments=frame.environments(record, next((s.activated for s in reversed(sides) if s), None)),
        command=frame.redact((record.shell or code(record.code)) if record else job.fields.get("shell", "")),
        parameters={
            k: v if len(v) < _SHORTEST else frame.redact(v) for k, v in wildcards(job.fields.get("wildcards", "")).items()
        },
        place=Place(frame.log.path, f"line {job.line}"),
    )


def _state(job: Job, run: State, cut: bool) -> State:
    if any(t.verdict == "finished" for t in job.tries):
        return State.SUCCEEDED
    if job.open is None:
        return State.FAILED if job.tries else State.NOT_RUN
    if cut:
        return State.UNKNOWN
    return run if run in (State.RUNNING, State.UNKNOWN) else State.KILLED


def _attempts(frame: Frame, job: Job, sides: list[JobSide | None], run: State) -> Iterator[Attempt]:
    number = 0
    for attempt, side in zip(job.tries, sides, strict=True):
        for hidden in side.failed if side else ():
            number += 1
            yield _attempt(frame, number, hidden, State.FAILED, attempt.native, side, side.path if side else "")
        number += 1
        state = {"finished": State.SUCCEEDED, "failed": State.FAILED}.get(attempt.verdict) or _state(job, run, frame.log.cut)
        yield _attempt(frame, number, attempt, state, attempt.native, side, frame.log.path)


def _attempt(frame: Frame, number: int, attempt: Try, state: State, native: str, side: JobSide | None, path: str) -> Attempt:
    told = local(attempt.started, frame.zone)
    remote = bool(native) and path == frame.log.path
    return Attempt(
        number=number,
        state=state,
        native_id=native,
        host=side.host if side else frame.log.header.get("Host", "") if not native else "",
        submitted=told if remote else "",
        started=local(side.started, frame.zone) if remote and side else "" if remote else told,
        ended=local(attempt.ended, frame.zone),
        reason=frame.redact(one_line(attempt.reason)),
        place=Place(path, f"line {attempt.closed or attempt.line}"),
    )


def _maker(path: str, maker: Mapping[str, str]) -> str:
    """Who made this file, or a folder that it lies in."""
    for _ in range(40):
        if path in maker:
            return maker[path]
        path = path.rpartition("/")[0]
        if not path:
            break
    return ""


def _used(frame: Frame, job: Job, record: Record | None, tried: tuple[Attempt, ...]) -> Used:
    """The benchmark file first, then the efficiency report of Slurm's accounting, then the record's own times where nothing swaps them."""
    native = job.tries[-1].native if job.tries else ""
    if record and (path := job.fields.get("benchmark")):
        try:
            if found := benchmark(frame.world, frame.folder, relative(frame.folder, path, frame.before)):
                return found
        except OSError:
            pass
    if native in frame.efficiency:
        return frame.efficiency[native]
    if record and not native and record.started and record.ended and record.ended > record.started:
        return Used(seconds=record.ended - record.started, place=record.place)
    last = tried[-1] if tried else None
    if last and last.started and last.ended and last.state is State.SUCCEEDED and not native:
        return Used(seconds=between(last.started, last.ended), place=last.place)
    return Used()


def _never_begun(frame: Frame) -> Iterator[Task]:
    begun: dict[str, int] = {}
    for job in frame.log.jobs.values():
        begun[job.rule] = begun.get(job.rule, 0) + 1
    left = MAX_PLANNED
    for rule, (count, line) in frame.log.planned.items():
        for number in range(1, min(count - begun.get(rule, 0), left) + 1):
            left -= 1
            yield Task(f"{rule}~{number}", rule, State.NOT_RUN, place=Place(frame.log.path, f"line {line}"))
