"""Can the named images still be had, and is a tag still what it was? Asked of registries, only where the user's settings allow it."""

from __future__ import annotations

from collections.abc import Mapping

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes.containers import Reference, RegistryImages
from probes.containers.scripts import named

TRANSPORTS = frozenset({"docker", "oras"})


class NotAsked(LookupError):
    """Nothing was sent anywhere: the setting says so."""


def collect(world: World, job: Job) -> RegistryImages | Absent:
    wanted = {r.resolved: r for r in named(world, job) if r.transport in TRANSPORTS and r.resolved and r.name}
    if not wanted:
        return Absent("no image of a registry is named")
    from auditor.config import load

    if not load(job.workdir or world.cwd, world.env).config.ask_registries:
        raise NotAsked("ask_registries is off; `auditor config ask_registries true` lets registries be asked")
    return look(world, job, wanted)


def look(world: World, job: Job, wanted: Mapping[str, Reference]) -> RegistryImages:
    """Ask about each name, each registry within one deadline; and about the digest that ran, where the traces tell it.

    Raises Unreachable when nobody gave an answer.
    """
    from probes.containers.distribution import Registry, ask  # what talks over a network is loaded by those who do
    from probes.containers.fetch import Unreachable

    ran = _ran(world, job) if job.ended_at else {}
    registries: dict[str, Registry] = {}
    found = []
    for text, reference in wanted.items():
        registry = registries.setdefault(reference.registry, Registry(reference.registry, world.env))
        found.append(ask(registry, reference, ran.get(text, "") or reference.digest))
    if all(image.state == "unreachable" for image in found):
        raise Unreachable("; ".join(dict.fromkeys(image.reason for image in found)))
    return RegistryImages(tuple(found))


def _ran(world: World, job: Job) -> dict[str, str]:
    from probes.containers.ran import seen

    return {image.typed: image.image.index or image.image.manifest for image in seen(world, job, hashed=False)[0]}


PROBE = Probe(
    name="registry",
    kind=RegistryImages,
    collect=collect,
    phases=frozenset({Phase.SUBMIT, Phase.LATER}),
    source="registries",
)
