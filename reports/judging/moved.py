"""Is an image at one moment the one of another? By the identity ladder; by size, time and id where no digest is known of both."""

from __future__ import annotations

from dataclasses import dataclass

from probes.containers import ContainerIdentities, ImageIdentity, Level
from reports.judging.imagefacts import facts
from reports.judging.ladder import same
from reports.judging.sightings import difference, images

RUNS_ALIKE = (Level.BYTE_SAME, Level.SAME_IMAGE, Level.SAME_LAYERS)
"""On these levels nothing that runs can differ."""


@dataclass(frozen=True)
class Moved:
    """level: of the ladder. moved: True, False, or None where it cannot be told. why: what it was and became, or why it is the same."""

    level: Level
    moved: bool | None
    why: str


def moved(before: ImageIdentity, after: ImageIdentity) -> Moved:
    """Two sightings of one reference."""
    told = same(facts(before), facts(after))
    if told.level in RUNS_ALIKE:
        return Moved(told.level, False, told.why)
    changed = difference(_sighting(before), _sighting(after))
    if changed:
        return Moved(told.level, True, f"was {changed[0]} and became {changed[1]}")
    if told.level in (Level.SAME_NAME, Level.DIFFERENT, Level.SAME_LAYERS_OTHER_SETTINGS):
        return Moved(told.level, True, told.why)
    if told.level is Level.SAME_FILES:
        return Moved(told.level, False, told.why)
    if before.state == after.state == "ok" and before.image_id and before.image_id == after.image_id:
        same_file = before.size == after.size and before.mtime_ns == after.mtime_ns
        return Moved(told.level, False, "no digest, and the same id" + (", size and time" if same_file and before.size else ""))
    return Moved(told.level, None, told.why)


def _sighting(identity: ImageIdentity) -> dict[str, str]:
    return dict(images(ContainerIdentities((identity,)))[identity.reference])
