"""Which images do Nextflow's scripts and configuration name, and which container engine do the settings switch on?

Nextflow documentation, "Containers" (`docker.enabled` and its kin, `process.container`, selectors) and "Command line" (`-with-docker`, `-c`, `-C`, `-profile`).
"""

from __future__ import annotations

import os.path
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from probes.containers.engines import groovy
from probes.containers.engines.nextflowfiles import Setting, configs, main, scripts
from probes.containers.engines.nextflowline import RUNTIMES, Asked, asked_of
from probes.containers.engines.shelf import Image, Shelf
from probes.script.command import Command
from probes.script.expand import Word


def images(command: Command, words: tuple[Word, ...], shelf: Shelf, environment: Mapping[str, str]) -> Iterator[Image]:
    """Images that one `nextflow run ...` would run its processes in."""
    asked = asked_of(words)
    if asked.project is None:
        return
    if not asked.project.known or not command.cwd:
        shelf.unread[asked.project.raw] = "only the run knows this project's name or folder"
        return
    user = f"nextflow {command.file} {command.line}"
    script = main(asked.project.text, command.cwd, shelf, user, environment)
    found = [*configs(asked, command.cwd, os.path.dirname(script[0]) if script else "", shelf, user, environment)]
    own = [*scripts(*script, shelf, user)] if script else []
    active = [s for s in found if s.path[0] != "profiles"]
    active += [s for s in found if s.path[0] == "profiles" and _active(s, asked.profiles)]
    engine, enabled = _engine(active, asked, bool(shelf.unread))
    known = {f"params.{k}": v for s in active if (k := _param(s)) and (v := groovy.value(s.value, {}, engine)) is not None}
    known |= {f"params.{k}": v for k, v in asked.params.items()}
    work = asked.work or _set(active, ("workDir",), engine, known) or environment.get("NXF_WORK") or "work"
    cache = _cache(engine, _of_engine(active, engine, known, "cacheDir"), environment, os.path.join(command.cwd, work))
    read = _Read(engine, enabled, known, _kept(active, engine, known), _registry(active, engine, known), command.cwd, cache)
    if asked.image is not None:
        yield _image(asked.image.text, asked.image.text, command.file, command.line, "", read)
    last = {step: setting for setting in active if (step := _step(setting)) is not None}  # a later one replaces it
    for setting in (*last.values(), *own):
        step = _step(setting)
        if step is not None and setting.value not in ("null", "''", '""'):
            name = groovy.value(setting.value, read.known, engine)
            yield _image(setting.value, name, setting.file, setting.line, step, read)


@dataclass(frozen=True)
class _Read:
    engine: str
    enabled: str
    known: Mapping[str, str]
    kept: tuple[str, ...]
    registry: str
    folder: str
    cache: str


def _image(source: str, name: str | None, file: str, line: int, step: str, read: _Read) -> Image:
    missing = () if name else (groovy.shown(source),)
    if name and read.registry and "/" not in name.partition(":")[0].partition("/")[0] and not _placed(name):
        name = f"{read.registry}/{name}"
    written = name if name and "$" not in source and "?" not in source else groovy.shown(source)
    if name and read.engine in ("singularity", "apptainer") and not _placed(name, False):
        name = f"docker://{name}"
    return Image(
        "nextflow",
        RUNTIMES.get(read.engine, ""),
        written,
        name or None,
        missing,
        file,
        line,
        step,
        read.enabled,
        read.kept,
        read.folder,
        _copy(name, read.cache),
    )


def _cache(engine: str, setting: str, environment: Mapping[str, str], work: str) -> str:
    """Where Nextflow keeps image files that it makes: a variable, a setting, or in its work folder."""
    if engine not in ("singularity", "apptainer", "charliecloud"):
        return ""
    return setting or environment.get(f"NXF_{engine.upper()}_CACHEDIR") or f"{work}/{engine}"


def _copy(name: str | None, cache: str) -> str:
    """`docker://lab/a:1` -> `lab-a-1.img`; an image file it runs as it is."""
    if not name or "://" not in name or name.startswith("file://") or not cache or cache.endswith("/charliecloud"):
        return ""
    rest = name.partition("://")[2]
    kind = ".sif" if rest.endswith(".sif") or ".sif:" in rest else ".img"
    flat = rest.replace(".sif:", "-").removesuffix(".sif").replace(":", "-").replace("/", "-")
    return os.path.normpath(f"{cache}/{flat}{kind}")


def _placed(name: str, registry: bool = True) -> bool:
    """A path, an address, or (registry) a name that says its registry."""
    first = name.partition("/")[0]
    return (
        "://" in name
        or name.startswith("/")
        or name.endswith((".sif", ".img"))
        or (registry and ("." in first or ":" in first) and "/" in name)
    )


def _active(setting: Setting, profiles: tuple[str, ...]) -> bool:
    return setting.path[0] != "profiles" or (len(setting.path) > 2 and setting.path[1] in (profiles or ("standard",)))


def _inner(setting: Setting) -> tuple[str, ...]:
    return setting.path[2:] if setting.path[0] == "profiles" else setting.path


def _engine(active: list[Setting], asked: Asked, unread: bool) -> tuple[str, str]:
    """The engine that is switched on last, and whether one is: `-with-docker` beats the files."""
    if asked.engine:
        return asked.engine, "yes"
    on: dict[str, bool] = {}
    for setting in active:
        path = _inner(setting)
        if len(path) == 2 and path[0] in RUNTIMES and path[1] == "enabled":
            on.pop(path[0], None)
            on[path[0]] = setting.value.strip() == "true"
    engine = next((name for name in reversed(on) if on[name]), "")
    if asked.without:
        return "", "no"
    return engine, "yes" if engine else "unknown" if asked.unsure or unread else "no"


def _param(setting: Setting) -> str:
    path = _inner(setting)
    return ".".join(path[1:]) if path[0] == "params" and len(path) > 1 else ""


def _step(setting: Setting) -> str | None:
    """The process or selector that an image is for; empty: all; None: this sets no image."""
    path = _inner(setting)
    if path[-1] != "container" or not path[0].startswith("process"):
        return None
    return path[0].partition(" ")[2] if " " in path[0] else ":".join(path[1:-1]) if len(path) > 2 else ""


def _kept(active: list[Setting], engine: str, known: Mapping[str, str]) -> tuple[str, ...]:
    text = _of_engine(active, engine, known, "runOptions")
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return tuple(text.split())


def _registry(active: list[Setting], engine: str, known: Mapping[str, str]) -> str:
    return _of_engine(active, engine, known, "registry").rstrip("/")


def _of_engine(active: list[Setting], engine: str, known: Mapping[str, str], name: str) -> str:
    return _set(active, (engine, name), engine, known)


def _set(active: list[Setting], path: tuple[str, ...], engine: str, known: Mapping[str, str]) -> str:
    found = [groovy.value(s.value, known, engine) for s in active if _inner(s) == path]
    return (found[-1] or "") if found else ""
