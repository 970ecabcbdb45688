"""What did Snakemake 7 to 9 leave in `.snakemake/`? One log a run; metadata of both backends that all runs of the folder share.

The main files: `.snakemake/log/<time>.snakemake.log`, `.snakemake/metadata/` or `metadata.db`, `incomplete/`, `locks/`, `slurm_logs/`.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from auditor.redact import MARK, SECRET_NAME, Redactor
from auditor.world import World
from probes.records.inside import inside
from probes.records.lines import MAX_LINE, clean, lines, one_line, why
from probes.records.times import local
from probes.records.within import below
from probes.workflows import Environment, Place, Reader, State, Task, Unreadable, Used, WorkflowRun
from probes.workflows.snakemake_files import clock
from probes.workflows.snakemake_files.definitions import constructs, definitions
from probes.workflows.snakemake_files.ending import ending
from probes.workflows.snakemake_files.environments import Environments
from probes.workflows.snakemake_files.files import Frame, outputs
from probes.workflows.snakemake_files.leftovers import Leftovers, leftovers
from probes.workflows.snakemake_files.log import Log, ended, told
from probes.workflows.snakemake_files.measured import efficiency
from probes.workflows.snakemake_files.metadata import Record, records
from probes.workflows.snakemake_files.notes import events_of, gaps_of
from probes.workflows.snakemake_files.phrases import statements
from probes.workflows.snakemake_files.tasks import tasks
from probes.workflows.snakemake_files.unlogged import unlogged

MAX_RUNS = 200
MAX_LOG = 128 << 20
TAIL = 1 << 20
MAX_EVENTS = 1000


@dataclass
class _Folder:
    """What all runs of one folder share. claimed: outputs that the log of some run tells of. zone: of the newest run, once it is known."""

    world: World
    path: str
    records: dict[str, Record]
    left: Leftovers
    redactor: Redactor
    gaps: tuple[str, ...]
    claimed: set[str]
    zone: tzinfo | None = None
    next_start: float | None = None
    taken: bool = False


def read(world: World, folder: str) -> Iterator[WorkflowRun]:
    """The runs of `folder/.snakemake`, newest first; at the end, as a run without a log, the jobs that no log tells of. Raises Unreadable, OSError."""
    below(world, folder, ".snakemake")
    logs = _logs(world, folder)
    found, gaps = records(world, folder)
    if not logs and not found:
        raise Unreadable(gaps[0] if gaps else ".snakemake holds no log and no metadata: nothing was run here")
    if len(logs) > MAX_RUNS:
        gaps.append(f"{len(logs) - MAX_RUNS} older logs were not read")
    here = _Folder(world, folder, found, leftovers(world, folder), Redactor(world.env), tuple(gaps), set())
    for path in logs[:MAX_RUNS]:
        yield _run(here, path)
    if len(logs) <= MAX_RUNS and (rest := {p: r for p, r in found.items() if p not in here.claimed}):
        yield _without_log(here, rest)


def _logs(world: World, folder: str) -> list[str]:
    """Newest first, by the time in the name."""
    try:
        at = below(world, folder, ".snakemake/log")
    except FileNotFoundError:
        return []
    return sorted(world.glob(f"{glob.escape(at)}/*.snakemake.log"), reverse=True)


def _run(here: _Folder, path: str) -> WorkflowRun:
    name = os.path.relpath(path, here.path)
    try:
        stat = here.world.stat(inside(here.world, here.path, name))
        log = _told(here.world, path, name, stat.size)
    except OSError as error:
        return WorkflowRun(
            "snakemake", "", _id(name, {}), here.path, State.UNKNOWN, f"{name} could not be read", gaps=(why(error),)
        )
    before = log.header.get("Working directory", "")
    made = outputs(log, here.path, before)
    zone, assumed = _zone(here, log, made, stat.mtime_ns / 1e9)
    started, last_told = clock.span(log)
    first, last = clock.seconds(started, zone), clock.seconds(last_told, zone)
    got_hold = not any(s.fields["name"] == "LockException" for s in log.said("exception"))
    state, proof = ending(here.world, log, here.left, newest=not here.taken)
    until = last if last is not None and state not in (State.KILLED, State.RUNNING, State.UNKNOWN) else here.next_start
    mine = {p: r for p, r in here.records.items() if clock.within(r, first, until)}
    gaps = [*here.gaps, *gaps_of(log, made, mine, here.records, stat.size, MAX_LOG)]
    environments = Environments(here.world, here.path, log, before)
    frame = Frame(
        here.world, here.path, before, log, zone, mine, until if until is not None else last,
        here.redactor.text, environments.of, _efficiency(here, log, gaps),
    )  # fmt: skip
    all_tasks = tuple(tasks(frame, made, state))
    if frame.unseen:
        gaps.append(f"the own logs of {len(frame.unseen)} submitted jobs are not there: retries inside of them cannot be told")
    here.claimed.update(p for paths in made.values() for p in paths)
    left = len(here.left.incomplete) if not here.taken else 0
    events = tuple(events_of(log, zone, state, left))[:MAX_EVENTS]
    here.next_start, here.taken = first if first is not None else here.next_start, here.taken or got_hold
    files, values, more = definitions(here.world, here.path, log, before)
    asked, unread = constructs(here.world, here.path, log, files)
    return WorkflowRun(
        system="snakemake",
        version=log.header.get("Snakemake version", ""),
        id=_id(name, log.header),
        folder=here.path,
        state=state,
        proof=proof,
        command=here.redactor.text(one_line(log.header.get("Command", ""), 4000)),
        user=one_line(log.header.get("User", "")),
        host=one_line(log.header.get("Host", "")),
        started=local(started, zone),
        ended=local(last_told, zone) if state not in (State.RUNNING, State.KILLED) else "",
        zone_assumed=assumed,
        definitions=files,
        environments=(*_distinct(all_tasks), *environments.modules()),
        parameters={**{k: here.redactor.text(v) for k, v in _secretless(values).items()}, **_own(log)},
        tasks=all_tasks,
        events=events,
        constructs=tuple(asked),
        workers=_workers(log),
        places=_places(name, here, mine),
        gaps=tuple(dict.fromkeys((*gaps, *more, *unread))),
    )


def _told(world: World, path: str, name: str, size: int) -> Log:
    """Whole; of a log that is too long the head, and the end by what stands in its tail."""
    log = told(name, statements(lines(world, path, MAX_LOG)))
    if size > MAX_LOG:
        tail = world.span(path, -TAIL, TAIL).decode("utf-8", "replace").split("\n")[1:]
        ended(log, statements(enumerate((clean(line[:MAX_LINE]) for line in tail), log.lines)))
    return log


def _zone(here: _Folder, log: Log, made: dict[str, tuple[str, ...]], modified: float) -> tuple[tzinfo | None, bool]:
    """(zone, was it assumed). An older run's records may be a later run's: they count only where they agree with the newest run's zone."""
    voted, aged = clock.by_records(log, made, here.records), clock.by_age(clock.span(log)[1], modified)
    if here.zone is None and (voted or aged):
        here.zone = voted or aged
        return here.zone, False
    if aged is not None and aged in (voted, here.zone):
        return aged, False
    if voted is not None and voted == here.zone:
        return voted, False
    return here.zone, True


