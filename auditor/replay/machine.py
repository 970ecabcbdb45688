"""Which machine is this, and is it the one that the original ran on? By the fingerprint over CPU model, flags and cores."""

from __future__ import annotations

from auditor.model import Job, Phase
from auditor.registry import probes
from auditor.world import World
from probes.hardware import Hardware
from reports.archive.recipe import Recipe


def fingerprint(world: World) -> str:
    """Empty when it cannot be told."""
    probe = probes().get("hardware")
    if probe is None or Phase.START not in probe.phases:
        return ""
    try:
        found = probe.collect(world, Job("local", "replay"))
    except (OSError, LookupError, ValueError, TimeoutError):
        return ""
    found = getattr(found, "value", found)
    return found.fingerprint if isinstance(found, Hardware) else ""


def same_machine(recipe: Recipe, here: str) -> bool:
    """False only when both fingerprints are known and differ: a rung must not be earned by ignorance."""
    return not here or not recipe.original.fingerprint or here == recipe.original.fingerprint
