"""Which repository is this folder in, and what does its configuration say? Files only; git is never started."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from auditor.world import World

MAX = 1 << 18
_VALUE = re.compile(r"([A-Za-z][A-Za-z0-9_-]*)\s*=(.*)")
Settings = Mapping[tuple[str, str, str], str]
"""(section, subsection, key) in lower case (but the subsection) -> the last value."""


def above(folder: str, mark: str) -> str:
    """The nearest folder from here upwards that has `mark` in it; empty: none."""
    here = folder
    while True:
        if os.path.lexists(os.path.join(here, mark)):
            return here
        up = os.path.dirname(here)
        if up == here:
            return ""
        here = up


def git_folder(world: World, root: str) -> str:
    """The .git folder of a work tree; of a submodule or worktree the one that its .git file names."""
    path = os.path.join(root, ".git")
    if os.path.isdir(path):
        return path
    try:
        told = world.text(path, 1 << 12).removeprefix("gitdir:").strip()
    except OSError:
        return path
    return os.path.normpath(os.path.join(root, told))


def settings(world: World, paths: Iterable[str]) -> Settings:
    """Of git-config(1)-like files, which DVC's are too; later ones win; what is not there says nothing."""
    found: dict[tuple[str, str, str], str] = {}
    for path in paths:
        section = sub = ""
        try:
            lines = world.text(path, MAX).splitlines() if world.stat(path).is_file else []
        except OSError:
            continue
        for line in map(str.strip, lines):
            if line.startswith("["):
                section, sub = _head(line)
            elif value := _VALUE.fullmatch(line):
                found[section, sub, value[1].lower()] = value[2].strip().strip('"')
    return found


def _head(line: str) -> tuple[str, str]:
    """`[remote "origin"]`, which DVC writes as `['remote "lab"']`."""
    name, _, sub = line[1:].partition("]")[0].strip(" \t'").partition(" ")
    return name.lower(), sub.strip(' \t"')
