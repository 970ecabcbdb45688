"""Which files does a `nextflow run` read, and what do they set? The main script, its modules, the configuration and what it includes.

Nextflow documentation, "Configuration" (Configuration file) and "Modules".
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from probes.containers.engines import groovy
from probes.containers.engines.nextflowline import Asked
from probes.containers.engines.shelf import Shelf

_INCLUDE = re.compile(r"^\s*include\s*\{[^}]*\}\s*from\s*(['\"])([^'\"]+)\1", re.MULTILINE)
MAX_DEPTH = 10


@dataclass(frozen=True)
class Setting:
    path: tuple[str, ...]
    value: str
    line: int
    file: str


def main(project: str, cwd: str, shelf: Shelf, user: str, environment: Mapping[str, str]) -> tuple[str, str] | None:
    path = os.path.normpath(os.path.join(cwd, project))
    assets = (
        environment.get("NXF_ASSETS") or f"{environment.get('NXF_HOME') or environment.get('HOME', '') + '/.nextflow'}/assets"
    )
    pulled = os.path.join(assets, re.sub(r"^https?://[^/]+/", "", project).removesuffix(".git"))
    if project.endswith(".nf"):
        return shelf.first(path, user=user)
    return shelf.first(f"{path}/main.nf", f"{pulled}/main.nf", user=user)


def configs(asked: Asked, cwd: str, project: str, shelf: Shelf, user: str, environment: Mapping[str, str]) -> Iterator[Setting]:
    usual = (
        []
        if asked.only
        else [f"{environment.get('HOME', '')}/.nextflow/config", f"{project}/nextflow.config", f"{cwd}/nextflow.config"]
    )
    for path in dict.fromkeys(os.path.normpath(p) for p in usual if p.startswith("/") and not p.startswith("/nextflow.config")):
        yield from _config(path, shelf, user, False)
    for word in asked.configs:
        if word.known:
            yield from _config(os.path.normpath(os.path.join(cwd, word.text)), shelf, user, True)
        else:
            shelf.unread[word.raw] = "only the run knows this configuration's name"


def _config(path: str, shelf: Shelf, user: str, needed: bool, around: tuple[str, ...] = (), depth: int = 0) -> Iterator[Setting]:
    text = shelf.text(path, needed, f"{user} {'.'.join(around)}")
    for setting in groovy.settings(text or ""):
        if setting.path[-1] == "includeConfig":
            name = groovy.value(setting.value, {"projectDir": os.path.dirname(path), "baseDir": os.path.dirname(path)}, "")
            if name is None or "://" in name or depth >= MAX_DEPTH:
                shelf.unread[f"includeConfig {groovy.shown(setting.value)}"] = (
                    f"not a file's name as such ({path}, line {setting.line})"
                )
            else:
                inner = os.path.normpath(os.path.join(os.path.dirname(path), name))
                yield from _config(inner, shelf, user, True, (*around, *setting.path[:-1]), depth + 1)
        else:
            yield Setting((*around, *setting.path), setting.value, setting.line, path)


def scripts(path: str, text: str, shelf: Shelf, user: str, depth: int = 0) -> Iterator[Setting]:
    for setting in groovy.settings(text):
        if setting.path[0].startswith("process ") and len(setting.path) == 2:
            yield Setting(setting.path, setting.value, setting.line, path)
    for match in _INCLUDE.finditer(text) if depth < MAX_DEPTH else ():
        if match[2].startswith("."):
            inner = os.path.normpath(os.path.join(os.path.dirname(path), match[2]))
            found = shelf.first(
                *((inner,) if inner.endswith(".nf") else (f"{inner}.nf", f"{inner}/main.nf")), user=user, needed=False
            )
            if found:
                yield from scripts(*found, shelf, user, depth + 1)
