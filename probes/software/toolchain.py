"""Which compilers, MPI, CUDA and ROCm does the job's PATH offer, and which C library lies beneath?

Versions from files where a tool writes one, else by asking the program `--version`: on the login side only, one time-out each, and
never a program inside the work directory. What `module load` adds in the job is not here: see the libraries that were loaded.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.model import Absent, Found, Grade, Job, Phase, Probe
from auditor.world import World
from probes.script.trace import Trace
from probes.software import Component
from probes.software.osfiles import libc
from probes.software.reading import folders, json_object, listed, looked, mapping, text, there, word

SECONDS = 5.0
_NUMBER = r"(\d+(?:\.\d+)+(?:[-.]\w+)?)"
COMPILERS = {
    "gcc": ("gcc", rf"^gcc \(.*\) {_NUMBER}"),
    "g++": ("g++", rf"^g\+\+ \(.*\) {_NUMBER}"),
    "gfortran": ("gfortran", rf"^GNU Fortran \(.*\) {_NUMBER}"),
    "clang": ("clang", rf"clang version {_NUMBER}"),
    "icx": ("intel-icx", rf"oneAPI DPC\+\+/C\+\+ Compiler {_NUMBER}"),
    "icc": ("intel-icc", rf"^icc \(ICC\) {_NUMBER}"),
    "ifx": ("intel-ifx", rf"^ifx \(IFX\) {_NUMBER}"),
    "ifort": ("intel-ifort", rf"^ifort \(IFORT\) {_NUMBER}"),
    "nvc": ("nvhpc", rf"^nvc {_NUMBER}"),
    "hipcc": ("hipcc", rf"HIP version: {_NUMBER}"),
    "amdclang": ("amdclang", rf"clang version {_NUMBER}"),
}
"""Program -> (name of the component, its version in the answer to `--version`)."""
MPI = (
    ("openmpi", rf"\(Open MPI\) {_NUMBER}"),
    ("intel-mpi", r"Intel\(R\) MPI Library.* Version (\d+(?:\.\d+)*)"),
    ("mpich", rf"HYDRA build details:\s+Version:\s+{_NUMBER}"),
    ("mvapich2", rf"MVAPICH2? [Vv]ersion:?\s+{_NUMBER}"),
    ("prrte", rf"PRRTE\) {_NUMBER}"),
)
PKGCONFIG = {"ompi": "openmpi", "mpich": "mpich", "mvapich2": "mvapich2", "cray-mpich": "cray-mpich"}


@dataclass(frozen=True)
class Toolchain:
    """components: `libc`, `compiler`, `mpi`, `cuda`, `rocm`. origin: the program or file that was read."""

    components: tuple[Component, ...]


def collect(world: World, job: Job) -> Found[Toolchain] | Absent:
    found = looked(world, job)
    workdir = (job.workdir or world.cwd).rstrip("/")
    parts = [
        *_compilers(world, found, workdir),
        *_mpi(world, found, workdir),
        *_cuda(world, found, workdir),
        *_rocm(world, found),
    ]
    beneath = libc(world)
    parts += [beneath] if beneath else []
    if not parts:
        return Absent("no compiler, MPI, CUDA or ROCm on the job's PATH")
    return Found(Toolchain(tuple(parts)), "programs on PATH and files beside them", Grade.DECLARED)


def locate(world: World, found: Trace, name: str, workdir: str) -> str:
    """Where PATH finds it, outside the work directory; empty if nowhere."""
    for folder in folders(world, found, "PATH"):
        path = os.path.join(folder, name)
        if not f"{folder}/".startswith(f"{workdir}/") and there(world, path):
            return path
    return ""


def _compilers(world: World, found: Trace, workdir: str) -> Iterator[Component]:
    for program, (name, pattern) in COMPILERS.items():
        path = locate(world, found, program, workdir)
        if path and (version := first(pattern, _answer(world, path))):
            yield Component("compiler", name, version, origin=path)


def _mpi(world: World, found: Trace, workdir: str) -> Iterator[Component]:
    path = next((p for name in ("mpirun", "mpiexec", "mpicc") if (p := locate(world, found, name, workdir))), "")
    if not path:
        return
    prefix = os.path.dirname(os.path.dirname(path))
    for file in (f for lib in ("lib", "lib64") for f in listed(world, prefix, f"{lib}/pkgconfig/*.pc")):
        name = PKGCONFIG.get(os.path.basename(file).removesuffix(".pc"), "")
        if name and (version := first(r"^Version:\s*(\S+)", text(world, file, 1 << 16))):
            yield Component("mpi", name, version, origin=file)
            return
    yield from mpi(_answer(world, path), path)


def mpi(answer: str, path: str) -> Iterator[Component]:
    """What `mpirun --version` says."""
    for name, pattern in MPI:
        if version := first(pattern, answer):
            yield Component("mpi", name, version, origin=path)
            return


def _cuda(world: World, found: Trace, workdir: str) -> Iterator[Component]:
    """Each toolkit once: of CUDA_HOME and its like, the one that nvcc belongs to, the system's."""
    nvcc = locate(world, found, "nvcc", workdir)
    named = [found.variables.get(n, "").rstrip("/") for n in ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT")]
    roots = dict.fromkeys([*named, os.path.dirname(os.path.dirname(nvcc)) if nvcc else "", "/usr/local/cuda"])
    told = False
    for root in filter(None, roots):
        version = cuda(text(world, f"{root}/version.json", 1 << 20), text(world, f"{root}/version.txt", 1 << 16))
        if version:
            told = True
            yield Component("cuda", "toolkit", version, origin=root)
    if nvcc and not told and (version := first(r"release [\d.]+, V([\d.]+)", _answer(world, nvcc))):
        yield Component("cuda", "toolkit", version, origin=nvcc)


def cuda(version_json: str, version_txt: str) -> str:
    """`{"cuda": {"version": "12.4.1"}}` since CUDA 11.1, before that `CUDA Version 10.2.89`."""
    told = mapping(json_object(version_json).get("cuda"))
    return word(told.get("version")) or first(r"CUDA Version (\S+)", version_txt)


def _rocm(world: World, found: Trace) -> Iterator[Component]:
    for root in dict.fromkeys((found.variables.get("ROCM_PATH", "").rstrip("/"), "/opt/rocm")):
        version = text(world, f"{root}/.info/version", 1 << 10).strip() if root else ""
        if version:
            yield Component("rocm", "rocm", version, origin=root)


def first(pattern: str, answer: str) -> str:
    match = re.search(pattern, answer, re.MULTILINE)
    return match[1] if match else ""


def _answer(world: World, path: str) -> str:
    try:
        ran = world.run(path, "--version", timeout=SECONDS, limit=1 << 16)
    except (OSError, LookupError):
        return ""
    return f"{ran.out}\n{ran.err}"


PROBE = Probe("toolchain", Toolchain, collect, frozenset({Phase.SUBMIT}), source="programs on PATH and files beside them")
