"""What does `scontrol show job -d` say? It alone tells exact exit codes, restarts, dependency, script and output paths.

It knows a job until MinJobAge (300 s unless the site says otherwise) after its end, with no accounting at all.
"""

from __future__ import annotations

import re
from itertools import zip_longest

ENV = {"SLURM_TIME_FORMAT": "%s", "LC_ALL": "C.UTF-8"}

Record = dict[str, str]

# JobName is the only free text on the first lines; what follows it is always `UserId=` on a line of its own
_HEAD = re.compile(
    r"^JobId=(?P<JobId>\d+) (?:ArrayJobId=(?P<ArrayJobId>\d+) ArrayTaskId=(?P<ArrayTaskId>\S+) )?"
    r"(?:ArrayTaskThrottle=(?P<ArrayTaskThrottle>\d+) )?(?:HetJobId=(?P<HetJobId>\d+) HetJobOffset=(?P<HetJobOffset>\d+) )?"
    r"JobName=(?P<JobName>.{0,4096}?)\n {3}(?:HetJobIdSet=\S+\n {3})?(?=UserId=)",
    re.DOTALL | re.MULTILINE,
)
_WORD = re.compile(r"(?:^|(?<=\s))([A-Z][\w/:]*)=(\S*)")
_LINE = re.compile(r"^ {3}(Command|WorkDir|StdErr|StdIn|StdOut|SubmitLine|Comment|Container)=(.*)$", re.MULTILINE)


def records(output: str) -> dict[str, Record]:
    """Each job by the id it is called (`123`, `123_4`, `123_[5-9]`, `22+1`). Two that claim one id: neither is believed."""
    found: dict[str, Record] = {}
    doubtful: set[str] = set()
    heads = list(_HEAD.finditer(output))
    for head, after in zip_longest(heads, heads[1:]):
        record = _record(head, output[head.end() : after.start() if after else len(output)])
        name = called(record)
        if name in found:
            doubtful.add(name)
        found[name] = record
    return {name: record for name, record in found.items() if name not in doubtful}


def _record(head: re.Match[str], body: str) -> Record:
    record: Record = {}
    for key, value in _WORD.findall(body):
        record.setdefault(key, value)  # the first: a comment further down may look like a field
    record.update(_LINE.findall(body))  # paths with blanks
    return record | {k: v for k, v in head.groupdict().items() if v is not None}


def called(record: Record) -> str:
    """The id people use."""
    if task := record.get("ArrayTaskId"):
        return f"{record['ArrayJobId']}_{task}" if task.isdecimal() else f"{record['ArrayJobId']}_[{task}]"
    if "HetJobOffset" in record:
        return f"{record['HetJobId']}+{record['HetJobOffset']}"
    return record["JobId"]


def config(output: str) -> Record:
    """`scontrol show config` by name."""
    pairs = (line.partition("=") for line in output.splitlines())
    return {key.strip(): value.strip() for key, equals, value in pairs if equals}


def unknown(error: str) -> bool:
    """Does this message mean that Slurm does not know the job (any more), rather than that it could not be asked?"""
    return "Invalid job id" in error
