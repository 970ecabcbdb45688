"""How does the batch script run again? In its fresh folder, with the recorded settings and nothing of this user's environment."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from auditor import home
from auditor.redact import NEVER
from auditor.replay.environment import Software
from auditor.replay.images import container
from auditor.replay.lay import Layout
from auditor.replay.public import arguments
from auditor.replay.sandbox import Inside, Sandbox, can_stand_at, command
from reports.archive.recipe import Recipe

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
LONGEST = 86400.0


@dataclass(frozen=True)
class Launch:
    """What is about to run: argv, where, what a sandbox shows (None: there is none), the whole environment, seconds at most."""

    argv: tuple[str, ...]
    folder: Path
    inside: Inside | None
    environment: Mapping[str, str]
    seconds: float
    out: Path
    err: Path
    image: str = ""
    """The image file that it runs in; empty: none, or its runtime is called by the script."""


@dataclass(frozen=True)
class Ended:
    """exit_code as a shell tells it (128 + signal). trouble: why it did not run at all; empty when it ran."""

    exit_code: int
    timed_out: bool
    trouble: str = ""


def launch(recipe: Recipe, layout: Layout, software: Software, sandbox: Sandbox, folder: Path) -> Launch:
    """Put the command together. In the sandbox the work directory stands at its old path; else the script runs where it lies now."""
    shut = sandbox.kind != "none"
    work = recipe.workdir if shut and can_stand_at(recipe.workdir) else str(layout.work)
    environment = variables(recipe, software, work, "/tmp" if shut else str(folder))  # the sandbox's own
    argv = [*shlex.split(recipe.interpreter), _script(recipe, layout, work), *arguments(recipe, work)]
    readable = [*software.readable, *_links(layout), *layout.shown, *_old_prefix(recipe, software, work)]
    inside = Inside([(str(layout.work), work), *layout.writable], readable, work, environment)
    return Launch(
        tuple(argv),
        layout.work,
        inside if shut else None,
        environment,
        limit(recipe),
        folder / "stdout.txt",
        folder / "stderr.txt",
    )


def shorter(what: Launch, seconds: float) -> Launch:
    """The same, stopped earlier."""
    return replace(what, seconds=min(what.seconds, seconds))


def shut_in(what: Launch, network: bool) -> list[str]:
    """The argv with its walls: the image, the sandbox, or at least no environment but the recorded one."""
    if what.inside and what.image:
        program = shutil.which("apptainer") or shutil.which("singularity") or "apptainer"
        return container.command(program, what.image, what.argv, what.inside, os.environ)
    if what.inside:
        return command(what.argv, what.inside, network)
    return ["/usr/bin/env", "-i", *(f"{k}={v}" for k, v in what.environment.items()), *what.argv]


def recorder() -> list[str]:
    """Our own executor in front, so that the replay is a run with evidence.

    Only where there is no sandbox: some probes ask the job's own interpreter, and a stranger's code must not be asked
    outside of what it is shut in. `-P`: nor may its folder be on our import path.
    """
    return [sys.executable, "-P", "-m", "auditor", "run", "--label", "replay", "--"] if home.find() else []


def _script(recipe: Recipe, layout: Layout, work: str) -> str:
    """The script's path as the interpreter finds it."""
    if not os.path.isabs(recipe.script):
        return os.path.join(work, recipe.script)
    return recipe.script if work != str(layout.work) else next((s for s, t in layout.shown if t == recipe.script), recipe.script)


def _links(layout: Layout) -> list[tuple[str, str]]:
    """Large inputs are links out of the work directory: what they lead to must be visible, read-only."""
    return [(str(p.readlink()), str(p.readlink())) for p in sorted(layout.work.rglob("*")) if p.is_symlink()]


def _old_prefix(recipe: Recipe, software: Software, work: str) -> list[tuple[str, str]]:
    """Show the rebuilt environment also where the old one lay: scripts name interpreters by absolute path."""
    env = str(Path(software.python).parent.parent)
    old = recipe.prefix
    inside_work = f"{old}/".startswith(f"{work}/")
    return [(env, old)] if software.python and old and can_stand_at(old) and not inside_work and env != old else []


