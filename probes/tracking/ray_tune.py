"""Which trials did Ray Tune, or which training did Ray Train, record here? The same folders as probes.workflows.ray_tune reads, trial by trial."""

from __future__ import annotations

import os
from collections.abc import Iterator

from auditor.world import World
from probes.tracking import Metric, Model, Reader, TrackedRun
from probes.tracking.told import bounded, seeds
from probes.workflows import State, Task, WorkflowRun
from probes.workflows.ray_tune import MAX_METRICS, run

_PROOF = {
    State.SUCCEEDED: "Tune's own state of the trial is TERMINATED",
    State.FAILED: "Tune's own state of the trial is ERROR",
    State.NOT_RUN: "Tune's own state of the trial is PENDING",
    State.RUNNING: "Tune's own state of the trial is RUNNING, and it was written to lately",
    State.KILLED: "Tune's own state of the trial is RUNNING, and it was not written to for long",
}


def read(world: World, folder: str) -> Iterator[TrackedRun]:
    """Trials of the search in this folder, as they are listed. Raises probes.workflows.Unreadable, OSError."""
    search = run(world, folder)
    for task in search.tasks:
        yield _trial(search, task)


def _trial(search: WorkflowRun, task: Task) -> TrackedRun:
    last = task.attempts[-1] if task.attempts else None
    parameters = bounded(task.parameters)
    cut = len(search.metrics) >= MAX_METRICS
    return TrackedRun(
        system="ray-tune",
        id=task.id,
        folder=search.folder,
        state=task.state,
        proof=_PROOF.get(task.state, "Tune tells no state of the trial that is known here"),
        name=task.id,
        experiment=search.name,
        started=next((a.started for a in task.attempts if a.started), ""),
        ended=last.ended if last else "",
        host=last.host if last else "",
        source=task.name,
        parameters=parameters,
        metrics=tuple(
            Metric(m.name.removeprefix(f"{task.id}/"), m.value, m.count)
            for m in search.metrics
            if m.name.startswith(f"{task.id}/")
        ),
        models=tuple(
            Model(os.path.basename(f.path), "made", f.path, "checkpoint", size=f.size, digests=f.digests)
            for f in task.files
            if os.path.basename(f.path).startswith("checkpoint")
        ),
        seeds=seeds(parameters),
        place=task.place,
        gaps=(f"only {MAX_METRICS} metrics of the whole search were read",) if cut else (),
    )


READER = Reader("ray-tune", ("experiment_state-*.json",), read)