def _efficiency(here: _Folder, log: Log, gaps: list[str]) -> dict[str, Used]:
    found: dict[str, Used] = {}
    for said in log.said("slurm-run"):
        try:
            found.update(efficiency(here.world, here.path, said.fields["id"]))
        except OSError as error:
            gaps.append(f"efficiency report: {why(error)}")
    return found


def _id(name: str, header: dict[str, str]) -> str:
    return header.get("Workflow ID") or os.path.basename(name).removesuffix(".snakemake.log")


def _own(log: Log) -> dict[str, str]:
    found = {"config md5": log.header["Config MD5"]} if log.header.get("Config MD5") else {}
    if runs := log.said("slurm-run"):
        found["slurm run id"] = runs[0].fields["id"]
    return found


def _secretless(values: Mapping[str, str]) -> dict[str, str]:
    return {k: MARK if SECRET_NAME.search(k.replace(".", "_")) else v for k, v in values.items()}


def _workers(log: Log) -> int | None:
    counts = [int(s.fields["count"]) for s in log.said("provided")]
    return counts[-1] if counts else None


def _distinct(all_tasks: tuple[Task, ...]) -> tuple[Environment, ...]:
    found: dict[tuple[str, str], Environment] = {}
    for task in all_tasks:
        for environment in task.environments:
            found.setdefault((environment.kind, environment.name), environment)
    return tuple(found.values())


def _places(name: str, here: _Folder, mine: dict[str, Record]) -> tuple[Place, ...]:
    kinds = {".snakemake/metadata.db" if r.place.path.endswith("metadata.db") else ".snakemake/metadata" for r in mine.values()}
    return (Place(name), *(Place(k) for k in sorted(kinds)))


def _without_log(here: _Folder, rest: dict[str, Record]) -> WorkflowRun:
    log = Log(".snakemake/metadata")
    environments = Environments(here.world, here.path, log, "")
    frame = Frame(here.world, here.path, "", log, None, rest, None, here.redactor.text, environments.of, {})
    all_tasks = unlogged(frame, environments, here.left.incomplete)
    return WorkflowRun(
        system="snakemake",
        version="",
        id="without-log",
        folder=here.path,
        state=State.UNKNOWN,
        proof="no log tells how these jobs ended; their metadata does not",
        environments=_distinct(all_tasks),
        tasks=all_tasks,
        places=_places(".snakemake/metadata", here, rest)[1:],
        gaps=(*here.gaps, f"{len(rest)} metadata records are of jobs that no log in .snakemake/log tells of"),
    )


READER = Reader("snakemake", (".snakemake",), read)
