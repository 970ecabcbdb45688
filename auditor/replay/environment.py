"""Can the software be had again? A virtual environment from the lock, an image by its digest, or this machine's own, with a warning."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.replay.sandbox import Inside, Sandbox, command, in_system
from auditor.world import World
from reports.archive.lock import normal
from reports.archive.recipe import Recipe

LOCK = "rebuilt-from-lock"
IMAGE = "image-by-digest"
HOST = "host"
BARE = "bare-python"
"""A Python of the run's version and none of its packages, for code that imports nothing but the standard library."""
INSTALL_SECONDS = 900.0
# a bundle's lock comes from a stranger: plain pins and commits only, no options that point pip elsewhere
_PIN = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(?:==[A-Za-z0-9][A-Za-z0-9.!+_-]*| @ git\+(?:https|ssh)://[A-Za-z0-9._~:/@%+-]+@[0-9a-f]{40})"
)
_LIST = (
    "import importlib.metadata as m, json; print(json.dumps(sorted({(d.name, d.version) for d in m.distributions() if d.name})))"
)


@dataclass(frozen=True)
class Software:
    """kind: LOCK, IMAGE or HOST. python: the interpreter to put first in PATH, empty for the machine's own.

    readable: further folders the job must see. detail: what was done; warnings: what is not as it was.
    """

    kind: str
    python: str
    readable: tuple[tuple[str, str], ...]
    detail: str
    warnings: tuple[str, ...]


