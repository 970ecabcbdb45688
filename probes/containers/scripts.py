"""Which images does this job name, in its batch script, in the scripts it calls from beside it, and in its own options?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from auditor.model import Job
from auditor.world import World
from probes.containers import Reference
from probes.containers.reference import MAX_TEXT, of_argv, references
from probes.containers.shelltext import commands, expand

MAX_SCRIPTS = 20
MAX_ALL = 1 << 19
_SHELL_LINE = re.compile(r"#!\s*\S*?(?:/env\s+(?:-\S+\s+)*)?(?:ba|da|k|z|a)?sh\b|#!\s*\S*/(?:ba|da|k|z|a)?sh\b")
_SCRIPT_NAME = re.compile(r"[^\s$`*?]+\.(?:sh|bash|sbatch|slurm|job)")
_CALLERS = frozenset({"source", ".", "bash", "sh", "srun", "sbatch", "exec", "mpirun", "time", "nohup"})


def named(world: World, job: Job) -> tuple[Reference, ...]:
    """Every reference, the batch script's first; those of called scripts carry the script's path in `file`."""
    found = [*of_argv(_own_options(job))]
    for path, text, arguments in _scripts(world, job):
        found += (replace(r, file=path) for r in references(text, world.env, arguments))
    return tuple(found)


def where(world: World, job: Job, path: str) -> str:
    """An image's path as the job would open it: from its work directory."""
    home = world.env.get("HOME", "")
    if path.startswith("~/") and home:
        path = home + path[1:]
    path = os.path.join(job.workdir or world.cwd, path)
    return path if ".." in path else os.path.normpath(path)  # `..` after a link is not where the text says


def files(world: World, job: Job) -> tuple[tuple[Reference, str], ...]:
    """References to image files whose path is known, each path once."""
    found = {
        where(world, job, r.resolved): r
        for r in reversed(named(world, job))
        if r.transport == "file" and r.resolved and "://" not in r.resolved
    }
    return tuple((reference, path) for path, reference in sorted(found.items()))


def _scripts(world: World, job: Job) -> Iterator[tuple[str, str, Sequence[str]]]:
    """(path, text, arguments) of the batch script, path empty, and of shell scripts called by name."""
    todo: list[tuple[str, str, Sequence[str]]] = [("", job.script, _arguments(job))]
    seen: set[str] = set()
    read = 0
    while todo:
        path, text, arguments = todo.pop(0)
        yield path, text if _is_shell(text) else _directives_only(text), arguments
        for called in _called(text) if _is_shell(text) else ():
            if called in seen or len(seen) >= MAX_SCRIPTS or read > MAX_ALL:
                continue
            seen.add(called)
            try:
                todo.append((called, world.text(where(world, job, called), MAX_TEXT), ()))
                read += len(todo[-1][1])
            except (OSError, LookupError):
                continue  # `called-files` says what cannot be read


def _called(text: str) -> Iterator[str]:
    for command in commands(text[:MAX_TEXT]):
        plain = [expand(word, {})[0] for word in command.words[:8]]
        for at, word in enumerate(plain):
            if (at == 0 or plain[0].rpartition("/")[2] in _CALLERS) and _SCRIPT_NAME.fullmatch(word):
                yield os.path.normpath(word)


def _is_shell(text: str) -> bool:
    return not text.startswith("#!") or _SHELL_LINE.match(text) is not None


def _directives_only(text: str) -> str:
    return "\n".join(line if line.startswith("#SBATCH") else "" for line in text.splitlines())


def _split_argv(job: Job) -> int:
    """Index of the batch script in what the user typed; its length when the script is not there (`--wrap`, stdin)."""
    for at, word in enumerate(job.argv):
        if job.script_path and os.path.join(job.workdir, word) == job.script_path:
            return at
    names = [
        at for at, word in enumerate(job.argv) if job.script_path and os.path.basename(word) == os.path.basename(job.script_path)
    ]
    return names[0] if names else len(job.argv)


def _arguments(job: Job) -> Sequence[str]:
    return job.argv[_split_argv(job) + 1 :]


def _own_options(job: Job) -> Sequence[str]:
    return job.argv[: _split_argv(job)] if job.scheduler == "slurm" else ()
