"""Which Julia packages does the job's project pin?

The active project's manifest by Julia's own rules (JULIA_PROJECT, `--project`, else the depot's default environment); Julia is not
run. Format: Pkg documentation, "Project.toml and Manifest.toml", manifest_format 1 and 2.
"""

from __future__ import annotations

import hashlib
import os.path
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.model import Absent, Found, Grade, Job, Phase, Probe
from auditor.world import World
from probes.script.trace import Trace
from probes.software import Component
from probes.software.reading import calls, entries, listed, location, looked, program, text, there, word

MAX_PACKAGES = 4000
MANIFESTS = ("JuliaManifest.toml", "Manifest.toml")
_VERSIONED = re.compile(r"(?:Julia)?Manifest-v\d+\.\d+\.toml$")


@dataclass(frozen=True)
class JuliaPackages:
    """A manifest. detail of a component: `uuid` and `tree`, the git tree hash that fixes its content; standard libraries have none.

    version: of Julia, as the manifest says; project: the folder; chosen_by: JULIA_PROJECT, `--project`, `default environment`
    or `work directory` (then nothing shows that it is the active one). program: the `julia` in PATH.
    """

    project: str
    chosen_by: str
    version: str
    program: str
    manifest_sha256: str
    components: tuple[Component, ...]


def collect(world: World, job: Job) -> Found[JuliaPackages] | Absent:
    found = looked(world, job)
    workdir = job.workdir or world.cwd
    used = bool(calls(found, "julia"))
    if not used and not found.variables.get("JULIA_PROJECT") and not there(world, f"{workdir}/Manifest.toml"):
        return Absent("the script calls no Julia, and there is no Manifest.toml")
    for folder, by in _projects(world, found, workdir):
        path = manifest(world, folder)
        if path:
            raw = text(world, path)
            version, components = parse(raw)
            digest = hashlib.sha256(raw.encode("utf-8", "surrogateescape")).hexdigest()
            seen = JuliaPackages(folder, by, version, program(world, found, "julia"), digest, components)
            return Found(seen, path, Grade.OBSERVED if used and by != "work directory" else Grade.DECLARED)
    return Absent("no manifest where Julia would look for one")


def _projects(world: World, found: Trace, workdir: str) -> Iterator[tuple[str, str]]:
    asked = [(w, "--project") for words in calls(found, "julia") for w in words[1:] if w.split("=")[0] == "--project"]
    named = [(w.partition("=")[2] or "@.", by) for w, by in asked]
    if told := found.variables.get("JULIA_PROJECT", ""):
        named.append((told, "JULIA_PROJECT"))
    depots = _depots(found)
    for name, by in named:
        if name == "@.":
            yield from ((folder, by) for folder in _upwards(workdir))
        elif name.startswith("@"):
            yield from ((f"{depot}/environments/{name[1:]}", by) for depot in depots)
        else:
            path = os.path.normpath(os.path.join(workdir, name))
            yield (os.path.dirname(path) if path.endswith(".toml") else path), by
    if not named:
        yield workdir, "work directory"
        for depot in depots:
            yield from ((folder, "default environment") for folder in reversed(listed(world, f"{depot}/environments", "v*")))


def _depots(found: Trace) -> tuple[str, ...]:
    home = found.variables.get("HOME", "")
    told = found.variables.get("JULIA_DEPOT_PATH", "").split(":")
    return tuple(d.rstrip("/") or f"{home}/.julia" for d in told if d or home)


def _upwards(folder: str) -> Iterator[str]:
    """`@.`: this folder or the nearest one above it."""
    while folder not in ("", "/"):
        yield folder
        folder = os.path.dirname(folder)


def manifest(world: World, folder: str) -> str:
    """The manifest of a project; one for a single Julia version comes first, as for Julia itself."""
    versioned = [p for p in listed(world, folder, "*Manifest-v*.toml") if _VERSIONED.search(p)]
    tried = [*reversed(versioned), *(f"{folder}/{name}" for name in MANIFESTS)]
    return next((path for path in tried if there(world, path)), "")


def parse(raw: str) -> tuple[str, tuple[Component, ...]]:
    """(Julia's version, packages) of a manifest; both formats. Raises ValueError when it is not TOML."""
    told: Mapping[str, Any] = tomllib.loads(raw)
    packages = told.get("deps", {}) if "manifest_format" in told else told
    found = [
        _component(name, entry)
        for name, several in (packages.items() if isinstance(packages, dict) else ())
        for entry in entries(several)
        if isinstance(entry, dict)
    ]
    return word(told.get("julia_version")), tuple(sorted(found, key=lambda c: (c.name, c.version)))[:MAX_PACKAGES]


def _component(name: str, entry: Mapping[str, Any]) -> Component:
    url, rev = location(word(entry.get("repo-url"))), word(entry.get("repo-rev"))
    tree, uuid = word(entry.get("git-tree-sha1")), word(entry.get("uuid"))
    origin = f"{url}@{rev}" if url and rev else url or word(entry.get("path")) or ("" if tree else "part of Julia")
    detail = " ".join(f"{k} {v}" for k, v in (("uuid", uuid), ("tree", tree)) if v)
    return Component("julia", name, word(entry.get("version")), "", origin, detail)


PROBE = Probe(
    "julia",
    JuliaPackages,
    collect,
    frozenset({Phase.SUBMIT, Phase.LATER}),
    source="Manifest.toml of the job's Julia project",
)
