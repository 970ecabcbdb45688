"""Which Spack packages does the job use, by concrete spec and hash?

An active environment's `spack.lock` (SPACK_ENV, `spack env activate`, or one in the work directory), and `.spack/spec.json` of the
installation prefixes that are on the job's paths; at the job's end, where modules have set those paths and files are not read, the
hash in the prefix's own name. Formats: Spack's documentation, "spack.lock format", lock versions 1 to 7; "install_tree projections".
"""

from __future__ import annotations

import hashlib
import os.path
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.model import Absent, Found, Grade, Job, Phase, Probe
from auditor.world import World
from probes.script.trace import Trace
from probes.software import Component
from probes.software.reading import calls, entries, folders, json_object, looked, mapping, text, there, word

MAX_SPECS = 4000
PATHS = ("PATH", "LD_LIBRARY_PATH", "CMAKE_PREFIX_PATH", "PKG_CONFIG_PATH", "MANPATH", "PYTHONPATH")
LOCK = "spack.lock"
_PREFIX = re.compile(r"(?P<name>[a-z0-9][\w-]*?)-(?P<version>\d[\w.]*|develop|main|master)-(?P<hash>[a-z2-7]{32})")
"""`openmpi-4.1.5-<dag hash>`: the default projection, and the end of most others."""
NONE = "no active Spack environment with a lock, and nothing that Spack installed on the job's paths"


@dataclass(frozen=True)
class SpackSpecs:
    """Concrete specs. detail of a component: `/<dag hash> %compiler arch=... variants`; origin: namespace of its recipe.

    environment: the folder of the lock, empty without one; spack: version and commit that made it, where the lock tells.
    roots: what the user asked for. loaded: prefixes on the job's paths that Spack installed.
    """

    environment: str
    chosen_by: str
    lock_sha256: str
    lock_version: str
    spack: str
    roots: tuple[str, ...]
    loaded: tuple[str, ...]
    components: tuple[Component, ...]


def collect(world: World, job: Job) -> Found[SpackSpecs] | Absent:
    found = looked(world, job)
    folder, by = _environment(world, found, job.workdir or world.cwd)
    lock = text(world, f"{folder}/{LOCK}") if folder else ""
    loaded = _loaded(world, found)
    if not lock and not loaded:
        return Absent(NONE)
    told = json_object(lock)
    parts = dict.fromkeys((*specs(told), *(c for prefix in loaded for c in _prefix(world, prefix))))
    seen = SpackSpecs(
        environment=folder if lock else "",
        chosen_by=by if lock else "",
        lock_sha256=hashlib.sha256(lock.encode("utf-8", "surrogateescape")).hexdigest() if lock else "",
        lock_version=word(mapping(told.get("_meta")).get("lockfile-version")),
        spack=" ".join(filter(None, (word(mapping(told.get("spack")).get(k)) for k in ("version", "commit")))),
        roots=tuple(word(mapping(r).get("spec")) for r in entries(told.get("roots")))[:MAX_SPECS],
        loaded=loaded,
        components=tuple(sorted(parts, key=lambda c: (c.name, c.version, c.detail)))[:MAX_SPECS],
    )
    return Found(seen, f"{folder}/{LOCK}" if lock else f"{loaded[0]} on the job's paths", _grade(by if lock else "loaded"))


def _grade(by: str) -> Grade:
    """A lock that merely lies in the work directory says what is meant, not what is active."""
    return Grade.DECLARED if by == "work directory" else Grade.OBSERVED


def _environment(world: World, found: Trace, workdir: str) -> tuple[str, str]:
    if active := found.variables.get("SPACK_ENV", ""):
        return active.rstrip("/"), "SPACK_ENV"
    for words in calls(found, "spack"):
        if words[1:3] == ("env", "activate"):
            named = [w for w in words[3:] if not w.startswith("-")]
            if named and there(world, f"{os.path.join(workdir, named[-1])}/{LOCK}"):
                return os.path.normpath(os.path.join(workdir, named[-1])), "spack env activate"
            root = found.variables.get("SPACK_ROOT", "")
            if named and root and there(world, f"{root}/var/spack/environments/{named[-1]}/{LOCK}"):
                return f"{root}/var/spack/environments/{named[-1]}", "spack env activate"
    return (workdir, "work directory") if there(world, f"{workdir}/{LOCK}") else ("", "")


def _loaded(world: World, found: Trace) -> tuple[str, ...]:
    """Prefixes of the job's paths that hold Spack's note: `PREFIX/bin`, `PREFIX/lib`, the prefix itself."""
    told: dict[str, None] = {}
    for name in PATHS:
        for folder in folders(world, found, name):
            for prefix in (folder, os.path.dirname(folder), os.path.dirname(os.path.dirname(folder))):
                if prefix not in told and (
                    _PREFIX.fullmatch(os.path.basename(prefix)) or there(world, f"{prefix}/.spack/spec.json")
                ):
                    told[prefix] = None
    return tuple(told)[:MAX_SPECS]


def _prefix(world: World, prefix: str) -> Iterator[Component]:
    """All nodes of an installed package's own note, it and what it was concretized with; without one, what its name says."""
    told = entries(mapping(json_object(text(world, f"{prefix}/.spack/spec.json")).get("spec")).get("nodes"))
    yield from (c for node in told if (c := component(mapping(node), word(mapping(node).get("hash")))))
    if not told and (match := _PREFIX.fullmatch(os.path.basename(prefix))):
        yield Component("spack", match["name"], match["version"], "", prefix, f"/{match['hash']}")


def specs(lock: Mapping[str, Any]) -> Iterator[Component]:
    """The concrete specs of a lock, and of the environments that it includes."""
    for one in (lock, *mapping(lock.get("include_concrete")).values()):
        for key, node in mapping(mapping(one).get("concrete_specs")).items():
            told = mapping(node)
            if "version" not in told and len(told) == 1:  # until version 3 a node was {name: {...}}
                name, inner = next(iter(told.items()))
                told = {"name": name, **mapping(inner)}
            if found := component(told, key):
                yield found


def component(node: Mapping[str, Any], key: str) -> Component | None:
    name = word(node.get("name"))
    if not name:
        return None
    compiler, arch = mapping(node.get("compiler")), mapping(node.get("arch"))
    target = mapping(arch.get("target")).get("name") if isinstance(arch.get("target"), dict) else arch.get("target")
    where = "-".join(word(x) for x in (arch.get("platform"), arch.get("platform_os"), target) if word(x))
    words = [f"/{word(node.get('hash')) or key}"]
    words += [f"%{word(compiler['name'])}@{word(compiler.get('version'))}"] if word(compiler.get("name")) else []
    words += [f"arch={where}"] if where else []
    words += variants(mapping(node.get("parameters")))
    external = mapping(node.get("external")).get("path")
    return Component("spack", name, word(node.get("version")), "", word(external) or word(node.get("namespace")), " ".join(words))


def variants(parameters: Mapping[str, Any]) -> Iterator[str]:
    """`+shared`, `~debug`, `build_system=cmake`, `cflags=-O3`; empty ones are left out."""
    for name, value in sorted(parameters.items()):
        if isinstance(value, bool):
            yield f"{'+' if value else '~'}{name}"
        elif told := ",".join(word(v) for v in entries(value)) or word(value):
            yield f"{name}={told}"


PROBE = Probe(
    "spack",
    SpackSpecs,
    collect,
    frozenset({Phase.SUBMIT, Phase.END, Phase.LATER}),
    source="spack.lock, .spack/spec.json, names of prefixes",
)
