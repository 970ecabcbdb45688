"""Which Python packages can the job's interpreter import?"""

from __future__ import annotations

import glob
import hashlib
import os.path
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditor.model import Absent, Found, Grade, Job, Phase, Probe
from auditor.world import World
from probes.distributions import Check, Distribution, conda, installed, modified, normal
from probes.script.interpreter import choose
from probes.script.trace import trace

HASH_BYTES = 256 << 20
HASH_FILES = 40_000
MODIFIED_NAMES = 50
MAX_PTH = 100
# -I -S: neither the user's folder nor a .pth file of the environment gets a word in
_ASK = "import sys; print(sys.version.split()[0], sys.implementation.name, sys.prefix, sys.base_prefix, sep='\\n')"


@dataclass(frozen=True)
class Package:
    """An installed distribution. source: `index`, `wheel`, `vcs`, `editable`, `directory`, `conda`, `system`, `unknown`; reference: URL@commit or path.

    record_sha256: over the RECORD file's hash lines (what was installed); modified: files whose content differs from RECORD (the first ones).
    """

    name: str
    version: str
    location: str
    source: str
    reference: str
    installer: str
    record_sha256: str
    modified: tuple[str, ...] = ()


@dataclass(frozen=True)
class PythonPackages:
    """The environment of the interpreter that the *job* uses, not ours. env_sha256 over sorted `name==version record` lines.

    chosen_by: how we know it is the job's (`VIRTUAL_ENV`, `PATH`, `#!`, `script line N`).
    leaks: entries that reach in from outside the environment (PYTHONPATH, user site), as written.
    """

    interpreter: str
    version: str
    implementation: str
    prefix: str
    base_prefix: str
    chosen_by: str
    packages: tuple[Package, ...]
    env_sha256: str
    leaks: tuple[str, ...]
    files_checked: int = 0
    """Files whose hash was recomputed."""
    files_skipped: int = 0
    """Files left out because the budget was spent."""


@dataclass(frozen=True)
class Interpreter:
    """What is known of an interpreter. sites: its own site-packages folders; system_site: does a venv see its base's packages?"""

    path: str
    version: str
    implementation: str
    prefix: str
    base_prefix: str
    sites: tuple[str, ...]
    system_site: bool = False


def collect(world: World, job: Job) -> Found[PythonPackages] | Absent:
    found = trace(world, job)
    choice = choose(world, job, found)
    if choice is None:
        return Absent("nothing in the script or its environment speaks of Python")
    if choice.inside:
        return Absent(f"Python runs inside the container image {choice.inside}")
    if not choice.interpreter or not world.exists(choice.interpreter):
        return Absent(f"{choice.interpreter or 'an interpreter'} ({choice.by}) is not there")
    interpreter = inspect(world, choice.interpreter, job.workdir)
    check = Check(HASH_BYTES, HASH_FILES)
    seen = look(world, interpreter, choice.by, found.variables, check)
    complete = choice.sure and check.skipped == 0 and check.checked > 0
    grade = Grade.VERIFIED if complete else Grade.OBSERVED if choice.sure else Grade.DECLARED
    return Found(seen, f"{interpreter.prefix}: dist-info read, RECORD recomputed", grade)


def inspect(world: World, path: str, workdir: str) -> Interpreter:
    """From the environment's own files; only an interpreter that has none is asked, isolated and without site.

    A program inside the work directory is never run to be asked: it is part of what is audited.
    """
    prefix = os.path.dirname(os.path.dirname(path))
    if world.exists(f"{prefix}/pyvenv.cfg"):
        return venv(world, path, prefix, world.text(f"{prefix}/pyvenv.cfg", 1 << 16))
    if version := _conda_python(world, prefix):
        return Interpreter(path, version, "cpython", prefix, prefix, _sites(world, prefix, version))
    if workdir and path.startswith(f"{workdir.rstrip('/')}/"):
        raise OSError(f"{path} lies in the work directory without pyvenv.cfg or conda-meta, and is not run to be asked")
    ran = world.run(path, "-I", "-S", "-c", _ASK, timeout=10.0, limit=1 << 16)
    lines = ran.out.splitlines()
    if ran.code or len(lines) < 4:
        raise OSError(f"{path} does not say which Python it is: {ran.err.strip()[:200]}")
    version, implementation, prefix, base = lines[:4]
    return Interpreter(path, version, implementation, prefix, base, _sites(world, prefix, version))


