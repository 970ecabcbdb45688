"""How do these probes read what may not be there? Text or nothing, JSON or nothing, and the variables that the job will have.

Every ecosystem keeps its own notes, and most machines have none of them: what is missing or broken is an empty answer here, and
the probe says `absent` when nothing answered.
"""

from __future__ import annotations

import glob as patterns
import json
import os.path
import re
from collections.abc import Mapping
from typing import Any

from auditor.model import Job
from auditor.redact import MARK
from auditor.world import World
from probes.script.trace import Trace, trace

NOTE_BYTES = 32 << 20
MAX_WORD = 4096
_LOGIN = re.compile(r"://[^/@\s]*@")
_TOKEN = re.compile(r"/t/[^/\s]+/")


def text(world: World, path: str, limit: int = NOTE_BYTES) -> str:
    """The file's text; empty when it is not there, not readable, not recorded or larger than `limit` bytes."""
    try:
        return world.text(path, limit) if path else ""
    except (OSError, LookupError):
        return ""


def json_object(found: str) -> Mapping[str, Any]:
    """The JSON object in this text; empty for anything else."""
    try:
        told = json.loads(found) if found else {}
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def word(value: Any) -> str:
    """A JSON or TOML scalar as text, its first MAX_WORD characters; empty for nothing and for what holds others."""
    return "" if value is None or isinstance(value, (dict, list)) else str(value)[:MAX_WORD]


def there(world: World, path: str) -> bool:
    try:
        return bool(path) and world.exists(path)
    except (OSError, LookupError):
        return False


def listed(world: World, folder: str, pattern: str) -> tuple[str, ...]:
    """What in this folder fits the pattern; the folder's own name is taken literally."""
    try:
        return world.glob(f"{patterns.escape(folder)}/{pattern}")
    except (OSError, LookupError):
        return ()


def location(url: str) -> str:
    """A URL without what only its owner may know: a login before `@`, and conda's tokens (`/t/<token>/`)."""
    return _TOKEN.sub(f"/t/{MARK}/", _LOGIN.sub("://", url))


def looked(world: World, job: Job) -> Trace:
    """The job's script followed; where there is none, an empty trace with the environment's variables."""
    return trace(world, job)


def folders(world: World, found: Trace, name: str) -> tuple[str, ...]:
    """The absolute folders of a variable such as PATH, each once: as the script sets it, then as it was before."""
    told = f"{found.variables.get(name, '')}:{world.env.get(name, '')}".split(":")
    return tuple(dict.fromkeys(f.rstrip("/") or "/" for f in told if f.startswith("/")))


def program(world: World, found: Trace, *names: str) -> str:
    """Where PATH finds the first of these programs that is there; empty if none is."""
    for name in names:
        for folder in folders(world, found, "PATH"):
            path = os.path.join(folder, name)
            if there(world, path):
                return path
    return ""


def calls(found: Trace, *names: str) -> tuple[tuple[str, ...], ...]:
    """The script's commands whose program has one of these names, through launchers such as srun: their words from there on."""
    wanted = set(names)
    kept = []
    for command in found.commands:
        words = command.texts
        at = next((n for n, w in enumerate(words[:40]) if os.path.basename(w) in wanted), None)
        if at is not None:
            kept.append(tuple(words[at:]))
    return tuple(kept)
