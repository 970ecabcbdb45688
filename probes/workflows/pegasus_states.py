"""What happened to each of Pegasus' jobs, and when? `jobstate.log`, or the same from the stampede database: a stream of states.

`1677913864 ls_ID0000001 JOB_FAILURE 2 condorpool - 2`: epoch, job, state, Condor's id (of an end: the exit code), site, time asked for, submission.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.world import World
from probes.records.lines import MAX_BYTES, beyond, lines, one_line
from probes.workflows import State

MAX_STATES = 2_000_000


@dataclass
class Submission:
    """One try of a job. number: of all submissions of the workflow; code: exit code as the log has it; times are epochs."""

    number: int
    line: int = 0
    states: list[str] = field(default_factory=list)
    submitted: float | None = None
    started: float | None = None
    ended: float | None = None
    condor: str = ""
    site: str = ""
    code: int | None = None
    reason: str = ""
    host: str = ""
    seconds: float | None = None
    cpu_seconds: float | None = None
    memory: int | None = None
    subworkflow: str = ""
    cores: int | None = None
    tasks: int = 0


@dataclass
class Ended:
    """Of the whole: (epoch, exit code) of each end, epochs of each beginning, and of the last record. monitored: the monitor itself ended."""

    started: list[float] = field(default_factory=list)
    finished: list[tuple[float, int]] = field(default_factory=list)
    last: float | None = None
    monitored: bool = False
    whole: bool = True


def read(world: World, path: str) -> tuple[dict[str, dict[int, Submission]], Ended]:
    """Job → its submissions by number. Raises OSError."""
    jobs, run = parse(lines(world, path, MAX_BYTES))
    for line in beyond(world, path, MAX_BYTES):
        words = line.split()
        if len(words) > 2 and words[0].isdecimal() and len(words[0]) <= 12:
            run.last, run.whole = float(words[0]), False
            if words[1] == "INTERNAL":
                _internal(run, float(words[0]), words[2:])
    return jobs, run


def parse(numbered: Iterator[tuple[int, str]]) -> tuple[dict[str, dict[int, Submission]], Ended]:
    jobs: dict[str, dict[int, Submission]] = {}
    run = Ended()
    for number, line in numbered:
        words = line.split()
        if len(words) < 3 or not words[0].isdecimal() or len(words[0]) > 12 or number > MAX_STATES:
            continue
        when = float(words[0])
        run.last = max(when, run.last or 0.0)
        if words[1] == "INTERNAL":
            _internal(run, when, words[2:])
        elif len(words) >= 7 and words[6].isdecimal():
            take(
                jobs.setdefault(words[1], {}).setdefault(int(words[6][:9]), Submission(int(words[6][:9]), number)),
                when,
                *words[2:5],
            )
    return jobs, run


def _internal(run: Ended, when: float, words: list[str]) -> None:
    """`*** DAGMAN_FINISHED 1 ***`, in both ways of writing it."""
    for at, word in enumerate(words):
        if word == "DAGMAN_STARTED":
            run.started.append(when)
            run.monitored = False
        elif word == "DAGMAN_FINISHED":
            code = words[at + 1].strip("*") if at + 1 < len(words) else ""
            run.finished.append((when, int(code) if code.lstrip("-").isdecimal() else 1))
        elif word == "MONITORD_FINISHED":
            run.monitored = True


def take(submission: Submission, when: float | None, state: str, ident: str, site: str) -> None:
    """One state. What a state needs not say is left as it was."""
    if len(submission.states) < 1000:
        submission.states.append(state)
    if state == "SUBMIT":
        submission.submitted = when
    elif state == "EXECUTE":
        submission.started = when
    elif state in _ENDS:
        submission.ended = submission.ended if state.startswith("POST_SCRIPT") and submission.ended else when
    if state in {"SUBMIT", "EXECUTE"} and ident not in {"-", ""}:
        submission.condor = one_line(ident, 40)
    if state in {"JOB_SUCCESS", "JOB_FAILURE"} and ident.lstrip("-").isdecimal():
        submission.code = int(ident[:9])
    submission.site = submission.site or ("" if site == "-" else one_line(site, 100))


_ENDS = {
    "JOB_TERMINATED",
    "JOB_SUCCESS",
    "JOB_FAILURE",
    "JOB_ABORTED",
    "JOB_EVICTED",
    "POST_SCRIPT_SUCCESS",
    "POST_SCRIPT_FAILURE",
}
_BAD = {"JOB_FAILURE", "JOB_ABORTED", "POST_SCRIPT_FAILURE", "PRE_SCRIPT_FAILURE", "SUBMIT_FAILED"}


def state(submission: Submission) -> State:
    """The script after a job has the last word: it looks into the job's own record. None of the ends there: unknown."""
    said = submission.states
    if "POST_SCRIPT_SUCCESS" in said:
        return State.SUCCEEDED
    if any(s in _BAD for s in said):
        return State.FAILED
    if "JOB_SUCCESS" in said:
        return State.UNKNOWN if "POST_SCRIPT_STARTED" in said else State.SUCCEEDED
    return State.UNKNOWN


def reason(submission: Submission) -> str:
    """Which of the states was the bad one, in Pegasus' words."""
    bad = [s for s in submission.states if s in _BAD]
    held = "JOB_HELD" if "JOB_HELD" in submission.states else ""
    return submission.reason or " after ".join(w for w in (bad[0] if bad else "", held) if w)
