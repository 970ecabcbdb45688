"""What did Lightning's loggers leave here? `version_N/` with hparams.yaml, metrics.csv or event files, and checkpoints.

lightning.ai, "Track and visualize experiments". A checkpoint is a zip file around a pickle: its name is read, never its content.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator

from auditor.world import World
from probes.records.inside import there
from probes.records.lines import lines, one_line
from probes.records.yamlfile import NotYaml
from probes.records.yamlfile import read as read_yaml
from probes.tracking import Model, Reader, TrackedRun
from probes.tracking.listed import below, files, folders
from probes.tracking.series import Series, whole
from probes.tracking.tensorboard import of_files
from probes.tracking.told import bounded, flat, seeds
from probes.workflows import Place, State

MAX_CSV = 64 << 20
MAX_MODELS = 50
MAX_COLUMNS = 2000
_VERSION = re.compile(r"version_\d+")
_PARTS = re.compile(r"([A-Za-z]\w*)=(-?\d+(?:\.\d+)?(?:e-?\d+)?)(?=[-.]|$)")
_NOT_METRICS = frozenset({"epoch", "step", "created_at"})


def read(world: World, folder: str) -> Iterator[TrackedRun]:
    """Each version below the folder (`lightning_logs`, or a logger's own name), newest first."""
    versions = [name for name in folders(folder) if _VERSION.fullmatch(name)]
    for name in sorted(versions, key=lambda v: int(v[8:]), reverse=True):
        if {"hparams.yaml", "metrics.csv"} & set(files(f"{folder}/{name}")):
            yield _run(world, folder, name)


def _run(world: World, folder: str, name: str) -> TrackedRun:
    root, gaps = f"{folder}/{name}", list[str]()
    series = Series()
    if there(world, root, "metrics.csv"):
        _metrics(world, f"{root}/metrics.csv", series, gaps)
    else:
        written = of_files(world, root, [n for n in files(root) if n.startswith("events.out.tfevents.")])
        series, gaps = written.series, written.gaps
    models = tuple(_checkpoints(world, folder, name))
    parameters = bounded({**_parameters(world, root, "config.yaml", gaps), **_parameters(world, root, "hparams.yaml", gaps)})
    return TrackedRun(
        system="lightning",
        id=f"{os.path.basename(folder)}/{name}",
        folder=folder,
        state=State.UNKNOWN,
        proof="Lightning's loggers keep no exit status",
        name=name,
        experiment=one_line(os.path.basename(folder), 200),
        parameters=parameters,
        metrics=series.metrics(),
        models=models,
        seeds=seeds(parameters),
        tags=_reached(models),
        place=Place(f"{name}/hparams.yaml" if there(world, root, "hparams.yaml") else f"{name}/metrics.csv"),
        gaps=tuple(gaps[:20]),
    )


def _parameters(world: World, root: str, name: str, gaps: list[str]) -> dict[str, object]:
    """Tags of Python objects in it make nothing: what they are made of is taken as text."""
    path = there(world, root, name)
    try:
        return dict(flat(read_yaml(world, path, texts=True))) if path else {}
    except (NotYaml, OSError) as error:
        gaps.append(f"{name}: {one_line(str(error), 160)}")
        return {}


def _metrics(world: World, path: str, series: Series, gaps: list[str]) -> None:
    """A row holds what was logged at that step: other columns are empty."""
    try:
        rows = csv.reader(text for _, text in lines(world, path, MAX_CSV))
        header = next(rows, [])[:MAX_COLUMNS]
        for row in rows:
            values = dict(zip(header, row, strict=False))
            for name in header:
                if name not in _NOT_METRICS and values.get(name):
                    series.add(name, values[name], whole(values.get("step")))
        if world.stat(path).size > MAX_CSV:
            gaps.append(f"metrics.csv: only the first {MAX_CSV} bytes were read")
    except (csv.Error, OSError) as error:
        gaps.append(f"metrics.csv: {error}")


def _checkpoints(world: World, folder: str, name: str) -> Iterator[Model]:
    for path in below(f"{folder}/{name}/checkpoints", MAX_MODELS, depth=2):
        if path.endswith(".ckpt"):
            size = world.stat(f"{folder}/{name}/checkpoints/{path}", follow=False).size
            yield Model(one_line(path, 200), "made", one_line(f"{name}/checkpoints/{path}", 500), "checkpoint", size=size)


def _reached(models: tuple[Model, ...]) -> dict[str, str]:
    """How far the last checkpoint was, by its name: `epoch=2-step=12.ckpt`."""
    told = [{m[1]: m[2] for m in _PARTS.finditer(os.path.basename(m.path).removesuffix(".ckpt"))} for m in models]
    last = max((t for t in told if whole(t.get("step")) is not None), key=lambda t: int(t["step"]), default={})
    return {f"lightning.{k}": v for k, v in last.items() if k in {"epoch", "step"}}


READER = Reader("lightning", ("version_*/hparams.yaml", "version_*/metrics.csv"), read)
