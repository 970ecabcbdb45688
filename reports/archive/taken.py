"""How is the content of one image taken along: from a file, a cache, an engine's store, or its registry? Only what is surely the one that ran."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from auditor.world import World
from reports.archive import ocilayout
from reports.archive.bag import Item
from reports.archive.engines import NotHad, fetch_folder, inspect, pull_file, save
from reports.archive.known import Known
from reports.archive.names import Names
from reports.archive.recipe import RecipeImage
from reports.archive.sifcache import cached

APPTAINER = frozenset({"apptainer", "singularity"})
ENGINES = frozenset({"docker", "podman"})


@dataclass(frozen=True)
class Policy:
    """kind: one of POLICIES; limit: bytes of all images together; staging: an empty folder for what must be written first."""

    kind: str
    limit: int
    staging: str


@dataclass(frozen=True)
class Work:
    """known: the run; names: given out so far; there: sha256 -> crate path of files that travel anyway."""

    known: Known
    policy: Policy
    names: Names
    there: dict[str, str]


def stem(image: RecipeImage) -> str:
    last = image.reference.split("@")[0].rstrip("/").rpartition("/")[2]
    return last.removesuffix(".sif").replace(":", "_") or "image"


def content(image: RecipeImage, left: int, work: Work, world: World) -> tuple[tuple[Item, ...], RecipeImage]:
    if known := work.there.get(image.sha256):
        return (), replace(image, carried=known, form="file")
    if work.policy.kind == "digest":
        return (), replace(image, reason="by digest only")
    reasons = []
    for way in _ways(image, work):
        try:
            return way(image, left, work, world)
        except NotHad as error:
            reasons.append(str(error))
        except ocilayout.NotAnImage as error:
            reasons.append(str(error))
        except OSError as error:
            reasons.append(f"it cannot be read or written: {error.strerror or error}")
    return (), replace(image, reason="; ".join(reasons) or f"images of {image.runtime} by {image.transport} are not carried")


Way = Callable[[RecipeImage, int, Work, World], tuple[tuple[Item, ...], RecipeImage]]


def _ways(image: RecipeImage, work: Work) -> Iterator[Way]:
    """In order: what is here, then, when allowed, what its registry has."""
    fetch = work.policy.kind == "fetch"
    if image.transport == "file":
        yield _file
    elif image.transport == "docker" and (image.whole or image.runtime in APPTAINER):
        yield _made if image.made else _from_cache
        if fetch:
            yield _pulled_file
    elif image.transport == "docker" and image.runtime in ENGINES:
        yield _saved
        if fetch:
            yield _fetched


def _file(image: RecipeImage, left: int, work: Work, world: World) -> tuple[tuple[Item, ...], RecipeImage]:
    """The file that the script names, when it is still what the job saw."""
    if not image.sha256:
        raise NotHad("its content was not seen in the run")
    return _as_file(image, os.path.join(work.known.root, image.reference), image.sha256, left, work, world)


def _made(image: RecipeImage, left: int, work: Work, world: World) -> tuple[tuple[Item, ...], RecipeImage]:
    """The file that the job made of it."""
    return _as_file(image, os.path.join(work.known.root, image.made), image.sha256, left, work, world)


def _from_cache(image: RecipeImage, left: int, work: Work, world: World) -> tuple[tuple[Item, ...], RecipeImage]:
    path, _ = cached(image.facts, platform.machine(), world) if image.facts else ("", "")
    if not path:
        raise NotHad("it is not in Apptainer's cache here" if image.pull else "its digest is not known")
    known = image.facts.file.removeprefix("sha256:") if image.facts else ""
    return _as_file(image, path, known, left, work, world)


def _pulled_file(image: RecipeImage, left: int, work: Work, world: World) -> tuple[tuple[Item, ...], RecipeImage]:
    if not image.pull:
        raise NotHad("no digest to fetch it by")
    path = os.path.join(work.policy.staging, f"{len(os.listdir(work.policy.staging))}.sif")
    pull_file(f"docker://{image.pull}", path, world)
    return _as_file(image, path, "", left, work, world)


def _as_file(
    image: RecipeImage, path: str, sha256: str, left: int, work: Work, world: World
) -> tuple[tuple[Item, ...], RecipeImage]:
    """sha256: what it must hash to; empty: its name proves what it is."""
    try:
        size = world.stat(path).size
    except FileNotFoundError:
        raise NotHad("the file is not there any more") from None
    _afford(size, left)
    digest = hashlib.sha256()
    for piece in world.chunks(path):
        digest.update(piece)
    if sha256 not in ("", digest.hexdigest()):
        raise NotHad("the file has changed since the run")
    name = work.names.new("images", f"{stem(image)}.sif")
    work.there[digest.hexdigest()] = name
    item = Item(name, source=path, sha256=digest.hexdigest(), size=size)
    return (item,), replace(image, carried=name, form="file", size=size)


def _saved(image: RecipeImage, left: int, work: Work, world: World) -> tuple[tuple[Item, ...], RecipeImage]:
    """What the engine still has under the id that the job saw, or under its digest."""
    name = image.image_id or image.pull
    if not name:
        raise NotHad("neither its id nor its digest is known")
    told = inspect(image.runtime, name, world)
    if told is None:
        raise NotHad(f"{image.runtime} does not have it any more")
    _afford(int(told.get("Size") or 0), left)
    folder = _folder(work)
    archive = os.path.join(folder, "saved.tar")
    save(image.runtime, name, archive, world)
    blobs = ocilayout.from_archive(archive, folder)
    os.unlink(archive)
    return _as_layout(image, blobs, left, work)


def _fetched(image: RecipeImage, left: int, work: Work, world: World) -> tuple[tuple[Item, ...], RecipeImage]:
    if not image.pull:
        raise NotHad("no digest to fetch it by")
    folder = _folder(work)
    fetch_folder(image.pull, folder, world)
    return _as_layout(image, ocilayout.from_folder(folder), left, work)


def _as_layout(
    image: RecipeImage, blobs: Sequence[ocilayout.Blob], left: int, work: Work
) -> tuple[tuple[Item, ...], RecipeImage]:
    size = sum(b.size for b in blobs)
    _afford(size, left)
    where = work.names.new("images", stem(image))
    items = tuple(
        Item(f"{where}/{b.path}", b.data, b.source, b.sha256 if b.source else "", b.size if b.source else 0) for b in blobs
    )
    return items, replace(image, carried=where, form="oci-layout", size=size)


def _folder(work: Work) -> str:
    path = os.path.join(work.policy.staging, str(len(os.listdir(work.policy.staging))))
    os.mkdir(path)
    return path


def _afford(size: int, left: int) -> None:
    if size > left:
        raise NotHad(f"{size} bytes are over the limit (of {left} that are left): --images-limit raises it")
