"""Which images do the batch script and the scripts it calls name? Read statically, at submission."""

from __future__ import annotations

from auditor.model import Absent, Grade, Job, Phase, Probe
from auditor.world import World
from probes.containers import ContainerReferences
from probes.containers.scripts import named


def collect(world: World, job: Job) -> ContainerReferences | Absent:
    if not job.script and not job.argv:
        return Absent("the batch script is not known")
    found = named(world, job)
    return ContainerReferences(found) if found else Absent("neither the script nor what it calls names an image")


PROBE = Probe(
    name="container-references",
    kind=ContainerReferences,
    collect=collect,
    phases=frozenset({Phase.SUBMIT}),
    grade=Grade.DECLARED,
    source="batch script",
)
