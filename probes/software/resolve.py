"""Which shared libraries would the job's programs and Python's number packages load? Their ELF headers, followed as ld.so(8) does.

What a program opens by name while it runs (dlopen) is not in any header: numpy's and torch's extensions are therefore taken as
programs of their own.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.model import Job
from auditor.world import World
from probes.script.interpreter import choose
from probes.script.launch import unwrap
from probes.script.trace import Trace
from probes.software import elf
from probes.software.reading import folders, listed, looked, program, text, there

MAX_FILES = 600
MAX_PROGRAMS = 20
EXTENSIONS = (
    "numpy/_core/_multiarray_umath*.so",
    "numpy/core/_multiarray_umath*.so",
    "numpy/linalg/_umath_linalg*.so",
    "scipy/linalg/_fblas*.so",
    "sklearn/utils/_openmp_helpers*.so",
    "torch/lib/libtorch_cpu.so",
    "torch/lib/libtorch_cuda.so",
    "torch/lib/libtorch_hip.so",
    "jaxlib/xla_extension.so",
    "jaxlib/libjax_common.so",
    "tensorflow/libtensorflow_cc.so*",
    "mpi4py/MPI*.so",
)
"""Under site-packages: what brings BLAS, OpenMP, MPI and CUDA into a Python process."""
SYSTEM = ("/lib", "/usr/lib", "/lib64", "/usr/lib64")
SHELLS = frozenset("sh bash dash zsh ksh env python python3 perl module ml echo cd export set source .".split())


@dataclass(frozen=True)
class Start:
    """Where following starts: a file, and how it is called in the evidence."""

    path: str
    name: str


def resolve(world: World, job: Job) -> tuple[tuple[str, ...], set[str]]:
    """(names of the programs and packages, paths of all libraries that they would load)."""
    found = looked(world, job)
    starts = [*_programs(world, found), *_extensions(world, job, found)]
    system = tuple(dict.fromkeys((*_configured(world), *SYSTEM)))
    asked = folders(world, found, "LD_LIBRARY_PATH")
    paths: set[str] = set()
    for start in starts:
        paths |= {start.path, *follow(world, start.path, asked, system)}
    return tuple(dict.fromkeys(s.name for s in starts)), paths


def follow(world: World, path: str, asked: tuple[str, ...], system: tuple[str, ...]) -> set[str]:
    """The libraries below one file, breadth first. A name that was found once is the same file from then on."""
    known: dict[str, str] = {}
    waiting: list[tuple[str, tuple[str, ...]]] = [(path, ())]
    while waiting and len(known) < MAX_FILES:
        file, inherited = waiting.pop(0)
        try:
            told = elf.read(world, file)
        except (OSError, LookupError, elf.NotElf):
            continue
        rpath = () if told.runpath else (*told.rpath, *inherited)
        search = (*rpath, *asked, *told.runpath, *system)
        for name in told.needed:
            if name not in known and (where := _locate(world, name, search)):
                known[name] = where
                waiting.append((where, rpath))
    return set(known.values())


def _locate(world: World, name: str, search: tuple[str, ...]) -> str:
    if "/" in name:
        return name if there(world, name) else ""
    return next((path for folder in search if there(world, path := f"{folder}/{name}")), "")


def _configured(world: World) -> Iterator[str]:
    """The folders of ld.so.conf(5) and of the files it includes."""
    files = ["/etc/ld.so.conf", *listed(world, "/etc", "ld.so.conf.d/*.conf")]
    for file in files[:200]:
        yield from (line.strip().rstrip("/") for line in text(world, file, 1 << 16).splitlines() if line.startswith("/"))


def _programs(world: World, found: Trace) -> Iterator[Start]:
    """The programs that the script starts outside of containers, launchers taken off."""
    seen: dict[str, None] = {}
    for command in found.commands:
        launched = unwrap(command.texts)
        name = launched.words[0] if launched.words and not launched.image else ""
        if not name or name in SHELLS or len(seen) >= MAX_PROGRAMS:
            continue
        path = os.path.normpath(os.path.join(command.cwd or "/", name)) if "/" in name else program(world, found, name)
        if path and path not in seen and _is_elf(world, path):
            seen[path] = None
            yield Start(path, path)


def _is_elf(world: World, path: str) -> bool:
    try:
        return world.span(path, 0, 4) == b"\x7fELF"
    except (OSError, LookupError):
        return False


def _extensions(world: World, job: Job, found: Trace) -> Iterator[Start]:
    choice = choose(world, job, found)
    if choice is None or choice.inside or not choice.interpreter:
        return
    prefix = os.path.dirname(os.path.dirname(choice.interpreter))
    sites = [site for lib in ("lib", "lib64") for site in listed(world, prefix, f"{lib}/python3*/site-packages")]
    if prefix == "/usr":
        sites += ["/usr/lib/python3/dist-packages", *listed(world, "/usr/local/lib", "python3*/dist-packages")]
    for site in _once(world, sites):
        for pattern in EXTENSIONS:
            yield from (Start(path, pattern.split("/")[0]) for path in listed(world, site, pattern))


def _once(world: World, sites: list[str]) -> Iterator[str]:
    """lib64 often is a link to lib."""
    known = set()
    for site in sites:
        if there(world, site) and (place := (world.stat(site).dev, world.stat(site).ino)) not in known:
            known.add(place)
            yield site
