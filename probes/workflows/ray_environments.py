"""In which environments did Ray run tasks? Declared in a `runtime_env`; enacted where the agent's log says that it was made.

https://docs.ray.io/en/latest/ray-core/handling-dependencies.html#api-reference
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from auditor.world import World
from probes.records import jsonl
from probes.records.inside import inside
from probes.records.lines import lines, one_line
from probes.workflows import Digest, Environment, Place

MAX_NAMED = 100
_MADE = re.compile(r"Successfully created runtime env: (\{.{0,16000}?\}), context: ")


def created(world: World, folder: str) -> Mapping[str, Place]:
    """Digest of each runtime_env that runtime_env_agent.log says was created → where."""
    found: dict[str, Place] = {}
    try:
        for number, line in lines(world, inside(world, folder, "runtime_env_agent.log")):
            if (said := _MADE.search(line)) and len(found) < MAX_NAMED:
                found.setdefault(_digest(said[1]), Place("runtime_env_agent.log", f"line {number}"))
    except OSError:
        pass
    return found


def environments(serialized: str, place: Place, made: Mapping[str, Place]) -> tuple[Environment, ...]:
    """Of one runtime_env, as JSON. Variables in it are not told: they may hold secrets."""
    if serialized in ("", "{}"):
        return ()
    try:
        said = jsonl.parsed(serialized)
    except jsonl.NotJson:
        return ()
    digest = _digest(serialized)
    declared = tuple(_declared(said)) if isinstance(said, dict) else ()
    return tuple(Environment(kind, name, place, made.get(digest), digests=(Digest("sha256", digest),)) for kind, name in declared)


def _declared(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    container = said.get("container")
    image = said.get("image_uri") or (container.get("image") if isinstance(container, dict) else "")
    if image:
        yield "container", one_line(str(image), 300)
    for key, kind in (("pip", "python"), ("uv", "python"), ("conda", "conda")):
        if wanted := said.get(key):
            packages = wanted.get("packages", wanted) if isinstance(wanted, dict) else wanted
            yield kind, one_line(", ".join(map(str, packages)) if isinstance(packages, list) else str(packages), 300)


def _digest(serialized: str) -> str:
    """Of its sorted text: the same environment is written in different orders."""
    with suppress(jsonl.NotJson):
        serialized = json.dumps(jsonl.parsed(serialized), sort_keys=True)
    return hashlib.sha256(serialized.encode("utf-8", "surrogatepass")).hexdigest()
