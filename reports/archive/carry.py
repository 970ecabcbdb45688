"""Which images travel in a bundle, as what, and why do the others not?

`digest`: none, they are named so that a registry or an engine can be asked for them. `carry`: what is on this machine, within a size
budget: image files as they are, an engine's image as an OCI image layout, what Apptainer made of a registry's image from its cache.
`fetch`: also what only its registry still has. What an image was built from is always taken along; it is small.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from auditor.redact import Redactor
from auditor.world import World
from reports.archive.bag import Item
from reports.archive.cleaned import Redaction, clean
from reports.archive.images import file_image
from reports.archive.known import Known
from reports.archive.names import Names
from reports.archive.recipe import RecipeFile, RecipeImage
from reports.archive.taken import ENGINES, Policy, Work, content, stem

POLICIES = ("digest", "carry", "fetch")
LIMIT = 4_000_000_000
"""Bytes: about one image with a GPU stack in it."""
RECIPE_BYTES = 1 << 20
BUILD_FILES = ("Dockerfile", "Containerfile")


@dataclass(frozen=True)
class Carried:
    """What goes into the crate, what the recipe says of it, what was taken out."""

    items: tuple[Item, ...]
    images: tuple[RecipeImage, ...]
    redactions: tuple[Redaction, ...] = ()


def carry(
    images: Sequence[RecipeImage], files: Sequence[RecipeFile], known: Known, policy: Policy, redactor: Redactor, world: World
) -> Carried:
    """Look at each image in turn; never raises for one that cannot be had."""
    work = Work(known, policy, Names(), {f.sha256: f.carried for f in files if f.carried and f.sha256 and not f.redacted})
    made = Carried((), ())
    left = policy.limit
    for image in images:
        recipe = _recipe(image, files, work, redactor, world)
        items, told = content(image, left, work, world)
        left -= sum(item.size or len(item.data) for item in items)
        told = replace(told, definition=recipe.images[0].definition, builder=recipe.images[0].builder)
        made = Carried((*made.items, *recipe.items, *items), (*made.images, told), (*made.redactions, *recipe.redactions))
    return made


def _recipe(image: RecipeImage, files: Sequence[RecipeFile], work: Work, redactor: Redactor, world: World) -> Carried:
    """What it was built from: the definition inside the image file, or the one build file beside the script."""
    sif = file_image(image.reference, image.sha256, work.known) if image.transport == "file" else None
    if sif and sif.definition:
        return _text(image, sif.definition.encode("utf-8", "surrogateescape"), "apptainer", work, redactor)
    if image.runtime not in ENGINES or image.transport != "docker":
        return Carried((), (image,))
    for name in BUILD_FILES:
        if there := next((f.carried for f in files if f.role == "code" and f.place == name and f.carried), ""):
            return Carried((), (replace(image, definition=there, builder="dockerfile"),))
        path = os.path.join(work.known.root, name)
        try:
            if os.path.isabs(path) and world.stat(path).is_file:
                return _text(image, world.read(path, RECIPE_BYTES), "dockerfile", work, redactor)
        except (OSError, LookupError):
            continue
    return Carried((), (image,))


def _text(image: RecipeImage, raw: bytes, builder: str, work: Work, redactor: Redactor) -> Carried:
    cleaned, count = clean(raw, redactor)
    suffix = "def" if builder == "apptainer" else "Dockerfile"
    name = work.names.new("images", f"{stem(image)}.{suffix}")
    notes = (Redaction(name, "secret", count, "replaced"),) if count else ()
    return Carried((Item(name, cleaned),), (replace(image, definition=name, builder=builder),), notes)
