"""Which images do the batch script, the scripts it calls and its workflow files name? Read statically, at submission."""

from __future__ import annotations

from auditor.model import Absent, Grade, Job, Phase, Probe
from auditor.world import World
from probes.containers import ContainerReferences
from probes.containers.scripts import look


def collect(world: World, job: Job) -> ContainerReferences | Absent:
    if not job.script and not job.argv:
        return Absent("the batch script is not known")
    found = look(world, job)
    if not found.references and not found.unread:
        return Absent("neither the script nor what it calls names an image")
    return ContainerReferences(found.references, found.unread)


PROBE = Probe(
    name="container-references",
    kind=ContainerReferences,
    collect=collect,
    phases=frozenset({Phase.SUBMIT}),
    grade=Grade.DECLARED,
    source="batch script",
    version=2,
)
