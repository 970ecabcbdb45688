"""How does a replay run under Slurm? As a batch job of its own: the script's resource lines, none of the other site's names."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from auditor.replay.run import Ended, Launch, shut_in
from auditor.world import World
from probes.script.sbatch import Option, directives, options
from reports.archive.recipe import Recipe

# names of one site, or of one submission; a replay elsewhere must not ask for them (sbatch(1))
_THEIRS = frozenset(
    """-p --partition -A --account -q --qos -w --nodelist -x --exclude -F --nodefile -M --clusters --reservation --mail-type --mail-user
    -d --dependency -D --chdir --workdir -o --output -e --error -a --array -b --begin --deadline --wckey --comment --uid --gid -i --input
    -C --constraint --prefer --export --export-file --open-mode --parsable -W --wait --wrap -Q --quiet --test-only --burst-buffer --bb --bbf
    --container --container-id --licenses -L --nice --priority --profile -H --hold --signal --job-name -J --requeue --no-requeue --get-user-env
    --auditor-label --auditor-input --auditor-output --auditor-no-hook --auditor-libraries --auditor-trace""".split()
)


@dataclass(frozen=True)
class Batch:
    """The batch script of the replay, and the options of the original that it leaves out."""

    text: str
    dropped: tuple[str, ...]


def batch(recipe: Recipe, script: str, what: Launch, network: bool) -> Batch:
    """`#SBATCH` lines that say how much is needed, then one exec of what a local replay would run."""
    said = (*directives(script), *options(recipe.command)[0])
    # Pyxis' options too: here the replay itself provides the image
    kept = [o for o in said if o.option not in _THEIRS and not o.option.startswith("--container")]
    lines = ["#!/bin/bash", *(f"#SBATCH {_written(o)}" for o in kept)]
    lines.append(f"cd {shlex.quote(str(what.folder))} || exit 1")
    if what.inside:
        lines.append(f"exec {shlex.join(shut_in(what, network))}")
    else:  # Slurm's own variables stay, for srun; the recorded ones are set on top
        keep = [name for name in what.environment if not name.startswith("SLURM_") or name == "SLURM_ARRAY_TASK_ID"]
        lines += [f"export {name}={shlex.quote(what.environment[name])}" for name in keep]
        lines += [
            "export SLURM_EXPORT_ENV=ALL",
            f"exec {shlex.join(what.argv)}",
        ]  # else --export=NONE would reach into every srun
    return Batch(
        "\n".join(lines) + "\n", tuple(sorted({o.option for o in said} & _THEIRS - {"-J", "--job-name", "-o", "--output"}))
    )


def _written(option: Option) -> str:
    separator = "=" if option.option.startswith("--") and option.value else " " if option.value else ""
    return f"{option.option}{separator}{shlex.quote(option.value) if option.value else ''}"


def run_slurm(made: Batch, what: Launch, folder: Path, world: World) -> tuple[Ended, str]:
    """Submit, wait; the job's exit status and its id. Without a sandbox through our own wrapper, so that it is a run with
    evidence; with one by sbatch alone: probes must not ask a stranger's interpreter outside of its walls."""
    script = folder / "replay.sbatch"
    script.write_text(made.text, "utf-8")
    ours = ("sbatch",) if what.inside else (sys.executable, "-P", "-m", "auditor", "sbatch", "--auditor-label=replay")
    asked = (
        "--parsable",
        "--wait",
        "--export=NONE",
        f"--output={what.out}",
        f"--error={what.err}",
        f"--job-name=replay-{folder.name}"[:60],
    )
    try:
        done = world.run(*ours, *asked, str(script), timeout=what.seconds + 86400)
    except TimeoutError:
        return Ended(1, True), ""
    job = re.match(r"\d+", done.out.strip())
    if not job:
        return Ended(1, False, f"sbatch refused the replay: {(done.err.strip() or done.out.strip())[-300:]}"), ""
    return Ended(done.code if done.code >= 0 else 128 - done.code, False), job[0]


def cluster(world: World) -> str:
    """This cluster's name, as the controller tells it; empty when there is none."""
    try:
        told = world.run("scontrol", "show", "config", timeout=15)
    except (OSError, TimeoutError):
        return ""
    match = re.search(r"^ClusterName\s*=\s*(\S+)", told.out, re.MULTILINE)
    return match[1] if told.code == 0 and match else ""


def available(world: World) -> bool:
    try:
        return world.run("sbatch", "--version", timeout=10).code == 0
    except (OSError, TimeoutError):
        return False
