"""What did one run of Snakemake do, by its own log? Statements become jobs with their tries.

A job is known by the number that the engine gave it together with its rule, wildcards and outputs: not by one output file, nor by its command.
It succeeded only where the log says `Finished`; a job that was begun and of which nothing more is said is left open.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from probes.workflows.snakemake_files.phrases import Said

MAX_JOBS = 100_000
_LAST = frozenset(("closing", "elapsed", "failing", "interrupted", "progress", "exception"))
_MISSING = re.compile(r"Missing output files: ([^;]+)")
MAX_ASIDE = 10_000


@dataclass
class Try:
    """Written to while the log is read. ended, verdict: empty while open; verdict: `finished` or `failed`. Times local."""

    line: int
    started: str
    ended: str = ""
    verdict: str = ""
    native: str = ""
    log: str = ""
    reason: str = ""
    closed: int = 0
    """The line that tells the end."""


@dataclass
class Job:
    """One job as the log tells it. fields: `input`, `output`, `wildcards`, ... as written. message: where the rule has one, nothing else is told."""

    id: str
    rule: str
    line: int
    fields: Mapping[str, str]
    checkpoint: bool = False
    message: str = ""
    tries: list[Try] = field(default_factory=list)

    @property
    def open(self) -> Try | None:
        return self.tries[-1] if self.tries and not self.tries[-1].verdict else None


@dataclass
class Log:
    """A log, read whole. header: of version 9. aside: all statements that are of the run and not of one job. last: the last stamp, local."""

    path: str
    header: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    planned: dict[str, tuple[int, int]] = field(default_factory=dict)
    """rule → how many at the start, line."""
    aside: list[Said] = field(default_factory=list)
    first: str = ""
    last: str = ""
    lines: int = 0
    cut: bool = False
    """Only its head and its tail were read."""
    dropped: int = 0
    latest: deque[Job] = field(default_factory=lambda: deque(maxlen=1000))
    """Begun last: the jobs of a group are submitted as one."""

    def said(self, what: str) -> list[Said]:
        return [s for s in self.aside if s.what == what]

    def has(self, what: str) -> bool:
        return any(s.what == what for s in self.aside)


def told(path: str, statements: Iterable[Said]) -> Log:
    """The log of one run. Jobs beyond MAX_JOBS are counted only."""
    log = Log(path)
    current: dict[str, Job] = {}
    kinds: Counter[str] = Counter()
    for said in statements:
        log.lines = said.line
        log.first, log.last = log.first or said.when, said.when or log.last
        if said.what == "header":
            log.header.setdefault(said.fields["key"], said.fields["value"])
        elif said.what == "planned":
            log.planned[said.fields["rule"]] = int(said.fields["count"]), said.line
        elif not _of_a_job(log, current, said):
            kinds[said.what] += 1
            if kinds[said.what] <= MAX_ASIDE:
                log.aside.append(said)
    return log


def ended(log: Log, statements: Iterable[Said]) -> None:
    """What the tail of a log tells that is too long to be read whole: how the run ended, not how its jobs did."""
    log.cut = True
    last = [s for s in statements if s.what in _LAST]
    log.aside += last[-MAX_ASIDE:]
    log.last = last[-1].when or log.last if last else log.last


def _of_a_job(log: Log, current: dict[str, Job], said: Said) -> bool:
    match said.what:
        case "job" | "told":
            _begun(log, current, said)
        case "finished" | "error":
            _ended(log, current, said)
        case "submitted" | "resuming":
            if job := current.get(said.fields["jobid"]):
                _submitted(job, said.fields["native"], said.fields.get("log", ""))
        case "reason":
            _explained(log, said.fields["reason"])
        case "group":
            log.latest.clear()
        case "submitted-group":
            for job in log.latest:
                _submitted(job, said.fields["native"], "")
        case "array":
            _submitted_together(current, said)
            return False
        case _:
            return False
    return True


def _begun(log: Log, current: dict[str, Job], said: Said) -> None:
    number = said.fields.get("jobid", "")
    job = current.get(number)
    if job is None or (said.what == "job" and not _same(job, said)):
        if len(log.jobs) >= MAX_JOBS:
            log.dropped += 1
            return
        name = number if number and number not in log.jobs else f"{number or said.fields.get('rule', 'job')}.{said.line}"
        checkpoint = said.fields.get("kind") == "checkpoint"
        job = Job(name, said.fields.get("rule", ""), said.line, said.fields, checkpoint, said.fields.get("message", ""))
        log.jobs[name] = current[number] = job
    if job.open is None:
        job.tries.append(Try(said.line, said.when))
    log.latest.append(job)


def _explained(log: Log, reason: str) -> None:
    """A rule with a message of its own tells no files; the reason for running it may name those that it was to make."""
    if log.latest and log.latest[-1].message and (found := _MISSING.search(reason)):
        log.latest[-1].fields = {**log.latest[-1].fields, "output": found[1]}


def _same(job: Job, said: Said) -> bool:
    return job.rule == said.fields["rule"] and all(
        job.fields.get(key, "") == said.fields.get(key, "") for key in ("wildcards", "output", "log")
    )


def _ended(log: Log, current: dict[str, Job], said: Said) -> None:
    job = current.get(said.fields.get("jobid", ""))
    if job is None:
        return
    job.rule = job.rule or said.fields.get("rule", "")
    if job.open is None:  # an error told twice, or the end of a try that was told to have failed
        if said.what == "finished" and job.tries and job.tries[-1].verdict == "failed":
            job.tries.append(Try(said.line, ""))
        else:
            return
    last = job.tries[-1]
    last.ended, last.verdict = said.when, "finished" if said.what == "finished" else "failed"
    last.closed = said.line
    last.native = last.native or said.fields.get("external_jobid", "")
    if said.what == "error":
        last.reason = _reason(said.fields)


def _reason(fields: Mapping[str, str]) -> str:
    message = fields.get("message", "None")
    return (
        message if message not in ("", "None") else (fields.get("shell", "").rsplit("\n", 1)[-1].strip("()") or "the job failed")
    )


def _submitted(job: Job, native: str, log: str) -> None:
    if last := job.open:
        last.native, last.log = native, log


def _submitted_together(current: dict[str, Job], said: Said) -> None:
    """`Snakemake IDs 4, 7 and SLURM job ID 812 ... task IDs are 1-2`: the first is 812_1."""
    numbers = said.fields["jobids"].strip("[] ").replace("'", "").split(",")
    for index, number in enumerate(numbers, int(said.fields["first"])):
        if job := current.get(number.strip()):
            _submitted(job, f"{said.fields['native']}_{index}", "")
