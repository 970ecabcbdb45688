"""What does each line of a Snakemake log say? Lines become statements; nothing is concluded from them here.

Forms of Snakemake 7.32 (`logging.py: Logger`) and 8 to 9 (`logging.py: DefaultFormatter`), of the executors slurm 2.8 and cluster-generic 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

MAX_SHELL = 4096
_MONTHS = {m: n for n, m in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_STAMP = re.compile(r"\[\w{3} (\w{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (\d{4})\]")
_BLOCK = re.compile(r"(?: {4})?(local)?(rule|checkpoint) ([^\s:]{1,200}):")
_ERROR = re.compile(r"(?: {4})?Error in (rule|checkpoint|group)(?: job)? ([^\s:]{1,200}):")
_FIELD = re.compile(r" {4,12}([A-Za-z_-]{1,40}): ?(.*)")
_HEADER = re.compile(
    r"  (Date|Workflow ID|Platform|Host|User|Snakemake version|Python version|Command|Snakefile|Base directory|Run directory"
    r"|Working directory|Config file\(s\)|Config MD5): (.*)"
)
_EXCEPTION = re.compile(r"(\w{0,80}(?:Exception|Error))(?: in \w+ .{0,300})?:")
_PLAIN: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("restart", re.compile(r"Trying to restart job (?P<jobid>\d+)\.")),
    ("submitted", re.compile(r"Job (?P<jobid>\d+) has been submitted with SLURM jobid (?P<native>[\w.+;-]+) \(log: (?P<log>.+)\)\.?")),
    ("submitted", re.compile(r"Submitted job (?P<jobid>\d+) with external jobid '(?P<native>.{1,200})'\.")),
    ("submitted-group", re.compile(r"Submitted group job (?P<group>\S{1,200}) with external jobid '(?P<native>.{1,200})'\.")),
    ("reason", re.compile(r"Reason: (?P<reason>.*)")),
    ("array", re.compile(
        r"Submitted array job with Snakemake IDs (?P<jobids>[\d, \[\]']+) and SLURM job ID (?P<native>\d+)\. "
        r"The individual task IDs are (?P<first>\d+)-(?P<last>\d+)\."
    )),
    ("slurm-run", re.compile(r"SLURM run ID: (?P<id>\S{1,100})")),
    ("resuming", re.compile(r"Resuming incomplete job (?P<jobid>\S+) with external jobid '(?P<native>.{1,200})'\.")),
    ("no-conda", re.compile(r"Conda environments: ignored")),
    ("no-container", re.compile(r"Singularity containers: ignored")),
    ("activated", re.compile(r"Activating (?P<kind>singularity image|conda environment:|environment modules:) (?P<name>.+)")),
    ("provided", re.compile(r"Provided (?P<kind>cores|remote nodes|cluster nodes): (?P<count>\d+).*")),
    ("closing", re.compile(r"Complete log(?:\(s\))?: .*")),
    ("elapsed", re.compile(r"Elapsed time: (?:(?P<days>\d+) days?, )?(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>[\d.]+)")),
    ("failing", re.compile(r"Exiting because a job execution failed\..*")),
    ("interrupted", re.compile(r"Terminating processes on user request.*")),
    ("interrupted", re.compile(r"Will exit after finishing currently running jobs.*")),
    ("nothing", re.compile(r"Nothing to be done.*")),
    ("dry", re.compile(r"This was a dry-run.*")),
    ("building", re.compile(r"Building DAG of jobs\.\.\.")),
    ("loop", re.compile(r"Updating checkpoint dependencies\.")),
    ("report", re.compile(r"Efficiency report for workflow \S+ saved to (?P<path>.+?)\.?")),
    ("host", re.compile(r"host: (?P<host>\S{1,200})")),
    ("stats", re.compile(r"Job stats:")),
)  # fmt: skip
_PROGRESS = (("progress", re.compile(r"(?P<done>\d+) of (?P<total>\d+) steps \(.{1,10}\) done")),)
_FINISHED = re.compile(r"Finished job(?:id: (?P<jobid>\d+) \(Rule: (?P<rule>.+)\)|\s(?P<old>\d+)\.)")
_TOLD = re.compile(r"Job (?P<jobid>\d+): (?P<message>.*)")
_STATS_ROW = re.compile(r"(\S{1,200})\s+(\d{1,9})(?:\s.*)?")
_GROUP = re.compile(r"(?:\[.{24}\] )?[Gg]roup job (\S{1,200}) \(jobs in lexicogr\. order\):")
# by the first three letters of what they match: most lines are then compared with one form or none
_BY_HEAD = {
    head: tuple(pair for pair in _PLAIN if pair[1].pattern[:3] == head) for head in {form.pattern[:3] for _, form in _PLAIN}
}


@dataclass(frozen=True)
class Said:
    """One statement. when: the stamp in force, local time as ISO 8601 without a zone, empty before the first one."""

    what: str
    line: int
    when: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


def statements(lines: Iterable[tuple[int, str]]) -> Iterator[Said]:
    """In the order of the log. Blocks (`job`, `error`) come whole, with their indented fields; `end` is the last line."""
    when, stamped, block, shell, in_stats, number = "", False, None, False, False, 0
    for number, text in lines:
        if block is not None:
            if found := _within(block, text, shell):
                shell = found == "shell"
                continue
            yield block
            block = None
        if in_stats and text:
            if (row := _STATS_ROW.fullmatch(text)) and row[1] != "total":
                yield Said("planned", number, when, {"rule": row[1], "count": row[2]})
            continue
        in_stats = False
        bare = text.strip()  # the jobs of a group are indented, stamps and all
        if bare.startswith("[") and (stamp := _stamp(bare)):
            when, stamped = stamp, True
            continue
        if opened := _opened(number, text, when):
            block, shell = opened, False
        elif said := _plain(number, bare if stamped or bare.startswith("Reason: ") else text, when, stamped):
            in_stats = said.what == "stats"
            yield said
        stamped = stamped and not bare
    if block is not None:
        yield block
    yield Said("end", number, when)


def _within(block: Said, text: str, shell: bool) -> str:
    """Does the line belong to the block? Says which kind of line it was; adds the field."""
    fields: dict[str, str] = block.fields  # type: ignore[assignment]  # made here, and still open
    if (shell and text.startswith("        ")) or (shell and text.startswith("            ")):
        if len(fields.get("shell", "")) < MAX_SHELL:
            fields["shell"] = f"{fields.get('shell', '')}\n{text.strip()}".lstrip("\n")
        return "shell"
    if not (found := _FIELD.fullmatch(text)) or _BLOCK.fullmatch(text) or _ERROR.fullmatch(text):
        return ""
    if found[1] != "jobs":
        fields.setdefault(found[1], found[2])
    return "shell" if found[1] == "shell" else "field"


def _opened(number: int, text: str, when: str) -> Said | None:
    if found := _BLOCK.fullmatch(text):
        kind = {"rule": found[3], "kind": found[2], "local": found[1] or ""}
        return Said("job", number, when, kind)
    if found := _ERROR.fullmatch(text):
        return Said("error", number, when, {"rule": found[2], "kind": found[1]})
    return None


def _plain(number: int, text: str, when: str, stamped: bool) -> Said | None:
    if text.startswith("  "):
        header = _HEADER.fullmatch(text)
        return Said("header", number, when, {"key": header[1], "value": header[2]}) if header else None
    if found := _GROUP.fullmatch(text):
        return Said("group", number, when, {"group": found[1]})
    if stamped and (found := _FINISHED.fullmatch(text)):
        return Said("finished", number, when, {"jobid": found["jobid"] or found["old"], "rule": found["rule"] or ""})
    for what, form in _PROGRESS if text[:1].isdigit() else _BY_HEAD.get(text[:3], ()):
        if found := form.fullmatch(text):
            return Said(what, number, when, {k: v for k, v in found.groupdict().items() if v is not None})
    if stamped and (found := _TOLD.fullmatch(text)):
        return Said("told", number, when, {"jobid": found["jobid"], "message": found["message"]})
    return _exception(number, text, when)


def _exception(number: int, text: str, when: str) -> Said | None:
    found = _EXCEPTION.fullmatch(text)
    return Said("exception", number, when, {"name": found[1]}) if found else None


def _stamp(text: str) -> str:
    found = _STAMP.fullmatch(text)
    if not found or found[1] not in _MONTHS:
        return ""
    try:
        day, hour, minute, second = (int(found[n]) for n in (2, 3, 4, 5))
        return datetime(int(found[6]), _MONTHS[found[1]], day, hour, minute, second).isoformat()
    except ValueError:
        return ""
