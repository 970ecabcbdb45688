"""What did the kernel count for the job: memory, CPU time, bytes moved?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KernelAccounting:
    """cgroup v1 or v2 files and /proc/PID/io of the job's shell at its end. Bytes, seconds; None: that file was not there.

    scope: `job` (the scheduler's cgroup), `session` or `process` (then children that still ran are not counted).
    """

    scope: str
    cgroup: str
    memory_peak: int | None
    memory_limit: int | None
    oom_kills: int | None
    cpu_seconds: float | None
    bytes_read: int | None
    bytes_written: int | None