def variables(recipe: Recipe, software: Software, work: str, home: str) -> dict[str, str]:
    """The job's whole environment: a plain PATH, the recorded settings, and what a scheduler would say."""
    settings = {k: v.replace(recipe.workdir, work) if recipe.workdir else v for k, v in recipe.environment.items()}
    made = {"PATH": PATH, "HOME": home, "LANG": "C.UTF-8", "TMPDIR": home, "PWD": work, **settings}
    made.setdefault("SLURM_JOB_NAME", recipe.name)
    made["SLURM_SUBMIT_DIR"] = work
    if recipe.array_task:
        made["SLURM_ARRAY_TASK_ID"] = recipe.array_task
    if recipe.images:
        made |= _runtime_settings(recipe)
    if software.python:
        bin_folder = str(Path(software.python).parent)
        made |= {"PATH": f"{bin_folder}:{PATH}", "VIRTUAL_ENV": str(Path(bin_folder).parent)}
    return made


def _runtime_settings(recipe: Recipe) -> dict[str, str]:
    """Container runtimes are set up by the site through variables and lie where the site put them; credentials stay behind."""
    names = re.compile(r"(?:APPTAINER|SINGULARITY)_(?!.*DOCKER)\w+|DOCKER_HOST|CONTAINER[DS]?_\w+|XDG_RUNTIME_DIR")
    settings = {k: v for k, v in os.environ.items() if names.fullmatch(k) and not NEVER.search(k)}
    programs = {p for i in recipe.images if (p := shutil.which(i.runtime) or shutil.which("singularity"))}
    return {**settings, "PATH": ":".join([PATH, *sorted({os.path.dirname(p) for p in programs} - set(PATH.split(":")))])}


def limit(recipe: Recipe) -> float:
    """Seconds: what was asked for, else ten times what it took and ten minutes, else a day."""
    if recipe.asked.seconds:
        return float(recipe.asked.seconds)
    return min(LONGEST, 10 * recipe.original.seconds + 600) if recipe.original.seconds else LONGEST


def run_local(what: Launch, network: bool, started: Callable[[int], None] = lambda _pid: None, *, recorded: bool = True) -> Ended:
    """Run to the end; at the time limit the whole process group is killed. Output goes to files, as a scheduler has it.

    started: told the process number of its session's leader, so that an interrupted replay can end what it left. recorded: as a
    run of its own, where there is no sandbox."""
    if what.inside and (trouble := _walls(what, network)):
        return Ended(1, False, trouble)
    argv = [*([] if what.inside or not recorded else recorder()), *shut_in(what, network)]
    with what.out.open("wb") as out, what.err.open("wb") as err:
        try:
            child = subprocess.Popen(
                argv, cwd=what.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
        except OSError as error:
            return Ended(127, False, f"{argv[0]} does not start: {error.strerror or error}")
        try:
            started(child.pid)
            code = child.wait(timeout=what.seconds)
        except subprocess.TimeoutExpired:
            return Ended(_kill(child), True)
        except BaseException:
            _kill(child)
            raise
    return Ended(code if code >= 0 else 128 - code, False)


def _walls(what: Launch, network: bool) -> str:
    """Does exactly this sandbox stand up? Else its own failure would be taken for the job's."""
    nothing = (what.argv[0], "-c", "") if what.image else ("true",)  # shells and Python both take it
    tried = subprocess.run(shut_in(replace(what, argv=nothing), network), capture_output=True, text=True, timeout=60, check=False)
    return "" if tried.returncode == 0 else f"the sandbox does not start: {tried.stderr.strip()[:300]}"


def _kill(child: subprocess.Popen[bytes]) -> int:
    os.killpg(child.pid, signal.SIGKILL)
    return 128 - child.wait()
