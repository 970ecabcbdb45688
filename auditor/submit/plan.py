"""What exactly will run, where, with which variables and streams? Mistakes become an AuditError before anything has run."""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime

from auditor import objects
from auditor.home import Home
from auditor.model import AuditError, Job
from auditor.submit.request import Request, request, stream
from probes.script.sbatch import directives, interpreter, marks
from probes.tracing import WAYS

SUFFIXES = (".sh", ".bash", ".sbatch", ".slurm", ".job")


@dataclass(frozen=True)
class Plan:
    """What will run. `program`, `argv`: for exec; `streams`: where stdout and stderr of each task go, empty: the terminal.

    trace: the way of tracing that the script asks for, then the one that was chosen; empty: none.
    """

    home: Home
    job: Job
    asked: Request
    program: str
    argv: tuple[str, ...]
    environ: dict[str, str]
    streams: dict[int, tuple[str, str]]
    trace: str = ""


def find(word: str) -> tuple[str, str]:
    """The program's path and, for a batch script, its text. A script in this folder needs no `./`, as for sbatch."""
    here = os.path.abspath(word)
    text = _script(here) if os.path.isfile(here) else ""
    if text and ("/" in word or word.endswith(SUFFIXES) or "\n#SBATCH" in text or "\n#AUDITOR" in text):
        return (word if "/" in word else here), text
    if "/" not in word and (found := shutil.which(word)):
        return found, ""
    if "/" in word and os.path.isfile(here):
        if os.access(here, os.X_OK):
            return word, ""
        raise AuditError(f"{word} is neither a program nor a script", "chmod +x it, or give it a first line such as #!/bin/bash")
    raise AuditError(f"there is no command {word}", "is it spelt right, and is its folder in PATH?")


def _script(path: str) -> str:
    """The text of a file that starts with `#!`; empty for any other."""
    try:
        with open(path, "rb") as file:
            raw = file.read(2)
            raw += file.read(objects.MAX_OBJECT) if raw == b"#!" else b""
    except OSError as error:
        raise AuditError(f"{path} cannot be read: {error.strerror}", "is it yours to read?") from error
    if len(raw) > objects.MAX_OBJECT:
        raise AuditError(f"{path} is larger than a script may be ({objects.MAX_OBJECT} bytes)", "run it through its interpreter")
    return raw.decode("utf-8", "surrogateescape") if raw.startswith(b"#!") else ""


def plan(home: Home, command: tuple[str, ...], label: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Plan:
    program, text = find(command[0])
    asked, said = request(directives(text), os.path.basename(command[0])), marks(text)
    workdir = os.path.abspath(asked.chdir)
    if not os.path.isdir(workdir):
        raise AuditError(f"there is no folder {workdir}", "correct the --chdir line of the script")
    environ = {**os.environ, **(_variables(asked) if text else {})}
    job = Job(
        scheduler="local",
        job_id="L" + os.urandom(4).hex(),
        submission=os.urandom(8).hex(),
        workdir=workdir,
        script=text or shlex.join(command),
        script_path=os.path.abspath(program) if text else "",
        argv=command,
        user=user(),
        submitted_at=now(),
        inputs=inputs or said.inputs,
        outputs=outputs or said.outputs,
        label=label or said.label,
        is_array=bool(asked.tasks),
        hook="not needed: the executor looks from outside",
    )
    if workdir != os.getcwd():
        program = os.path.abspath(program)
    argv = (program, *command[1:]) if text else command
    if text and not os.access(program, os.X_OK):  # as sbatch, which wants no executable file
        line = interpreter(text).split(None, 1)
        program, argv = (line or ["/bin/sh"])[0], (*line, *argv)
    streams = {task: _streams(asked, job, task) for task in asked.tasks or (0,)}
    return Plan(home, job, asked, program, argv, environ, streams, said.trace if said.trace in WAYS else "")


def _variables(asked: Request) -> dict[str, str]:
    """What batch scripts read most. Not SLURM_JOB_ID and the like: MPI and PyTorch would look for a Slurm behind them."""
    said = {"SLURM_SUBMIT_DIR": os.getcwd(), "SLURM_JOB_NAME": asked.name}
    return said | ({"SLURM_CPUS_PER_TASK": str(asked.cpus_per_task)} if asked.cpus_per_task else {})


def array_variables(plan: Plan, task: int) -> dict[str, str]:
    tasks = plan.asked.tasks
    if not tasks:
        return {}
    step = tasks[1] - tasks[0] if len(tasks) > 1 else 1
    values = {"JOB_ID": plan.job.job_id, "TASK_ID": task, "TASK_COUNT": len(tasks), "TASK_MIN": tasks[0], "TASK_MAX": tasks[-1]}
    return {f"SLURM_ARRAY_{name}": str(value) for name, value in {**values, "TASK_STEP": step}.items()}


def _streams(asked: Request, job: Job, task: int) -> tuple[str, str]:
    values = {"j": job.job_id, "A": job.job_id, "x": asked.name, "u": job.user, "N": host(), "n": "0", "t": "0", "s": "batch"}
    if job.is_array:
        values |= {"a": str(task), "j": f"{job.job_id}_{task}"}
    out = stream(asked.output, values, job.workdir)
    return out, stream(asked.error, values, job.workdir) or out


def user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user may have no name
        return str(os.geteuid())


def host() -> str:
    return os.uname().nodename.split(".")[0]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
