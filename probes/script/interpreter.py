"""Which Python does the job run? From its script's own lines, then the environment; the interpreter itself is not asked here."""

from __future__ import annotations

import itertools
import os.path
import re
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.model import Job
from auditor.world import World
from probes.script.command import Command
from probes.script.launch import program, unwrap
from probes.script.sbatch import interpreter, language
from probes.script.trace import Trace

_PYTHON = re.compile(r"(python|pypy|ipython)[\d.]*")
_CONDA = frozenset("conda mamba micromamba".split())
_PROJECT = frozenset("uv poetry pipenv hatch rye pdm".split())
_TOOLS = frozenset("pytest jupyter papermill snakemake ipython accelerate torchrun deepspeed mlflow dask ray luigi parsl".split())
MAX_COMMANDS = 500
_MODULE = re.compile(r"(?i)python|conda|mamba|torch|tensorflow|jax|keras|scipy|numpy")


@dataclass(frozen=True)
class Choice:
    """interpreter: a path; by: how we know; sure: False when a module the job loads may put another one first.

    inside: the container image that Python runs in; then nothing can be read from here.
    """

    interpreter: str
    by: str
    sure: bool = True
    inside: str = ""


def choose(world: World, job: Job, found: Trace) -> Choice | None:
    """The interpreter of the first Python command; without one, of an active environment; None when there is no sign of Python."""
    if language(job.script) == "python":
        words = [w for w in interpreter(job.script).split() if w != "-S"]
        name = words[-1] if program(words[0]) == "env" else words[0]
        return _located(world, name, "#!", found, job.workdir)
    active, modules = "", ""
    by = ""
    for command in found.commands:
        modules = modules or _module(command)
        prefix = _activated(world, command, found)
        if prefix:
            active, by = prefix, f"{_place(command, found)}"
        launched = unwrap(command.texts)
        name = program(launched.words[0]) if launched.words else ""
        if not (_PYTHON.fullmatch(name) or name in _TOOLS):
            continue
        if launched.image:
            return Choice("", _place(command, found), inside=launched.image)
        if launched.words[0] != name:  # a path
            word = next((w for w in command.words if w.text == launched.words[0]), None)
            if word is None or word.known:
                return Choice(os.path.normpath(os.path.join(command.cwd, launched.words[0])), _place(command, found))
        own = _conda_run(world, command, found) or _project(world, command, launched.layers)
        if own or active:
            return Choice(f"{own or active}/bin/python", _place(command, found) if own else by)
        choice = _located(world, name if _PYTHON.fullmatch(name) else "python3", "PATH", found, job.workdir)
        return Choice(choice.interpreter, f"PATH, before `module load {modules}`", sure=False) if choice and modules else choice
    if active:
        return Choice(f"{active}/bin/python", by)
    named = next((n for n in ("VIRTUAL_ENV", "CONDA_PREFIX") if found.variables.get(n)), "")
    return Choice(f"{found.variables[named]}/bin/python", named) if named else _console_script(world, found)


def _console_script(world: World, found: Trace) -> Choice | None:
    """A command that PATH finds in an environment's bin folder: a console script of one of its packages."""
    folders = [f for f in found.variables.get("PATH", "").split(":") if f.startswith("/")]
    own = [
        f for f in folders if any(_there(world, f"{os.path.dirname(f.rstrip('/'))}/{m}") for m in ("pyvenv.cfg", "conda-meta"))
    ]
    for name in dict.fromkeys(unwrap(c.texts).words[:1] for c in found.commands[:MAX_COMMANDS]):
        for folder in own:
            if name and "/" not in name[0] and _there(world, f"{folder}/{name[0]}") and _there(world, f"{folder}/python"):
                return Choice(f"{folder}/python", f"PATH, for `{name[0]}`")
    return None


def _located(world: World, name: str, by: str, found: Trace, workdir: str) -> Choice | None:
    if "/" in name:
        return Choice(os.path.normpath(os.path.join(workdir, name)), by)
    for folder in found.variables.get("PATH", "").split(":"):
        path = os.path.join(folder, name)
        if folder.startswith("/") and _there(world, path):
            prefix = os.path.dirname(folder.rstrip("/"))
            named = next((n for n in ("VIRTUAL_ENV", "CONDA_PREFIX") if found.variables.get(n, "").rstrip("/") == prefix), "")
            return Choice(path, named or "PATH")
    return None


def _place(command: Command, found: Trace) -> str:
    return (
        f"script line {command.line}" if command.file == found.file else f"{os.path.basename(command.file)} line {command.line}"
    )


def _module(command: Command) -> str:
    """The first module loaded by this command whose name speaks of Python."""
    words = command.texts
    return next((w for w in words[1:] if _MODULE.search(w)), "") if words[0] in ("module", "ml") else ""


def _activated(world: World, command: Command, found: Trace) -> str:
    """The prefix that this command makes the active environment, or empty."""
    name, *rest = command.texts
    if name in ("source", ".") and rest and command.words[1].known and rest[0].endswith("/bin/activate") and len(rest) == 1:
        return os.path.dirname(os.path.dirname(os.path.normpath(os.path.join(command.cwd, rest[0]))))
    by_source = name in ("source", ".") and bool(rest) and program(rest[0]) == "activate"
    if by_source or (name in _CONDA and rest[:1] == ["activate"]):
        wanted = [w.text for w in command.words[2:] if w.known and not w.text.startswith("-")]
        return next(conda_prefixes(world, wanted[-1] if wanted else "base", command.cwd, found), "")
    return ""


def _conda_run(world: World, command: Command, found: Trace) -> str:
    words = command.texts
    if not any(program(w) in _CONDA for w in words) or "run" not in words:
        return ""
    for option, value in itertools.pairwise(words):
        if option in ("-n", "--name", "-p", "--prefix"):
            return next(conda_prefixes(world, value, command.cwd, found), "")
    return ""


def _project(world: World, command: Command, layers: tuple[str, ...]) -> str:
    folder = f"{command.cwd}/.venv"
    return folder if _PROJECT.intersection(layers) and command.cwd and _there(world, f"{folder}/pyvenv.cfg") else ""


def conda_prefixes(world: World, name: str, cwd: str, found: Trace) -> Iterator[str]:
    """Where an environment of that name or path lies: those of the active installation, then the usual places."""
    env = found.variables
    if "/" in name:
        yield os.path.normpath(os.path.join(cwd, name))
        return
    home = env.get("HOME", "")
    roots = [os.path.dirname(os.path.dirname(env["CONDA_EXE"]))] if env.get("CONDA_EXE") else []
    roots += [r for r in (env.get("MAMBA_ROOT_PREFIX", ""), env.get("CONDA_ROOT", "")) if r]
    roots += (
        [f"{home}/{d}" for d in ("miniconda3", "miniforge3", "mambaforge", "anaconda3", "micromamba", ".conda")] if home else []
    )
    folders = [f for f in env.get("CONDA_ENVS_PATH", "").split(":") if f] + [f"{root}/envs" for root in roots]
    for prefix in roots if name == "base" else (f"{folder}/{name}" for folder in folders):
        if _there(world, f"{prefix}/conda-meta"):
            yield prefix


def _there(world: World, path: str) -> bool:
    try:
        return world.exists(path)
    except (OSError, LookupError):
        return False
