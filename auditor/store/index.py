"""What of evidence data do lists and campaigns look up? Read leniently: a record of another shape is stored, not indexed."""

from __future__ import annotations

import msgspec

from auditor.store.snapshot import Int
from auditor.store.text import dependencies, escape, nullable


class _Attempt(msgspec.Struct):
    state: str = ""
    submitted: str = ""
    started: str = ""
    ended: str = ""


class Accounting(msgspec.Struct):
    """What we index of probes.schedulers.JobAccounting."""

    name: str = ""
    user: str = ""
    partition: str = ""
    dependency: str = ""
    submit_line: str = ""
    command: str = ""
    used_cpus: Int | None = None
    used_seconds: float | None = None
    array_throttle: Int | None = None
    final: bool = False
    attempts: tuple[_Attempt, ...] = ()


def accounting(data: bytes, run_no: int, taken_at: str) -> tuple[str, tuple[str, ...]] | None:
    """A row of the table `accounting`, and the jobs this one waits for."""
    try:
        a = msgspec.json.decode(data, type=Accounting)
    except msgspec.MsgspecError:
        return None
    last = a.attempts[-1] if a.attempts else _Attempt()
    work = None if a.used_cpus is None or a.used_seconds is None else a.used_cpus * a.used_seconds
    first = map(escape, (a.name, a.user, last.state, last.submitted, last.started, last.ended))
    head = f"{run_no}\t{escape(taken_at)}\t{str(a.final).lower()}"
    numbers = f"{nullable(a.used_seconds)}\t{nullable(work)}\t{escape(a.partition)}\t{nullable(a.array_throttle)}"
    return "\t".join((head, *first, numbers, escape(a.submit_line or a.command))), dependencies((), a.dependency)
