"""What did one way of looking find? Files by content; what belongs to a registered data set is not read again."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auditor.world import RealWorld, World
from probes.data import Skipped
from probes.manifest.build import Left, Limits, Listing, listing

if TYPE_CHECKING:
    from probes.datasets.refer import Referred

NOTHING = Listing((), (), 0, 0)


@dataclass(frozen=True)
class Part:
    """role and how as in `probes.data.DataFile`; absent: what was named and is no file here."""

    role: str
    how: str
    found: Listing
    absent: tuple[Skipped, ...] = ()
    known: Referred | None = None


def by_content(
    world: World, root: str, role: str, how: str, limits: Limits, *, folders: Sequence[str] = (), files: Sequence[str] = ()
) -> Part:
    if not folders and not files:
        return Part(role, how, NOTHING)
    known = _known(world, root, folders, files, limits) if role == "input" else None
    if known:
        folders, files = known.folders, [*known.files, *known.again]
    found = NOTHING
    if folders or files:
        prune = frozenset(known.prune if known else ())
        found = listing(_outermost(folders), dict.fromkeys(files), limits=limits, world=world, tell=tell(world), prune=prune)
    return Part(role, how, found, known=known)


def _known(world: World, root: str, folders: Sequence[str], files: Sequence[str], limits: Limits) -> Referred | None:
    """None: no data set is registered. As little is opened in a job as can be."""
    from probes.datasets.registry import places

    if not (registered := places(world, root)):
        return None
    from probes.datasets.refer import refer

    return refer(registered, folders, files, limits)


def without(part: Part, left: Sequence[Left]) -> Part:
    """The part with these files named as left out, whether they are among those that were read or not."""
    gone = {one.path for one in left}
    kept = tuple(e for e in part.found.entries if e.path not in gone)
    return replace(part, found=part.found._replace(entries=kept, left=(*part.found.left, *left)))


def tell(world: World) -> Callable[[int, int], None] | None:
    """Who wants to hear how far a long reading is."""
    return world.tell if isinstance(world, RealWorld) else None


def _outermost(folders: Sequence[str]) -> tuple[str, ...]:
    """Without those that lie in another of them."""
    kept: list[str] = []
    for folder in sorted(set(folders)):
        if not kept or not folder.startswith(kept[-1].rstrip("/") + "/"):
            kept.append(folder)
    return tuple(kept)


def real(part: Part) -> set[tuple[str, str]]:
    """(role, real path) of each file that was read."""
    return {(part.role, os.path.realpath(e.path)) for e in part.found.entries}
