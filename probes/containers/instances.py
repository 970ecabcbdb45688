"""Which instances of Apptainer run, or ran, on this node, and of which image? Their records; nothing else in them is kept.

`instances/app/HOST/USER/NAME/NAME.json` below ~/.apptainer (internal/pkg/instance): `image` is the path it was started from, `config` the
whole environment of whoever started it. The record goes when the instance is stopped, its log file stays.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from auditor.world import World

MAX_RECORD = 4 << 20


@dataclass(frozen=True)
class Instance:
    """image: the path or name it was started from. started: seconds since the epoch."""

    name: str
    image: str
    path: str
    started: float


def instances(world: World, name: str = "*") -> list[Instance]:
    """Those whose records lie in the user's home, for this node; damaged records are passed over."""
    found = []
    for root in _roots(world):
        for path in world.glob(os.path.join(root, "instances", "app", world.host, "*", name, f"{name}.json")):
            try:
                record = json.loads(world.read(path, MAX_RECORD))
                started = world.stat(path).mtime_ns / 1e9
            except (OSError, ValueError, RecursionError):
                continue
            image = record.get("image") if isinstance(record, dict) else None
            if isinstance(image, str) and image:
                found.append(Instance(os.path.basename(os.path.dirname(path)), image, path, started))
    return found


def stopped(world: World, name: str) -> str:
    """The log file that an instance of this name left on this node; empty: none."""
    for root in _roots(world):
        for path in world.glob(os.path.join(root, "instances", "logs", world.host, "*", f"{name}.err")):
            return path
    return ""


def _roots(world: World) -> list[str]:
    home = world.env.get("HOME", "")
    said = world.env.get("APPTAINER_CONFIGDIR", "")
    return [p for p in (said, *(os.path.join(home, n) for n in (".apptainer", ".singularity") if home)) if p]
