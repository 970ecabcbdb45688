"""How is an image had by the ways that are open, the best first, and how far is what came of it the one that ran?

Whatever goes wrong with one way is said and the next one is tried; nothing half is left behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.replay.images.asengine import had_in_engine
from auditor.replay.images.asfile import had_as_file
from auditor.replay.images.choices import Choice, Step, Way
from auditor.replay.images.find import with_tree
from auditor.replay.images.kinds import Target, target
from auditor.replay.images.level import ENOUGH, level, recorded
from auditor.replay.images.places import Got, Place
from auditor.verdict import ImageVerdict
from auditor.world import World
from probes.containers import ImageFacts, Level
from probes.containers.oci import BadImage
from probes.containers.oci import here as this_platform
from reports.archive import engines
from reports.archive.engines import NotHad
from reports.archive.recipe import RecipeImage


@dataclass(frozen=True)
class Had:
    """What came of it. word: what a runtime must be given for this image, empty: what the script types; added: what an engine was
    given that it did not have, to be taken out again."""

    verdict: ImageVerdict
    word: str = ""
    added: tuple[str, ...] = ()


def obtain(choice: Choice, where: Place, world: World) -> Had:
    """Try each open way in turn. Never raises for an image that cannot be had: way `none` says why."""
    image, told = choice.image, list(choice.closed)
    for step in choice.steps:
        try:
            got = _do(step, image, where, world)
        except (NotHad, BadImage) as error:
            told.append(f"{step.way}: {error}")
            continue
        except OSError as error:
            told.append(f"{step.way}: {error.strerror or error}")
            continue
        found = level(image, got.facts, got.image_id)
        if found.level not in (Level.BYTE_SAME, Level.SAME_IMAGE) and os.path.isabs(got.word):
            found = level(image, with_tree(got.facts, got.word, recorded(image).tree_rules, world))
        if step.way is Way.REBUILT or found.level in ENOUGH:
            failed = "".join(f"; {line}" for line in told if line not in choice.closed)
            return Had(ImageVerdict(image.reference, step.way, found.level, found.why + failed), got.word, got.added)
        engines.remove(image.runtime, got.added, world)
        told.append(f"{step.way}: it is not the image that ran ({found.level}: {found.why})")
    return Had(ImageVerdict(image.reference, "none", "unknown", "; ".join(told)))


def _do(step: Step, image: RecipeImage, where: Place, world: World) -> Got:
    kind = target(image)
    if kind is Target.TYPED:
        digest = image.pull.partition("@")[2]
        return Got("", ImageFacts(image.reference, index=digest, platform=this_platform(), source="the name as typed"))
    return (had_as_file if kind is Target.FILE else had_in_engine)(step, image, where, world)


def added(had: tuple[tuple[RecipeImage, Had], ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Engine and names, to take out again."""
    yield from ((image.runtime, one.added) for image, one in had if one.added)
