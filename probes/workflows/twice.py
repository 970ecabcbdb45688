"""Is this a run that another record told of already? Nextflow's own files and the crate of nf-prov, Dask's log and its performance report."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from probes.workflows import Place, WorkflowRun
from probes.workflows.record import WorkflowSeen

MAX_TASKS = 200_000
"""Start times that are remembered, of all runs together."""
CLOSE, BEGUN = 0.01, 5.0
"""Seconds between two records of the start of one task, of one run."""
MAX_PLACES = 50


@dataclass
class _Known:
    system: str
    id: str
    started: float | None
    tasks: dict[str, float]


class Twice:
    """The runs that were told so far, by their position."""

    def __init__(self) -> None:
        self._known: list[_Known] = []
        self._left = MAX_TASKS

    def before(self, run: WorkflowRun) -> int | None:
        """The position of the run that this one is; None: it is new, and known from now on."""
        new = _Known(run.system, _plain(run.id), _seconds(run.started), dict(self._starts(run)))
        for at, old in enumerate(self._known):
            if old.system == new.system and (_same_name(old, new) or _same_tasks(old.tasks, new.tasks)):
                old.tasks |= new.tasks
                return at
        self._known.append(new)
        return None

    def _starts(self, run: WorkflowRun) -> Iterator[tuple[str, float]]:
        for task in run.tasks:
            started = _seconds(task.attempts[-1].started) if task.attempts else None
            if started is not None and self._left > 0:
                self._left -= 1
                yield task.id, started


def fuller(one: WorkflowSeen, other: WorkflowSeen) -> WorkflowSeen:
    """The one that tells of more attempts, or of as many and of what binds them, with the places of both."""
    kept, left = sorted((one, other), key=lambda r: (r.attempts, sum(k.count for k in r.links), r.timed), reverse=True)
    return replace(kept, places=_places(kept.places, kept.folder, left.places, left.folder))


def fuller_run(one: WorkflowRun, other: WorkflowRun) -> WorkflowRun:
    def told(run: WorkflowRun) -> tuple[int, int]:
        return sum(len(t.attempts) for t in run.tasks), sum(len(t.needs) + len(t.files) for t in run.tasks)

    kept, left = sorted((one, other), key=told, reverse=True)
    return replace(kept, places=_places(kept.places, kept.folder, left.places, left.folder))


def _places(own: tuple[Place, ...], at: str, others: tuple[Place, ...], there: str) -> tuple[Place, ...]:
    moved = (replace(p, path=os.path.relpath(os.path.join(there, p.path), at)) for p in others)
    return tuple(dict.fromkeys((*own, *moved)))[:MAX_PLACES]


def _same_name(old: _Known, new: _Known) -> bool:
    """A session that is resumed keeps its name, and begins at another time."""
    if not old.id or old.id != new.id:
        return False
    return old.started is None or new.started is None or abs(old.started - new.started) <= BEGUN


def _same_tasks(old: dict[str, float], new: dict[str, float]) -> bool:
    """Most tasks of the smaller record began in the other at the same hundredth of a second; names alone repeat from run to run."""
    less, more = sorted((old, new), key=len)
    same = sum(name in more and abs(more[name] - began) <= CLOSE for name, began in less.items())
    return bool(less) and same * 2 > len(less)


def _plain(name: str) -> str:
    """`#082c8487-...` of a crate, `urn:uuid:082c8487-...`: what is left is the session. A name that is no such number may be anybody's."""
    found = re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", name.lower())
    return found[0] if found else ""


def _seconds(moment: str) -> float | None:
    return datetime.fromisoformat(moment).timestamp() if moment else None
