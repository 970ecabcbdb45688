"""What does a model's folder tell, as MLflow lays it out: flavour, size, version of MLflow, files that describe its environment?

mlflow.org, "MLflow Model": the file `MLmodel`. The model itself (a pickle, mostly) is never opened; nothing outside of the store's folder is read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from auditor.world import World
from probes.records.inside import there
from probes.records.lines import one_line
from probes.records.yamlfile import NotYaml, load
from probes.tracking import Model
from probes.tracking.series import whole

MAX_BYTES = 1 << 20
MAX_MODELS = 50
ENVIRONMENT = ("requirements.txt", "conda.yaml", "python_env.yaml")


@dataclass(frozen=True)
class Laid:
    """path: relative to the store's folder where it lies inside; flavour, version empty and size None where MLmodel is not there."""

    path: str
    flavour: str = ""
    version: str = ""
    size: int | None = None
    environment: tuple[str, ...] = ()


@dataclass(frozen=True)
class Logged:
    """A model that a run made or used. id: of MLflow 3 (`m-...`), empty before; location: of its folder, as recorded."""

    role: str
    id: str
    name: str
    location: str


@dataclass(frozen=True)
class Registered:
    """A version in the registry. label: `name/version@alias,...`; id or location: of the model that it is."""

    id: str
    location: str
    label: str


@dataclass(frozen=True)
class Modelled:
    """All models of a run; version: of the MLflow that wrote them; environment: files, as Laid has them."""

    models: tuple[Model, ...] = ()
    version: str = ""
    environment: tuple[str, ...] = ()


def modelled(
    world: World, folder: str, logged: Iterable[Logged], registered: Iterable[Registered], tags: Mapping[str, str], artifacts: str
) -> Modelled:
    """artifacts: the run's own folder of artefacts, below which MLflow 1 and 2 kept models and said so in a tag."""
    every = [*dict.fromkeys(logged), *_history(tags.get("mlflow.log-model.history", ""), artifacts)][:MAX_MODELS]
    versions = list(registered)
    every += [Logged("made", v.id, v.label.split("/")[0], v.location) for v in versions if not any(_same(v, m) for m in every)]
    places = [laid(world, folder, m.location) for m in every]
    models = tuple(
        Model(one_line(m.name, 200), m.role, p.path, p.flavour, next((v.label for v in versions if _same(v, m)), ""), p.size)
        for m, p in zip(every, places, strict=True)
    )
    files = dict.fromkeys(f for p in places for f in p.environment)
    return Modelled(models, next((p.version for p in places if p.version), ""), tuple(files))


def _same(version: Registered, model: Logged) -> bool:
    if version.id and model.id:
        return version.id == model.id
    return bool(model.location) and plain(version.location).rstrip("/") == plain(model.location).rstrip("/")


def _history(text: str, artifacts: str) -> list[Logged]:
    try:
        told = json.loads(text) if text else []
    except (ValueError, RecursionError):
        return []
    paths = [str(t.get("artifact_path") or "") for t in told if isinstance(t, dict)] if isinstance(told, list) else []
    return [Logged("made", "", p, f"{artifacts.rstrip('/')}/{p}") for p in dict.fromkeys(paths) if p]


def laid(world: World, folder: str, location: str) -> Laid:
    """location: as recorded, a path or a `file:` URI; of a tree that was moved, what lies below `mlruns` is looked for here."""
    where = within(world, folder, location)
    path = there(world, folder, f"{where}/MLmodel") if where else ""
    if not path:
        return Laid(one_line(where or location, 500))
    files = tuple(f"{where}/{name}" for name in ENVIRONMENT if there(world, folder, f"{where}/{name}"))
    try:
        told = load(world.text(path, MAX_BYTES))
    except (NotYaml, OSError):
        told = None
    if not isinstance(told, dict):
        return Laid(where, environment=files)
    flavours = told.get("flavors")
    every = [str(n) for n in flavours] if isinstance(flavours, dict) else []
    names = [n for n in every if n != "python_function"] or every
    version, size = str(told.get("mlflow_version") or ""), whole(told.get("model_size_bytes"))
    return Laid(where, one_line(", ".join(names), 100), one_line(version, 40), size, files)


def within(world: World, folder: str, location: str) -> str:
    """The place relative to the store's folder, empty where it is elsewhere."""
    path = os.path.normpath(plain(location)) if location else ""
    if not path or path == "." or "\0" in path:
        return ""
    if not path.startswith("/"):
        return "" if path.startswith("..") else path
    if path.startswith(f"{folder}/"):
        return path[len(folder) + 1 :]
    _, mark, rest = path.rpartition("/mlruns/")
    if not mark:
        return ""
    here = rest if os.path.basename(folder) == "mlruns" else f"mlruns/{rest}"
    return here if world.exists(os.path.join(folder, here)) else ""


def plain(location: str) -> str:
    """A local path of a `file:` URI; empty for what lies on a server or in a store of objects."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return ""
    if parts.scheme == "file":
        return unquote(parts.path)
    return "" if "://" in location else location
