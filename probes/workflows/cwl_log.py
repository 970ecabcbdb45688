"""What does cwltool's engine log tell: the command line, each job's end, exit code and real command, and how it all ended?

`metadata/logs/engine.<uuid>.txt` of a CWLProv bundle (https://w3id.org/cwl/prov/0.6.0). Its times are UTC; `57,4.000000Z` is 57 seconds and 4 ms.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from auditor.world import World
from probes.records import times
from probes.records.lines import MAX_BYTES, beyond, lines, one_line

MAX_COMMAND = 2000
MAX_JOBS = 50_000
_STAMP = re.compile(r"\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d),(\d{1,3})(?:\.\d+)?Z\] (.*)")
_ABOUT = re.compile(r"\[(job|step|workflow) ([^\]]*)\] (.*)")
_ITERATION = re.compile(r"Iteration (\d+) completed")
_STATUS = re.compile(r"exited with status: (-?\d+)|was terminated by signal: (\w+)")
_MEMORY = re.compile(r"Max memory used: (\d+)MiB")
_ENGINES = ("docker", "podman", "udocker", "singularity", "apptainer", "dx-docker")


@dataclass
class Job:
    """One job as the log tells it, while it is read. status: `success`, `permanentFail`, ...; memory in bytes; line: where it began."""

    name: str
    line: int
    started: str = ""
    ended: str = ""
    status: str = ""
    exit_code: int | None = None
    reason: str = ""
    command: str = ""
    memory: int | None = None
    cached: bool = False


@dataclass
class EngineLog:
    """The whole log. final: the words of its last status line, empty where there is none; final_line: where they are."""

    command: str = ""
    started: str = ""
    ended: str = ""
    final: str = ""
    final_line: int = 0
    error: str = ""
    error_line: int = 0
    jobs: dict[str, Job] = field(default_factory=dict)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    iterations: list[tuple[int, str, int, str]] = field(default_factory=list)
    within: dict[str, str] = field(default_factory=dict)
    """Step as it was started (`train_2`) → the workflow that started it (`each_2`, empty: the whole)."""
    whole: bool = True

    @property
    def options(self) -> tuple[str, ...]:
        """The words of the command line."""
        try:
            return tuple(shlex.split(self.command))
        except ValueError:
            return tuple(self.command.split())


def read(world: World, path: str) -> EngineLog:
    """Of a file of any size; of what is more than MAX_JOBS jobs or MAX_BYTES only how it all ended is read (`whole` is False). Raises OSError."""
    log = parse(lines(world, path, MAX_BYTES))
    for line in beyond(world, path, MAX_BYTES):
        log.whole = False
        if stamped := _STAMP.match(line):
            log.ended = _utc(stamped[1], stamped[2]) or log.ended
            if not _ABOUT.match(stamped[3]):
                _general(log, 0, stamped[3])
    return log


def parse(numbered: Iterator[tuple[int, str]]) -> EngineLog:
    log = EngineLog()
    open_command: Job | None = None
    for number, line in numbered:
        stamped = _STAMP.match(line)
        if not stamped:  # a command or a message goes on
            if open_command and len(open_command.command) < MAX_COMMAND:
                more = line.strip().rstrip("\\").rstrip()
                open_command.command = f"{open_command.command} {more}"[:MAX_COMMAND]
            continue
        when, text = _utc(stamped[1], stamped[2]), stamped[3]
        log.ended = when or log.ended
        log.started = log.started or when
        open_command = None
        about = _ABOUT.match(text)
        if not about:
            _general(log, number, text)
        elif about[1] == "job":
            open_command = _of_job(log, number, when, about[2], about[3])
        elif about[1] == "step":
            _of_step(log, number, when, about[2], about[3])
        elif about[3].startswith("starting step ") and len(log.within) < MAX_JOBS:
            log.within[about[3].removeprefix("starting step ").strip()] = about[2]
    return log


def container(command: str) -> tuple[str, str]:
    """The engine and the image of a job's command, as cwltool writes it (options with `=`, then the image); two empty texts for none."""
    words = command.split()
    engine = words[0].rsplit("/", 1)[-1] if words else ""
    if engine not in _ENGINES:
        return "", ""
    for before, word in pairwise(words):
        if engine in {"singularity", "apptainer"}:
            if word.endswith((".sif", ".img", ".simg")) and not word.startswith("--"):
                return engine, word
        elif not word.startswith("-") and word != "run" and not before.startswith("-v"):
            return engine, word
    return engine, ""


def _general(log: EngineLog, number: int, text: str) -> None:
    if text.startswith("[cwltool] ") or (not log.command and "cwltool" in text.split(" ", 1)[0]):
        log.command = log.command or text.removeprefix("[cwltool] ")
    elif text.startswith("Final process status is "):
        log.final, log.final_line = text.removeprefix("Final process status is ").strip(), number
    elif "failed validation" in text or text.startswith(("Workflow error", "I'm sorry", "Got workflow error", "Input object")):
        log.error, log.error_line = log.error or one_line(text), log.error_line or number


def _of_job(log: EngineLog, number: int, when: str, name: str, text: str) -> Job | None:
    """The job whose command this line begins, if it does."""
    if name not in log.jobs and len(log.jobs) >= MAX_JOBS:
        log.whole = False
        return None
    job = log.jobs.setdefault(name, Job(name, number))
    if text.startswith("completed "):
        job.ended, job.status = when, text.removeprefix("completed ").strip()
    elif ended := _STATUS.search(text):
        job.exit_code = int(ended[1]) if ended[1] else None
        job.reason = one_line(text)
    elif used := _MEMORY.search(text):
        job.memory = int(used[1]) << 20
    elif text.startswith("Using cached output"):
        job.cached = True
    elif "$ " in text and not job.started:
        job.started, job.line = when, number
        job.command = text.split("$ ", 1)[1].rstrip("\\").rstrip()[:MAX_COMMAND]
        return job
    elif text.startswith(("Job error", "No space left", "exceeded time limit")):
        job.reason = job.reason or one_line(text)
    return None


def _of_step(log: EngineLog, number: int, when: str, name: str, text: str) -> None:
    if "will be skipped" in text and len(log.skipped) < MAX_JOBS:
        log.skipped.append((number, name))
    elif (turn := _ITERATION.match(text)) and len(log.iterations) < MAX_JOBS:
        log.iterations.append((number, name, int(turn[1]), when))


def _utc(second: str, thousandths: str) -> str:
    try:
        moment = datetime.fromisoformat(second).replace(tzinfo=UTC) + timedelta(milliseconds=int(thousandths))
    except (ValueError, OverflowError):
        return ""
    return times.epoch(moment.timestamp())
