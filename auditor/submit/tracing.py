"""How is a command started so that the files it touches are written down? Opt-in; by strace, or by a shim preloaded into it.

strace sees every system call of what it follows and costs each open some microseconds; the shim (trace.c) costs next to nothing, goes
along through srun, and sees what comes through the C library. What neither can see is in probes.tracing.blind.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from auditor import spool
from auditor.home import Home
from auditor.model import AuditError, Job
from auditor.submit.plan import Plan
from auditor.submit.tracers import code, gains_rights, shim, shim_trouble, shim_variables, strace, strace_trouble
from auditor.world import World
from probes.tracing import INHERITED, NOTES, WAYS, folder, stem

GAINS = "the script calls programs that gain rights, and under a tracer they would not"
PATIENCE = 2.0
"""Seconds after the command's end in which its tracer should have ended too."""


@dataclass(frozen=True)
class Tracing:
    """before: words to put in front of the command; environ: variables to add."""

    before: tuple[str, ...]
    environ: Mapping[str, str]

    def around(self, plan: Plan) -> Plan:
        """The plan with its command behind the tracer; a program that a folder of PATH has is found there again."""
        if not self.before:
            return plan
        return replace(plan, program=shutil.which(self.before[0]) or self.before[0], argv=(*self.before, *plan.argv))


def known(way: str) -> str:
    """The way, if there is one of that name. Raises AuditError."""
    if way not in WAYS:
        raise AuditError(f"there is no way of tracing called {way}", f"one of {', '.join(WAYS)}")
    return way


def choose(way: str, job: Job, home: Home, world: World) -> str:
    """`strace` or `preload`. Raises AuditError where what was asked for, or with `auto` anything, cannot be had."""
    trouble = ""
    if known(way) != "preload":
        trouble = GAINS if gains_rights(code(job, world), world) else strace_trouble(world)
        if not trouble:
            return "strace"
    if way != "strace":
        blocked = shim_trouble(home, world)
        if not blocked:
            return "preload"
        trouble = f"{trouble}; {blocked}" if trouble else blocked
    if way == "auto":
        raise AuditError(f"nothing here can trace: {trouble}", "install strace")
    if trouble:
        raise AuditError(f"{way} cannot be used here: {trouble}", "leave the choice to --trace=auto")
    return way


def arrange(
    way: str, job: Job, home: Home, environ: Mapping[str, str], world: World, streams: tuple[str, str] = ("", "")
) -> Tracing:
    """For one attempt of one task. streams: files of its stdout and stderr, where they are not ours. Raises OSError, AuditError."""
    os.makedirs(folder(home.root), mode=0o700, exist_ok=True)
    base = os.path.join(folder(home.root), stem(job))
    spool.write(folder(home.root), f"{stem(job)[:-1]}{INHERITED}", inherited(streams, job.workdir))
    if way == "preload":
        return Tracing((), shim_variables(shim(home, world), base, environ.get("LD_PRELOAD", ""), world))
    return Tracing(strace(f"{base}strace"), {})


def inherited(streams: tuple[str, str], workdir: str) -> bytes:
    """The files that the command finds open already: no tracer sees them being opened. Records of the shim's form.

    Where our own stdout and stderr go counts in the work directory only: elsewhere it is the log of who called us.
    """
    inside = os.path.join(os.path.realpath(workdir), "")
    found = b"".join(b"w\0%b\0" % os.fsencode(path) for path in dict.fromkeys(streams) if path)
    for fd in (0, *(n for n in (1, 2) if not streams[n - 1]), *_handed_on()):
        with suppress(OSError, ValueError):
            path = os.readlink(f"/proc/self/fd/{fd}")
            if stat.S_ISREG(os.fstat(fd).st_mode) and os.path.exists(path) and (fd not in (1, 2) or path.startswith(inside)):
                mode = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
                found += b"%b\0%b\0" % ({os.O_RDONLY: b"r", os.O_WRONLY: b"w"}.get(mode, b"u"), os.fsencode(path))
    return found


def _handed_on() -> list[int]:
    """Descriptors above 2 that a command of ours inherits."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found += [int(name)] if int(name) > 2 and os.get_inheritable(int(name)) else []
    return found


def settle(home: Home, job: Job) -> None:
    """Wait for the tracer, which ends a moment after the command. Never stop it: what it still follows would die with it."""
    base = os.path.join(folder(home.root), stem(job))
    deadline = time.monotonic() + PATIENCE
    while _follows(f"{base}strace"):
        if time.monotonic() > deadline:
            with open(f"{base[:-1]}{NOTES}", "a", encoding="utf-8") as file:
                file.write("what processes did that outlived the command\n")
            return
        time.sleep(0.005)


def _follows(path: str) -> bool:
    """Is there a strace that writes this file?"""
    wanted = os.fsencode(f"-o\0{path}\0")
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as file:
                if (words := file.read(65536)).startswith(b"strace\0") and wanted in words:
                    return True
    return False
