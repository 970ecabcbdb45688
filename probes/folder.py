"""What code lies in a work directory that is not under version control?"""

from __future__ import annotations

import glob
import hashlib
import os.path
from dataclasses import dataclass

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes.script.roots import repositories

MAX_FILES = 2000
MAX_ENTRIES = 20_000
FILE_BYTES = 1 << 20
TOTAL_BYTES = 64 << 20
_SUFFIXES = frozenset(
    """.py .pyx .pxd .ipynb .sh .bash .r .R .Rmd .jl .m .c .h .cc .cpp .cxx .hpp .cu .cuh .f .f90 .f95 .F90 .for .go .rs .java .scala .kt .lua
    .pl .pm .rb .js .ts .smk .nf .cwl .wdl .sql .yaml .yml .toml .json .cfg .ini .def .tcl .slurm .sbatch .job .mk .cmake .in .mdp .lmp .lock
    .md .rst .qmd .awk .proto""".split()
)
_NAMES = frozenset("Makefile Dockerfile Containerfile Snakefile Singularity Apptainer requirements.txt environment.yml".split())
_SKIPPED = frozenset("__pycache__ node_modules site-packages venv env wandb mlruns work lightning_logs renv".split())


@dataclass(frozen=True)
class SourceFile:
    """A source file (by suffix or #! line) in the work directory."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class FolderState:
    """A plain folder's source files, within limits; tree_sha256 over sorted `sha256  path` lines."""

    root: str
    files: tuple[SourceFile, ...]
    tree_sha256: str
    skipped: tuple[str, ...]


def collect(world: World, job: Job) -> FolderState | Absent:
    if not job.workdir or not world.exists(job.workdir):
        return Absent("the job's work directory is not known or not there")
    if roots := repositories(world, job):
        return Absent(f"the code is under version control in {roots[0]}")
    return look(world, job.workdir)


def look(world: World, root: str) -> FolderState:
    """Walk breadth first within the limits; hidden folders, environments and caches are left out."""
    files: list[SourceFile] = []
    skipped: list[str] = []
    folders, seen, total = [root], 0, 0
    while folders:
        folder = folders.pop(0)
        for path in world.glob(f"{glob.escape(folder)}/*"):
            seen += 1
            name = os.path.relpath(path, root)
            if seen > MAX_ENTRIES or len(files) >= MAX_FILES or total > TOTAL_BYTES:
                return state(root, files, [*skipped, f"{name} and what follows: limit reached"])
            try:
                about = world.stat(path, follow=False)
                if about.is_dir and _wanted_folder(world, path):
                    folders.append(path)
                elif about.is_file and is_source(world, path, about.size):
                    data = world.read(path, FILE_BYTES) if about.size <= FILE_BYTES else None
                    if data is None:
                        skipped.append(f"{name}: {about.size} bytes")
                    else:
                        total += len(data)
                        files.append(SourceFile(name, len(data), hashlib.sha256(data).hexdigest()))
            except OSError as error:
                skipped.append(f"{name}: {error.strerror or error}")
    return state(root, files, skipped)


def state(root: str, files: list[SourceFile], skipped: list[str]) -> FolderState:
    """The files in order of path, and the digest over them."""
    ordered = tuple(sorted(files, key=lambda f: f.path))
    lines = "".join(f"{f.sha256}  {f.path}\n" for f in ordered)
    return FolderState(root, ordered, hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest(), tuple(skipped))


def is_source(world: World, path: str, size: int) -> bool:
    """By suffix, by a well-known name, or for a file without suffix by its `#!`."""
    name = os.path.basename(path)
    suffix = os.path.splitext(name)[1]
    if name in _NAMES or suffix in _SUFFIXES:
        return True
    if suffix or name.startswith(".") or not 2 < size <= FILE_BYTES:
        return False
    return world.read(path, FILE_BYTES).startswith(b"#!")


def _wanted_folder(world: World, path: str) -> bool:
    name = os.path.basename(path)
    if name.startswith(".") or name in _SKIPPED:
        return False
    return not any(world.exists(f"{path}/{mark}") for mark in ("pyvenv.cfg", "conda-meta"))


PROBE = Probe("folder", FolderState, collect, frozenset({Phase.SUBMIT}), source="source files under the work directory")
