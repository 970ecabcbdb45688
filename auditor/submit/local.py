"""How does a command or a batch script run here, with no scheduler, and leave the same evidence?

Looking is `witness`'s work, running is `children`'s; here they meet. Before anything runs a mistake is an AuditError; from then on
the command, its output, its signals and its exit status are what they would have been.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import chdir, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from time import monotonic, time_ns

from auditor import __version__
from auditor.home import Home
from auditor.model import AuditError, Job, Phase
from auditor.submit import attach as attaching
from auditor.submit import attach_ray, tracing, witness
from auditor.submit.attach_ways import RAY
from auditor.submit.children import Ended, run_all
from auditor.submit.glances import Glances, first
from auditor.submit.memory import descendants
from auditor.submit.peek import engines
from auditor.submit.plan import Plan, array_variables, host, now
from auditor.submit.plan import plan as planned
from auditor.submit.request import Request
from auditor.world import RealWorld
from probes.schedulers.local_executor import ExecutorRecord, birth
from probes.script.misread import misread

OURS = (signal.SIGPIPE, signal.SIGXFSZ)
"""Signals that Python ignores and the command must not."""


@dataclass(frozen=True)
class LocalResult:
    """The runs (of an array: its tasks), and what a shell would call the exit status; of an array the highest."""

    jobs: tuple[Job, ...]
    exit_code: int


@dataclass
class Execution:
    """What has run so far, by array index (0 where there is no array)."""

    jobs: dict[int, Job] = field(default_factory=dict)
    began: dict[int, int] = field(default_factory=dict)
    """When each was started, in ns."""
    ends: dict[int, Ended] = field(default_factory=dict)
    records: dict[int, ExecutorRecord] = field(default_factory=dict)
    seen: dict[int, Glances] = field(default_factory=dict)
    """Which libraries its processes had loaded when we looked."""
    given: Mapping[str, str] = field(default_factory=dict)
    """Variables that let engines leave a record."""


def run(
    command: Sequence[str],
    *,
    home: Home,
    label: str = "",
    inputs: Iterable[str] = (),
    outputs: Iterable[str] = (),
    trace: str = "",
    attach: str = "none",
) -> LocalResult:
    """Run a command, or a batch script as its #SBATCH lines say, to its end, here. trace: one of `tracing.WAYS`, or none.

    attach: one of `attach.MODES`, the variables that let engines leave a record.

    Raises AuditError before anything runs: no such command, an array or a time that is none, a folder that is not there, no tracer.
    """
    if not command:
        raise AuditError("there is nothing to run", "auditor run -- COMMAND ..., or auditor run SCRIPT ARGUMENTS ...")
    plan = planned(home, tuple(command), label, tuple(inputs), tuple(outputs))
    for wrong in misread(plan.job.script) if plan.job.script_path else ():
        sys.stderr.write(f"auditor: line {wrong.line} of the script: {wrong.text!a} says nothing; {wrong.hint!a}\n")
    if way := trace or plan.trace:
        plan = replace(plan, trace=tracing.choose(way, plan.job, home, RealWorld()))
    done = Execution(given=_attached(plan, attach))
    if not witness.see(home, plan.job, Phase.SUBMIT, plan.environ):
        sys.stderr.write(f"auditor: evidence of this run could not be kept in {home.root}; it runs all the same\n")
    if plan.job.is_array:
        witness.note(home, replace(_record(plan, plan.job, "", ""), tasks=len(plan.streams)), plan.environ)
    with chdir(plan.job.workdir):
        run_all(
            tuple(plan.streams),
            _width(plan.asked),
            plan.asked.seconds,
            lambda task, own_group: _start(plan, done, task, own_group),
            lambda task, how: _end(plan, done, task, how),
            partial(_look, done),
        )
    if plan.job.is_array:
        _close_array(plan, done)
    statuses = [how.status for how in done.ends.values()]
    return LocalResult(tuple(done.jobs[task] for task in sorted(done.jobs)), max(statuses, default=1))


def _attached(plan: Plan, mode: str) -> Mapping[str, str]:
    with suppress(OSError, ValueError, AuditError):
        named, text = engines(list(plan.job.argv), plan.job.script.encode("utf-8", "surrogateescape"))
        return attaching.attach(plan.environ, named, text, mode, plan.job.submission, plan.home.root)
    return {}


def _width(asked: Request) -> int:
    """How many tasks run side by side: as many as the script allows, else as fit on our cores."""
    return asked.throttle or max(1, len(os.sched_getaffinity(0)) // (asked.cpus or 1))


def _start(plan: Plan, done: Execution, task: int, own_group: bool) -> int | Ended:
    """Look, then start it: its process id, or how a shell would tell that it could not be started."""
    base = plan.job
    name = f"{base.job_id}_{task}" if base.is_array else base.job_id
    job = replace(base, job_id=name, is_array=False, started_at=now())
    environ = plan.environ | array_variables(plan, task)
    witness.see(plan.home, job, Phase.START, environ)
    done.jobs[task] = job = replace(job, started_at=now())
    done.began[task] = time_ns()
    done.records[task] = _record(plan, job, *plan.streams[task])
    witness.note(plan.home, done.records[task], environ)
    try:
        if plan.trace:
            traced = tracing.arrange(plan.trace, job, plan.home, environ, RealWorld(), plan.streams[task])
            plan, environ = traced.around(plan), environ | dict(traced.environ)
        return _spawn(plan, task, {**environ, **done.given}, own_group)
    except OSError as error:
        sys.stderr.write(f"auditor: {plan.argv[0]}: {error.strerror}\n")
        return Ended(127 if isinstance(error, FileNotFoundError) else 126, 0, False, None, 0.0, 0.0)


def _spawn(plan: Plan, task: int, environ: dict[str, str], own_group: bool) -> int:
    """posix_spawn: signals are blocked in us and must not be in it."""
    how = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if plan.asked.append else os.O_TRUNC)
    out, err = plan.streams[task]
    files: list[tuple[object, ...]] = [(os.POSIX_SPAWN_OPEN, 1, out, how, 0o666)] if out else []
    if err:
        files.append((os.POSIX_SPAWN_DUP2, 1, 2) if err == out else (os.POSIX_SPAWN_OPEN, 2, err, how, 0o666))
    if plan.job.is_array:
        files.append((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0))
    spawn = partial(os.posix_spawn, plan.program, plan.argv, environ, file_actions=files, setsigmask=[], setsigdef=OURS)
    return spawn(setpgroup=0) if own_group else spawn()


def _look(done: Execution, members: Mapping[int, int]) -> float:
    """Glance at the tasks whose turn it is; after how many seconds the next one is due."""
    now = monotonic()
    for pid, task in members.items():
        seen = done.seen.setdefault(task, first(now))
        if seen.due <= now:
            seen.look((pid, *descendants(pid)), now)
    return max(0.0, min(done.seen[task].due for task in members.values()) - monotonic())


def _end(plan: Plan, done: Execution, task: int, how: Ended) -> None:
    done.ends[task] = how
    if plan.trace:
        tracing.settle(plan.home, done.jobs[task])
    record = _ended(done.records[task], how)
    done.jobs[task] = job = replace(done.jobs[task], ended_at=record.ended)
    environ = plan.environ | array_variables(plan, task)
    if RAY in done.given:
        with suppress(OSError):
            attach_ray.copy(os.path.join(plan.home.attached, job.submission), done.began[task] / 1e9 - 1, plan.environ)
    witness.note(plan.home, record, environ)
    witness.see(plan.home, job, Phase.END, environ, witness.from_outside)
    loaded = witness.libraries(plan.home, job, done.seen.get(task))
    if witness.see(plan.home, job, Phase.LATER, environ, witness.of_a_run, done.began[task], how.counters, loaded):
        witness.forget(plan.home, job.job_id)


def _close_array(plan: Plan, done: Execution) -> None:
    """The array as a whole: what is true of all its tasks, and a summary of how they went."""
    if not done.ends:
        return
    ends = done.ends.values()
    worst = max(ends, key=lambda how: (how.status, how.timed_out))
    whole = replace(
        worst,
        timed_out=any(how.timed_out for how in ends),
        max_rss=max((how.max_rss for how in ends if how.max_rss), default=None),
        floor=max(how.floor for how in ends),
        cpu_seconds=round(sum(how.cpu_seconds for how in ends), 3),
        wall_seconds=(datetime.fromisoformat(now()) - datetime.fromisoformat(plan.job.submitted_at)).total_seconds(),
    )
    job = replace(plan.job, started_at=done.jobs[min(done.jobs)].started_at, ended_at=now())
    witness.note(plan.home, _ended(replace(_record(plan, job, "", ""), tasks=len(ends)), whole), plan.environ)
    if witness.see(plan.home, job, Phase.LATER, plan.environ, witness.of_an_array):
        witness.forget(plan.home, job.job_id)


def _record(plan: Plan, job: Job, out: str, err: str) -> ExecutorRecord:
    asked, me = plan.asked, os.getpid()
    return ExecutorRecord(
        job_id=job.job_id, version=__version__, name=asked.name, user=job.user, workdir=job.workdir, command=shlex.join(job.argv),
        stdout=out, stderr=err, host=host(), submitted=job.submitted_at, started=job.started_at,
        executor=(me, birth(RealWorld(), me)), array_throttle=asked.throttle, asked_nodes=asked.nodes, asked_cpus=asked.cpus,
        asked_memory=asked.memory, asked_seconds=asked.seconds, asked_gpus=asked.gpus, gpu_type=asked.gpu_type,
    )  # fmt: skip


def _ended(record: ExecutorRecord, how: Ended) -> ExecutorRecord:
    return replace(
        record,
        ended=now(),
        exit_code=how.exit_code,
        signal=how.signal,
        timed_out=how.timed_out,
        max_rss=how.max_rss,
        at_most=how.max_rss is not None and how.max_rss <= how.floor,
        cpu_seconds=how.cpu_seconds,
        wall_seconds=how.wall_seconds,
    )
