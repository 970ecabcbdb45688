"""What is worth saying of a run beside its jobs: what happened, and what cannot be told?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo

from probes.records.times import local
from probes.workflows import Event, Place, State
from probes.workflows.snakemake_files.log import Log
from probes.workflows.snakemake_files.metadata import Record


def events_of(log: Log, zone: tzinfo | None, state: State, incomplete: int) -> Iterator[Event]:
    """incomplete: how many outputs are marked as such, where the mark may be this run's."""
    names = {
        "restart": ("retry", "the engine started the job again"),
        "resuming": ("resumed", "a job that an earlier run had submitted was waited for"),
        "loop": ("loop", "the graph was made again after a checkpoint"),
        "interrupted": ("interrupted", "it was interrupted"),
    }
    for said in log.aside:
        if said.what in names:
            what, text = names[said.what]
            yield Event(what, text, local(said.when, zone), said.fields.get("jobid", ""), Place(log.path, f"line {said.line}"))
        elif said.what == "exception" and said.fields["name"] == "LockException":
            yield Event("locked", "another run held the folder, or had left its lock", place=Place(log.path, f"line {said.line}"))
    if state in (State.KILLED, State.RUNNING, State.UNKNOWN) and incomplete:
        yield Event("incomplete", f"{incomplete} outputs are marked as incomplete", place=Place(".snakemake/incomplete"))


def gaps_of(
    log: Log, made: Mapping[str, tuple[str, ...]], mine: Mapping[str, Record], every: Mapping[str, Record], size: int, limit: int
) -> Iterator[str]:
    """mine: the records of this run; every: of all runs of the folder; size: of the log in bytes, of which `limit` were read."""
    if size > limit:
        yield f"{log.path} is {size} bytes long: the first {limit} were read, and of its tail how it ended; line numbers there are not told"
    if log.dropped:
        yield f"{log.dropped} jobs more than are kept"
    if log.lines and not log.header:
        yield f"{log.path} has no header (Snakemake before 9): version, command and host are not told"
    if unnamed := [j for j in log.jobs.values() if j.message]:
        yield f"{len(unnamed)} jobs are told by their rule's message only: which files they made is not told"
    elsewhere = {p for paths in made.values() for p in paths if p in every and p not in mine}
    if elsewhere:
        yield f"{len(elsewhere)} outputs of this run were written again by another run: their records are no longer this run's"
