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
    known = {name: one.archive or _proved(world, cache, one) for name, one in found.items()}
    unknown = [name for name, archive in known.items() if archive is None and found[name].source == "index"]
    locks = declared.locks(world, [n for n in near if n]) if unknown else ()
    known |= {name: declared.archive(locks, found[name].name, found[name].version, found[name].tags) for name in unknown}
    return {name: archive for name, archive in known.items() if archive}


def _proved(world: World, cache: str, one: Distribution) -> Archive | None:
    return uvcache.archive(world, cache, one) if cache and one.source == "index" and one.installer == "uv" else None
