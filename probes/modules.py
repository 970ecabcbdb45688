"""Which environment modules were loaded, and what did their files say?"""

from __future__ import annotations

import hashlib
import os.path
import re
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes.script.command import Command
from probes.script.trace import trace

MAX_FILE = 1 << 20
MAX_MODULES = 200
_MAGIC = "#%Module"
_DEFAULT = re.compile(
    r"""^\s*(?:module-version\s+\S*?(?P<a>[^\s/]+)\s+default\b|set\s+ModulesVersion\s+["']?(?P<b>[^\s"']+))""", re.MULTILINE
)
_LUA_DEFAULT = re.compile(r"""module_version\(\s*["'][^"']*?([^"'/]+)["']\s*,\s*["']default["']""")


@dataclass(frozen=True)
class Module:
    """A loaded module (`gcc/12.2.0`) and its modulefile; sha256 empty when the file could not be read."""

    name: str
    path: str
    sha256: str


@dataclass(frozen=True)
class LoadedModules:
    """Lmod or Environment Modules, from LOADEDMODULES and _LMFILES_; at submit also the ones that the script loads."""

    system: str
    modules: tuple[Module, ...]
    modulepath: tuple[str, ...]


def collect(world: World, job: Job) -> LoadedModules | Absent:
    loaded = list(_loaded(world))
    path = list(filter(None, world.env.get("MODULEPATH", "").split(":")))
    named = _named(trace(world, job).commands) if job.script else ()
    for command, words in named:
        if command == "use":
            path = [*words, *(p for p in path if p not in words)]
        elif command == "purge":
            loaded = []
        else:
            loaded += [m for word in words if (m := find(world, word, path)).name not in {k.name for k in loaded}]
    if not loaded and not path:
        return Absent("no module system: neither LOADEDMODULES nor MODULEPATH is set")
    return LoadedModules(_system(world), tuple(loaded[:MAX_MODULES]), tuple(path))


def _system(world: World) -> str:
    if world.env.get("LMOD_VERSION"):
        return f"lmod {world.env['LMOD_VERSION']}"
    return "environment-modules" if "MODULESHOME" in world.env or "MODULES_CMD" in world.env else "unknown"


def _loaded(world: World) -> Iterator[Module]:
    names = filter(None, world.env.get("LOADEDMODULES", "").split(":"))
    files = list(filter(None, world.env.get("_LMFILES_", "").split(":")))
    for number, name in enumerate(names):
        path = files[number] if number < len(files) else ""
        yield Module(name, path, _sha256(world, path))


def _named(commands: tuple[Command, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(`load`, `use` or `purge`, words) for each `module` or `ml` line whose words are known."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for command in commands:
        name, *rest = command.texts
        if name == "ml":
            rest = rest if rest[:1] and rest[0] in ("load", "add", "use", "purge", "unload", "swap") else ["load", *rest]
        elif name != "module":
            continue
        verb, *words = [w for w in rest if not w.startswith("-")] or [""]
        verb = {"add": "load", "swap": "load", "switch": "load", "try-load": "load"}.get(verb, verb)
        words = words[-1:] if rest[0] in ("swap", "switch") else words
        if verb in ("load", "use", "purge") and all(w.known for w in command.words):
            found.append((verb, tuple(words)))
    return tuple(found)


def find(world: World, wanted: str, path: list[str]) -> Module:
    """The modulefile that `module load WANTED` would read: exact, else the default version, else the highest."""
    for root in path:
        base = os.path.join(root, wanted)
        for file in (base, f"{base}.lua"):
            if _is_module(world, file):
                return Module(wanted, file, _sha256(world, file))
        if version := _default(world, base):
            name = f"{wanted}/{version.removesuffix('.lua')}"
            return Module(name, os.path.join(base, version), _sha256(world, os.path.join(base, version)))
    return Module(wanted, "", "")


def _default(world: World, folder: str) -> str:
    try:
        versions = [os.path.basename(p) for p in world.glob(f"{folder}/*") if _is_module(world, p)]
    except (OSError, LookupError):
        return ""
    for name in (".modulerc", ".version", ".modulerc.lua"):
        text = _text(world, f"{folder}/{name}")
        match = _LUA_DEFAULT.search(text) if name.endswith(".lua") else _DEFAULT.search(text)
        said = next((g for g in match.groups() if g), "") if match else ""
        if said and (chosen := next((v for v in versions if v in (said, f"{said}.lua")), "")):
            return chosen
    linked = next((v for v in versions if v != "default" and _same(world, f"{folder}/default", f"{folder}/{v}")), "")
    return linked or max((v for v in versions if v != "default"), key=_order, default="")


def _same(world: World, one: str, other: str) -> bool:
    """Does the link `default` lead to this file?"""
    try:
        a, b = world.stat(one), world.stat(other)
    except (OSError, LookupError):
        return False
    return (a.dev, a.ino) == (b.dev, b.ino)


def _order(version: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers by value, words by letter: 10.2 is above 9.3."""
    return tuple(
        (1, int(p), "") if p.isdigit() else (0, 0, p) for p in re.findall(r"\d+|[a-zA-Z]+", version.removesuffix(".lua"))
    )


def _is_module(world: World, path: str) -> bool:
    try:
        is_file = world.stat(path).is_file
    except (OSError, LookupError):
        return False
    name = os.path.basename(path)
    return is_file and not name.startswith(".") and (name.endswith(".lua") or _text(world, path).startswith(_MAGIC))


def _text(world: World, path: str) -> str:
    try:
        return world.text(path, MAX_FILE)
    except (OSError, LookupError):
        return ""


def _sha256(world: World, path: str) -> str:
    try:
        return hashlib.sha256(world.read(path, MAX_FILE)).hexdigest() if path else ""
    except (OSError, LookupError):
        return ""


PROBE = Probe(
    "modules",
    LoadedModules,
    collect,
    frozenset({Phase.SUBMIT, Phase.START}),
    source="LOADEDMODULES, _LMFILES_, modulefiles",
    guest=True,
)
