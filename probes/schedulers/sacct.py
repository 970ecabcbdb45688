"""How is `sacct` asked, and how is its text cut into rows?

Names may hold `|` and newlines, so records are cut by counting delimiters, not lines: with `-p` every record ends in
delimiter + newline. An unknown field fails the whole query, so fields are those wanted and offered (`--helpformat`).
"""

from __future__ import annotations

from collections.abc import Iterable

DELIMITER = "\x1f"
ENV = {"SLURM_TIME_FORMAT": "%s", "LC_ALL": "C.UTF-8", "SACCT_FORMAT": ""}
"""Epoch seconds: no zone, no daylight-saving trouble, and short enough for 22.05, which cuts longer formats."""

WANTED = tuple(
    """JobIDRaw JobID DBIndex SLUID Cluster User UID Account Partition QOS JobName State Reason ExitCode DerivedExitCode
    Restarts Submit Eligible Start End ElapsedRaw TimelimitRaw NodeList NNodes NCPUS NTasks ReqNodes ReqCPUS ReqMem ReqTRES
    AllocTRES Container MaxRSS TotalCPU WorkDir StdOut StdErr SubmitLine""".split()
)
VITAL = frozenset({"JobIDRaw", "JobID", "State", "ExitCode", "WorkDir"})

Row = dict[str, str]


def fields(helpformat: str) -> tuple[str, ...]:
    """The fields to ask for. Raises ValueError when this sacct lacks one we cannot do without."""
    offered = {name.lower() for name in helpformat.split()}
    names = tuple(name for name in WANTED if name.lower() in offered)
    if lacking := VITAL.difference(names):
        raise ValueError(f"this sacct offers no {', '.join(sorted(lacking))}")
    return names


def query(names: Iterable[str], job_ids: Iterable[str], cluster: str = "") -> tuple[str, ...]:
    """The command: every attempt (`-D`), bytes as numbers, these jobs whatever their time."""
    wanted, jobs = ",".join(names), ",".join(job_ids)
    where = ("-M", cluster) if cluster else ()
    return ("sacct", "-n", "-p", "--noconvert", f"--delimiter={DELIMITER}", "-D", *where, "-o", wanted, "-j", jobs)


def rows(output: str, names: tuple[str, ...]) -> tuple[Row, ...]:
    """One dict a record. Raises ValueError when the text ends in the middle of one."""
    tokens = output.split(DELIMITER)
    found: list[Row] = []
    for start in range(0, len(tokens) - len(names), len(names)):
        record = tokens[start : start + len(names)]
        if start:  # the newline that ended the record before
            record[0] = record[0].removeprefix("\n")
        found.append(dict(zip(names, record, strict=True)))
    if tokens[-1].strip() or (len(tokens) - 1) % len(names):
        raise ValueError(f"sacct's answer ends in the middle of a record (after {len(found)})")
    return tuple(found)


def release(version: str) -> tuple[int, int]:
    """(22, 5) of `slurm-wlm 22.05.8`; (0, 0) when there is no such number."""
    digits = [p for p in version.split()[-1:][0].split(".") if p.isdecimal()] if version.split() else []
    return (int(digits[0]), int(digits[1])) if len(digits) >= 2 else (0, 0)
