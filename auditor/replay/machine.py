"""Is this the machine that the original ran on? By the fingerprint over CPU model, flags and cores; when in doubt, yes."""

from __future__ import annotations

from auditor.model import Job, Phase
from auditor.registry import probes
from auditor.world import World
from probes.hardware import Hardware
from reports.archive.recipe import Recipe


def same_machine(recipe: Recipe, world: World) -> bool:
    """False only when both fingerprints are known and differ: a rung must not be earned by ignorance."""
    probe = probes().get("hardware")
    if not recipe.original.fingerprint or probe is None or Phase.START not in probe.phases:
        return True
    try:
        found = probe.collect(world, Job("local", "replay"))
    except (OSError, LookupError, ValueError, TimeoutError):
        return True
    found = getattr(found, "value", found)
    return not isinstance(found, Hardware) or found.fingerprint == recipe.original.fingerprint
