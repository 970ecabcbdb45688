"""What is seen of a submission, once sbatch has answered? Runs detached, after the prompt is back; nobody reads its terminal.

It asks the scheduler for the script and the job instead of parsing sbatch's options, runs every probe of the submit phase, keeps
what the script calls, and spools one capture. Its own accidents go to the home's log.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from auditor import spool
from auditor.capture import capture
from auditor.home import Home
from auditor.model import Job, Phase
from auditor.redact import Redactor
from auditor.submit.keep import clean, keep
from auditor.world import RealWorld, World

MOMENT = (0.0, 0.05, 0.2, 0.5, 1.0, 2.0)
"""Pauses, in seconds, before the scheduler is asked again: a job of -Q may not be listed at once."""
LOG_BYTES = 1 << 20


@dataclass(frozen=True)
class Seen:
    """What the wrapper saw. job_id empty: sbatch printed none, and its session `sid` is the handle on the job."""

    home: Home
    cwd: str
    job_id: str
    cluster: str
    sid: str
    sbatch: str
    submission: str
    hook: str
    own: tuple[str, ...]
    argv: tuple[str, ...]


def main() -> None:
    """Never raises; the exit status says nothing."""
    taken = datetime.now(UTC).isoformat(timespec="seconds")
    seen = read(sys.stdin.buffer.read())
    os.umask(0o077)
    os.nice(5)
    with suppress(OSError):
        _log_to(seen.home)
    try:
        work(seen, taken)
    except Exception:  # noqa: BLE001  # the last one to see it
        sys.stderr.write(f"{taken} submission {seen.submission} job {seen.job_id or '?'}\n{traceback.format_exc()}")


def read(message: bytes) -> Seen:
    """The parts that auditor.submit.detach joined."""
    parts = message.decode("utf-8", "surrogateescape").split("\0")
    head, count, rest = parts[:8], int(parts[8]), tuple(parts[9:])
    home, cwd, job_id, cluster, sid, sbatch, submission, hook = head
    return Seen(Home(home), cwd, job_id, cluster, sid, sbatch, submission, hook, rest[:count], rest[count:])


def work(seen: Seen, taken: str) -> None:
    from auditor.foreign import foreign

    if problem := foreign():
        raise ImportError(problem)
    world = RealWorld({**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:{os.path.dirname(seen.sbatch)}"}, seen.cwd)
    job = ask(world, seen, taken)
    if job is None:
        raise LookupError(f"sbatch printed no job id, and no job of session {seen.sid} is known")
    os.makedirs(seen.home.spool, mode=0o700, exist_ok=True)
    from auditor.registry import probes

    found = capture(world, job, Phase.SUBMIT, probes().values())
    redactor = Redactor(world.env)
    keep(seen.home.objects, found, world, redactor)
    spool.save(seen.home.spool, replace(found, job=clean(job, redactor)))
    from auditor.submit.hook import install

    install(seen.home)  # probes may have changed since the hook was written: the next submission gets the new one


def ask(world: World, seen: Seen, taken: str) -> Job | None:
    """The job as the scheduler knows it; None when there is no id to ask about."""
    from probes.schedulers import scontrol
    from probes.script.sbatch import marks

    job_id = seen.job_id or _of_session(world, seen.sid)
    if not job_id:
        return None
    where = ("-M", seen.cluster) if seen.cluster else ()
    shown = _answer(world, "scontrol", *where, "-dd", "show", "job", job_id)
    records = scontrol.records(shown)
    record = next(iter(records.values()), {})
    script = _answer(world, "scontrol", *where, "write", "batch_script", job_id, "-")
    settings = {} if seen.cluster else scontrol.config(_answer(world, "scontrol", "show", "config"))
    said, config = marks(script), _config(seen)
    command = record.get("Command", "(null)")
    is_array = "ArrayJobId" in record
    return Job(
        scheduler="slurm",
        job_id=job_id if is_array else scontrol.called(record) if record else job_id,
        cluster=seen.cluster or settings.get("ClusterName", ""),
        submission=seen.submission,
        workdir=record.get("WorkDir", seen.cwd),
        script=script,
        script_path="" if command == "(null)" else _path_in(command, seen.argv),
        argv=seen.argv,
        user=record.get("UserId", "").partition("(")[0],
        submitted_at=_time(record.get("SubmitTime", ""), taken),
        inputs=_own(seen, "input") or said.inputs or config[0],
        outputs=_own(seen, "output") or said.outputs or config[1],
        label="".join(_own(seen, "label")[-1:]) or said.label or config[2],
        is_array=is_array,
        hook=hook_state(seen, script),
    )


def _of_session(world: World, sid: str) -> str:
    """slurmctld records the session sbatch ran in (AllocSID): the wrapper gave it one of its own."""
    for pause in MOMENT:
        time.sleep(pause)
        rows = _answer(world, "squeue", "--me", "-t", "all", "-h", "-O", "ArrayJobID:32,AllocSID:32")
        for row in rows.splitlines():
            number, _, session = row.strip().partition(" ")
            if session.strip() == sid:
                return number
    return ""


def _answer(world: World, *argv: str) -> str:
    """The command's text; empty, with a line in the log, when it has none to give."""
    from probes.schedulers import scontrol

    try:
        ran = world.run(*argv, timeout=60, env=scontrol.ENV)
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error}\n")
        return ""
    if ran.code:
        sys.stderr.write(f"{' '.join(argv)}: {ran.err.strip()}\n")
    return "" if ran.code else ran.out


def _path_in(command: str, argv: tuple[str, ...]) -> str:
    """Slurm shows the script's path and its arguments in one line; what was typed says where the path ends."""
    for n in range(len(argv) + 1):
        tail = "".join(f" {a}" for a in argv[n:])
        if tail and command.endswith(tail):
            return command.removesuffix(tail)
    return command


def _time(epoch: str, otherwise: str) -> str:
    return datetime.fromtimestamp(int(epoch), UTC).isoformat(timespec="seconds") if epoch.isdecimal() else otherwise


def _own(seen: Seen, switch: str) -> tuple[str, ...]:
    head = f"--auditor-{switch}="
    return tuple(o.removeprefix(head) for o in seen.own if o.startswith(head))


def _config(seen: Seen) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    from auditor.config import load
    from auditor.model import AuditError

    try:
        config = load(seen.cwd).config
    except AuditError as error:
        sys.stderr.write(f"{error.message}; settings are not used\n")
        return (), (), ""
    return config.inputs, config.outputs, config.label


def hook_state(seen: Seen, script: str) -> str:
    """The wrapper's word on the hook, corrected by what only sbatch's options tell."""
    from probes.script.sbatch import directives, options

    if seen.hook != "installed":
        return seen.hook
    said = [o.value for o in (*directives(script), *options(seen.argv)[0]) if o.option == "--export"]
    export = (said or [os.environ.get("SBATCH_EXPORT", "ALL")])[-1]
    if "ALL" not in export.split(",") and export != "":
        return f"--export={export} leaves it out"
    return "installed"


def _log_to(home: Home) -> None:
    """stderr into the log, which is started anew when it has grown large."""
    os.makedirs(home.root, mode=0o700, exist_ok=True)
    with suppress(OSError):
        if os.stat(home.log).st_size > LOG_BYTES:
            os.replace(home.log, f"{home.log}.1")
    fd = os.open(home.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    os.dup2(fd, 2)
    os.close(fd)
