"""How does a replay run under Slurm? As a batch job of its own: the script's resource lines, none of the other site's names."""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from auditor.model import AuditError
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


OVER = frozenset("COMPLETED FAILED TIMEOUT CANCELLED OUT_OF_MEMORY NODE_FAIL BOOT_FAIL DEADLINE REVOKED PREEMPTED".split())
"""Job states after which nothing more happens (squeue(1), JOB STATE CODES)."""
QUEUE = 86400.0
"""Seconds that a replay waits for its turn."""
NOT_FED = 97
"""How a replay's batch script ends when the job before it did not make what this one reads."""


@dataclass(frozen=True)
class Batch:
    """The batch script of the replay, and the options of the original that it leaves out."""

    text: str
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class Site:
    """What this site wants to be told, in place of the names that the original's site had."""

    partition: str = ""
    account: str = ""

    def check(self) -> None:
        """Raises AuditError for what is no name."""
        for name, value in (("partition", self.partition), ("account", self.account)):
            if value and not re.fullmatch(r"[\w][\w.,@+-]*", value):
                raise AuditError(f"{ascii(value)[:60]} is no {name}", f"give --{name} a name that `sinfo` or `sacctmgr` shows")


@dataclass(frozen=True)
class Feed:
    """An input that another job of this replay makes: from `source` in the folder `root` to `target`, once that job has ended."""

    root: str
    source: str
    target: str


def batch(recipe: Recipe, script: str, what: Launch, network: bool, feeds: tuple[Feed, ...] = (), seconds: float = 0.0) -> Batch:
    """`#SBATCH` lines that say how much is needed, what other jobs made, then one exec of what a local replay would run.

    seconds: end it after so many (timeout(1)); 0: at the limit that Slurm has."""
    said = _said(recipe, script)
    # Pyxis' options too: here the replay itself provides the image
    kept = [o for o in said if o.option not in _THEIRS and not o.option.startswith("--container")]
    lines = ["#!/bin/bash", *(f"#SBATCH {_written(o)}" for o in kept)]
    lines += [line for feed in feeds for line in _fed(feed)]
    lines.append(f"cd {shlex.quote(str(what.folder))} || exit 1")
    stop = f"timeout -k 5 {seconds:g} " if seconds else ""
    if what.inside:
        lines.append(f"exec {stop}{shlex.join(shut_in(what, network))}")
    else:  # Slurm's own variables stay, for srun; the recorded ones are set on top
        keep = [name for name in what.environment if not name.startswith("SLURM_") or name == "SLURM_ARRAY_TASK_ID"]
        lines += [f"export {name}={shlex.quote(what.environment[name])}" for name in keep]
        lines += [
            "export SLURM_EXPORT_ENV=ALL",
            f"exec {stop}{shlex.join(what.argv)}",
        ]  # else --export=NONE would reach into every srun
    return Batch(
        "\n".join(lines) + "\n", tuple(sorted({o.option for o in said} & _THEIRS - {"-J", "--job-name", "-o", "--output"}))
    )


def _said(recipe: Recipe, script: str) -> tuple[Option, ...]:
    return (*directives(script), *options(recipe.command)[0])


def mapping(recipe: Recipe, script: str, site: Site) -> tuple[str, ...]:
    """How the original's partition and account become this site's, in sentences."""
    told = []
    for name, short, here in (("partition", "-p", site.partition), ("account", "-A", site.account)):
        theirs = next((o.value for o in reversed(_said(recipe, script)) if o.option in (short, f"--{name}")), "")
        if theirs or here:
            told.append(f"{name} {theirs or '(the default)'} there, {here or 'the default'} here")
    return tuple(told)


def _fed(feed: Feed) -> list[str]:
    """Copied in the job, before it starts. A link that leads out of the other job's folder is not followed: it is a stranger's."""
    real = shlex.quote(os.path.join(os.path.realpath(feed.root), feed.source))
    source, target = shlex.quote(os.path.join(feed.root, feed.source)), shlex.quote(feed.target)
    folder = shlex.quote(os.path.dirname(feed.target))
    return [
        f'[ "$(realpath -e -- {source})" = {real} ] && mkdir -p -- {folder} && cp -f -- {source} {target}'
        f" || {{ echo {shlex.quote(feed.source)} was not made >&2; exit {NOT_FED}; }}"
    ]


