"""Where are the data sets that a run referred to? In the given folder, in a registry, or where they lay; only the same tree will do."""

from __future__ import annotations

import os
from collections.abc import Iterator

from auditor.model import AuditError
from auditor.world import World
from probes.datasets.refer import refer
from probes.datasets.registry import places
from probes.datasets.unchanged import EXCLUDED
from probes.manifest.build import NO_LIMIT, Limits
from probes.manifest.look import Wish
from probes.manifest.tree import manifest
from reports.archive.recipe import Recipe, RecipeDataset


def find(recipe: Recipe, folder: str, world: World) -> tuple[dict[str, str], dict[str, str]]:
    """Place -> folder with exactly this tree; place -> why there is none. What is registered here and unchanged is not read."""
    found: dict[str, str] = {}
    missing: dict[str, str] = {}
    for wanted in recipe.datasets:
        there = [path for path in _candidates(recipe, wanted, folder, world) if os.path.isdir(path)]
        same = next((path for path in there if _digest(world, path) == wanted.digest), "")
        if same:
            found[wanted.place] = same
        else:
            missing[wanted.place] = _where(wanted) + (f"; {there[0]} is another one (its digest differs)" if there else "")
    return found, missing


def _where(wanted: RecipeDataset) -> str:
    get = f"https://doi.org/{wanted.doi}" if wanted.doi else wanted.url
    name = f"data set {wanted.name} {wanted.version}".rstrip()
    return f"{name} is not here; get it{f' from {get}' if get else ''} and name its folder with --inputs"


def _candidates(recipe: Recipe, wanted: RecipeDataset, folder: str, world: World) -> Iterator[str]:
    if folder:
        yield os.path.join(folder, wanted.place.lstrip("/"))
        yield os.path.join(folder, os.path.basename(wanted.place))
        yield os.path.join(folder, wanted.name, wanted.part)
    yield from (os.path.join(p.root, wanted.part) for p in places(world, world.cwd) if p.dataset.name == wanted.name)
    yield os.path.normpath(os.path.join(recipe.workdir, wanted.place))


def _digest(world: World, path: str) -> str:
    """Of the tree: as registered here where it is unchanged, else hashed."""
    known = refer(places(world, world.cwd), [path], [], Limits(NO_LIMIT, float("inf"), 0)).references
    if known and known[0].path == path and known[0].state == "unchanged":
        return known[0].digest
    try:
        return manifest(world, (path,), Wish(exclude=EXCLUDED), lambda _: None).digest
    except (AuditError, OSError):
        return ""
