"""Which runs does MLflow's file store hold (`mlruns/`)? One folder an experiment and a run, one file a parameter, tag and metric.

Source: mlflow/store/tracking/file_store.py. Times in milliseconds; a metric's line is `time value step`; names with `/` are folders.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from auditor.world import World
from probes.records.lines import lines
from probes.records.yamlfile import NotYaml, load
from probes.tracking import DataSet, TrackedRun
from probes.tracking.artifacts import Counter
from probes.tracking.listed import below, folders
from probes.tracking.mlflow_links import version_of
from probes.tracking.mlflow_model import Logged, Registered, modelled
from probes.tracking.mlflow_run import HUGE, Recorded, dataset, tracked
from probes.tracking.series import Series
from probes.tracking.told import MAX_PARAMETERS, MAX_TAGS
from probes.workflows import Place

MAX_META = 1 << 20
MAX_TEXT = 16 << 10
MAX_SERIES = 4 << 20
"""Bytes of one metric's file: of a longer one the beginning and the last lines are read."""
MAX_RUNS = 50_000
_START = re.compile(r"^start_time: (\d{1,16})", re.MULTILINE)


def runs(world: World, folder: str) -> Iterator[TrackedRun]:
    """Newest first. folder: the store (`mlruns`), with a folder for each experiment."""
    registry = _registry(world, folder)
    found: list[tuple[int, str, str]] = []
    names: dict[str, str] = {}
    for experiment in folders(folder):
        about = {} if experiment == "models" else _meta(world, f"{folder}/{experiment}")
        if about:
            names[experiment] = str(about.get("name") or "")
            found += _dated(world, folder, experiment)
    files = Counter()
    for _, experiment, run in sorted(found, reverse=True)[:MAX_RUNS]:
        yield _run(world, folder, f"{experiment}/{run}", names[experiment], registry.get(run, ()), files)


def _dated(world: World, folder: str, experiment: str) -> Iterator[tuple[int, str, str]]:
    """(start, experiment, run) of its runs; a run whose description is damaged comes last and says so."""
    for run in folders(f"{folder}/{experiment}"):
        try:
            text = world.text(f"{folder}/{experiment}/{run}/meta.yaml", MAX_META)
        except FileNotFoundError:
            continue
        except OSError:
            text = ""
        start = _START.search(text)
        yield int(start[1]) if start else 0, experiment, run


def _run(
    world: World, folder: str, where: str, experiment: str, registered: tuple[Registered, ...], files: Counter
) -> TrackedRun:
    root, gaps = f"{folder}/{where}", list[str]()
    about = _meta(world, root)
    if not about:
        gaps.append("meta.yaml is empty, damaged or cannot be read: status and times are not known")
    tags = _texts(world, f"{root}/tags", MAX_TAGS * 4)
    artifacts = f"{where}/artifacts"
    logged = tuple(_models(world, folder, root))
    count, size = files.count(f"{folder}/{artifacts}")
    series, seen = _metrics(world, f"{root}/metrics", gaps)
    return tracked(
        Recorded(
            id=str(about.get("run_id") or about.get("run_uuid") or os.path.basename(where)),
            place=Place(f"{where}/meta.yaml"),
            folder=folder,
            status=str(about.get("status") or ""),
            start=about.get("start_time"),
            end=about.get("end_time"),
            seen=seen,
            name=str(about.get("run_name") or about.get("name") or ""),
            experiment=experiment,
            user=str(about.get("user_id") or ""),
            source=str(about.get("source_name") or ""),
            commit=str(about.get("source_version") or ""),
            lifecycle=str(about.get("lifecycle_stage") or ""),
            parameters=_texts(world, f"{root}/params", MAX_PARAMETERS),
            tags=tags,
            metrics=series.metrics(),
            datasets=tuple(_datasets(world, root)),
            models=modelled(world, folder, logged, registered, tags, artifacts),
            artifacts=count,
            artifact_bytes=size,
            gaps=tuple(gaps),
        )
    )


def _meta(world: World, folder: str) -> Mapping[str, Any]:
    """meta.yaml; empty where it is not there, damaged or something else."""
    try:
        read = load(world.text(f"{folder}/meta.yaml", MAX_META))
    except (NotYaml, OSError):
        return {}
    return read if isinstance(read, dict) else {}


