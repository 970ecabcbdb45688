"""What does a scheduler know of a job? The family's types; one file per scheduler beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class StepRecord:
    """One step of an attempt: `batch`, or the number of an srun. Memory in bytes, times in seconds; None: not known."""

    name: str
    state: str
    exit_code: int | None
    signal: int | None
    max_rss: int | None
    cpu_seconds: float | None
    elapsed: float | None
    tasks: int | None
    command: str = ""
    exit_exact: bool = True


@dataclass(frozen=True)
class Attempt:
    """One try of a run. Times ISO 8601 UTC, empty when unknown.

    state: the scheduler's word (COMPLETED, FAILED, TIMEOUT, OUT_OF_MEMORY, CANCELLED, NODE_FAIL, PREEMPTED, REQUEUED,
    PENDING, RUNNING ...), without what follows it; the full text is in `state_text`.
    exit_exact: False when the number may have lost 128 (sacct before 25.11).
    derived_exit_code: the worst exit code of the steps; 128 + signal where a signal (or 125, out of memory) ended one.
    succeeded: False when the job or any step but .extern failed; None while it is not final.
    """

    number: int
    state: str
    state_text: str
    reason: str
    exit_code: int | None
    signal: int | None
    exit_exact: bool
    derived_exit_code: int | None
    submitted: str
    eligible: str
    started: str
    ended: str
    nodes: tuple[str, ...]
    steps: tuple[StepRecord, ...]
    succeeded: bool | None
    final: bool


@dataclass(frozen=True)
class JobAccounting:
    """The scheduler's record of one run. Memory in bytes, times in seconds; None or empty: not known.

    rungs: for each field that was filled, which rung of the ladder it came from (`sacct`, `scontrol`, `jobcomp`,
    `kernel`, `logs`, `executor`).
    """

    scheduler: str
    version: str
    cluster: str
    job_id: str
    name: str
    user: str
    account: str
    partition: str
    qos: str
    workdir: str
    command: str
    submit_line: str
    stdout: str
    stderr: str
    dependency: str
    array_job_id: str
    array_task_id: str
    array_throttle: int | None
    asked_nodes: int | None
    asked_cpus: int | None
    asked_memory: int | None
    asked_seconds: int | None
    asked_gpus: int | None
    gpu_type: str
    used_cpus: int | None
    """Allocated cores."""
    used_memory: int | None
    """Peak resident memory of the largest step."""
    used_cpu_seconds: float | None
    used_seconds: float | None
    """Elapsed wall time of the last attempt."""
    container: str
    attempts: tuple[Attempt, ...]
    """Oldest first."""
    final: bool
    """Terminal state and a non-empty WorkDir: the record will not change any more."""
    rungs: Mapping[str, str] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()
    """What could not be known, and why, in words."""
