"""Which BLAS, MPI, OpenMP, CUDA and C library did the job's processes load, or which would they?

Three ways, from strong to weak, and the evidence says which: seen while the job ran (the local executor looks at its children now and
then; in a Slurm job a watcher that has to be asked for), seen in the processes still alive at the job's end, or resolved from the
programs' and packages' own headers, as ld.so(8) would do it. Sources: proc_pid_maps(5), ld.so(8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from auditor.codec import build
from auditor.model import Absent, Found, Grade, Job, Phase, Probe
from auditor.world import World
from probes.software import Component
from probes.software.identify import Budget, Library, components, identify, named
from probes.software.libnames import SHARED
from probes.software.reading import json_object, text, there
from probes.software.resolve import resolve

RECORD = "/auditor/libraries.json"
"""Under this name a record of the end carries what was seen while the job ran."""
SAMPLED = "/proc/PID/maps of the job's processes, now and then"
MAPS = "/proc/[0-9]*/maps"
MAX_LIBRARIES = 300


@dataclass(frozen=True)
class LoadedLibraries:
    """how: `sampled` (looked at while it ran, so a short process may be missed), `alive-at-end`, `resolved` (nothing was running).

    programs: whose they are; looks: how often was looked; others: loaded shared libraries that none of the roles is about.
    """

    how: str
    programs: tuple[str, ...]
    libraries: tuple[Library, ...]
    components: tuple[Component, ...]
    looks: int = 0
    others: int = 0


def collect(world: World, job: Job) -> Found[LoadedLibraries] | Absent:
    if not job.ended_at:
        return _resolved(world, job)
    if told := text(world, RECORD):
        seen = build(dict(json_object(told)), LoadedLibraries, "what the watcher saw")
        return Found(seen, SAMPLED)
    files = () if _here(world) else world.glob(MAPS)
    paths = {path for file in files[:64] for path in mapped(world.text(file))}
    if not paths:
        return Absent("no process of the job's was alive at its end, and nobody looked while it ran")
    ours = tuple(lib for path in sorted(paths) if (lib := named(path)))[:MAX_LIBRARIES]
    return Found(LoadedLibraries("alive-at-end", (), ours, components(ours), 1, len(paths) - len(ours)), "/proc/PID/maps")


def _here(world: World) -> bool:
    """Is this the machine itself, not a record of the job's processes? Then /proc is full of strangers."""
    return there(world, "/proc/self/status")


def _resolved(world: World, job: Job) -> Found[LoadedLibraries] | Absent:
    programs, paths = resolve(world, job)
    if not paths:
        return Absent("no program or package of the job's with libraries of its own was found before it ran")
    seen = look("resolved", programs, paths, world)
    return Found(seen, "ELF headers, as ld.so(8) reads them", Grade.DECLARED)


def look(
    how: str,
    programs: tuple[str, ...],
    paths: set[str],
    world: World,
    looks: int = 0,
    known: dict[str, Library | None] | None = None,
    inside: Mapping[str, Library | None] = MappingProxyType({}),
) -> LoadedLibraries:
    """Identify those that matter, by content, within a budget. known: what an earlier look read already, added to here.

    inside: those of processes in containers, identified already.
    """
    told, budget = {} if known is None else known, Budget()
    for path in sorted(paths - told.keys()):
        told[path] = identify(world, path, budget)
    every = [*(told[path] for path in sorted(paths)), *(inside[path] for path in sorted(inside))]
    ours = tuple(lib for lib in every if lib)[:MAX_LIBRARIES]
    return LoadedLibraries(how, programs, ours, components(ours), looks, len(every) - len(ours))


def mapped(maps: str) -> set[str]:
    """Paths of the shared libraries in a /proc/PID/maps text; a deleted file is none."""
    found = set()
    for line in maps.splitlines():
        _, slash, rest = line.partition("/")
        if slash and SHARED.search(rest):
            found.add(f"/{rest}")
    return found


PROBE = Probe(
    "libraries",
    LoadedLibraries,
    collect,
    frozenset({Phase.SUBMIT, Phase.END}),
    source="/proc/PID/maps, ELF headers",
)
