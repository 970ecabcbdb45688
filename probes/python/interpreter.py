"""Which Python is this, and where are its site-packages? From the environment's own files where they tell it."""

from __future__ import annotations

import glob
import os.path
import re
from dataclasses import dataclass

from auditor.world import World

# -I -S: neither the user's folder nor a .pth file of the environment gets a word in
_ASK = "import sys; print(sys.version.split()[0], sys.implementation.name, sys.prefix, sys.base_prefix, sep='\\n')"


@dataclass(frozen=True)
class Interpreter:
    """sites: its own site-packages folders; system_site: does a venv see its base's packages? maker: `venv`, `virtualenv 20.1`, `uv 0.9`, `conda`, empty."""

    path: str
    version: str
    implementation: str
    prefix: str
    base_prefix: str
    sites: tuple[str, ...]
    system_site: bool = False
    maker: str = ""


def inspect(world: World, path: str, workdir: str) -> Interpreter:
    """From the environment's own files; only an interpreter that has none is asked, isolated and without site.

    A program inside the work directory is never run to be asked: it is part of what is audited. Raises OSError, TimeoutError.
    """
    prefix = os.path.dirname(os.path.dirname(path))
    if world.exists(f"{prefix}/pyvenv.cfg"):
        return venv(world, path, prefix, world.text(f"{prefix}/pyvenv.cfg", 1 << 16))
    if version := _conda_python(world, prefix):
        return Interpreter(path, version, "cpython", prefix, prefix, sites(world, prefix, version), maker="conda")
    if workdir and path.startswith(f"{workdir.rstrip('/')}/"):
        raise OSError(f"{path} lies in the work directory without pyvenv.cfg or conda-meta, and is not run to be asked")
    ran = world.run(path, "-I", "-S", "-c", _ASK, timeout=10.0, limit=1 << 16)
    lines = ran.out.splitlines()
    if ran.code or len(lines) < 4:
        raise OSError(f"{path} does not say which Python it is: {ran.err.strip()[:200]}")
    version, implementation, prefix, base = lines[:4]
    return Interpreter(path, version, implementation, prefix, base, sites(world, prefix, version))


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
    maker = next((f"{tool} {told[tool][:40]}" for tool in ("uv", "virtualenv") if told.get(tool)), "venv")
    return Interpreter(path, version, implementation, prefix, base, sites(world, prefix, version), system, maker)


def sites(world: World, prefix: str, version: str) -> tuple[str, ...]:
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
