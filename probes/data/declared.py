"""Which files and folders do these declared paths and globs mean, and what is in them?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from auditor.model import Job
from auditor.world import World
from probes.data import Skipped
from probes.data.part import Part, by_content, without
from probes.manifest.build import Limits
from probes.manifest.patterns import of_task

if TYPE_CHECKING:
    from probes.data.since import Since

_URL = re.compile(r"[a-z][a-z0-9+.-]+://")


def declared(world: World, root: str, job: Job, role: str, limits: Limits, since: Since | None = None) -> Part:
    """The job's inputs or outputs. since: the run is over; of its inputs, what was written after it began is named and not read."""
    absent: list[Skipped] = []
    patterns = [of_task(p, job.job_id) for p in (job.inputs if role == "input" else job.outputs)]
    paths = [os.path.normpath(p) for pattern in patterns for p in _meant(world, root, pattern, role, absent)]
    folders, files = [p for p in paths if os.path.isdir(p)], [p for p in paths if not os.path.isdir(p)]
    left = since.split(files) if since else ()
    gone = {one.path for one in left}
    part = by_content(world, root, role, "declared", limits, folders=folders, files=[p for p in files if p not in gone])
    if since:
        left = (*left, *since.among(part.found.entries))
    return replace(without(part, left), absent=tuple(absent))


def _meant(world: World, root: str, pattern: str, role: str, absent: list[Skipped]) -> Iterator[str]:
    if _URL.match(pattern):
        absent.append(Skipped(pattern, role, "remote"))
        return
    literal = os.path.join(root, pattern)
    try:
        paths = (literal,) if os.path.lexists(literal) else world.glob(literal)
    except ValueError:  # a NUL, or a pattern that is none
        absent.append(Skipped(pattern, role, "not-a-path"))
        return
    if not paths:
        absent.append(Skipped(pattern, role, "absent"))
    yield from paths
