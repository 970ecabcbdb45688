"""What can still be known of a job that was never wrapped? Its accounting, its script where the site keeps it, its files as they are now.

All of it is labelled `later`: nothing here says what the job saw when it ran.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from auditor import spool
from auditor.capture import observe
from auditor.home import Home
from auditor.model import Absent, AuditError, Evidence, Found, Job, Phase
from auditor.redact import Redactor
from auditor.submit import later
from auditor.submit.keep import keep
from auditor.world import NotRecorded, RealWorld, World
from probes.schedulers import JobAccounting, sacct, scontrol
from probes.schedulers.slurm import Answer, accounting
from probes.script.sbatch import marks

JOB_ID = re.compile(r"\d+(?:_\d+|\+\d+)?")
FROM_THE_SHELL = frozenset({"Environment", "LoadedModules"})
"""Kinds that only the job's own environment can tell."""
_HEADER = re.compile(r"^(?:Batch Script|Environment used) for .*\n-{10,}\n", re.MULTILINE)
PATIENCE = 10.0
"""Seconds: Slurm writes the script, the environment and the work directory of a short job up to five seconds after its end."""
HINT = "is the number right, and this the cluster it ran on? Records of old jobs may be gone"


def adopt(job_ids: Sequence[str], home: Home) -> tuple[Job, ...]:
    """Collect what is left of these jobs into the spool; of an array, every task. The runs.

    Raises AuditError for what is no job id, a job nobody knows, or a Slurm that cannot be asked; then nothing is spooled.
    """
    for name in job_ids:
        if not JOB_ID.fullmatch(name):
            raise AuditError(f"{name!a} is no job id", "123, 123_4 for one task of an array, or 123 for all of it")
    answers = _settled(job_ids)
    for name in job_ids:
        _check(name, answers[name])
    return tuple(job for name in dict.fromkeys(job_ids) for job in _adopt(home, name, answers))


def _settled(job_ids: Sequence[str]) -> Mapping[str, Answer]:
    """What is known of them; of a job that has just ended, once its record is complete or PATIENCE is at its end."""
    end = time.monotonic() + PATIENCE
    while True:
        answers = accounting(RealWorld(), job_ids)
        late = [
            a
            for a in answers.values()
            if isinstance(a, Found) and a.value.attempts[-1].succeeded is not None and not a.value.final
        ]
        if not late or time.monotonic() > end:
            return answers
        time.sleep(0.5)


def _check(name: str, answer: Answer) -> None:
    if isinstance(answer, Absent):
        raise AuditError(f"job {name} is not known: {answer.reason}", HINT)
    if isinstance(answer, Exception):
        raise AuditError(f"nobody could be asked about job {name}: {answer}", "is Slurm up? `auditor doctor` says more")


def _adopt(home: Home, name: str, answers: Mapping[str, Answer]) -> list[Job]:
    """One job, or the tasks of one array, which share what is seen of script and folder."""
    whole = answers[name]
    assert isinstance(whole, Found)  # _check
    parts = sorted((n for n in answers if n.startswith((f"{name}_", f"{name}+"))), key=_index) or [name]
    script, environ = _stored(parts[0], "--batch-script"), _environ(_stored(parts[0], "--env-vars"))
    base = _job(name, whole.value, script)
    world = later.world_of(base)
    shared = tuple(_see(world, base, environ))
    jobs = []
    for part in parts:
        answer = answers[part]
        assert isinstance(answer, Found)
        job = _job(part, answer.value, script)
        found = later.complete(job, answer, lambda probe: False, shared)
        keep(home.objects, replace(found, job=job), world, Redactor(os.environ))
        spool.save(home.spool, found)
        jobs.append(job)
    return jobs


def _job(name: str, record: JobAccounting, script: str) -> Job:
    said, last = marks(script), record.attempts[-1]
    return Job(
        scheduler="slurm",
        job_id=name,
        cluster=record.cluster,
        workdir=record.workdir,
        script=script,
        script_path=_path(record),
        user=record.user,
        submitted_at=record.attempts[0].submitted,
        attempt=last.number,
        inputs=said.inputs,
        outputs=said.outputs,
        label=said.label,
        started_at=last.started,
        ended_at=last.ended,
        hook="adopted after the fact",
    )


def _index(part: str) -> int:
    return int(re.split(r"[_+]", part)[-1])


def _path(record: JobAccounting) -> str:
    """Slurm's Command is path and arguments in one text; the longest beginning that is a file is the path."""
    words = record.command.split(" ")
    found = (" ".join(words[:n]) for n in range(len(words), 0, -1))
    return next((path for path in found if os.path.isfile(path)), words[0])


def _stored(job_id: str, what: str) -> str:
    """The batch script or the environment as Slurm keeps it; empty where it keeps none, or not for us."""
    world = RealWorld()
    asking = [("scontrol", "write", "batch_script", job_id, "-")] if what == "--batch-script" else []
    for argv in (*asking, ("sacct", "-j", job_id, what)):
        try:
            ran = world.run(*argv, env={**scontrol.ENV, **sacct.ENV})
        except OSError:
            continue
        text = _HEADER.sub("", ran.out, count=1) if argv[0] == "sacct" else ran.out
        if not ran.code and text.strip() and not text.startswith("NONE"):
            return text
    return ""


def _environ(text: str) -> dict[str, str]:
    """`NAME=value` lines; a line that is none belongs to the value before it (a shell function, say)."""
    found: dict[str, str] = {}
    name = ""
    for line in text.rstrip("\n").split("\n"):
        key, equals, value = line.partition("=")
        if equals and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*(?:%%|\(\))?", key):
            found[name := key] = value
        elif name:
            found[name] += f"\n{line}"
    return found


def _see(world: RealWorld, job: Job, environ: Mapping[str, str]) -> list[Evidence]:
    """Probes of the phases `submit` and `later`, now. What belongs to a machine (`records`) is not asked of this one."""
    from auditor.registry import probes

    redactor = Redactor({**os.environ, **environ})
    then = later.world_of(job, environ or {"PATH": os.environ.get("PATH", os.defpath)})
    seen = []
    for probe in probes().values():
        if probe.kind is JobAccounting or not {Phase.SUBMIT, Phase.LATER} & probe.phases or probe.records:
            continue
        blind = probe.kind.__name__ in FROM_THE_SHELL and not environ
        asked = replace(probe, collect=_not_stored) if blind else probe
        seen.append(observe(asked, world if Phase.LATER in probe.phases else then, job, Phase.LATER, redactor))
    return seen


def _not_stored(_world: World, _job: Job) -> Absent:
    raise NotRecorded("the site does not keep the environment of jobs (AccountingStoreFlags=job_env)")
