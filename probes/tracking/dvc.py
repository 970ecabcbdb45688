"""Which stages did DVC run here, with which parameters, data and results? dvc.yaml, dvc.lock, the run cache, names of experiments.

doc.dvc.org, "dvc.yaml", "dvc.lock", "Run cache" and "Experiments overview". No times and no exit codes: dvc.lock has a stage when it succeeded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from auditor.world import World
from probes.records.inside import there
from probes.records.lines import one_line
from probes.records.yamlfile import NotYaml
from probes.records.yamlfile import read as read_yaml
from probes.tracking import Reader, TrackedRun
from probes.tracking.dvc_stage import metrics_of, tracked
from probes.tracking.listed import files, folders
from probes.workflows import Place, State, Unreadable

MAX_CACHED = 2000
MAX_EXPERIMENTS = 1000
_HEX = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LOCKED = "dvc.lock has its outputs, which DVC writes when the command has succeeded"
_NEVER = "no entry in dvc.lock: it was never run to its end (not begun, or failed)"
_CACHED = "an entry in the run cache, which DVC makes when the command has succeeded"


def read(world: World, folder: str) -> Iterator[TrackedRun]:
    """Stages of this folder's dvc.yaml, then earlier runs of them from the run cache, then experiments. Raises Unreadable."""
    described = _yaml(world, folder, "dvc.yaml")
    locked = _mapping(_yaml(world, folder, "dvc.lock"))
    lock = _mapping(locked.get("stages")) if "stages" in locked else locked  # before 2.0 there was no such level
    stages = _mapping(_mapping(described).get("stages"))
    metrics = {name: metrics_of(stage) for name, stage in stages.items()}
    for name, entry in lock.items():
        if isinstance(entry, dict):
            plan = _mapping(stages.get(str(name).split("@")[0]))
            gaps = _changed(plan, entry)
            files = metrics.get(name) or metrics.get(str(name).split("@")[0]) or ()
            yield tracked(
                world, folder, str(name), entry, State.SUCCEEDED, _LOCKED, Place("dvc.lock", f"stages.{name}"), files, gaps
            )
    begun = {str(name).split("@")[0] for name, entry in lock.items() if isinstance(entry, dict)}
    for name, stage in stages.items():
        if name not in begun and isinstance(stage, dict):
            plan = _mapping(stage.get("do")) or stage
            yield tracked(
                world, folder, str(name), {"cmd": plan.get("cmd")}, State.UNKNOWN, _NEVER, Place("dvc.yaml", f"stages.{name}")
            )
    yield from _cached(
        world, folder, {str(e.get("cmd")): str(n) for n, e in lock.items() if isinstance(e, dict)}, list(lock.values())
    )
    yield from _experiments(world, folder)


def _yaml(world: World, folder: str, name: str) -> Any:
    path = there(world, folder, name)
    try:
        return read_yaml(world, path) if path else None
    except NotYaml as error:
        raise Unreadable(f"{name}: {error}") from None


def _changed(plan: Mapping[str, Any], entry: Mapping[str, Any]) -> tuple[str, ...]:
    """dvc.yaml may have been edited since the stage was run; a template's command cannot be compared."""
    now, then = str(plan.get("cmd") or ""), str(entry.get("cmd") or "")
    if not now or "${" in now or now == then:
        return ()
    return ("dvc.yaml has another command by now: the stage was not run since",)


def _cached(world: World, folder: str, names: Mapping[str, str], current: list[Any]) -> Iterator[TrackedRun]:
    """Each successful run is kept as .dvc/cache/runs/ab/KEY/VALUE, also those before the one in dvc.lock."""
    root, left = f"{folder}/.dvc/cache/runs", MAX_CACHED
    for key in (f"{two}/{key}" for two in folders(root) for key in folders(f"{root}/{two}")):
        for value in (n for n in files(f"{root}/{key}") if _HEX.fullmatch(n)):
            left -= 1
            if left < 0:
                return
            where = f".dvc/cache/runs/{key}/{value}"
            try:
                entry = _mapping(_yaml(world, folder, where))
            except (Unreadable, OSError):
                continue
            if entry and entry not in current:
                name = names.get(str(entry.get("cmd")), one_line(str(entry.get("cmd") or ""), 80))
                yield tracked(world, folder, name, entry, State.SUCCEEDED, _CACHED, Place(where), id=value)


def _experiments(world: World, folder: str) -> Iterator[TrackedRun]:
    """Commits that `dvc exp run` made: .git/refs/exps/ab/<rest of the commit it started from>/NAME. Packed ones stand in packed-refs."""
    found: dict[str, str] = {}
    root = f"{folder}/.git/refs/exps"
    for two in folders(root):
        for rest in folders(f"{root}/{two}") if len(two) == 2 else ():
            for name in files(f"{root}/{two}/{rest}"):
                path = there(world, folder, f".git/refs/exps/{two}/{rest}/{name}")
                found[f"refs/exps/{two}/{rest}/{name}"] = world.text(path, 100).strip() if path else ""
    path = there(world, folder, ".git/packed-refs")
    for line in world.text(path).splitlines() if path else ():
        commit, _, ref = line.partition(" ")
        if re.fullmatch(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/[^/]+", ref):
            found.setdefault(ref, commit)
    for ref, commit in list(found.items())[:MAX_EXPERIMENTS]:
        if _COMMIT.fullmatch(commit):
            yield _experiment(folder, ref, commit)


def _experiment(folder: str, ref: str, commit: str) -> TrackedRun:
    _, _, two, rest, name = ref.split("/")
    return TrackedRun(
        system="dvc",
        id=commit,
        folder=folder,
        state=State.SUCCEEDED,
        proof="a commit of its own, which DVC makes when all stages have succeeded",
        name=one_line(name, 200),
        experiment="experiments",
        parent=f"{two}{rest}",
        commit=commit,
        dirty=False,
        place=Place(".git", ref),
        gaps=("its parameters and metrics are in that commit, which was not read",),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


READER = Reader("dvc", ("dvc.yaml", "dvc.lock"), read)
