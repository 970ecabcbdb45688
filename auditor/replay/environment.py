"""Can the software be had again? A virtual environment from the lock, an image by its digest, or this machine's own, with a warning."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from auditor.model import AuditError
from auditor.replay import compared, conda
from auditor.replay.compared import Compared
from auditor.replay.installing import Order, base, install
from auditor.replay.sandbox import Sandbox
from auditor.world import World
from reports.archive.recipe import Recipe
from reports.judging.amounts import several

LOCK = "rebuilt-from-lock"
IMAGE = "image-by-digest"
IMAGE_REBUILT = "image-rebuilt"
"""From its definition, since the image itself was not to be had."""
HOST = "host"
BARE = "bare-python"
"""A Python of the run's version and none of its packages, for code that imports nothing but the standard library."""
# a bundle's lock comes from a stranger: plain pins and commits only, no options that point an installer elsewhere
_PIN = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(?:==[A-Za-z0-9][A-Za-z0-9.!+_-]*(?: --hash=sha256:[0-9a-f]{64})?"
    r"| @ git\+(?:https|ssh)://[A-Za-z0-9._~:/@%+-]+@[0-9a-f]{40})"
)
_HASH_BEHIND = re.compile(r"  # (--hash=sha256:[0-9a-f]{64})$")


@dataclass(frozen=True)
class Software:
    """kind: LOCK, IMAGE, HOST or BARE. python: the interpreter to put first in PATH, empty for the machine's own.

    readable: further folders the job must see. detail: what was done; warnings: what is not as it was.
    equal: is every package the run's, file by file? None: it could not be told, or there was nothing to compare.
    """

    kind: str
    python: str
    readable: tuple[tuple[str, str], ...]
    detail: str
    warnings: tuple[str, ...]
    equal: bool | None = None


def pins(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A lock's lines that may be installed, and those that may not. A hash that stands behind its line as a comment counts."""
    lines = [_HASH_BEHIND.sub(r" \1", line.rstrip()).split("  #")[0].strip() for line in text.splitlines()]
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
    python, env = interpreter(recipe, world), folder / "env"
    order = Order(python, env, (), folder / "none", Sandbox("none", "", False))
    trouble = install(order, world)[1] if python else "no Python of that version is here"
    if trouble:
        return Software(HOST, "", (), f"no environment could be made: {trouble}", (trouble,))
    here = _version(python, world)
    detail = f"Python {here} without any package: the code imports only the standard library"
    return Software(BARE, str(env / "bin/python"), ((str(env), str(env)), *base(python)), detail, _release(recipe, here))


def _release(recipe: Recipe, here: str) -> tuple[str, ...]:
    return (f"Python {here} is here, the run had {recipe.python}",) if here != recipe.python else ()


def rebuild(recipe: Recipe, crate: Path, folder: Path, sandbox: Sandbox, world: World) -> Software:
    """The environment from its locks, in `folder/env`, and compared with the run's; when that fails this machine's Python, and what differs."""
    python, env = interpreter(recipe, world), folder / "env"
    if not recipe.requirements:
        return Software(HOST, "", (), "no Python packages were recorded", ())
    listed = conda.explicit(crate / "environment" / "conda-explicit.txt")
    if not python and not listed.lines:
        why = f"there is no Python {recipe.python} on this machine"
        return Software(HOST, "", (), why, (why,))
    trouble = conda.create(listed, env, sandbox, world) if listed.lines or listed.odd else ""
    own = str(env / "bin/python") if listed.lines else python
    wanted, odd = pins((crate / recipe.requirements).read_text("utf-8"))
    order = Order(own, env, wanted, crate / "environment" / "wheels", sandbox, made=bool(listed.lines))
    tool, trouble = ("conda", trouble) if trouble else install(order, world)
    if trouble:
        readable, missing = (base(python), _missing(crate, python, world)) if python else ((), ())
        return Software(HOST, "", readable, f"the lock could not be installed: {trouble}", (trouble, *missing))
    return _made(recipe, crate, order, (tool, len(listed.lines)), odd, world)


def _made(recipe: Recipe, crate: Path, order: Order, by: tuple[str, int], odd: tuple[str, ...], world: World) -> Software:
    """by: the installer, and how many packages conda brought. The new interpreter is not run to be asked: it may be a stranger's."""
    mine = str(order.env / "bin/python")
    told, version = _told(crate, mine, order, world)
    release = _release(recipe, version)
    hashed = sum(" --hash=" in p for p in order.pins)
    detail = f"Python {version}, "
    detail += f"{several(by[1], 'conda package')} by digest, " if by[1] else ""
    detail += f"{several(len(order.pins), 'package')} from the lock by {by[0]}"
    detail += f", {'all' if hashed == len(order.pins) else hashed} by hash" if hashed else ""
    warnings = (*release, *(f"not installed: {o}" for o in odd), *told.differing, *told.unsure)
    equal = False if release or odd else told.same
    readable = ((str(order.env), str(order.env)), *base(order.python))
    return Software(LOCK, mine, readable, f"{detail}; {_equal(told)}", warnings, equal)


def _missing(crate: Path, python: str, world: World) -> tuple[str, ...]:
    try:
        run = compared.of_run(crate)
        return compared.missing(run, compared.built(python, world, hashed=False)) if run else ()
    except (AuditError, OSError, TimeoutError) as error:
        return (f"the packages could not be compared: {error}",)


def _told(crate: Path, python: str, order: Order, world: World) -> tuple[Compared, str]:
    """The comparison with the run, and this Python's version; from files."""
    try:
        here, run = compared.built(python, world), compared.of_run(crate)
        return compared.compare(run, here, order.carried) if run else Compared(0, (), ()), here.version
    except (AuditError, OSError, TimeoutError) as error:
        return Compared(0, (), (f"the packages could not be compared: {error}",)), "(version not known)"


def _equal(told: Compared) -> str:
    if told.same:
        return f"equal to the run's: every file of {several(told.equal, 'package')} was hashed again"
    return f"{several(told.equal, 'package')} equal to the run's, {len(told.differing)} not, {len(told.unsure)} not comparable"