def _written(option: Option) -> str:
    separator = "=" if option.option.startswith("--") and option.value else " " if option.value else ""
    return f"{option.option}{separator}{shlex.quote(option.value) if option.value else ''}"


def run_slurm(made: Batch, what: Launch, folder: Path, world: World, site: Site | None = None) -> tuple[Ended, str]:
    """Submit, wait; the job's exit status and its id."""
    job, trouble = submit(made, what, folder, world, site or Site())
    return (Ended(1, False, trouble), "") if trouble else (wait(job, what.seconds, world), job)


def submit(made: Batch, what: Launch, folder: Path, world: World, site: Site, after: str = "") -> tuple[str, str]:
    """The job's id, or what sbatch said. Without a sandbox through our own wrapper, so that it is a run with evidence; with one by
    sbatch alone: probes must not ask a stranger's interpreter outside of its walls. after: as --dependency takes it."""
    script = folder / "replay.sbatch"
    script.write_text(made.text, "utf-8")
    ours = ("sbatch",) if what.inside else (sys.executable, "-P", "-m", "auditor", "sbatch", "--auditor-label=replay")
    asked = (
        "--parsable",
        "--export=NONE",
        f"--output={what.out}",
        f"--error={what.err}",
        f"--job-name=replay-{folder.name}"[:60],
        *([f"--partition={site.partition}"] if site.partition else []),
        *([f"--account={site.account}"] if site.account else []),
        *([f"--dependency={after}", "--kill-on-invalid-dep=yes"] if after else []),
    )
    try:
        done = world.run(*ours, *asked, str(script), timeout=300)
    except TimeoutError:
        return "", "sbatch did not answer within 5 minutes"
    job = re.match(r"\d+", done.out.strip())
    said = (done.err.strip() or done.out.strip())[-300:]
    return (job[0], "") if job and done.code == 0 else ("", f"sbatch refused the replay: {said}")


def wait(job: str, seconds: float, world: World) -> Ended:
    """Ask until it is over: at once, later every few seconds; a day for the queue. A job that Slurm ended by itself proves nothing."""
    until, pause = time.monotonic() + seconds + QUEUE, 0.1
    while time.monotonic() < until:
        state, code = _asked(job, world)
        if state in OVER:
            return _ended(state, code)
        if not state:
            return Ended(1, False, f"Slurm does not know job {job} any more: how it ended cannot be told")
        time.sleep(pause)
        pause = min(pause * 1.5, 5.0)
    return Ended(1, True)


def _ended(state: str, code: str) -> Ended:
    status, _, signal = code.partition(":")
    number = 128 + int(signal) if signal.isdigit() and int(signal) else int(status) if status.isdigit() else 1
    if state == "TIMEOUT":
        return Ended(number or 1, True)
    if state in ("COMPLETED", "FAILED", "OUT_OF_MEMORY"):
        return Ended(number, False)
    return Ended(number or 1, False, f"Slurm ended the job: {state}")


def _asked(job: str, world: World) -> tuple[str, str]:
    """State and exit code, from the controller while it remembers, then from accounting; empty: neither knows."""
    try:
        told = world.run("scontrol", "show", "job", job, timeout=60)
        if told.code == 0 and (state := re.search(r"\bJobState=(\w+)", told.out)):
            code = re.search(r"\bExitCode=(\d+:\d+)", told.out)
            return state[1], code[1] if code else ""
        if told.code and "Invalid job id" not in told.err:
            return "UNKNOWN", ""  # the controller is busy, or restarts
        row = world.run("sacct", "-j", job, "-n", "-P", "-X", "-o", "State,ExitCode", timeout=60)
    except TimeoutError:
        return "UNKNOWN", ""
    except OSError:
        return "", ""
    state_, _, code_ = row.out.strip().split("\n")[0].partition("|")
    return (state_.split(" ")[0], code_) if row.code == 0 else ("", "")


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
