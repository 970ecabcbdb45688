"""How does an image file come to a replay: linked, copied, pulled or built, and what is it then?"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from auditor.replay.images.choices import Step, Way
from auditor.replay.images.definition import bases, refused
from auditor.replay.images.find import file_facts, from_cache
from auditor.replay.images.level import recorded
from auditor.replay.images.places import Got, Place, new
from auditor.world import World
from probes.containers import ImageFacts
from probes.containers.layout import facts_of_layout
from probes.containers.oci import here as this_platform
from reports.archive import engines
from reports.archive.engines import NotHad
from reports.archive.names import place
from reports.archive.recipe import RecipeImage
from reports.archive.sifcache import cached

COPY = 1 << 30
"""Bytes; a larger image file of this machine is linked to, not copied."""


def had_as_file(step: Step, image: RecipeImage, where: Place, world: World) -> Got:
    """A file at the place that the script names when that lies in the work directory, else among the replay's images."""
    target_path = _target(image, where)
    target_path.parent.mkdir(parents=True, exist_ok=True)
    if step.way is Way.HERE and image.transport != "file" and not image.made:
        path, digest = cached(recorded(image), os.uname().machine, world)
        if not path:
            raise NotHad("it is not in Apptainer's cache any more")
        return Got(path, from_cache(path, digest, world))
    own_place = os.path.isabs(image.reference) and os.path.realpath(step.where) == os.path.realpath(image.reference)
    if step.way is Way.HERE and own_place:
        return Got("", file_facts(step.where, world))
    source = _make_file(step, image, where, target_path, world)
    target_path.chmod(0o700)  # an image file is a program too
    got = file_facts(str(target_path), world)
    known = replace(got, index=source.index, manifest=source.manifest, config=source.config, diff_ids=source.diff_ids)
    return Got(str(target_path), replace(known, platform=source.platform or got.platform))


def _make_file(step: Step, image: RecipeImage, where: Place, path: Path, world: World) -> ImageFacts:
    """Put the file down. What it was made of, which the file does not say itself."""
    if step.way is Way.CARRIED and image.form == "oci-layout":
        engines.build_file(f"oci:{where.crate / image.carried}", str(path), world)
        return facts_of_layout(str(where.crate / image.carried), world=world)
    if step.way is Way.CARRIED:
        os.link(where.crate / image.carried, path)
    elif step.way is Way.HERE:
        _copy(Path(step.where), path)
    elif step.way is Way.PULLED:
        scheme = "oras" if image.transport == "oras" else "docker"
        engines.pull_file(f"{scheme}://{image.pull}", str(path), world)
        digest = image.pull.partition("@")[2] if scheme == "docker" else ""
        return ImageFacts(image.reference, index=digest, platform=this_platform())
    else:
        definition = (where.crate / image.definition).read_text("utf-8", "replace")
        if reason := refused(definition):
            raise NotHad(reason)
        engines.build_file(str(where.crate / image.definition), str(path), world, str(where.work), bases(definition))
    return ImageFacts(image.reference)


def _copy(source: Path, path: Path) -> None:
    if source.stat().st_size > COPY:
        path.symlink_to(source.resolve())
    else:
        shutil.copyfile(source, path)


def _target(image: RecipeImage, where: Place) -> Path:
    spot = place(image.reference, where.workdir) if image.transport == "file" else ""
    if spot and not os.path.isabs(spot) and not spot.startswith(".."):
        path = where.work / spot
        if path.exists() or path.is_symlink():  # laid out as an input
            path.unlink()
        return path
    return new(where.images, image, ".sif")
