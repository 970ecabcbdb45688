"""What does an entry of dvc.lock say of one run of a stage? Data and results by MD5 (of a folder: of the list of its files), parameters, metrics."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from auditor.world import World
from probes.records.inside import there
from probes.records.lines import one_line
from probes.records.yamlfile import NotYaml, load
from probes.tracking import DataSet, Model, TrackedRun
from probes.tracking.series import Series, whole
from probes.tracking.told import bounded, flat, seeds
from probes.workflows import Digest, Place, State

MAX_METRICS = 1 << 20
MAX_FILES = 500
MODELS = (".pt", ".pth", ".ckpt", ".safetensors", ".onnx", ".keras", ".h5", ".pkl", ".joblib", ".pb", ".tflite", ".bst", ".gguf")


def tracked(
    world: World, folder: str, name: str, entry: Mapping[str, Any], state: State, proof: str, place: Place,
    metrics: tuple[str, ...] = (), gaps: tuple[str, ...] = (), id: str = "",
) -> TrackedRun:  # fmt: skip
    """metrics: files of numbers that the stage makes; read where they are still what this run made."""
    outputs, more = _entries(entry, "outs"), list(gaps)
    series = Series()
    for path in metrics:
        made = next((o for o in outputs if o.get("path") == path), None)
        if made is not None and _same(world, folder, path, str(made.get("md5") or ""), more):
            _numbers(world, folder, path, series, more)
    parameters = bounded(_parameters(entry))
    return TrackedRun(
        system="dvc",
        id=id or name,
        folder=folder,
        state=state,
        proof=proof,
        name=one_line(name, 200),
        source=one_line(str(entry.get("cmd") or ""), 500),
        parameters=parameters,
        metrics=series.metrics(),
        datasets=(
            *(_dataset(e, "input") for e in _entries(entry, "deps")),
            *(_dataset(e, "output") for e in outputs if e.get("path") not in metrics),
        ),
        models=tuple(_model(e) for e in outputs if str(e.get("path")).lower().endswith(MODELS)),
        seeds=seeds(parameters),
        place=place,
        gaps=tuple(more),
    )


def metrics_of(stage: Any) -> tuple[str, ...]:
    """Paths below `metrics` of a stage in dvc.yaml: plain, or with settings."""
    listed = stage.get("metrics") if isinstance(stage, dict) else None
    items = listed if isinstance(listed, list) else []
    return tuple(str(next(iter(i))) if isinstance(i, dict) and i else str(i) for i in items)[:50]


def _entries(entry: Mapping[str, Any], side: str) -> list[Mapping[str, Any]]:
    listed = entry.get(side)
    found: list[Mapping[str, Any]] = [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else []
    return found[:MAX_FILES]


def _digests(entry: Mapping[str, Any]) -> tuple[Digest, ...]:
    md5 = str(entry.get("md5") or "")
    return (
        (Digest("md5", one_line(md5.removesuffix(".dir"), 64), "listing" if md5.endswith(".dir") else "content"),) if md5 else ()
    )


def _dataset(entry: Mapping[str, Any], role: str) -> DataSet:
    path = one_line(str(entry.get("path") or ""), 500)
    return DataSet(os.path.basename(path.rstrip("/")) or path, path, role, _digests(entry))


def _model(entry: Mapping[str, Any]) -> Model:
    path = one_line(str(entry.get("path") or ""), 500)
    return Model(os.path.basename(path), "made", path, size=whole(entry.get("size")), digests=_digests(entry))


def _parameters(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Of params.yaml by name, of other files `file:name`."""
    params = entry.get("params")
    for file, values in params.items() if isinstance(params, dict) else ():
        for name, value in flat(values):
            yield (name if file == "params.yaml" else f"{file}:{name}"), value


def _same(world: World, folder: str, path: str, md5: str, gaps: list[str]) -> bool:
    """Whether the file still is what the stage made."""
    where = there(world, folder, path)
    if not where or not md5:
        gaps.append(f"{path}: {'no digest of it is kept' if where else 'not there any more'}")
        return False
    try:
        found = hashlib.md5(world.read(where, MAX_METRICS), usedforsecurity=False).hexdigest()
    except OSError as error:
        gaps.append(f"{path}: {error}")
        return False
    if found != md5:
        gaps.append(f"{path} was changed since: its numbers are not of this run")
    return found == md5


def _numbers(world: World, folder: str, path: str, series: Series, gaps: list[str]) -> None:
    text = world.text(os.path.join(folder, path), MAX_METRICS)
    try:
        told = json.loads(text) if path.endswith(".json") else load(text)
    except (ValueError, RecursionError, NotYaml) as error:
        gaps.append(f"{path}: {one_line(str(error), 100)}")
        return
    for name, value in flat(told):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            series.add(name, value)
