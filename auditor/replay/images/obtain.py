"""How is an image had by the ways that are open, the best first, and how far is what came of it the one that ran?

Whatever goes wrong with one way is said and the next one is tried; nothing half is left behind.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from auditor.replay.images.choices import Choice, Step, Way
from auditor.replay.images.definition import bases, refused
from auditor.replay.images.find import file_facts, from_cache, in_engine, with_tree
from auditor.replay.images.kinds import Target, target
from auditor.replay.images.level import ENOUGH, level, recorded
from auditor.replay.images.pack import docker_archive
from auditor.verdict import ImageVerdict
from auditor.world import World
from probes.containers import ImageFacts, Level
from probes.containers.layout import facts_of_layout
from probes.containers.oci import BadImage
from probes.containers.oci import here as this_platform
from reports.archive import engines
from reports.archive.engines import NotHad
from reports.archive.names import place
from reports.archive.recipe import RecipeImage
from reports.archive.sifcache import cached

COPY = 1 << 30
"""Bytes; a larger image file of this machine is linked to, not copied."""


@dataclass(frozen=True)
class Place:
    """Where things are in a replay: the unpacked crate, the work directory, a folder for images, and the work directory of the run."""

    crate: Path
    work: Path
    images: Path
    workdir: str


@dataclass(frozen=True)
class Had:
    """What came of it. word: what a runtime must be given for this image, empty: what the script types; added: what an engine was
    given that it did not have, to be taken out again."""

    verdict: ImageVerdict
    word: str = ""
    added: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Got:
    """An image as one way brought it."""

    word: str
    facts: ImageFacts
    image_id: str = ""
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


def _do(step: Step, image: RecipeImage, where: Place, world: World) -> _Got:
    kind = target(image)
    if kind is Target.TYPED:
        digest = image.pull.partition("@")[2]
        return _Got("", ImageFacts(image.reference, index=digest, platform=this_platform(), source="the name as typed"))
    return (_file if kind is Target.FILE else _engine)(step, image, where, world)


# ---- image files ----


def _file(step: Step, image: RecipeImage, where: Place, world: World) -> _Got:
    """A file at the place that the script names when that lies in the work directory, else among the replay's images."""
    target_path = _target(image, where)
    target_path.parent.mkdir(parents=True, exist_ok=True)
    if step.way is Way.HERE and image.transport != "file":
        path, digest = cached(recorded(image), os.uname().machine, world)
        if not path:
            raise NotHad("it is not in Apptainer's cache any more")
        return _Got(path, from_cache(path, digest, world))
    own_place = os.path.isabs(image.reference) and os.path.realpath(step.where) == os.path.realpath(image.reference)
    if step.way is Way.HERE and own_place:
        return _Got("", file_facts(step.where, world))
    source = _make_file(step, image, where, target_path, world)
    target_path.chmod(0o700)  # an image file is a program too
    got = file_facts(str(target_path), world)
    known = replace(got, index=source.index, manifest=source.manifest, config=source.config, diff_ids=source.diff_ids)
    return _Got(str(target_path), replace(known, platform=source.platform or got.platform))


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
    return _new(where.images, image, ".sif")


def _new(folder: Path, image: RecipeImage, suffix: str) -> Path:
    """A path of its own; the name of the image in it is for people."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = "".join(c if c.isalnum() or c in "._-" else "_" for c in image.reference.rstrip("/").rpartition("/")[2])[:60]
    number = len(list(folder.iterdir()))
    return folder / f"{number}-{stem.removesuffix('.sif').strip('.') or 'image'}{suffix}"


# ---- engines ----


def _engine(step: Step, image: RecipeImage, where: Place, world: World) -> _Got:
    name = {Way.CARRIED: _load, Way.HERE: _known, Way.PULLED: _pull, Way.REBUILT: _build}[step.way](step, image, where, world)
    image_id, told = in_engine(image, name, world)
    added = () if step.way is Way.HERE else (name,)
    return _Got(image_id, told, image_id, added)


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
    note = _new(where.images, image, ".id")
    return engines.build(image.runtime, str(where.crate / image.definition), str(where.work), str(note), world)


def added(had: tuple[tuple[RecipeImage, Had], ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Engine and names, to take out again."""
    yield from ((image.runtime, one.added) for image, one in had if one.added)
