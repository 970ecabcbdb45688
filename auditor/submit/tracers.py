"""Which tracers work here, and how are they called? strace as it is installed; the shim as it is compiled, once."""

from __future__ import annotations

import glob
import hashlib
import os
import resource
import shutil

from auditor.home import Home
from auditor.model import AuditError, Job
from auditor.world import World
from probes.script.trace import trace
from probes.tracing import CALLS, folder
from probes.tracing.blind import RIGHTS, names

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "trace.c")
# -D: the command stays the child of who started it, with its number, signals and status; -s 0: no arguments of programs are written
FLAGS = ("-D", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "0", "-e", f"trace={CALLS}", "-e", "signal=none")
INTO = {"apptainer": "APPTAINERENV_LD_PRELOAD", "singularity": "SINGULARITYENV_LD_PRELOAD"}
"""Variables that say what LD_PRELOAD is inside of a container: not our shim, which may not be there, or for another C library."""
SETUID = ("libexec/{}/bin/starter-suid", "lib/{}/bin/starter-suid", "lib/*/{}/bin/starter-suid", "lib64/{}/bin/starter-suid")
"""Where the helper of Apptainer and Singularity lies, below their prefix, that gains rights; an installation without it needs none."""


def strace(path: str) -> tuple[str, ...]:
    return ("strace", *FLAGS, "-o", path, "--")


def strace_trouble(world: World) -> str:
    """Why strace cannot follow a process here; empty: it can. Tried on `true`: ptrace is often not allowed."""
    if not shutil.which("strace", path=world.env.get("PATH")):
        return "strace is not installed"
    if resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY:
        return "a limit on the size of files holds for the trace too"
    try:
        ran = world.run(*strace("/dev/null"), "true", timeout=10)
    except (OSError, TimeoutError) as error:
        return str(error)
    return "" if ran.code == 0 else f"strace: {(ran.err.strip().splitlines() or ['it failed'])[-1][:200]}"


def gains_rights(script: str, world: World) -> bool:
    """Does it call a program that gains rights when it is executed? Under a tracer it does not gain them (ptrace(2)), and would fail."""
    if os.geteuid() == 0:
        return False
    search = world.env.get("PATH")
    engines = [e for e in INTO if names((e,), script) and _setuid(e, shutil.which(e, path=search))]
    return bool(engines) or names(RIGHTS, script)


def code(job: Job, world: World) -> str:
    """The script, and what it calls as far as that can be read: a called file may be what calls `sudo`."""
    try:
        return "\n".join((job.script, *(piece.text for piece in trace(world, job).sources())))
    except (OSError, ValueError, RecursionError):
        return job.script


def _setuid(engine: str, path: str | None) -> bool:
    """Not found: a module may bring it in the job, and nobody knows how it was installed."""
    if not path:
        return True
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(path)))
    return any(glob.glob(os.path.join(prefix, where.format(name))) for where in SETUID for name in INTO)


def shim_trouble(home: Home, world: World) -> str:
    try:
        shim(home, world)
    except (AuditError, OSError, TimeoutError) as error:
        return str(error)
    return ""


def shim_variables(path: str, stem: str, before: str, world: World) -> dict[str, str]:
    """What a process needs to load the shim and leave its records under this stem. before: LD_PRELOAD as it was."""
    added = {"AUDITOR_TRACE_TO": stem, "LD_PRELOAD": f"{path}:{before}" if before else path}
    engine = next((e for e in INTO if shutil.which(e, path=world.env.get("PATH"))), "")
    return added | ({INTO[engine]: before} if engine and INTO[engine] not in world.env else {})


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
    plain = ("-U_FORTIFY_SOURCE", "-fno-stack-protector")  # their helpers are not in every C library
    link = ("-Wl,--no-as-needed", "-ldl")
    old = ("-Wl,--no-as-needed", "-l:libdl.so.2")  # the file's name, since new C libraries leave nothing behind -ldl
    for last in (old, link):
        ran = world.run(compiler, "-O2", "-shared", "-fPIC", *plain, "-o", unfinished, SOURCE, *last, timeout=60)
        if not ran.code:
            os.replace(unfinished, path)
            return path
    trouble = (ran.err.strip().splitlines() or [""])[0][:200]
    raise AuditError(f"{compiler} does not compile the shim: {trouble}", "install strace")
