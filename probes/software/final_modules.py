"""Which environment modules had the job loaded when its script ended?

The hook knows the shell's final environment: what the script's own `module load` lines really did. Contents are not hashed here, at
the end nothing may be started; the same file's digest stands in LoadedModules of submission or start.
"""

from __future__ import annotations

from dataclasses import dataclass

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes.software import Component

MAX_MODULES = 200


@dataclass(frozen=True)
class FinalModules:
    """system: `lmod 8.7`, `environment-modules` or `unknown`; components: ecosystem `module`, origin: the modulefile."""

    system: str
    components: tuple[Component, ...]


def collect(world: World, job: Job) -> FinalModules | Absent:
    names = [n for n in world.env.get("LOADEDMODULES", "").split(":") if n]
    files = [f for f in world.env.get("_LMFILES_", "").split(":") if f]
    if not names:
        return Absent("no module was loaded at the end")
    paths = files if len(files) == len(names) else [""] * len(names)
    found = tuple(component(name, path) for name, path in zip(names, paths, strict=True))
    return FinalModules(system(world), found[:MAX_MODULES])


def component(name: str, path: str, digest: str = "", detail: str = "") -> Component:
    """`cuda/toolkit/12.4` is version 12.4 of cuda/toolkit."""
    stem, _, version = name.rpartition("/") if "/" in name else (name, "", "")
    return Component("module", stem, version, digest, path, detail)


def system(world: World) -> str:
    if version := world.env.get("LMOD_VERSION"):
        return f"lmod {version}"
    return "environment-modules" if "MODULESHOME" in world.env or "MODULES_CMD" in world.env else "unknown"


PROBE = Probe(
    "final-modules", FinalModules, collect, frozenset({Phase.END}), source="LOADEDMODULES, _LMFILES_ of the job's shell"
)
