"""What did the shell hook save in the job? NUL-terminated keys and values back into a job, a recorded world and the guests' evidence.

Standard library only. The writer is auditor/submit/snapshot.sh; keys: `auditor` (1, the form's version), `phase`, `job`, `attempt`,
`submission`, `cluster`, `taken` (epoch seconds), `host`, `cwd`, `umask`, `script`, `arguments`, `ending`, `status`, `names`, `ulimit`,
`env:NAME`, `file:PATH`, `missing:PATH`, `denied:PATH`, `evidence` (JSON), `end` (last; before and after the evidence).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from auditor.model import Job, Phase
from auditor.redact import MARK, allowed
from auditor.world import Ran, RecordedWorld

LIMIT = 64 << 20
ENTRIES = 100_000
VERSION = "1"
NEEDED = ("auditor", "phase", "job", "attempt", "submission", "taken")


@dataclass(frozen=True)
class Record:
    """One snapshot. evidence: the guests', as plain data; None: no guest ran.

    ending: how the end is going to be seen: `trap`, or why not: `own` (the script's EXIT trap), `visible` (its output would show it).
    status: exit status of the script, at the end.
    """

    job: Job
    phase: Phase
    world: RecordedWorld
    evidence: tuple[Mapping[str, Any], ...] | None
    ending: str = ""
    status: int | None = None


def parse(raw: bytes) -> Record:
    """Raises ValueError with the reason when this is not a whole record of ours. What follows `end` may be cut."""
    facts: dict[str, str] = {}
    environment: dict[str, str] = {}
    files: dict[str, bytes] = {}
    missing: set[str] = set()
    for key, value in _entries(raw):
        kind, colon, name = key.partition(":")
        if colon and kind == "env":
            environment[name] = _text(value)
        elif colon and kind == "file":
            files[name] = value
        elif colon and kind == "missing":
            missing.add(name)
        elif not colon:
            facts[key] = _text(value)
    if "end" not in facts:
        raise ValueError("the record is not whole: its end is missing")
    if lacking := [k for k in NEEDED if k not in facts]:
        raise ValueError(f"the record lacks {', '.join(lacking)}")
    if facts["auditor"] != VERSION:
        raise ValueError(f"the record has form {facts['auditor'][:20]!r}, and this version reads form {VERSION}")
    return _record(facts, environment, files, frozenset(missing))


def _entries(raw: bytes) -> Iterator[tuple[str, bytes]]:
    if len(raw) > LIMIT:
        raise ValueError(f"the record has more than {LIMIT} bytes")
    parts = raw.split(b"\0", 2 * ENTRIES)
    for at in range(0, len(parts) - 2, 2):  # the last part is what follows the last NUL
        yield _text(parts[at]), parts[at + 1]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _record(facts: dict[str, str], environment: dict[str, str], files: dict[str, bytes], missing: frozenset[str]) -> Record:
    phase = Phase(facts["phase"])
    taken = _time(facts["taken"])
    when = taken.isoformat(timespec="seconds")
    job = Job(
        scheduler="slurm",
        job_id=facts["job"],
        cluster=facts.get("cluster", ""),
        submission=facts["submission"],
        workdir=facts.get("cwd", ""),
        attempt=_number(facts["attempt"], "attempt"),
        started_at=when if phase is Phase.START else "",
        ended_at=when if phase is Phase.END else "",
        hook="installed" if facts["submission"] else "a line in the script",
    )
    exported = [n for n in facts.get("names", "").split("\n") if n and not n.startswith("__auditor_")]
    world = RecordedWorld(
        # names whose values stayed in the job: the environment probe tells them apart by the same list
        environment={n: environment.get(n, "") if allowed(n) else MARK for n in exported},
        files=files,
        commands=_commands(facts),
        missing=missing,
        taken=taken,
        node=facts.get("host", ""),
        directory=facts.get("cwd", "") or "/",
    )
    status = _number(facts["status"], "status") if "status" in facts else None
    return Record(job, phase, world, _evidence(facts), facts.get("ending", ""), status)


def _commands(facts: Mapping[str, str]) -> dict[tuple[str, ...], Ran]:
    """What shell builtins answered, as if a probe had asked."""
    asked = {("umask",): "umask", ("ulimit", "-a"): "ulimit"}
    return {argv: Ran(0, facts[key].rstrip("\n") + "\n", "") for argv, key in asked.items() if key in facts}


def _evidence(facts: Mapping[str, str]) -> tuple[Mapping[str, Any], ...] | None:
    if "evidence" not in facts:
        return None
    try:
        found = json.loads(facts["evidence"])
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the guests' evidence is not JSON: {error}") from error
    if not isinstance(found, list) or not all(isinstance(e, dict) for e in found):
        raise ValueError("the guests' evidence is not a list")
    return tuple(found)


def _time(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(_number(text, "time"), UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise ValueError(f"the time of the record is {text[:40]!r}") from error


def _number(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 12):
        raise ValueError(f"the {what} of the record is {text[:40]!r}")
    return int(text)
