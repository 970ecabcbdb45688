"""Which files does a workflow engine's own record name, of what it did in this run?

Only records that lie in the work directory itself or where the command line puts them are read here, and only of engine runs that began
inside this one: a record is a declaration, so what it names is looked at, and what is not there or was not written now is left out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator

from auditor.model import Job
from auditor.world import World
from probes.data.ours import excluded, kept_out, not_ours
from probes.data.part import NOTHING, Part, by_content, real, without
from probes.data.since import Since
from probes.manifest.build import Left, Limits
from probes.workflows import File, State, Unreadable, WorkflowRun
from probes.workflows.workflow_runs import elsewhere, readers, relation

SECONDS = 20.0
MAX_RUNS = 5
MAX_FILES = 100_000
_BEGAN = frozenset({State.SUCCEEDED, State.FAILED, State.RUNNING, State.KILLED})


def recorded(world: World, root: str, job: Job, limits: Limits, ways: Iterable[Part], since: Since | None) -> Iterator[Part]:
    """Inputs that nobody else named. What a task made below the work directory is found by its time; elsewhere it is named here."""
    known = {key for part in ways for key in real(part)}
    apart = excluded(world, root)
    gaps: list[Left] = []
    inputs: dict[str, None] = {}
    outputs: dict[str, None] = {}
    for run in _runs(world, root, job, gaps):
        read, made = _files(run)
        inputs.update(dict.fromkeys(read))
        outputs.update((p, None) for p in made if not p.startswith(f"{root.rstrip('/')}/") and _written(p, since))

    def wanted(role: str, paths: Iterable[str]) -> list[str]:
        here = (p for p in paths if os.path.isfile(p) and not kept_out(p, apart) and not not_ours(p, root, job))
        return [p for p in here if (role, os.path.realpath(p)) not in known][:MAX_FILES]

    files = wanted("input", inputs)
    left = since.split(files) if since else ()
    gone = {one.path for one in left}
    found = by_content(world, root, "input", "recorded", limits, files=[p for p in files if p not in gone])
    yield without(found, left)
    yield Part("", "recorded", NOTHING._replace(left=tuple(gaps)))  # whose files it would have told nobody knows
    yield by_content(world, root, "output", "recorded", limits, files=wanted("output", outputs))


def _runs(world: World, root: str, job: Job, gaps: list[Left]) -> Iterator[WorkflowRun]:
    """Engine runs that this run held, newest first; a record that cannot be read is a gap."""
    deadline = time.monotonic() + SECONDS
    for folder in dict.fromkeys((root, *elsewhere(world, job))):
        for reader in readers():
            if not any(world.glob(os.path.join(folder, mark)) for mark in reader.marks):
                continue
            try:
                for count, run in enumerate(reader.read(world, folder)):
                    if count >= MAX_RUNS or time.monotonic() > deadline:
                        break
                    if relation(run, job) == "inside":
                        yield run
            except (Unreadable, OSError, ValueError, LookupError):
                gaps.append(Left(os.path.join(folder, reader.marks[0]), "unreadable"))


def _files(run: WorkflowRun) -> tuple[list[str], list[str]]:
    """(read from outside, made) by what the run began; a cached task did neither now."""
    begun = [t for t in run.tasks if t.state in _BEGAN]
    made = dict.fromkeys(p for t in begun if t.state is State.SUCCEEDED for p in _paths(run, t.files, "output"))
    every = {p for t in run.tasks for p in _paths(run, t.files, "output")}
    read = (*_paths(run, run.inputs, "input"), *(p for t in begun for p in _paths(run, t.files, "input")))
    return [p for p in dict.fromkeys(read) if p not in every], list(made)


def _paths(run: WorkflowRun, files: Iterable[File], role: str) -> Iterator[str]:
    """Absolute; a path on another machine's disk or in a store is none."""
    for file in files:
        name = file.path.removeprefix("file://")
        if file.role == role and name and "://" not in name and "\0" not in name:
            yield os.path.normpath(os.path.join(run.folder, name))


def _written(path: str, since: Since | None) -> bool:
    """Was it written by this run, as far as its time tells?"""
    try:
        return since is not None and since.start <= os.stat(path).st_mtime_ns <= since.over
    except OSError:
        return False