def _texts(world: World, folder: str, most: int) -> dict[str, str]:
    """Name -> text, one a file."""
    found: dict[str, str] = {}
    for name in below(folder, most):
        try:
            found[name] = world.span(f"{folder}/{name}", 0, MAX_TEXT).decode("utf-8", "replace")
        except OSError:
            continue
    return found


def _metrics(world: World, folder: str, gaps: list[str]) -> tuple[Series, int]:
    """The series, and when the newest point was written."""
    series, seen = Series(), 0
    for name in below(folder, 1000):
        path = f"{folder}/{name}"
        try:
            for line in dict.fromkeys(_points(world, path, gaps)):  # what is logged again for a model is the same point
                if point := _point(line):
                    at, value, step = point
                    series.add(name, value, step)
                    seen = max(seen, at)
        except OSError as error:
            gaps.append(f"metric {name}: {error.strerror or error}")
    return series, seen


def _point(line: str) -> tuple[int, float | None, int | None] | None:
    """(milliseconds, value, step) of a line; None where it is damaged."""
    parts = line.split()
    try:
        value = float(parts[1])
        return int(parts[0]), value if -HUGE < value < HUGE else None, int(parts[2]) if len(parts) > 2 else None
    except (ValueError, LookupError):
        return None


def _points(world: World, path: str, gaps: list[str]) -> Iterator[str]:
    """Lines of a metric's file."""
    start = world.span(path, 0, MAX_TEXT)
    if len(start) < MAX_TEXT:
        yield from start.decode("ascii", "replace").splitlines()
        return
    yield from (text for _, text in lines(world, path, MAX_SERIES))
    if world.stat(path).size > MAX_SERIES:
        gaps.append(f"metric {os.path.basename(path)}: more than {MAX_SERIES} bytes, only the beginning and the end were read")
        yield from world.span(path, -4096, 4096).decode("ascii", "replace").splitlines()[1:]


def _datasets(world: World, root: str) -> Iterator[DataSet]:
    for use in folders(f"{root}/inputs"):
        told = _meta(world, f"{root}/inputs/{use}")
        key, tags = str(told.get("source_id") or ""), told.get("tags")
        if told.get("source_type") != "DATASET" or not re.fullmatch(r"[\w-]+", key):
            continue
        about = _meta(world, f"{os.path.dirname(root)}/datasets/{key}")
        role = str(tags.get("mlflow.data.context") or "") if isinstance(tags, dict) else ""
        yield dataset(about.get("name"), about.get("digest"), about.get("source_type"), about.get("source"), role)


def _models(world: World, folder: str, root: str) -> Iterator[Logged]:
    """Models of MLflow 3: those that the run made are named by a folder (`outputs/m-...`), those that it used by an input of type MODEL."""
    made = [("made", name) for name in folders(f"{root}/outputs")]
    inputs = (_meta(world, f"{root}/inputs/{use}") for use in folders(f"{root}/inputs"))
    used = [("used", str(told.get("source_id") or "")) for told in inputs if "MODEL" in str(told.get("source_type"))]
    for role, key in (*made, *used):
        if re.fullmatch(r"m-[\w-]+", key):
            about = _meta(world, f"{os.path.dirname(root)}/models/{key}")
            place = os.path.relpath(f"{os.path.dirname(root)}/models/{key}/artifacts", folder)
            yield Logged(role, key, str(about.get("name") or key), place)


def _registry(world: World, folder: str) -> dict[str, tuple[Registered, ...]]:
    """Run -> versions in the registry: models/NAME/version-N/meta.yaml, models/NAME/aliases/ALIAS."""
    found: dict[str, tuple[Registered, ...]] = {}
    for name in folders(f"{folder}/models"):
        aliases = _texts(world, f"{folder}/models/{name}/aliases", 100)
        for version in folders(f"{folder}/models/{name}"):
            about = _meta(world, f"{folder}/models/{name}/{version}") if version.startswith("version-") else {}
            number, run = str(about.get("version") or ""), str(about.get("run_id") or "")
            if run and number:
                named = [a for a, v in aliases.items() if v.strip() == number]
                model = str(about.get("model_id") or "")
                made = version_of(about.get("name") or name, number, f"models:/{model}" if model else about.get("source"), named)
                found[run] = (*found.get(run, ()), made)
    return found
