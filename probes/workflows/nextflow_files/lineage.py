"""What does the lineage store tell, where it was switched on (`lineage.enabled`, Nextflow >= 25.04)? Runs, tasks, agents and files, as JSON.

`.lineage/<hash>[/file]/.data.json`: `{"version": "lineage/v1beta1", "kind": "TaskRun", "spec": {...}}` (modules/nf-lineage, model v1beta1;
docs/tutorials/data-lineage). A task's id is its hash: `lid://862df531...` is `work/86/2df531...`. An agent's run is a step that a language model did.
Nextflow's own checksum covers path, size and time in its standard mode: not the content.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.world import World
from probes.records.lines import one_line
from probes.records.within import below
from probes.workflows import Digest

MAX_RECORDS = 200_000
MAX_BYTES = 4 << 20
MAX_DEPTH = 16


@dataclass(frozen=True)
class Entry:
    """One record. id: its path in the store."""

    id: str
    kind: str
    spec: Mapping[str, Any]
    path: str


@dataclass(frozen=True)
class Lineage:
    """Of one folder. runs: session → record of the run; steps: head of the hash → TaskRun or AgentRun; files: step's head → its outputs."""

    runs: Mapping[str, Entry] = field(default_factory=dict)
    steps: Mapping[str, Entry] = field(default_factory=dict)
    files: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()


def lineage(world: World, folder: str) -> Lineage:
    try:
        store = below(world, folder, ".lineage")
    except FileNotFoundError:
        return Lineage()
    runs: dict[str, Entry] = {}
    steps: dict[str, Entry] = {}
    files: dict[str, tuple[Entry, ...]] = {}
    gaps: list[str] = []
    broken = 0
    for count, path in enumerate(_paths(world, store, 0)):
        if count >= MAX_RECORDS:
            gaps.append(f"more than {MAX_RECORDS} lineage records: the rest was not read")
            break
        entry = _entry(world, store, folder, path)
        if entry is None:
            broken += 1
        elif entry.kind == "WorkflowRun":
            runs[str(entry.spec.get("sessionId", ""))] = entry
        elif entry.kind in ("TaskRun", "AgentRun"):
            steps[head(entry.id)] = entry
        elif entry.kind == "FileOutput" and (made_by := entry.spec.get("taskRun")):
            files[head(str(made_by))] = (*files.get(head(str(made_by)), ()), entry)
    if broken:
        gaps.append(f"{broken} lineage records could not be read")
    return Lineage(runs, steps, files, tuple(gaps))


def head(lid: str) -> str:
    """`lid://862df53160e0.../file` → `86/2df531`."""
    plain = lid.removeprefix("lid://").partition("/")[0].partition("#")[0]
    return f"{plain[:2]}/{plain[2:8]}"


def digest(checksum: object) -> tuple[Digest, ...]:
    if not isinstance(checksum, dict) or not checksum.get("value"):
        return ()
    algorithm = one_line(str(checksum.get("algorithm") or "nextflow"), 40)
    mode = str(checksum.get("mode") or "standard")
    scope = "state" if algorithm == "nextflow" and mode in ("standard", "lenient") else "content"
    return (Digest(algorithm, one_line(str(checksum["value"]), 200), scope),)


def parameters(given: object) -> dict[str, str]:
    """`[{type, name, value}]` as name → text."""
    pairs = given if isinstance(given, list) else []
    return {
        one_line(str(p["name"]), 200): one_line(v if isinstance(v := p.get("value"), str) else json.dumps(v, default=str))
        for p in pairs[:1000]
        if isinstance(p, dict) and p.get("name")
    }


def sources(given: object) -> list[str]:
    """The files that a step's inputs name: `lid://...` of other steps, paths and addresses of files that nobody here made."""
    found: list[str] = []
    for parameter in given if isinstance(given, list) else []:
        value = parameter.get("value") if isinstance(parameter, dict) else None
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and (one.startswith("lid://") or parameter.get("type") == "path"):
                found.append(one)
            elif isinstance(one, dict) and isinstance(one.get("path"), str):
                found.append(one["path"])
    return found[:10_000]


def _paths(world: World, at: str, depth: int) -> Iterator[str]:
    """Every `.data.json` below, links excepted."""
    for path in world.glob(f"{glob.escape(at)}/*"):
        name = os.path.basename(path)
        if name == ".data.json":
            yield path
        elif name != ".history" and depth < MAX_DEPTH and world.stat(path, follow=False).is_dir:
            yield from _paths(world, path, depth + 1)


def _entry(world: World, store: str, folder: str, path: str) -> Entry | None:
    try:
        if not world.stat(path, follow=False).is_file:
            return None
        raw = json.loads(world.read(path, MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    kind = raw.get("kind") or raw.get("type") if isinstance(raw, dict) else None
    spec = raw.get("spec", raw) if isinstance(raw, dict) else None
    if not isinstance(kind, str) or not isinstance(spec, dict):
        return None
    return Entry(os.path.relpath(os.path.dirname(path), store), kind, spec, os.path.relpath(path, folder))
