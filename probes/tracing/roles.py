"""Which of a run's data files does its trace know, as inputs and as outputs? For who lists files by content."""

from __future__ import annotations

import os.path
from collections.abc import Iterable
from dataclasses import dataclass

from auditor.model import Job
from auditor.world import World
from probes.tracing import CODE, FileTrace
from probes.tracing.touched import collect


@dataclass(frozen=True)
class Roles:
    """Absolute paths, below the work directory in the spelling of its name. sure: what is not among `outputs` this run did not write."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    sure: bool


def roles(world: World, job: Job, root: str) -> Roles | None:
    """None: there is no trace, or none that can be read, which the evidence of the trace itself says."""
    try:
        found = collect(world, job)
    except (OSError, ValueError):
        return None
    if not isinstance(found, FileTrace):
        return None
    real = os.path.realpath(root)
    script = os.path.realpath(os.path.join(root, job.script_path)) if job.script_path else ""
    inputs = (p for p in found.inputs if not p.lower().endswith(CODE) and p != script)
    return Roles(tuple(_spelt(inputs, real, root)), tuple(_spelt(found.outputs, real, root)), found.complete)


def _spelt(paths: Iterable[str], real: str, root: str) -> Iterable[str]:
    """The kernel tells paths without links; the work directory may have been named through one."""
    for path in paths:
        yield root + path[len(real) :] if real != root and path.startswith(f"{real}/") else path
