"""What did Dask run here? By itself it leaves nothing: the log of auditor's preload, or the files that a user had it make."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from glob import escape

from auditor.world import World
from probes.records.lines import one_line
from probes.workflows import Reader, State, Unreadable, WorkflowRun
from probes.workflows import dask_log as log
from probes.workflows import dask_made as made

SYSTEM = "dask"
SNIFFED = 1 << 18
_WAYS: tuple[tuple[str, bytes, Callable[[World, str, str], WorkflowRun]], ...] = (
    ("dask-*.jsonl", b'"what"', log.read),
    ("*dask*.html", b"Dask Performance Report", made.report),
    ("*dask*stream*.json", b'"startstops"', made.stream),
    ("*dask*dump*.yaml", b"scheduler:", made.dump),
)
"""Names, what must be near the beginning of such a file, and how it is read."""


def read(world: World, folder: str) -> Iterator[WorkflowRun]:
    runs = [
        run
        for names, sign, way in _WAYS
        for path in world.glob(f"{escape(folder)}/{names}")
        for run in _one(world, folder, path, sign, way)
    ]
    yield from sorted(runs, key=lambda r: r.started, reverse=True)


def _one(
    world: World, folder: str, path: str, sign: bytes, way: Callable[[World, str, str], WorkflowRun]
) -> Iterator[WorkflowRun]:
    try:
        if world.stat(path, follow=False).is_file and sign in world.span(path, 0, SNIFFED):
            yield way(world, folder, path)
    except (OSError, ValueError, Unreadable) as error:
        name = os.path.basename(path)
        why = f"{name} cannot be read: {one_line(str(error))}"
        yield WorkflowRun(SYSTEM, "", name, folder, State.UNKNOWN, "its record cannot be read", gaps=(why,))


READER = Reader(SYSTEM, tuple(names for names, _, _ in _WAYS), read)
