"""What changed between submission and start? Slurm freezes only the batch script; the exact thing is named, and nothing else.

Compared are things that both snapshots looked at. Git is not read again in the job: changed code shows in the called files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from auditor.model import Need, Phase
from auditor.scorecard import Change
from probes.called import CalledFiles
from probes.containers import ContainerIdentities
from probes.data import DataManifest
from probes.environment import Environment
from probes.modules import LoadedModules
from probes.submission import Submission
from reports.judging import sightings
from reports.judging.record import Record
from reports.judging.sightings import Sighting, difference

VIEWS: tuple[tuple[str, type, Callable[[Any], Mapping[str, Sighting]]], ...] = (
    ("called-file", CalledFiles, sightings.called),
    ("image", ContainerIdentities, sightings.images),
    ("module", LoadedModules, sightings.modules),
    ("input", DataManifest, sightings.inputs),
    ("batch-script", Submission, sightings.script),
    ("environment", Environment, sightings.variables),
)
"""What is compared, and how each thing in it is told apart."""
CORE = (CalledFiles, ContainerIdentities, LoadedModules, DataManifest)
"""Both snapshots must have looked at these before we say that nothing changed."""


def drift(seen: Record) -> tuple[tuple[Change, ...], str]:
    """The changes, and `found`, `none` or `unknown`."""
    changes = tuple(c for what, kind, view in VIEWS for c in _changes(seen, what, kind, view))
    if changes:
        return changes, "found"
    return (), "none" if all(_looked(seen, kind) for kind in CORE) else "unknown"


def _changes(seen: Record, what: str, kind: type, view: Callable[[Any], Mapping[str, Sighting]]) -> Iterator[Change]:
    before, after = seen.value(kind, Phase.SUBMIT), seen.value(kind, Phase.START)
    if before is None or after is None:
        return
    old, new = view(before.value), view(after.value)
    for name in sorted(old.keys() & new.keys()):
        if found := difference(old[name], new[name]):
            yield Change(what, name, *found, (before.evidence_id, after.evidence_id))


def _looked(seen: Record, kind: type) -> bool:
    """Did both snapshots look? One that failed or is missing leaves it open."""
    both = [seen.look(Need(kind, (phase,))) for phase in (Phase.SUBMIT, Phase.START)]
    return all((a.fact and not a.stale) or a.absent for a in both)
