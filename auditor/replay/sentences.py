"""How is a plan told to the person who says yes: what can be checked, what cannot and why, what will happen, what did it cost the first time?"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.replay import environment, slurm
from auditor.replay.images import Choice
from auditor.replay.images.kinds import Target, target
from auditor.replay.levels import includes
from auditor.replay.rulesfile import OutputRule
from auditor.replay.sandbox import Sandbox
from auditor.replay.smoke import Smoke, apply
from auditor.verdict import Level
from reports.archive.derive import NO_PACKAGES
from reports.archive.recipe import Recipe, RecipeFile
from reports.judging.amounts import several


def can(recipe: Recipe, found: Mapping[str, str]) -> tuple[str, ...]:
    count = {role: [f for f in recipe.files if f.role == role] for role in ("code", "input", "expected", "log")}
    outputs = judged(recipe)
    close = sum(1 for f in outputs if f.carried)
    return (
        "the bundle is whole: every checksum was recomputed",
        f"code files carried: {sum(1 for f in count['code'] if f.carried)}",
        f"inputs carried: {sum(1 for f in count['input'] if f.carried)}; found here with the same sha256: {len(found)}",
        *_datasets(recipe, found),
        f"outputs to compare: {len(outputs)}, {close} by content within a tolerance, {len(outputs) - close} by checksum only",
    )


def _datasets(recipe: Recipe, found: Mapping[str, str]) -> list[str]:
    return [
        f"data set {d.name} {d.version}".rstrip() + f" is here: {found[d.place]}" for d in recipe.datasets if d.place in found
    ]


def cannot(recipe: Recipe, kind: str) -> tuple[str, ...]:
    told = [f"{f.place} is carried without its secrets: it is not the file that ran" for f in recipe.files if f.redacted]
    if recipe.modules:
        told.append(f"environment modules are not rebuilt: {' '.join(recipe.modules[:10])}")
    if kind == environment.HOST and recipe.requirements:
        told.append(f"its Python packages ({recipe.packages}) are not rebuilt: this machine's are used")
    gaps = (g for g in recipe.gaps if not g.endswith("not carried") and not (kind == environment.IMAGE and g == NO_PACKAGES))
    return (*told, *gaps)


def far(on: str, images: Sequence[Choice]) -> tuple[str, ...]:
    """What a replay under Slurm cannot see to: engines keep their images on one machine."""
    engines = {c.image.runtime for c in images if on == "slurm" and target(c.image) is Target.ENGINE}
    return tuple(
        f"{e}'s images lie in this machine's engine: a job that Slurm starts elsewhere does not find them"
        for e in sorted(engines)
    )


@dataclass(frozen=True)
class Extent:
    """How far the replay goes: its level and rounds, how the run is made smaller, the script's text, the site, rules beyond the default."""

    level: Level
    rounds: int
    smoke: Smoke | None
    script: str
    site: slurm.Site
    rules: Sequence[OutputRule]


def will(
    recipe: Recipe, on: str, shut: Sandbox, kind: str, images: Sequence[Choice], extent: Extent | None = None
) -> tuple[str, ...]:
    """What happens after a yes; shown word by word before it."""
    how = {
        environment.LOCK: f"make a virtual environment of Python {recipe.python} with its {recipe.packages} packages (pip fetches what is not carried)",
        environment.BARE: f"make an empty environment of Python {recipe.python}: the code imports only the standard library",
        environment.IMAGE: "use its container images, checked by content; the script gets them under the names it types",
        environment.HOST: "use this machine's own software",
    }
    level = extent.level if extent else Level.FULL
    had = [f"image {c.image.reference}: {', else '.join(s.told for s in c.steps)}" for c in images if c.steps]
    told = ["unpack the bundle into a new folder"]
    if level is Level.INPUTS:
        told.append("lay out its code and inputs")
    if includes(level, Level.ENVIRONMENT):
        told += [how[kind], *had]
    if includes(level, Level.SMOKE):
        told += _running(recipe, on, shut, extent)
    if includes(level, Level.FULL):
        told.append(f"compare {several(len(judged(recipe)), 'output')}{_beside(recipe)}")
        told += [f"by rule: {rule}" for rule in extent.rules] if extent else []
    return tuple(told)


def _running(recipe: Recipe, on: str, shut: Sandbox, extent: Extent | None) -> list[str]:
    task = f" as array task {recipe.array_task}" if recipe.array_task else ""
    network = "with network" if shut.network or shut.kind == "none" else "without network"
    place = (
        f"in a sandbox, {network}"
        if shut.kind == "bubblewrap"
        else f"inside of its image by Apptainer, {network}: it sees its work directory and none of your files"
        if shut.kind == "apptainer"
        else f"WITHOUT a sandbox ({shut.reason}): it can do what you can do"
    )
    typed = shlex.join((*shlex.split(recipe.interpreter), recipe.script, *recipe.arguments))
    told = [f"run {typed}{task} {'under Slurm' if on == 'slurm' else 'on this machine'}", place]
    if extent and on == "slurm":
        told += slurm.mapping(recipe, extent.script, extent.site)
    if extent and extent.rounds > 1:
        told.append(f"run it {extent.rounds} times, compare the runs with each other, and learn which fields vary by themselves")
    if extent and extent.smoke:
        told.append(f"make it smaller ({extent.smoke.source}): no output is compared")
        told += apply(extent.smoke, recipe, extent.script).told
    return told


def judged(recipe: Recipe) -> list[RecipeFile]:
    """The outputs that the verdict counts: what the job printed is one only where it made nothing else (auditor.replay.judge)."""
    given = {(f.place, f.sha256) for f in recipe.files if f.role in ("input", "code")}
    made = [f for f in recipe.files if f.role in ("expected", "log") and (f.place, f.sha256) not in given]
    return [f for f in made if f.role == "expected"] or made


def _beside(recipe: Recipe) -> str:
    printed = [f.place for f in recipe.files if f.role == "log" and f not in judged(recipe)]
    return f" (and what it printed, which does not count: {', '.join(printed[:3])})" if printed else ""


def cost(recipe: Recipe) -> str:
    """What the original took, in words."""
    o, a = recipe.original, recipe.asked
    parts: Sequence[str] = [
        _seconds(o.seconds) if o.seconds is not None else "",
        f"{_seconds(o.cpu_seconds)} of CPU" if o.cpu_seconds is not None else "",
        f"{o.memory / 2**20:.0f} MiB of memory" if o.memory is not None else "",
        f"{a.cpus} core{'s' * (a.cpus > 1)}" if a.cpus else "",
        f"{a.gpus} GPU{'s' * (a.gpus > 1)}" if a.gpus else "",
    ]
    known = ", ".join(p for p in parts if p)
    return f"the original took {known}" if known else "what the original took is not known"


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if value >= 1 else "less than 1 s"
