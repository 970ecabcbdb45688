"""How far is the image that a replay got the one that ran? By the ladder over what is known of both."""

from __future__ import annotations

from dataclasses import replace

from probes.containers import ImageFacts, Level
from reports.archive.recipe import RecipeImage
from reports.judging.ladder import Same, same

ENOUGH = frozenset({Level.BYTE_SAME, Level.SAME_IMAGE, Level.SAME_LAYERS, Level.SAME_FILES})
"""What an image must reach that is said to be the same one. One that is built anew may come out at any level; it is said which."""


def recorded(image: RecipeImage) -> ImageFacts:
    """What the bundle knows of the image that ran; bundles of older versions say less."""
    known = image.facts or ImageFacts(image.reference)
    digest = image.pull.partition("@")[2]
    return replace(
        known,
        file=known.file or (f"sha256:{image.sha256}" if image.sha256 else ""),
        index=known.index or ("" if known.manifest else digest),
    )


def level(image: RecipeImage, got: ImageFacts, image_id: str = "") -> Same:
    """image_id: as the engine has it. It is a digest of the image whatever store made it: equal ids are one image."""
    found = same(recorded(image), got)
    if found.level in (Level.BYTE_SAME, Level.SAME_IMAGE):
        return found
    ids = {got.config, got.manifest, got.index, image_id} - {""}
    if image.image_id in ids:
        return Same(Level.SAME_IMAGE, f"the image id is the same: {image.image_id}")
    digest = image.pull.partition("@")[2]
    if digest and digest in ids:
        return Same(Level.BYTE_SAME, f"fetched by its digest: {digest}")
    return found
