"""Which archive was each distribution installed from, as far as anybody near it knows? What can be proved first, then what is declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from auditor.world import World
from probes.python import declared, uvcache
from probes.python.distributions import Archive, Distribution


def archives(
    world: World, found: Mapping[str, Distribution], variables: Mapping[str, str], near: Sequence[str]
) -> dict[str, Archive]:
    """By name. The installer's own note, else uv's cache, else a lock file in one of the folders `near` or above."""
    cache = uvcache.folder(variables)
    cache = cache if cache and world.exists(cache) else ""
    locks = declared.locks(world, [n for n in near if n])
    known = ((name, _archive(world, one, cache, locks)) for name, one in found.items())
    return {name: archive for name, archive in known if archive}


def _archive(world: World, one: Distribution, cache: str, locks: Sequence[declared.Locked]) -> Archive | None:
    if one.archive or one.source != "index":
        return one.archive
    proved = uvcache.archive(world, cache, one) if cache and one.installer == "uv" else None
    return proved or declared.archive(locks, one.name, one.version, one.tags)