def pins(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A lock's lines that may be installed, and those that may not."""
    lines = [line.split("  #")[0].strip() for line in text.splitlines()]
    wanted = [line for line in lines if line and not line.startswith("#")]
    return tuple(p for p in wanted if _PIN.fullmatch(p)), tuple(p for p in wanted if not _PIN.fullmatch(p))


def interpreter(recipe: Recipe, world: World) -> str:
    """A Python of the run's minor version on this machine that can make environments, or empty."""
    minor = ".".join(recipe.python.split(".")[:2])
    if not minor:
        return ""
    ours = getattr(sys, "_base_executable", "") or sys.executable
    for candidate in (ours, shutil.which(f"python{minor}"), shutil.which("python3")):
        if candidate and _version(candidate, world).startswith(f"{minor}."):
            return candidate
    return ""


def _version(python: str, world: World) -> str:
    """Its full version; empty for a name behind which no usable Python is (pyenv's shims)."""
    try:
        told = world.run(python, "-I", "-c", "import venv, platform; print(platform.python_version())", timeout=20)
    except (OSError, TimeoutError):
        return ""
    return told.out.strip() if told.code == 0 else ""


def bare(recipe: Recipe, folder: Path, world: World) -> Software:
    """An empty environment in `folder/env`: if the code runs in it, it needed no package."""
    python = interpreter(recipe, world)
    env = folder / "env"
    trouble = (
        _make(python, env, ((), folder), Sandbox("none", "", False), world) if python else "no Python of that version is here"
    )
    if trouble:
        return Software(HOST, "", (), f"no environment could be made: {trouble}", (trouble,))
    here = _version(python, world)
    release = (f"Python {here} is here, the run had {recipe.python}",) if here != recipe.python else ()
    detail = f"Python {here} without any package: the code imports only the standard library"
    return Software(BARE, str(env / "bin/python"), ((str(env), str(env)), *_base(python)), detail, release)


def rebuild(recipe: Recipe, crate: Path, folder: Path, sandbox: Sandbox, world: World) -> Software:
    """The environment from its lock, in `folder/env`; when that fails this machine's Python, and what differs."""
    python = interpreter(recipe, world)
    if not recipe.requirements or not python:
        why = (
            "no Python packages were recorded"
            if not recipe.requirements
            else f"there is no Python {recipe.python} on this machine"
        )
        return Software(HOST, "", (), why, () if not recipe.requirements else (why,))
    wanted, odd = pins((crate / recipe.requirements).read_text("utf-8"))
    env = folder / "env"
    trouble = _make(python, env, (wanted, crate), sandbox, world)
    base = _base(python)
    if trouble:
        differing = _difference(wanted, _installed(python, world))
        return Software(HOST, "", base, f"the lock could not be installed: {trouble}", (trouble, *differing))
    here = _version(python, world)
    release = (f"Python {here} is here, the run had {recipe.python}",) if here != recipe.python else ()
    differing = (
        *release,
        *(f"not installed: {o}" for o in odd),
        *_difference(wanted, _installed(str(env / "bin/python"), world)),
    )
    readable = ((str(env), str(env)), *base)
    return Software(
        LOCK,
        str(env / "bin/python"),
        readable,
        f"Python {here}, {len(wanted)} package{'s' * (len(wanted) != 1)} from the lock",
        differing,
    )


def _base(python: str) -> tuple[tuple[str, str], ...]:
    """The interpreter's own installation, where it is not among the system's folders."""
    home = str(Path(python).resolve().parent.parent)
    return () if in_system(home) else ((home, home),)


def _make(python: str, env: Path, lock: tuple[Sequence[str], Path], sandbox: Sandbox, world: World) -> str:
    """Make the environment; the reason when it cannot be made. Installing runs code of packages: in the sandbox, or wheels only."""
    wanted, crate = lock
    made = world.run(python, "-m", "venv", *(() if wanted else ("--without-pip",)), str(env), timeout=120)
    if made.code:
        return _last(made.err or made.out)
    if not wanted:
        return ""
    list_file = env / "requirements.txt"
    list_file.write_text("".join(f"{p}\n" for p in wanted), "utf-8")
    wheels = crate / "environment" / "wheels"
    pip = [
        str(env / "bin/python"),
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-input",
        "--disable-pip-version-check",
        "--no-cache-dir",
        "--no-compile",
        "--retries",
        "2",
    ]
    pip += ["--no-index", "--find-links", str(wheels)] if wheels.is_dir() else []
    pip += ["-r", str(list_file)]
    argv = _shut_in(pip, env, wheels, sandbox, world) if sandbox.kind == "bubblewrap" else [*pip, "--only-binary", ":all:"]
    try:
        done = world.run(*argv, timeout=INSTALL_SECONDS)
    except TimeoutError as error:
        return str(error)
    return "" if done.code == 0 else _last(done.err or done.out)


def _shut_in(pip: list[str], env: Path, wheels: Path, sandbox: Sandbox, world: World) -> list[str]:
    """pip may use the network (it fetches what the lock names) but sees no home."""
    settings = {
        k: v for k, v in world.env.items() if k.startswith(("PIP_", "HTTP", "http", "NO_PROXY", "no_proxy", "SSL_", "REQUESTS_"))
    }
    readable = [(str(Path(p)), p) for p in (settings.get("PIP_CONFIG_FILE", ""), "/etc/pip.conf") if p and Path(p).exists()]
    readable += [(str(wheels), str(wheels))] if wheels.is_dir() else []
    readable += [*_base(str(Path(pip[0]).resolve()))]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", **settings}  # the sandbox's own
    return command(pip, Inside([(str(env), str(env))], readable, "/", environment), network=not wheels.is_dir())


def _last(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["no message"])[-1].strip()[:300]


def _installed(python: str, world: World) -> dict[str, str]:
    done = world.run(python, "-I", "-c", _LIST, timeout=60)
    return {normal(name): version for name, version in json.loads(done.out)} if done.code == 0 else {}


def _difference(wanted: Sequence[str], there: dict[str, str]) -> tuple[str, ...]:
    """Pins that are not met, in words."""
    told = []
    for pin in wanted:
        name, _, version = pin.partition("==")
        have = there.get(normal(name.partition(" @ ")[0]), "")
        if not have or (version and have != version):
            told.append(f"{pin}: {f'{have} is here' if have else 'it is not here'}")
    return tuple(told)
