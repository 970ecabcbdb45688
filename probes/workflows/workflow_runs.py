"""Which runs of workflow engines left their records where the job worked, and what do the records say?"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import time
from collections.abc import Iterator
from dataclasses import replace

import probes.workflows as family
from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes import attached
from probes.records.lines import one_line
from probes.workflows import Reader, Unreadable, WorkflowRun
from probes.workflows.find import Mark, Marked, marked
from probes.workflows.record import MAX_RUNS, WorkflowRuns, WorkflowSeen
from probes.workflows.summary import summary
from probes.workflows.twice import Twice, fuller, fuller_run

SECONDS = 60.0
MAX_READ = 100
"""Runs that are read; older ones are counted by their marks only."""
# options by which engines are told to keep their record elsewhere
_ELSEWHERE = re.compile(
    r"(?:--directory|--provenance|--outdir|--work-?dir|-work-dir|--run-?dir|--dir)[= ]+(['\"]?)([^\s'\";|&$`]+)\1"
)
_FIRST = {"task": 0, "inside": 1, "folder": 2}


def collect(world: World, job: Job) -> WorkflowRuns | Absent:
    root, ours = job.workdir, attached.folder(world.env, job.submission)
    roots = [r for r in (root, ours) if r and world.exists(r)]
    if not roots:
        return Absent(f"the work directory is not there: {root or 'not known'}")
    found = marked((*roots, *elsewhere(world, job)), {r.system: r.marks for r in readers()})
    if not found.marks:
        if not found.whole:
            raise OSError(
                "the work directory could not be looked through to its end, and no engine's record was found up to there"
            )
        return Absent("no workflow engine left a record below the work directory")
    unread: list[str] = []
    runs, twice = list[WorkflowSeen](), Twice()
    for run in read(world, found.marks, unread):
        seen, at = replace(summary(run), relation=relation(run, job)), twice.before(run)
        if at is None:
            runs.append(seen)
        else:
            runs[at] = replace(fuller(runs[at], seen), relation=min(runs[at].relation, seen.relation, key=_FIRST.__getitem__))
    ordered = sorted(runs, key=lambda r: (_FIRST[r.relation], _backwards(r.started), r.folder, r.id))
    return WorkflowRuns(tuple(ordered[:MAX_RUNS]), len(runs), tuple(unread[:MAX_RUNS]), found.whole)


def read(world: World, marks: tuple[Mark, ...], unread: list[str]) -> Iterator[WorkflowRun]:
    """Runs of each folder, newest first, until MAX_READ or SECONDS are spent; what could not be read is added to `unread`."""
    by_system = {r.system: r for r in readers()}
    deadline = time.monotonic() + SECONDS
    left = MAX_READ
    for mark in marks:
        try:
            for run in by_system[mark.system].read(world, mark.folder):
                yield run
                left -= 1
                if left <= 0 or time.monotonic() > deadline:
                    unread.append(f"{mark.system} {mark.folder}: not all runs were read, the budget is spent")
                    return
        except (Unreadable, OSError, ValueError, LookupError) as error:
            unread.append(f"{mark.system} {mark.folder}: {one_line(str(error) or type(error).__name__)}")


def readers() -> tuple[Reader, ...]:
    """One a file of this folder."""
    modules = (importlib.import_module(f"{family.__name__}.{m.name}") for m in pkgutil.iter_modules(family.__path__))
    return tuple(m.READER for m in modules if hasattr(m, "READER"))


def elsewhere(world: World, job: Job) -> tuple[str, ...]:
    """Folders that the batch script or the command line tells an engine to write its record to, as far as they are there."""
    told = (m[2] for m in _ELSEWHERE.finditer(f"{job.script}\n{' '.join(job.argv)}"))
    return tuple(dict.fromkeys(p for t in told if os.path.isdir(p := os.path.join(job.workdir, t))))


def relation(run: WorkflowRun, job: Job) -> str:
    """See WorkflowSeen.relation."""
    if job.scheduler != "local" and any(_same_job(a.native_id, job.job_id) for t in run.tasks for a in t.attempts):
        return "task"
    inside = bool(job.started_at and run.started) and job.started_at <= _second(run.started) <= (job.ended_at or "9")
    return "inside" if inside else "folder"


def look(world: World, path: str) -> tuple[Marked, list[WorkflowRun], list[str]]:
    """For a person who points at a folder: every run below it, whole."""
    found = marked((path,), {r.system: r.marks for r in readers()})
    unread: list[str] = []
    runs, twice = list[WorkflowRun](), Twice()
    for run in read(world, found.marks, unread):
        if (at := twice.before(run)) is None:
            runs.append(run)
        else:
            runs[at] = fuller_run(runs[at], run)
    return found, runs, unread


def _same_job(native: str, job_id: str) -> bool:
    return bool(native) and native == job_id


def _second(moment: str) -> str:
    """Without the fraction, so that it compares with a job's times, which have none."""
    return re.sub(r"\.\d+(?=[+-])", "", moment)


def _backwards(moment: str) -> tuple[int, ...]:
    return tuple(-ord(c) for c in moment)


PROBE = Probe(
    "workflow-runs",
    WorkflowRuns,
    collect,
    frozenset({Phase.LATER}),
    source="the engines' own records below the work directory",
)
