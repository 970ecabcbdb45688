"""What can be said of jobs of which only the metadata is left, because no log tells of them? That they were, and only rarely that they succeeded.

A record alone proves nothing: Snakemake writes the same one for a job that failed. Proof is an output that is there and that a job of a later record read.
"""

from __future__ import annotations

from collections.abc import Mapping

from auditor.world import World
from probes.records.times import epoch
from probes.records.within import below, relative
from probes.workflows import Attempt, File, Place, State, Task
from probes.workflows.snakemake_files.environments import Environments
from probes.workflows.snakemake_files.files import Frame, digest_of
from probes.workflows.snakemake_files.metadata import Record, code


def unlogged(frame: Frame, environments: Environments, incomplete: frozenset[str]) -> tuple[Task, ...]:
    jobs: dict[object, list[Record]] = {}
    for record in frame.records.values():
        jobs.setdefault(record.key, []).append(record)
    names = {r.target: f"record-{n}" for n, all_of in enumerate(jobs.values(), 1) for r in all_of}
    readers: dict[str, float] = {}
    for record in frame.records.values():
        for path in record.inputs:
            readers[path] = max(readers.get(path, 0.0), record.started or 0.0)
    return tuple(_task(frame, environments, of, names, readers, incomplete) for of in jobs.values())


def _task(
    frame: Frame,
    environments: Environments,
    of: list[Record],
    names: Mapping[str, str],
    readers: Mapping[str, float],
    incomplete: frozenset[str],
) -> Task:
    first = of[0]
    state = _state(frame.world, frame.folder, of, readers, incomplete)
    number = names[first.target]
    files = [File(relative(frame.folder, p), "input", digests=digest_of(first.checksums.get(p))) for p in first.inputs]
    files += [File(relative(frame.folder, r.target), "output") for r in of]
    files += [File(relative(frame.folder, p), "log") for p in first.logs]
    return Task(
        id=number,
        name=first.rule or "(not told)",
        state=state,
        attempts=(Attempt(1, state, native_id=first.external, started=epoch(first.started), place=first.place),),
        needs=tuple(sorted({names[p] for p in first.inputs if p in names and names[p] != number})),
        files=tuple(files),
        environments=environments.of(first),
        command=frame.redact(first.shell or code(first.code)),
        place=Place(first.place.path, first.place.locator),
    )


def _state(world: World, folder: str, of: list[Record], readers: Mapping[str, float], incomplete: frozenset[str]) -> State:
    if any(r.incomplete or r.target in incomplete for r in of):
        return State.KILLED
    if all(_there(world, folder, r.target) for r in of) and any(readers.get(r.target, 0.0) > (r.started or 0.0) for r in of):
        return State.SUCCEEDED
    return State.UNKNOWN


def _there(world: World, folder: str, path: str) -> bool:
    try:
        return bool(world.stat(below(world, folder, path), follow=False))
    except OSError:
        return False
