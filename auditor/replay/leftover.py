"""Does a process of an interrupted replay still run? It is known by its number and the moment it started, so that nobody else's is ended."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass

LONGEST = 10.0


@dataclass(frozen=True)
class Running:
    """pid: a session leader's. started: field 22 of /proc/PID/stat, clock ticks since boot (proc(5)). boot: the boot's id."""

    pid: int
    started: str
    boot: str


def running(pid: int) -> Running:
    return Running(pid, _started(pid), _boot())


def end(left: Running) -> bool:
    """Kill its whole process group, when it is still the same process; was it?"""
    if not left.started or left.boot != _boot() or _started(left.pid) != left.started:
        return False
    with suppress(OSError):
        os.killpg(left.pid, signal.SIGKILL)
    until = time.monotonic() + LONGEST
    while _started(left.pid) == left.started and time.monotonic() < until:
        time.sleep(0.01)
    return True


def _started(pid: int) -> str:
    """Empty: there is none, or it is dead and only waited for."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read(4096).rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if len(fields) < 20 or fields[0] in "ZX" else fields[19]


def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
            return file.read(64).strip()
    except OSError:
        return ""
