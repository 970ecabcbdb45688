"""Which of the cache's manifests was this image made from, where its key is that of an index?

Apptainer makes the key from the digest that the registry gave for the name. Behind most names lies an index over platforms, which it does not
keep; it keeps the manifest of its platform. So the image's own content is compared: the settings inside with the configuration's, its files
with the layers' by tree hash.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from auditor.world import TooBig, World
from probes.containers import ImageFacts, sifread, treehash
from probes.containers.compressed import Unreadable
from probes.containers.layout import blob_name, small
from probes.containers.limits import Limits
from probes.containers.oci import BadImage, facts_of, parse, settings
from probes.containers.parts import Part, folder
from probes.containers.sifformat import NotSif

LIMITS = Limits(bytes=8 << 30, seconds=60.0)
MAX_MANIFESTS = 500
MAX_COMPARED = 3
SETTINGS = "oci-config.json"


def made_from(world: World, cache: str, path: str) -> tuple[ImageFacts, str]:
    """What the manifest says, and how it is known that it is the one; nothing, and why, when it is not."""
    part = folder(world, os.path.join(cache, "blob"))
    fit = sorted(_fitting(world, part, path), key=lambda found: -_fetched(world, cache, found))
    if not fit:
        return ImageFacts(""), "no manifest in the cache has its settings"
    try:
        tree = treehash.of_sif(world, path, LIMITS)
        for facts in fit[:MAX_COMPARED]:
            if treehash.of_layers(_layers(part, facts.manifest), LIMITS) == tree:
                return replace(
                    facts, tree=tree, tree_rules=treehash.RULES
                ), "its files are those of the manifest's layers, by tree hash"
        return ImageFacts("", tree=tree, tree_rules=treehash.RULES), "no manifest in the cache has layers with its files"
    except (TooBig, TimeoutError, Unreadable, NotSif, BadImage, OSError) as error:
        if len(fit) == 1:
            return fit[0], f"the only manifest in the cache with its settings; files not compared: {error}"
        return ImageFacts(""), f"{len(fit)} manifests in the cache have its settings; files not compared: {error}"


def _fitting(world: World, part: Part, path: str) -> Iterator[ImageFacts]:
    """Manifests that the cache fetched by themselves, with the settings that the image has."""
    wanted = _settings(world, path)
    for entry in _listed(part)[:MAX_MANIFESTS]:
        try:
            found = facts_of(small(part, blob_name(str(entry.get("digest")))), lambda digest: small(part, blob_name(digest)))
        except (OSError, BadImage):
            continue
        if found.manifest and (wanted is None or dict(found.settings) == wanted):
            yield found


def _listed(part: Part) -> list[Mapping[str, Any]]:
    try:
        listed = parse(small(part, "index.json")).get("manifests")
    except (OSError, BadImage):
        return []
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _settings(world: World, path: str) -> dict[str, str] | None:
    """What the image runs with, as its source said; None: it does not tell."""
    try:
        there = next((o for o in sifread.layout(world, path)[1] if o.name == SETTINGS), None)
        return settings(parse(world.span(path, there.offset, min(there.size, 1 << 20)))) if there else None
    except (OSError, NotSif, BadImage):
        return None


def _fetched(world: World, cache: str, found: ImageFacts) -> int:
    try:
        return world.stat(os.path.join(cache, "blob", blob_name(found.manifest))).mtime_ns
    except OSError:
        return 0


def _layers(part: Part, manifest: str) -> Iterator[BinaryIO]:
    for layer in parse(small(part, blob_name(manifest))).get("layers") or ():
        with part(blob_name(str(layer["digest"]))) as file:
            yield file
