"""What do Slurm's own lines in a job's output say about its end? The last rung: it can tell of a failure, never of success.

The lines come from slurmstepd and srun, but anybody may print such text, so this is a declaration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from probes.schedulers import Attempt, JobAccounting
from probes.schedulers import notation as n
from probes.schedulers.build import blank, label

TAIL_BYTES = 64 << 10
_END = re.compile(
    r"^(?:slurmstepd|slurmd|srun)[^\n:]*: error: \*\*\* (?:JOB|STEP) (?P<job>\d+)(?:\.\S+)? ON (?P<node>\S+) CANCELLED AT (?P<at>[\d:T.-]+)"
    r"(?: DUE TO (?P<why>[A-Z ]+))?",
    re.MULTILINE,
)
_OOM = re.compile(r"^(?:slurmstepd|srun)[^\n]*(?:oom[-_ ]kill|Out Of Memory|Exceeded job memory limit)", re.MULTILINE)
_WHY = {
    "TIME LIMIT": "TIMEOUT",
    "NODE FAILURE": "NODE_FAIL",
    "JOB REQUEUE": "REQUEUED",
    "PREEMPTION": "PREEMPTED",
    "TASK FAILURE": "FAILED",
}


@dataclass(frozen=True)
class LogFacts:
    """How the log says the job ended; empty: it does not. `oom`: something of it was killed for memory."""

    state: str
    ended: str
    node: str
    line: str
    oom: bool


def tail(path: str) -> tuple[str, ...]:
    """The command that reads the end of a log, however large it is."""
    return ("tail", "-c", str(TAIL_BYTES), path)


def facts(output: str, raw_job_id: str = "") -> LogFacts:
    """The last such line counts; lines about another job number are left out."""
    ends = [m for m in _END.finditer(output) if raw_job_id in ("", m["job"])]
    oom = _OOM.search(output)
    if ends:
        last = ends[-1]
        state = next((state for why, state in _WHY.items() if (last["why"] or "").startswith(why)), "CANCELLED")
        return LogFacts(state, n.when(last["at"]), last["node"], last[0], bool(oom))
    return LogFacts("OUT_OF_MEMORY" if oom else "", "", "", oom[0] if oom else "", bool(oom))


def from_log(job_id: str, seen: LogFacts, path: str) -> JobAccounting:
    """What such a line alone can tell; never final, since nobody authoritative said so."""
    attempt = Attempt(
        number=0,
        state=seen.state,
        state_text=seen.line,
        reason="",
        exit_code=None,
        signal=None,
        exit_exact=False,
        derived_exit_code=None,
        submitted="",
        eligible="",
        started="",
        ended=seen.ended,
        nodes=(seen.node,) if seen.node else (),
        steps=(),
        succeeded=False,
        final=False,
    )
    return label(replace(blank(job_id), stdout=path, attempts=(attempt,)), "logs")
