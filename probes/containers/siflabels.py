"""Which labels does a Singularity image carry? Wherever its maker put them; bounded, and not cleaned: that is done where they are shown."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence

from auditor.world import World
from probes.containers.compressed import Unreadable
from probes.containers.sifdigests import content
from probes.containers.sifformat import MAX_TEXT, Object
from probes.containers.squashfs import Squashfs

MAX_LABELS = 500
MAX_LABEL = 4096
SECONDS = 10.0
_INSIDE = b".singularity.d/labels.json"


def labels_of(world: World, path: str, found: Sequence[Object], primary: Object | None, config: object) -> Mapping[str, str]:
    """From the labels object, else from Apptainer's `inspect-metadata.json`, an OCI image's configuration (None: there is none), or the
    root file system itself.
    """
    for one in found:
        if one.type == "labels" and (labels := _as_labels(parsed(world, path, one))):
            return labels
    if labels := _as_labels(_below(named_json(world, path, found, "inspect-metadata.json"), "data", "attributes", "labels")):
        return labels
    if config is not None:
        return _as_labels(_below(config, "config", "Labels"))
    if primary and primary.file_system == "squashfs":
        return inside(world, path, primary.offset, primary.size)
    return {}


def inside(world: World, path: str, start: int, size: int) -> Mapping[str, str]:
    """Of the squashfs that lies there in the file. Images of siftool, of Singularity 2 and of others keep them in their root file system only."""
    end = time.monotonic() + SECONDS

    def part(place: int, length: int) -> bytes:
        if time.monotonic() > end:
            raise TimeoutError(f"no labels found in {SECONDS:g} s")
        return world.span(path, start + place, min(length, size - place))

    try:
        image = Squashfs(part)
        file = image.find(_INSIDE)
        if file is None or file.kind != "file" or file.size > MAX_TEXT:
            return {}
        return _as_labels(json.loads(b"".join(image.content(file))))
    except (Unreadable, OSError, ValueError, RecursionError):
        return {}


def _as_labels(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(name)[:MAX_LABEL]: str(label)[:MAX_LABEL] for name, label in list(value.items())[:MAX_LABELS]}


def _below(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def named_json(world: World, path: str, found: Sequence[Object], name: str) -> object:
    """Of the JSON object with this name; None where there is none."""
    one = next((o for o in found if o.type == "json" and o.name == name), None)
    return parsed(world, path, one) if one else None


def parsed(world: World, path: str, one: Object) -> object:
    """A small object's JSON; None for what is none."""
    try:
        value: object = json.loads(content(world, path, one))
    except (ValueError, RecursionError):
        return None
    return value
