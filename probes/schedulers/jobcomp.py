"""What does Slurm's job completion file say? One record per attempt that ended (JobCompType=jobcomp/filetxt), no steps."""

from __future__ import annotations

import re

TAIL_BYTES = 16 << 20
"""The file belongs to the whole site and only grows; some 50,000 jobs fit in its last 16 MiB."""

Record = dict[str, str]

# names and paths are free text, even with newlines; their ends are found by the field that always follows
_RECORD = re.compile(
    r"^JobId=(?P<JobId>\d+) UserId=(?P<UserId>\S*) GroupId=\S* (?>Name=(?P<Name>.{0,4096}?) JobState=)"
    r"(?>(?P<rest>\S+ .{0,16384}? ExitCode=(?P<ExitCode>\d+:\d+)) ?$)",
    re.DOTALL | re.MULTILINE,
)
_WORKDIR = re.compile(r" WorkDir=(.*?) ReservationName=", re.DOTALL)
_WORD = re.compile(r"(?:^|(?<= ))([A-Z]\w*)=(\S*)")


def tail(path: str) -> tuple[str, ...]:
    """The command that reads the end of the file, however large it is."""
    return ("tail", "-c", str(TAIL_BYTES), path)


def records(output: str) -> dict[str, tuple[Record, ...]]:
    """Records by the id the job is called, oldest first. A record cut by the window's start is left out."""
    found: dict[str, list[Record]] = {}
    for match in _RECORD.finditer(output):
        rest = "JobState=" + match["rest"]
        record = dict(_WORD.findall(_WORKDIR.sub(" ", rest)))
        if workdir := _WORKDIR.search(rest):
            record["WorkDir"] = workdir[1]
        record |= {k: match[k] for k in ("JobId", "UserId", "Name", "ExitCode")}
        found.setdefault(called(record), []).append(record)
    return {job: tuple(several) for job, several in found.items()}


def called(record: Record) -> str:
    if "ArrayTaskId" in record:
        return f"{record['ArrayJobId']}_{record['ArrayTaskId']}"
    return f"{record['HetJobId']}+{record['HetJobOffset']}" if "HetJobId" in record else record["JobId"]
