"""How is a command started so that the files it touches are written down? Opt-in; by strace, or by a shim preloaded into it.

strace sees every system call of what it follows and costs each open some microseconds; the shim (trace.c) costs next to nothing, goes
along through srun, and sees what comes through the C library. What neither can see is written beside the trace.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from auditor import spool
from auditor.home import Home
from auditor.model import AuditError, Job
from auditor.submit.plan import Plan
from auditor.world import World
from probes.tracing import CALLS, folder, stem

WAYS = ("auto", "strace", "preload")
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "trace.c")
# a program that gains rights when it is executed does not gain them under a tracer (ptrace(2)): it would fail
GAINS_RIGHTS = re.compile(r"\b(?:apptainer|singularity|sudo|su|fusermount3?|ping|newgrp|ch-run-suid)\b")
ENGINES = re.compile(r"\b(?:docker|podman|nerdctl)\b")
PATIENCE = 2.0
"""Seconds after the command's end in which its tracer should have ended too."""
OTHER_NODES = re.compile(r"\b(?:srun|mpirun|mpiexec|prun)\b")


@dataclass(frozen=True)
class Tracing:
    """before: words to put in front of the command; environ: variables to add; blind: what this tracer will not see."""

    way: str
    before: tuple[str, ...]
    environ: Mapping[str, str]
    blind: tuple[str, ...]

    def around(self, plan: Plan) -> Plan:
        """The plan with its command behind the tracer; a program that a folder of PATH has is found there again."""
        if not self.before:
            return plan
        return replace(plan, program=shutil.which(self.before[0]) or self.before[0], argv=(*self.before, *plan.argv))


def choose(way: str, script: str, home: Home, world: World) -> str:
    """`strace` or `preload`. Raises AuditError where what was asked for, or with `auto` anything, cannot be had."""
    if way not in WAYS:
        raise AuditError(f"there is no way of tracing called {way}", f"one of {', '.join(WAYS)}")
    root = os.geteuid() == 0
    if way == "auto":
        gains = None if root else GAINS_RIGHTS.search(script)
        if not gains and not strace_trouble(world):
            return "strace"
        if not shim_trouble(home, world):
            return "preload"
        raise AuditError(f"nothing here can trace: {strace_trouble(world)}; {shim_trouble(home, world)}", "install strace")
    if trouble := strace_trouble(world) if way == "strace" else shim_trouble(home, world):
        raise AuditError(f"{way} cannot be used here: {trouble}", "leave the choice to --trace=auto")
    return way


def arrange(way: str, job: Job, script: str, home: Home, environ: Mapping[str, str], world: World) -> Tracing:
    """For one attempt of one task. Writes the sentences about blind spots beside the trace-to-be. Raises OSError, AuditError."""
    os.makedirs(folder(home.root), mode=0o700, exist_ok=True)
    base = os.path.join(folder(home.root), stem(job))
    blind = blind_spots(way, script)
    spool.write(folder(home.root), f"{stem(job)}blind", "".join(f"{b}\n" for b in blind).encode())
    if way == "preload":
        others = environ.get("LD_PRELOAD", "")
        added = {"AUDITOR_TRACE": base, "LD_PRELOAD": f"{shim(home, world)}:{others}" if others else shim(home, world)}
        return Tracing(way, (), added, blind)
    return Tracing(way, strace(f"{base}strace"), {}, blind)


def strace(path: str) -> tuple[str, ...]:
    """-D: the command stays our own child, with its signals and exit status; -s 0: no arguments of programs are written down."""
    return (
        "strace",
        "-D",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-y",
        "-s",
        "0",
        "-e",
        f"trace={CALLS}",
        "-e",
        "signal=none",
        "-o",
        path,
        "--",
    )


def blind_spots(way: str, script: str) -> tuple[str, ...]:
    found = []
    if engine := ENGINES.search(script):
        found.append(f"what runs in containers of {engine[0]}: its daemon starts them")
    if way == "strace" and (starter := OTHER_NODES.search(script)):
        found.append(f"what {starter[0]} starts on other nodes, or through the scheduler")
    if way == "preload" and GAINS_RIGHTS.search(script):
        found.append("what runs in containers that do not see the shim, and programs that gain rights")
    return tuple(found)


def settle(home: Home, job: Job) -> None:
    """Wait for the tracer, which ends a moment after the command; one that still follows something left behind lets go of it."""
    path = os.path.join(folder(home.root), f"{stem(job)}strace")
    deadline = time.monotonic() + PATIENCE
    while tracers := _tracers(path):
        if time.monotonic() > deadline:
            for pid in tracers:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGTERM)
            with open(f"{os.path.splitext(path)[0]}.blind", "a", encoding="utf-8") as file:
                file.write("what processes did that outlived the command\n")
            return
        time.sleep(0.005)


def _tracers(path: str) -> list[int]:
    """Processes of strace that write this file."""
    wanted = os.fsencode(f"-o\0{path}\0")
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/cmdline", "rb") as file:
                if (words := file.read(65536)).startswith(b"strace\0") and wanted in words:
                    found.append(int(name))
    return found


def strace_trouble(world: World) -> str:
    """Why strace cannot follow a process here; empty: it can. Tried on `true`: ptrace is often not allowed."""
    if not shutil.which("strace", path=world.env.get("PATH")):
        return "strace is not installed"
    try:
        ran = world.run(*strace("/dev/null"), "true", timeout=10)
    except (OSError, TimeoutError) as error:
        return str(error)
    return "" if ran.code == 0 else f"strace: {(ran.err.strip().splitlines() or ['it failed'])[-1][:200]}"


def shim_trouble(home: Home, world: World) -> str:
    try:
        shim(home, world)
    except (AuditError, OSError, TimeoutError) as error:
        return str(error)
    return ""


def shim(home: Home, world: World) -> str:
    """The compiled shim, made once for this source and machine type. Raises AuditError without a C compiler, OSError."""
    with open(SOURCE, "rb") as file:
        source = file.read()
    name = f"trace-{hashlib.sha256(source).hexdigest()[:16]}-{os.uname().machine}.so"
    path = os.path.join(folder(home.root), name)
    if os.path.exists(path):
        return path
    compiler = next((c for c in ("cc", "gcc", "clang") if shutil.which(c, path=world.env.get("PATH"))), "")
    if not compiler:
        raise AuditError("the shim needs a C compiler once", "load your site's gcc module")
    os.makedirs(folder(home.root), mode=0o700, exist_ok=True)
    unfinished = f"{path}.{os.getpid()}"
    ran = world.run(compiler, "-O2", "-shared", "-fPIC", "-o", unfinished, SOURCE, "-ldl", timeout=60)
    if ran.code:
        raise AuditError(
            f"{compiler} does not compile the shim: {(ran.err.strip().splitlines() or [''])[0][:200]}", "install strace"
        )
    os.replace(unfinished, path)
    return path
