"""Is exactly the image of the run on this machine already? By content only: a tag or a file name proves nothing."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import replace

from auditor.replay.images.level import ENOUGH, level, recorded
from auditor.world import World
from probes.containers import ImageFacts, Reference, treehash
from probes.containers.oci import here as this_platform
from probes.containers.sifread import read
from reports.archive.engines import NotHad, engine_image, inspect
from reports.archive.names import place
from reports.archive.recipe import RecipeImage
from reports.archive.sifcache import cached
from reports.judging.imagefacts import facts


def file_facts(path: str, world: World) -> ImageFacts:
    """What identifies an image file; of one that is no SIF only its sha256. Raises NotHad."""
    try:
        found = read(world, path)
        if found.encrypted:
            raise NotHad("its root file system is encrypted, and a replay hands on no keys")
        return facts(found)
    except ValueError:  # no SIF, or a damaged one
        return ImageFacts(path, file=f"sha256:{_sha256(path, world)}", source=path)
    except OSError as error:
        raise NotHad(f"{path} cannot be read: {error.strerror or error}") from None


def with_tree(known: ImageFacts, path: str, rules: str, world: World) -> ImageFacts:
    """With the digest over the files in it, where one by the same rules was recorded; it takes a while."""
    if rules != treehash.RULES or known.tree:
        return known
    try:
        return replace(known, tree=treehash.of_sif(world, path), tree_rules=treehash.RULES)
    except (OSError, ValueError) as error:
        return replace(known, source=f"{known.source}; its files were not hashed: {error}")


def _sha256(path: str, world: World) -> str:
    import hashlib

    digest = hashlib.sha256()
    for piece in world.chunks(path):
        digest.update(piece)
    return digest.hexdigest()


def file_here(image: RecipeImage, workdir: str, inputs: str, world: World) -> str:
    """The path of an image file with the content that ran. Raises NotHad: none, and what lies under its name instead."""
    if image.transport != "file" and not image.made:
        path, _ = cached(recorded(image), platform.machine(), world)
        if not path:
            raise NotHad("not in Apptainer's cache here")
        return path
    others = []
    for path in _candidates(place(image.made or image.reference, workdir), workdir, inputs):
        if not os.path.isfile(path):
            continue
        found = level(image, file_facts(path, world))
        if found.level in ENOUGH:
            return path
        known = bool(image.sha256 or image.facts)
        others.append(f"{path} is another file" if known else "its content is not known, so no file can be known to be it")
    raise NotHad("; ".join(dict.fromkeys(others)) or "not found here (--inputs names its folder)")


def _candidates(where: str, workdir: str, folder: str) -> Iterator[str]:
    if folder:
        yield from (os.path.join(folder, where.lstrip("/")), os.path.join(folder, os.path.basename(where)))
    yield os.path.join(workdir, where)


def from_cache(path: str, digest: str, world: World) -> ImageFacts:
    """A file of Apptainer's cache: its name proves which manifest or index it was made of."""
    return replace(file_facts(path, world), index=digest, platform=this_platform(), source=f"Apptainer's cache: {path}")


def stored(image: RecipeImage, world: World) -> str:
    """The id of the engine's image with the content that ran. Raises NotHad: none, and what its name stands for instead."""
    moved = False
    for name in dict.fromkeys(filter(None, (image.image_id, image.pull, image.reference))):
        told = inspect(image.runtime, name, world)
        if told is None:
            continue
        image_id, found = in_engine(image, name, world)
        if level(image, found, image_id).level in ENOUGH:
            return image_id
        moved = moved or name == image.reference
    known = image.image_id or image.pull or image.facts
    if moved:
        raise NotHad(
            f"{image.runtime} has another image under this name"
            if known
            else "its content is not known: the image of this name may be another"
        )
    raise NotHad(f"not in {image.runtime} here")


def in_engine(image: RecipeImage, name: str, world: World) -> tuple[str, ImageFacts]:
    """Id and facts of an engine's image. Raises NotHad."""
    reference = Reference(image.runtime, image.reference, image.reference, "docker", "", "", "", "", 0)
    found = engine_image(image.runtime, name, reference, world)
    if found is None:
        raise NotHad(f"not in {image.runtime} here")
    digests = {d.partition("@")[2] for d in found.repo_digests}
    known, digest = facts(found), image.pull.partition("@")[2]
    noted = digest in digests and digest != known.manifest
    return found.image_id, replace(known, index=digest) if noted else known
