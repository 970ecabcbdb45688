"""By which ways can each image of a run be had here, in which order, and why not by the others? Looks only; nothing is fetched or written.

In the bundle → on this machine with the same content → from its registry by digest → built anew from what it was built from.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from auditor.replay.images.find import file_here, stored
from auditor.replay.images.kinds import Target, target
from auditor.world import World
from reports.archive.engines import NotHad
from reports.archive.recipe import Recipe, RecipeImage


class Way(StrEnum):
    """The word for it in a verdict."""

    CARRIED = "carried"
    HERE = "here"
    PULLED = "pulled"
    REBUILT = "rebuilt"


@dataclass(frozen=True)
class Step:
    """One way that is open. told: what will be done, for the person who says yes. where: path or name of what is here."""

    way: Way
    told: str
    where: str = ""


@dataclass(frozen=True)
class Choice:
    """An image and its open ways, the best first; closed: why the others are not, in words."""

    image: RecipeImage
    steps: tuple[Step, ...]
    closed: tuple[str, ...]


@dataclass(frozen=True)
class Allowed:
    """What the person allows. pull: ask registries. rebuild: run what an image was built from. inputs: a folder to look in."""

    pull: bool = False
    rebuild: bool = False
    inputs: str = ""


def choices(recipe: Recipe, allowed: Allowed, world: World) -> tuple[Choice, ...]:
    return tuple(_choice(image, recipe, allowed, world) for image in recipe.images)


def _choice(image: RecipeImage, recipe: Recipe, allowed: Allowed, world: World) -> Choice:
    found = list(_ways(image, recipe, allowed, world))
    return Choice(image, tuple(s for s in found if isinstance(s, Step)), tuple(s for s in found if isinstance(s, str)))


def _ways(image: RecipeImage, recipe: Recipe, allowed: Allowed, world: World) -> Iterator[Step | str]:
    yield _carried(image)
    yield _here(image, recipe, allowed, world)
    yield _pulled(image, allowed)
    yield _rebuilt(image, allowed)


def _carried(image: RecipeImage) -> Step | str:
    if not image.carried:
        return f"not carried ({image.reason})" if image.reason else "not carried"
    into = f", loaded into {image.runtime} and taken out again after the run" if target(image) is Target.ENGINE else ""
    return Step(Way.CARRIED, f"take it from the bundle ({image.size / 1e6:.1f} MB{into})")


def _here(image: RecipeImage, recipe: Recipe, allowed: Allowed, world: World) -> Step | str:
    try:
        if target(image) is Target.FILE:
            path = file_here(image, recipe.workdir, allowed.inputs, world)
            return Step(Way.HERE, f"use {path}, which has the same content", path)
        if target(image) is Target.ENGINE:
            name = stored(image, world)
            return Step(Way.HERE, f"use {image.runtime}'s image {name[:19]}, which is the same", name)
    except NotHad as error:
        return str(error)
    return f"images that {image.runtime} fetches itself are not looked for"


def _pulled(image: RecipeImage, allowed: Allowed) -> Step | str:
    if not image.pull:
        return "no digest to pull it by"
    if not allowed.pull:
        return f"--pull would ask its registry for {image.pull}"
    if target(image) is Target.TYPED:
        fixed = image.pull.partition("@")[2] in image.reference
        told = f"let {image.runtime} fetch it: the script itself names the digest (network)"
        return Step(Way.PULLED, told) if fixed else f"{image.runtime} can only fetch it by the name that the script types"
    kept = ", taken out again after the run" if target(image) is Target.ENGINE else ""
    return Step(Way.PULLED, f"pull {image.pull} (network{kept})", image.pull)


def _rebuilt(image: RecipeImage, allowed: Allowed) -> Step | str:
    if not image.definition:
        return "nothing is known that it was built from"
    if target(image) is Target.TYPED:
        return f"{image.runtime} builds no images"
    if not allowed.rebuild:
        return f"--rebuild-images would build it anew from {os.path.basename(image.definition)}"
    told = f"build it anew from {os.path.basename(image.definition)} with {image.builder.replace('dockerfile', image.runtime)}"
    return Step(Way.REBUILT, f"{told}: runs its commands in a container, with network; it may come out as another image")
