"""How does an image come into an engine's store for a replay: loaded, pulled or built, and what is it then?"""

from __future__ import annotations

from auditor.replay.images.choices import Step, Way
from auditor.replay.images.find import in_engine
from auditor.replay.images.pack import docker_archive
from auditor.replay.images.places import Got, Place, new
from auditor.world import World
from reports.archive import engines
from reports.archive.recipe import RecipeImage


def had_in_engine(step: Step, image: RecipeImage, where: Place, world: World) -> Got:
    name = {Way.CARRIED: _load, Way.HERE: _known, Way.PULLED: _pull, Way.REBUILT: _build}[step.way](step, image, where, world)
    image_id, told = in_engine(image, name, world)
    added = () if step.way is Way.HERE else (name,)
    return Got(image_id, told, image_id, added)


def _load(_step: Step, image: RecipeImage, where: Place, world: World) -> str:
    where.images.mkdir(parents=True, exist_ok=True)
    with docker_archive(where.crate / image.carried, where.images) as archive:
        return engines.load(image.runtime, str(archive), world)


def _known(step: Step, _image: RecipeImage, _where: Place, _world: World) -> str:
    return step.where


def _pull(_step: Step, image: RecipeImage, _where: Place, world: World) -> str:
    engines.pull(image.runtime, image.pull, world)
    return image.pull


def _build(_step: Step, image: RecipeImage, where: Place, world: World) -> str:
    where.images.mkdir(parents=True, exist_ok=True)
    note = new(where.images, image, ".id")
    return engines.build(image.runtime, str(where.crate / image.definition), str(where.work), str(note), world)
