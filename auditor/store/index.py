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


MOST_ENGINES, MOST_JOBS = 100, 20_000
"""Engine runs of one piece of evidence, job numbers of one engine run."""


class _Engine(msgspec.Struct):
    system: str = ""
    id: str = ""
    folder: str = ""
    relation: str = ""
    native_ids: tuple[str, ...] = ()


class Engines(msgspec.Struct):
    """What we index of probes.workflows.record.WorkflowRuns."""

    runs: tuple[_Engine, ...] = ()


def engines(data: bytes, run_no: int, taken_at: str) -> tuple[list[str], list[str]]:
    """Rows of the tables `engine_run` and `engine_job`."""
    try:
        runs = msgspec.json.decode(data, type=Engines).runs[:MOST_ENGINES]
    except msgspec.MsgspecError:
        return [], []
    told = [(escape(engine(r.system, r.id, r.folder)), r) for r in runs if r.system]
    return (
        [f"{run_no}\t{key}\t{escape(r.relation)}\t{escape(taken_at)}" for key, r in told],
        [f"{run_no}\t{key}\t{escape(number)}" for key, r in told for number in dict.fromkeys(r.native_ids[:MOST_JOBS])],
    )


def engine(system: str, id_: str, folder: str) -> str:
    """What an engine run is known by: its own id is unique in its folder only."""
    return " ".join(filter(None, (system, id_, folder)))
