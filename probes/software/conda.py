"""Which conda packages lie in the environment that the job activates, Python's and all others?

From `conda-meta/*.json` (one file a package, written at installation) and `conda-meta/history`, by reading; conda is not run.
Sources: conda's documentation, "Managing packages"; conda/core/prefix_data.py and conda/history.py name the fields.
"""

from __future__ import annotations

import hashlib
import json
import os.path
import re
from dataclasses import dataclass

from auditor.model import Absent, Found, Grade, Job, Phase, Probe
from auditor.world import World
from probes.script.interpreter import choose
from probes.software import Component
from probes.software.reading import json_object, listed, location, looked, text, there, word

MAX_PACKAGES = 4000
MAX_SPECS = 200
_SPECS = re.compile(r"^# (?:update|install|create) specs: (\[.*\])\s*$", re.MULTILINE)


@dataclass(frozen=True)
class CondaPackages:
    """A conda prefix. digest of a component: of the package archive; origin: its URL; detail: build string.

    requested: what the user asked for, newest last, from `history`; chosen_by: how we know that the job uses this prefix.
    history_sha256: of `conda-meta/history`, which changes with every transaction.
    """

    prefix: str
    chosen_by: str
    channels: tuple[str, ...]
    requested: tuple[str, ...]
    history_sha256: str
    components: tuple[Component, ...]


def collect(world: World, job: Job) -> Found[CondaPackages] | Absent:
    found = looked(world, job)
    choice = choose(world, job, found)
    prefix, by, sure = "", "", True
    if choice and not choice.inside:
        prefix, by, sure = os.path.dirname(os.path.dirname(choice.interpreter)), choice.by, choice.sure
    if not there(world, f"{prefix}/conda-meta"):
        prefix, by, sure = found.variables.get("CONDA_PREFIX", "").rstrip("/"), "CONDA_PREFIX", True
    if not prefix or not there(world, f"{prefix}/conda-meta"):
        return Absent("the job uses no conda environment")
    history = text(world, f"{prefix}/conda-meta/history")
    components = tuple(c for path in listed(world, prefix, "conda-meta/*.json")[:MAX_PACKAGES] if (c := parse(text(world, path))))
    seen = CondaPackages(
        prefix=prefix,
        chosen_by=by,
        channels=tuple(sorted({channel(c.origin) for c in components} - {""})),
        requested=requested(history),
        history_sha256=hashlib.sha256(history.encode("utf-8", "surrogateescape")).hexdigest() if history else "",
        components=components,
    )
    return Found(seen, f"{prefix}/conda-meta", Grade.OBSERVED if sure else Grade.DECLARED)


def parse(note: str) -> Component | None:
    """One file of conda-meta; None when it names no package."""
    told = json_object(note)
    name, version = word(told.get("name")), word(told.get("version"))
    if not name:
        return None
    kind = next((k for k in ("sha256", "md5") if word(told.get(k))), "")
    digest = f"{kind}:{word(told[kind])}" if kind else ""
    origin = location(word(told.get("url")) or word(told.get("channel")))
    return Component("conda", name, version, digest, origin, word(told.get("build")) or word(told.get("build_string")))


def requested(history: str) -> tuple[str, ...]:
    """The specs that were asked for: `["python=3.11", "numpy"]` after `# update specs:`."""
    asked: dict[str, str] = {}
    for match in _SPECS.finditer(history):
        try:
            told = json.loads(match[1].replace("'", '"'))
        except ValueError:
            continue
        for spec in map(str, told):
            name = re.split(r"[=<>!~ \[]", spec, maxsplit=1)[0]
            asked.pop(name, None)  # the newest wish for a name replaces older ones and stands last
            asked[name] = spec
    return tuple(asked.values())[-MAX_SPECS:]


def channel(url: str) -> str:
    """`https://conda.anaconda.org/conda-forge` of a package's URL: what stands before the platform's folder."""
    match = re.match(r"(.*?)/(?:noarch|linux-[\w]+|osx-[\w]+|win-[\w]+)/[^/]+$", url)
    return match[1] if match else ""


PROBE = Probe(
    "conda",
    CondaPackages,
    collect,
    frozenset({Phase.SUBMIT, Phase.LATER}),
    source="conda-meta of the job's environment",
)
