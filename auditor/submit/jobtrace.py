"""How does a Slurm job come to be traced? Its hook is another one, which starts the shell anew behind a tracer (trace.sh)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from auditor import spool
from auditor.home import Home
from auditor.model import AuditError, Job
from auditor.submit import hook as hooks
from auditor.submit.tracers import code, gains_rights, shim
from auditor.world import RealWorld
from probes.script.sbatch import marks
from probes.tracing import ASKED, WAYS, folder


def marked(head: bytes) -> str:
    """The way that an `#AUDITOR trace=WAY` line names; empty: none does."""
    return marks(head.decode("utf-8", "surrogateescape")).trace


def ask(root: str, submission: str, way: str, argv: Sequence[str] = ()) -> str:
    """Leave a note that this submission asked for a trace, so that one that is never written is missed. The way; empty: there is none such."""
    os.makedirs(folder(root), mode=0o700, exist_ok=True)
    spool.write(folder(root), f"{submission}{ASKED}", f"{way}\n".encode("utf-8", "surrogateescape"))
    if way == "auto" and os.geteuid() and gains_rights(_code(argv), RealWorld()):
        return "preload"  # the job itself looks at its script alone, not at what that calls
    return way if way in WAYS else ""


def _code(argv: Sequence[str]) -> str:
    """Of the script that is submitted, where a word names it."""
    world = RealWorld()
    for word in argv:
        with suppress(OSError, ValueError):
            if not word.startswith("-") and (text := world.text(word)).startswith("#!"):
                return code(Job("slurm", "", workdir=world.cwd, script=text, script_path=word, argv=tuple(argv)), world)
    return ""


def hook(root: str) -> str:
    """The path of the hook for traced jobs, and the shim that it may need, compiled here and once. Raises OSError."""
    home = Home(root)
    try:
        path = shim(home, RealWorld())
    except (AuditError, OSError, TimeoutError):  # strace may do, and where it does not, the job's notes say so
        path = ""
    return hooks.install_traced(home, path)
