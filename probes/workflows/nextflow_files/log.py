"""What does a `.nextflow.log` tell? Lines such as `Dec-05 09:59:06.030 [Task submitter] INFO  nextflow.Session - [d4/783af2] Submitted process > blast (1)`.

Times are local, without a year, the month in the words of the locale (`11月-29`). Forms: GridTaskHandler, TaskHandler, TaskPollingMonitor, TaskProcessor,
Session, ScriptRunner and WorkflowStats of Nextflow; one file a run, older ones are `.nextflow.log.1` and so on (LoggerHelper.groovy).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_TASKS = 200_000
MAX_ASIDE = 5000
_MONTHS = {m: n for n, m in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_LINE = re.compile(r"(\w{3}|\d{1,2}月)-(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{3}) \[(.{0,200}?)\] (\w{4,5}) +(\S{1,200}) - ?(.*)")
_HASH = r"\[(?P<hash>[0-9a-f]{2}/[0-9a-f]{4,30})\]"
_SUBMITTED = re.compile(_HASH + r" (?P<how>Submitted|Re-submitted) process > (?P<name>.+)")
_CACHED = re.compile(_HASH + r" (?:Cached|Stored) process > (?P<name>.+)")
_NOTE = re.compile(_HASH + r" NOTE: (?P<reason>.*) -- (?P<what>Execution is retried|Error is ignored)(?: \(\d+\))?")
_GRID = re.compile(
    r"\[(?P<executor>[A-Z -]{1,30})\] submitted process (?P<name>.+?) > jobId: (?P<job>[^;]{1,100}); workDir: (?P<dir>.+)"
)
_DONE = re.compile(
    r"Task completed > TaskHandler\[(?:jobId: (?P<job>[^;]{1,100}); )?id: (?P<id>\d+); name: (?P<name>.+?); status: (?P<status>\w+); "
    r"exit: (?P<exit>-?\d+|-); error: (?P<error>.*?); workDir: (?P<dir>.+?)(?:;? started: (?P<started>\d+|-); exited: (?P<exited>[^;]*); )?\]"
)
_STATS = re.compile(r"(\w{3,30})=([^;\]]{1,60})")
_ASIDE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("version", re.compile(r"N E X T F L O W +~ +version (?P<value>\S+)")),
    ("command", re.compile(r"\$> (?P<value>.+)")),
    ("launching", re.compile(
        r"Launching `(?P<script>[^`]+)` \[(?P<name>[\w-]+)\](?: \S+)? *-? *revision: (?P<revision>[\w.-]+)(?: \[(?P<branch>[^\]]+)\])?"
    )),
    ("session", re.compile(r"Session (?:UUID|uuid): (?P<value>[0-9a-f-]{36})")),
    ("name", re.compile(r"Run name: (?P<value>[\w-]+)")),
    ("workdir", re.compile(r"Work-dir: (?P<value>.+?)(?: \[[^\]]*\])?")),
    ("executor", re.compile(r">> processorType: '(?P<value>\w+)'")),
    ("creating", re.compile(r"Creating process '(?P<name>.+?)': maxForks=(?P<forks>\d+); fair=\w+; array=(?P<array>\d+)")),
    ("capacity", re.compile(r"Creating (?:local )?task monitor for executor '(?P<name>\w+)' > .*?capacity[:=] ?(?P<value>\d+).*")),
    ("aborted", re.compile(r"Session aborted -- Cause: (?P<value>.*)")),
    ("goodbye", re.compile(r"> Execution complete -- Goodbye")),
    ("engine", re.compile(r"Enabling execution in (?P<value>\w+) container as requested by .*")),
)  # fmt: skip
_PROCESS = re.compile(r"  Process: (?P<pid>\d{1,9})@(?P<host>\S{1,200})(?: \[.*\])?")
_VERSION = re.compile(r"  Version: (?P<value>\S+) build \d+")


@dataclass
class Told:
    """A task as the log tells it; written to while it is read. key: `d4/783af2`, the head of its hash. Times local, month and day only."""

    key: str
    name: str
    line: int
    submitted: str = ""
    again: bool = False
    native: str = ""
    number: str = ""
    status: str = ""
    exit: str = ""
    error: str = ""
    ended: str = ""
    exited: str = ""
    started: str = ""
    """Milliseconds since 1970, where the executor tells them."""
    note: str = ""
    retried: bool = False


@dataclass
class Log:
    """A log, read whole. facts: first value of each kind; aside: all of them, with their lines."""

    path: str
    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    aside: list[tuple[str, int, str, dict[str, str]]] = field(default_factory=list)
    """(what, line, local time, fields)."""
    tasks: dict[str, Told] = field(default_factory=dict)
    stats: dict[str, str] = field(default_factory=dict)
    stats_line: int = 0
    first: str = ""
    last: str = ""
    lines: int = 0

    @property
    def has_ended(self) -> bool:
        return "goodbye" in self.facts or "aborted" in self.facts

    def value(self, what: str) -> str:
        return self.facts.get(what, {}).get("value", "")

    def all(self, what: str) -> list[tuple[int, str, dict[str, str]]]:
        return [(line, when, fields) for kind, line, when, fields in self.aside if kind == what]


def told(path: str, lines: Iterable[tuple[int, str]]) -> Log:
    log = Log(path)
    when, open_stats = "", False
    for number, text in lines:
        log.lines = number
        found = _LINE.fullmatch(text)
        if not found:
            if open_stats:  # long lines are sometimes wrapped by whoever saved the log
                log.stats.update((k, v.strip()) for k, v in _STATS.findall(text))
                open_stats = "]" not in text
            else:
                _unstamped(log, number, when, text)
            continue
        when = _when(found)
        log.first, log.last = log.first or when, when or log.last
        open_stats = _said(log, number, when, found[10])
    return log


def _said(log: Log, line: int, when: str, text: str) -> bool:
    """True where a WorkflowStats goes on on the next line."""
    if "WorkflowStats[" in text:
        log.stats.update((k, v.strip()) for k, v in _STATS.findall(text.split("WorkflowStats[", 1)[1]))
        log.stats_line = line
        return "]" not in text
    if text.startswith("["):
        _of_a_task(log, line, when, text)
    elif found := _DONE.fullmatch(text):
        _done(log, line, when, found)
    else:
        for what, form in _ASIDE:
            if found := form.fullmatch(text):
                fields = {k: v for k, v in found.groupdict().items() if v is not None}
                log.facts.setdefault(what, fields)
                if len(log.aside) < MAX_ASIDE:
                    log.aside.append((what, line, when, fields))
                break
    return False


def _unstamped(log: Log, line: int, when: str, text: str) -> None:
    if found := _PROCESS.fullmatch(text):
        log.facts.setdefault("process", found.groupdict())
    elif found := _VERSION.fullmatch(text):
        log.facts.setdefault("version", {"value": found["value"]})


def _of_a_task(log: Log, line: int, when: str, text: str) -> None:
    if found := _GRID.fullmatch(text):
        task = _task(log, short(found["dir"]), found["name"], line)
        task.native, task.submitted = found["job"], task.submitted or when
    elif found := _SUBMITTED.fullmatch(text):
        task = _task(log, found["hash"], found["name"], line)
        task.submitted, task.again = task.submitted or when, found["how"].startswith("Re")
    elif found := _CACHED.fullmatch(text):
        task = _task(log, found["hash"], found["name"], line)
        task.status, task.ended = "CACHED", when
    elif found := _NOTE.fullmatch(text):
        task = _task(log, found["hash"], "", line)
        task.note, task.retried = found["reason"], found["what"].endswith("retried")
        task.status = task.status if task.status not in ("", "COMPLETED") else "FAILED"


def _done(log: Log, line: int, when: str, found: re.Match[str]) -> None:
    task = _task(log, short(found["dir"]), found["name"], line)
    task.name = task.name or found["name"]
    task.number, task.native = found["id"], task.native or found["job"] or ""
    task.exit, task.error, task.ended = found["exit"], found["error"], when
    failed = found["exit"] not in ("0", "-") or found["error"] != "-"
    task.status = "FAILED" if failed else found["status"]
    task.started, task.exited = (found["started"] or "").strip("-"), (found["exited"] or "").strip("-")


def _task(log: Log, key: str, name: str, line: int) -> Told:
    """By the first two and six digits of the hash: lines carry shorter and longer ones."""
    if key not in log.tasks and len(log.tasks) < MAX_TASKS:
        log.tasks[key] = Told(key, name, line)
    task = log.tasks.get(key) or Told(key, name, line)
    task.name = task.name or name
    return task


def short(path: str) -> str:
    """`/some/work/d4/783af283d4976d53c5696aea0b997b` → `d4/783af2`."""
    head, _, tail = path.rstrip("/").rpartition("/")
    return f"{head.rpartition('/')[2]}/{tail[:6]}"


def _when(found: re.Match[str]) -> str:
    """`12-05T09:59:06.030`: what there is."""
    month = _MONTHS.get(found[1]) or (int(found[1][:-1]) if found[1].endswith("月") else 0)
    return f"{month:02}-{found[2]}T{found[3]}:{found[4]}:{found[5]}.{found[6]}" if month else ""
