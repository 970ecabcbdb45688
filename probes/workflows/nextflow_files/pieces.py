"""Which pieces of a task belong together, and to which run? The head of a task's hash is in the log, the trace, the lineage and the path of its directory."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from auditor.world import World
from probes.records.lines import one_line, why
from probes.records.within import below, relative
from probes.workflows import Place
from probes.workflows.nextflow_files.facts import Piece
from probes.workflows.nextflow_files.lineage import Lineage
from probes.workflows.nextflow_files.log import Log
from probes.workflows.nextflow_files.taskdir import find, taskdir
from probes.workflows.nextflow_files.trace import Trace, key_of

MAX_DIRECTORIES = 20_000


@dataclass
class Source:
    """What all runs of one launch folder share. runs: how many there are. directories: how many have been read."""

    world: World
    path: str
    traces: list[Trace]
    lineage: Lineage
    runs: int
    directories: int = 0


def gathered(here: Source, log: Log, command: str, session: str, gaps: list[str]) -> list[Piece]:
    """All that is known of each task of this run; what could not be read is added to `gaps`."""
    pieces = {key: Piece(key, one) for key, one in log.tasks.items()}
    others = set(log.tasks) if log.tasks else None
    for trace in _mine(here, log, command):
        for line, row in trace.rows:
            key = key_of(row) or f"task-{row.get('task_id') or line}"
            if others is not None and here.runs > 1 and key not in others:
                continue
            piece = pieces.setdefault(key, Piece(key))
            piece.row, piece.row_place = {**piece.row, **row}, Place(trace.path, f"line {line}")
    for key, entry in here.lineage.steps.items():
        if entry.spec.get("sessionId") == session and (key in pieces or (here.runs == 1)):
            pieces.setdefault(key, Piece(key)).entry = entry
    _directories(here, pieces, log.value("workdir"), gaps)
    return list(pieces.values())


def _mine(here: Source, log: Log, command: str) -> list[Trace]:
    """Traces that tell of tasks of this run's log; a single trace of a single run is its own, and one that its command names."""
    keys = set(log.tasks)
    asked = re.search(r"-with-trace[ =]([^\s-]\S*)", command)
    return [
        trace
        for trace in here.traces
        if (keys & trace.keys) or here.runs == 1 or (not keys and asked and os.path.normpath(asked[1]) == trace.path)
    ]


def _directories(here: Source, pieces: Mapping[str, Piece], work: str, gaps: list[str]) -> None:
    near = _work(here, work)
    if near is None:
        if pieces:
            gaps.append(
                f"the work directory {one_line(work) or 'work'} does not lie in the folder: task directories were not read"
            )
        return
    for key, piece in pieces.items():
        if here.directories >= MAX_DIRECTORIES:
            gaps.append(f"more than {MAX_DIRECTORIES} task directories: the rest was not read")
            return
        here.directories += 1
        try:
            if "/" in key and (path := find(here.world, here.path, near, key)):
                piece.directory = taskdir(here.world, here.path, path)
        except OSError as error:
            gaps.append(f"{near}/{key}: {why(error)}")


def _work(here: Source, work: str) -> str | None:
    """Where the work lies below the folder now: as it was named, or by its last name where the tree was moved."""
    for name in dict.fromkeys((relative(here.path, work) if work else "work", os.path.basename(work.rstrip("/")) or "work")):
        try:
            if not name.startswith("/") and here.world.stat(below(here.world, here.path, name), follow=False).is_dir:
                return name
        except OSError:
            continue
    return None