def _conda_python(world: World, prefix: str) -> str:
    found = (
        re.search(r"/python-(\d+\.\d+\.\d+)-[^/]*\.json$", p)
        for p in world.glob(f"{glob.escape(prefix)}/conda-meta/python-*.json")
    )
    return next((m[1] for m in found if m), "")


def venv(world: World, path: str, prefix: str, text: str) -> Interpreter:
    """A virtual environment by its pyvenv.cfg (PEP 405; `version_info` is virtualenv's and uv's word for `version`)."""
    told = {key.strip().lower(): value.strip() for key, _, value in (line.partition("=") for line in text.splitlines())}
    version = ".".join((told.get("version") or told.get("version_info", "")).split(".")[:3])
    base = os.path.dirname(told.get("home", ""))
    system = told.get("include-system-site-packages", "").lower() == "true"
    implementation = told.get("implementation", "pypy" if "pypy" in told.get("home", "") else "cpython").lower()
    return Interpreter(path, version, implementation, prefix, base, _sites(world, prefix, version), system)


def _sites(world: World, prefix: str, version: str) -> tuple[str, ...]:
    """site-packages and Debian's dist-packages under a prefix, for this version."""
    minor = ".".join(version.split(".")[:2])
    tried = [f"{prefix}/{lib}/{name}{minor}/site-packages" for lib in ("lib", "lib64") for name in ("python", "pypy")]
    if prefix == "/usr":
        tried += [f"/usr/local/lib/python{minor}/dist-packages", "/usr/lib/python3/dist-packages"]
    there, known = [], set()
    for folder in tried:
        if world.exists(folder) and (ino := (world.stat(folder).dev, world.stat(folder).ino)) not in known:
            known.add(ino)  # lib64 often is a link to lib
            there.append(folder)
    return tuple(there)


def look(world: World, own: Interpreter, by: str, variables: Mapping[str, str], check: Check) -> PythonPackages:
    """The packages in the order Python looks for them: PYTHONPATH, the environment, the user's site, the base's."""
    before, after = leaks(world, own, variables)
    packages: dict[str, Package] = {}
    for folder in (*before, *own.sites, *after):
        for one in installed(world, folder):
            packages.setdefault(normal(one.name), _package(one, modified(world, one, check)))
    for one in conda(world, own.prefix):
        packages.setdefault(normal(one.name), _package(one, ()))
    ordered = tuple(sorted(packages.values(), key=lambda p: (normal(p.name), p.version)))
    lines = "".join(f"{normal(p.name)}=={p.version} {p.record_sha256}\n" for p in ordered)
    return PythonPackages(
        interpreter=own.path,
        version=own.version,
        implementation=own.implementation,
        prefix=own.prefix,
        base_prefix=own.base_prefix,
        chosen_by=by,
        packages=ordered,
        env_sha256=hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest(),
        leaks=(*(f"PYTHONPATH {p}" for p in before), *(f"site {p}" for p in after), *dict.fromkeys(_paths(world, own))),
        files_checked=check.checked,
        files_skipped=check.skipped,
    )


def _package(one: Distribution, changed: tuple[str, ...]) -> Package:
    return Package(
        one.name, one.version, one.folder, one.source, one.reference, one.installer, one.record_sha256, changed[:MODIFIED_NAMES]
    )


def leaks(world: World, own: Interpreter, variables: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Folders that reach in from outside the environment: (looked at before it, after it)."""
    before = tuple(p for p in variables.get("PYTHONPATH", "").split(":") if p.startswith("/"))
    minor = ".".join(own.version.split(".")[:2])
    isolated = own.prefix != own.base_prefix and not own.system_site
    user = variables.get("PYTHONUSERBASE") or (f"{variables['HOME']}/.local" if variables.get("HOME") else "")
    after = [f"{user}/lib/python{minor}/site-packages"] if user and not isolated and not variables.get("PYTHONNOUSERSITE") else []
    after += _sites(world, own.base_prefix, own.version) if own.system_site else ()
    return before, tuple(p for p in after if world.exists(p))


def _paths(world: World, own: Interpreter) -> Iterator[str]:
    """Folders outside the environment that its .pth files add (site(1)): editable installs and the like."""
    for folder in own.sites:
        for path in world.glob(f"{glob.escape(folder)}/*.pth")[:MAX_PTH]:
            for line in world.text(path, 1 << 20).splitlines():
                if line.startswith("/") and not line.startswith(own.prefix + "/"):
                    yield f"{os.path.basename(path)} {line.strip()}"


PROBE = Probe(
    "packages",
    PythonPackages,
    collect,
    frozenset({Phase.SUBMIT, Phase.LATER}),
    source="dist-info of the job's Python environment",
)
