"""What did Ray run here? Export events of a session, where they were switched on and copied in time; result folders of Tune and Train."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from glob import escape

from auditor.world import World
from probes.records.lines import one_line
from probes.workflows import Reader, State, Unreadable, WorkflowRun
from probes.workflows.ray_export import runs
from probes.workflows.ray_tune import run

SYSTEM = "ray"


def read(world: World, folder: str) -> Iterator[WorkflowRun]:
    found = []
    if world.exists(os.path.join(folder, "export_events")):
        found += _tried(folder, lambda: list(runs(world, folder)))
    if world.glob(f"{escape(folder)}/experiment_state-*.json"):
        found += _tried(folder, lambda: [run(world, folder)])
    yield from sorted(found, key=lambda r: r.started, reverse=True)


def _tried(folder: str, way: Callable[[], list[WorkflowRun]]) -> list[WorkflowRun]:
    try:
        return way()
    except (OSError, ValueError, Unreadable) as error:
        why = f"it cannot be read: {one_line(str(error))}"
        return [
            WorkflowRun(SYSTEM, "", os.path.basename(folder), folder, State.UNKNOWN, "its record cannot be read", gaps=(why,))
        ]


READER = Reader(SYSTEM, ("export_events", "experiment_state-*.json"), read)
