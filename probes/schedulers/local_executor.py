"""What did our own executor see of a command it ran? From the record it leaves; memory and CPU time are the kernel's count.

The record is a JSON file that AUDITOR_EXECUTOR_RECORD names. It is written when the command starts and again when it has
ended, so that a run whose executor was killed is known to be one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from auditor.codec import loads
from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes.schedulers import Attempt, JobAccounting, StepRecord
from probes.schedulers.build import blank

VARIABLE = "AUDITOR_EXECUTOR_RECORD"
ASKED_TO_STOP = frozenset({1, 2, 3, 15})  # HUP, INT, QUIT, TERM
_KERNEL = ("used_memory", "used_cpu_seconds")
_LARGEST = "memory is the peak of the largest single process, as wait4(2) counts it; several at once may have used more"

_AT_MOST = "memory is an upper bound: the kernel's count begins at the size of the executor, and the command stayed below it"


@dataclass(frozen=True)
class ExecutorRecord:
    """One command or array task. Times ISO 8601 UTC, memory in bytes, the rest in seconds; `ended` empty while it runs.

    executor: process id of the executor and its birth in clock ticks since boot, so that a reused id is not taken for it.
    """

    job_id: str
    version: str
    name: str
    user: str
    workdir: str
    command: str
    stdout: str
    stderr: str
    host: str
    submitted: str
    started: str
    executor: tuple[int, int]
    ended: str = ""
    exit_code: int | None = None
    signal: int | None = None
    timed_out: bool = False
    max_rss: int | None = None
    at_most: bool = False
    """max_rss is no more than what the executor itself used when it started the command."""
    cpu_seconds: float | None = None
    wall_seconds: float | None = None
    array_throttle: int | None = None
    asked_nodes: int | None = None
    asked_cpus: int | None = None
    asked_memory: int | None = None
    asked_seconds: int | None = None
    asked_gpus: int | None = None
    gpu_type: str = ""
    tasks: int | None = None
    """On the record of a whole array: how many tasks it had."""


def collect(world: World, job: Job) -> JobAccounting | Absent:
    if job.scheduler != "local":
        return Absent(f"a {job.scheduler} job has no record of our executor")
    path = world.env.get(VARIABLE, "")
    if not path or not world.exists(path):
        return Absent("the executor left no record")
    record = loads(world.read(path), ExecutorRecord, path)
    return accounting(record, running=not record.ended and birth(world, record.executor[0]) == record.executor[1])


def birth(world: World, pid: int) -> int:
    """When that process started, in clock ticks since boot (field 22 of /proc/PID/stat); 0: there is none."""
    try:
        return int(world.text(f"/proc/{pid}/stat").rpartition(")")[2].split()[19])
    except (OSError, LookupError, ValueError):
        return 0


def accounting(record: ExecutorRecord, running: bool) -> JobAccounting:
    """The record in the words all schedulers share."""
    attempt = _attempt(record, running)
    base, underscore, task = record.job_id.partition("_")
    filled = replace(
        blank(record.job_id, record.version),
        scheduler="local", name=record.name, user=record.user, workdir=record.workdir, command=record.command,
        submit_line=record.command, stdout=record.stdout, stderr=record.stderr,
        array_job_id=base if underscore or record.tasks else "", array_task_id=task, array_throttle=record.array_throttle,
        asked_nodes=record.asked_nodes, asked_cpus=record.asked_cpus, asked_memory=record.asked_memory,
        asked_seconds=record.asked_seconds, asked_gpus=record.asked_gpus, gpu_type=record.gpu_type,
        used_memory=record.max_rss, used_cpu_seconds=record.cpu_seconds, used_seconds=record.wall_seconds,
        attempts=(attempt,), final=attempt.final,
    )  # fmt: skip
    own = ("name", "user", "workdir", "command", "attempts", "exit_code", "used_seconds", *_KERNEL)
    rungs = {n: "kernel" if n in _KERNEL else "executor" for n in own if n == "exit_code" or getattr(filled, n) is not None}
    return replace(filled, rungs=rungs, gaps=_gaps(attempt, record))


def _gaps(attempt: Attempt, record: ExecutorRecord) -> tuple[str, ...]:
    gaps = [] if record.max_rss is None else [_AT_MOST if record.at_most else _LARGEST]
    if attempt.state == "LOST":
        gaps.append("the executor was killed before the command ended; how it ended is not known")
    if record.tasks:
        gaps.append(f"a summary of {record.tasks} array tasks")
    return tuple(gaps)


def _attempt(record: ExecutorRecord, running: bool) -> Attempt:
    state = _state(record, running)
    final = state != "RUNNING"
    step = StepRecord(
        "batch", state, record.exit_code, record.signal, record.max_rss, record.cpu_seconds, record.wall_seconds, 1, ""
    )
    return Attempt(
        number=0,
        state=state,
        state_text=state,
        reason="",
        exit_code=record.exit_code,
        signal=record.signal,
        exit_exact=True,
        derived_exit_code=None,
        submitted=record.submitted,
        eligible=record.submitted,
        started=record.started,
        ended=record.ended,
        nodes=(record.host,),
        steps=(step,) if record.ended and not record.tasks else (),
        succeeded=state == "COMPLETED" if record.ended else None,
        final=final,
    )


def _state(record: ExecutorRecord, running: bool) -> str:
    """Slurm's words where they fit; LOST: nobody saw the end."""
    if not record.ended:
        return "RUNNING" if running else "LOST"
    if record.timed_out:
        return "TIMEOUT"
    if record.signal:
        return "CANCELLED" if record.signal in ASKED_TO_STOP else "FAILED"
    return "FAILED" if record.exit_code else "COMPLETED"


PROBE = Probe("local-executor", JobAccounting, collect, frozenset({Phase.LATER}), source="the executor's own record")
