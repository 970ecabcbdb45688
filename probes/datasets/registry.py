"""Which data sets are registered, here and by the group? Folders with one small JSON file a data set.

    NAME.json                     the facts of `Dataset`
    NAME.<12 hex>.manifest        its manifest (see probes.manifest.rows)
    NAME.<12 hex>.index           what its files looked like (see probes.datasets.index)

Own registrations lie below the auditor home; others in the folders of the setting `datasets`, which are only read.
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from auditor import home
from auditor.model import AuditError
from auditor.world import World
from probes.datasets import Dataset

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
MAX = 1000
_TYPES = {"str": str, "int": int, "bool": bool}


@dataclass(frozen=True)
class Place:
    """A data set whose registration is in the folder `registry`; root: its real path."""

    registry: str
    dataset: Dataset
    root: str

    def part(self, real: str) -> str | None:
        """The path below its root; None: it lies outside."""
        if real == self.root:
            return ""
        return real[len(self.root) :].lstrip("/") if real.startswith(self.root.rstrip("/") + "/") else None


def own(world: World) -> str:
    """The user's own folder; empty where there is no home to build on."""
    if not any(world.env.get(v) for v in ("AUDITOR_HOME", "XDG_STATE_HOME", "HOME")):
        return ""  # a world without a home has none, whoever looks at it
    found = home.find(dict(world.env))
    return os.path.join(found.root, "datasets") if found else ""


def folders(world: World, root: str) -> tuple[str, ...]:
    """The user's own registry first, then those of the settings in force in `root`."""
    from auditor.config import load

    shared = (os.path.expanduser(f) for f in load(root, world.env).config.datasets)
    return tuple(dict.fromkeys(f for f in (own(world), *(os.path.join(root, s) for s in shared)) if f and os.path.isdir(f)))


def registered(world: World, places: Sequence[str]) -> tuple[tuple[str, Dataset], ...]:
    """(registry folder, data set), a name once: the first folder wins. What does not read as a registration is left out."""
    found: dict[str, tuple[str, Dataset]] = {}
    for place in places:
        for dataset in _of(world, place):
            found.setdefault(dataset.name, (place, dataset))
    return tuple(found[name] for name in sorted(found))


def places(world: World, root: str) -> tuple[Place, ...]:
    """All that are registered for a work directory, the innermost root first; none where the settings cannot be read."""
    try:
        known = folders(world, root)
    except AuditError:
        return ()
    found = [Place(folder, d, os.path.realpath(d.root)) for folder, d in registered(world, known)]
    return tuple(sorted(found, key=lambda p: (-len(p.root), p.dataset.name)))


def path(place: str, dataset: Dataset, kind: str) -> str:
    """kind: `manifest` or `index`."""
    return os.path.join(place, f"{dataset.name}.{dataset.digest.removeprefix('sha256:')[:12]}.{kind}")


def _of(world: World, place: str) -> Iterator[Dataset]:
    for file in world.glob(os.path.join(glob.escape(place), "*.json"))[:MAX]:
        try:
            if not world.stat(file).is_file:
                continue  # a pipe in a shared folder would wait for ever
            dataset = parse(world.text(file, 1 << 16))
        except (OSError, ValueError):
            continue
        if file == os.path.join(place, f"{dataset.name}.json"):
            yield dataset


def parse(text: str) -> Dataset:
    """A registration's JSON. Raises ValueError for what is none."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    told = {f.name: value[f.name] for f in fields(Dataset) if f.name in value}
    wrong = [f.name for f in fields(Dataset) if f.name in told and type(told[f.name]) is not _TYPES[str(f.type)]]
    required = {"name", "root", "digest", "files", "bytes", "registered", "verified"}
    if wrong or required - told.keys():
        raise ValueError(f"no registration: {', '.join(wrong or sorted(required - told.keys()))}")
    dataset = Dataset(**told)
    if not (NAME.fullmatch(dataset.name) and _DIGEST.fullmatch(dataset.digest) and os.path.isabs(dataset.root)):
        raise ValueError("no registration: name, digest or root")
    return dataset
