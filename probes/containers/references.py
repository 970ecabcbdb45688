"""Which images do the batch script, the scripts it calls and its workflow files name? Read statically, at submission; where
variables name them, once more in the job, whose environment fills them in.
"""

from __future__ import annotations

from auditor.model import Absent, Grade, Job, Phase, Probe
from auditor.world import World
from probes.containers import ContainerReferences, Reference
from probes.containers.scripts import look
from probes.script.runenv import inside


def collect(world: World, job: Job) -> ContainerReferences | Absent:
    if not job.script and not job.argv:
        return Absent("the batch script is not known")
    found = look(world, job)
    if not found.references and not found.unread:
        return Absent("neither the script nor what it calls names an image")
    if (job.started_at or inside(world.env, job)) and all(_literal(r) for r in found.references):
        return Absent("images are named without variables: as at submission")
    return ContainerReferences(found.references, found.unread)


def _literal(reference: Reference) -> bool:
    return reference.sure and "$" not in reference.text and "`" not in reference.text


PROBE = Probe(
    name="container-references",
    kind=ContainerReferences,
    collect=collect,
    phases=frozenset({Phase.SUBMIT, Phase.START}),
    grade=Grade.DECLARED,
    source="batch script",
    version=2,
    guest=True,
)
