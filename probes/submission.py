"""What was submitted: script, directives, how it was typed?"""

from __future__ import annotations

import hashlib
import os.path
from dataclasses import dataclass

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes.script import sbatch

MAX_TEXT = 256 << 10


@dataclass(frozen=True)
class Directive:
    """An `#SBATCH` option as written in the script or typed (then line 0); `value` is empty for a switch."""

    option: str
    value: str
    line: int


@dataclass(frozen=True)
class Submission:
    """The act of submitting. script_text is redacted and cut at 256 KiB; script_sha256 is over the bytes as submitted.

    hook: `installed`, or why the in-job hook is not there (`--no-hook`, `interpreter /bin/sh`, `--export=NONE` ...).
    given_by: `file`, `stdin`, `wrap`, `command` (auditor run --), `unknown`.
    """

    argv: tuple[str, ...]
    given_by: str
    cwd: str
    script_path: str
    script_text: str
    script_sha256: str
    script_size: int
    interpreter: str
    directives: tuple[Directive, ...]
    arguments: tuple[str, ...]
    """What follows the script's name, where known."""
    hook: str
    declared_inputs: tuple[str, ...]
    declared_outputs: tuple[str, ...]
    label: str
    scheduler: str = ""
    """`slurm`, `local` (auditor run); empty in records of before."""


def collect(world: World, job: Job) -> Submission | Absent:
    if not job.script and not job.argv:
        return Absent("neither a script nor a command line is known")
    return parse(job, world.cwd)


def parse(job: Job, cwd: str) -> Submission:
    """The job's own fields, read as sbatch reads them."""
    raw = job.script.encode("utf-8", "surrogateescape")
    marks = sbatch.marks(job.script)
    typed, _ = sbatch.options(job.argv) if job.scheduler != "local" else ((), ())
    return Submission(
        argv=job.argv,
        given_by=given_by(job),
        cwd=job.workdir or cwd,
        script_path=job.script_path,
        script_text=job.script[:MAX_TEXT],
        script_sha256=hashlib.sha256(raw).hexdigest() if raw else "",
        script_size=len(raw),
        interpreter=sbatch.interpreter(job.script),
        directives=tuple(Directive(o.option, o.value, o.line) for o in (*sbatch.directives(job.script), *typed)),
        arguments=sbatch.arguments(job.argv, job.script_path),
        hook=job.hook,
        declared_inputs=_once(job.inputs, marks.inputs),
        declared_outputs=_once(job.outputs, marks.outputs),
        label=job.label or marks.label,
        scheduler=job.scheduler,
    )


def given_by(job: Job) -> str:
    """How the script reached the scheduler."""
    if job.scheduler == "local":
        return "file" if job.script_path else "command"
    if any(o.option == "--wrap" for o in sbatch.options(job.argv)[0]):
        return "wrap"
    if job.script_path and os.path.basename(job.script_path) in {os.path.basename(word) for word in job.argv}:
        return "file"
    return "stdin" if job.argv is not None and job.script and not sbatch.options(job.argv)[1] and job.submission else "unknown"


def _once(*lists: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for found in lists for item in found))


PROBE = Probe("submission", Submission, collect, frozenset({Phase.SUBMIT}), source="what was typed and submitted")
