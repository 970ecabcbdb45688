"""What would a replay of this bundle do: what can be checked, rebuilt and run, what cannot and why, what will it cost?

Nothing of the bundle is run or unpacked here.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditor.model import AuditError
from auditor.replay import datasets, environment, imports, lay, levels, programs, rulesfile, sandbox, slurm, unpack
from auditor.replay import project as project_file
from auditor.replay.images import Choice, choices
from auditor.replay.images.choices import Allowed
from auditor.replay.images.trust import check_images
from auditor.replay.rulesfile import OutputRule
from auditor.replay.sandbox import Sandbox
from auditor.replay.sentences import Extent, can, cannot, cost, far, will
from auditor.replay.smoke import Smoke
from auditor.replay.smoke import find as find_smoke
from auditor.verdict import Level
from auditor.world import RealWorld, World
from reports.archive.engines import NotHad, apptainer
from reports.archive.recipe import Recipe

NEEDS_THE_HOST = re.compile(
    r"\b(?:srun|sbatch|mpirun|mpiexec|docker|podman|apptainer|singularity|ch-run|shifter|enroot)\b(?!://)"
)


@dataclass(frozen=True)
class Plan:
    """bundle: its id. on: `local` or `slurm`. sources: inputs that are not carried, and where the same content was found.

    can, cannot, will: sentences for the person who says yes. runnable: nothing that is needed is missing; stops: what is.
    seconds, cores, memory: what the original took, as far as it is known.
    """

    path: str
    bundle: str
    recipe: Recipe
    on: str
    sandbox: Sandbox
    environment: str
    sources: Mapping[str, str]
    can: tuple[str, ...]
    cannot: tuple[str, ...]
    will: tuple[str, ...]
    stops: tuple[str, ...]
    cost: str
    images: tuple[Choice, ...] = ()
    """Each container image with the ways it can be had, in the order in which they are tried."""
    level: Level = Level.FULL
    rounds: int = 1
    """How often the bundle runs; 0 below the smoke run."""
    proves: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    """What this level shows when all goes well, and what it leaves open."""
    smoke: Smoke | None = None
    rules: tuple[OutputRule, ...] = ()
    site: slurm.Site = field(default_factory=slurm.Site)
    coming: Mapping[str, str] = field(default_factory=dict)
    """Inputs that another replay makes: place -> its run id."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """What makes this plan again: the options of `plan`."""

    @property
    def runnable(self) -> bool:
        return not self.stops


def plan(
    bundle: str | os.PathLike[str],
    *,
    inputs_dir: str | os.PathLike[str] | None = None,
    on: str = "local",
    network: bool = False,
    sandbox: bool = True,
    rebuild: bool = True,
    pull: bool = False,
    rebuild_images: bool = False,
    level: str = "",
    repeat: int = 0,
    tolerances: Sequence[str] = (),
    rules: str = "",
    smoke: Sequence[str] = (),
    partition: str = "",
    account: str = "",
    project: Mapping[str, Mapping[str, str]] | None = None,
    coming: Mapping[str, str] | None = None,
    world: World | None = None,
) -> Plan:
    """Look at a bundle and at this machine. Raises AuditError: not a bundle, damaged, unsafe, or no Slurm where one was asked for.

    network: may the code use it. sandbox: shut it off from this machine's files where that works. rebuild: make its environment
    from the lock; otherwise this machine's Python is used, with a warning. pull: fetch images by digest from their registries.
    rebuild_images: where an image cannot be had by its digest, build one from its recipe. level, repeat: auditor.replay.levels.
    tolerances, rules: auditor.replay.rulesfile. smoke: how to make the run smaller (auditor.replay.smoke). partition, account: of
    this site. project: the tables `smoke` and `tolerances` of .auditor.toml. coming: inputs that another replay makes.
    """
    world = world or RealWorld()
    path = os.path.abspath(os.fspath(bundle))
    inputs = os.path.abspath(os.fspath(inputs_dir)) if inputs_dir else ""
    rule_file = os.path.abspath(rules) if rules else ""
    settings = {kind: dict(table) for kind, table in (project or {}).items()}
    asked = {
        "bundle": path, "inputs_dir": inputs, "on": on, "network": network, "sandbox": sandbox, "rebuild": rebuild, "pull": pull,
        "rebuild_images": rebuild_images, "level": level, "repeat": repeat, "tolerances": list(tolerances), "rules": rule_file,
        "smoke": list(smoke), "partition": partition, "account": account, "project": settings, "coming": dict(coming or {}),
    }  # fmt: skip
    wanted = levels.level(level, repeat)
    site = slurm.Site(partition, account)
    _check_place(on, site, world)
    bundle_id, recipe = unpack.load(path)
    lay.check_places(recipe)
    check_images(recipe)
    said = (*rulesfile.parsed(tolerances, "--tolerance"), *(rulesfile.read(rule_file) if rule_file else ()))
    theirs = project_file.said(path, recipe)
    said = (*said, *rulesfile.parsed(_lines(settings.get("tolerances", {})), "[tolerances] in .auditor.toml"))
    said = (*said, *rulesfile.of_author(recipe, theirs.get("tolerances", {}), "the bundle's .auditor.toml"))
    found, missing = lay.find_inputs(recipe, inputs or None)
    sets, unfound = datasets.find(recipe, inputs, world)
    found, missing = found | sets, {p: w for p, w in (missing | unfound).items() if p not in (coming or {})}
    images = choices(recipe, Allowed(pull, rebuild_images, inputs), world)
    shut = _shut(recipe, _find_sandbox(path, recipe, sandbox, network, world), world)
    kind = _kind(path, recipe, rebuild, world)
    stops = (*_stops(recipe, found, missing, shut), *_lacking(images))
    text = unpack.script(path, recipe)
    smaller = find_smoke(recipe, text, smoke, settings.get("smoke") or theirs.get("smoke", {})) if wanted is Level.SMOKE else None
    return Plan(
        path=path,
        bundle=bundle_id,
        recipe=recipe,
        on=on,
        sandbox=shut,
        environment=kind,
        sources=found,
        can=can(recipe, found),
        cannot=(*stops, *far(on, images), *_programs(path, recipe, kind), *cannot(recipe, kind)),
        will=will(recipe, on, shut, kind, images, Extent(wanted, levels.rounds(wanted, repeat), smaller, text, site, said)),
        stops=stops,
        cost=cost(recipe),
        images=images,
        level=wanted,
        rounds=levels.rounds(wanted, repeat),
        proves=levels.proves(wanted),
        leaves=levels.leaves(wanted),
        smoke=smaller,
        rules=said,
        site=site,
        coming=dict(coming or {}),
        asked=asked,
    )


def _lines(table: Mapping[str, str]) -> list[str]:
    return [f"{where}={value}" for where, value in table.items()]


def _check_place(on: str, site: slurm.Site, world: World) -> None:
    if on not in ("local", "slurm"):
        raise AuditError(f"a replay runs on local or slurm, not on {on!r}", "leave --on out to run here")
    site.check()
    if on == "local" and (site.partition or site.account):
        raise AuditError("a partition and an account are for a replay under Slurm", "add --on slurm")
    if on == "slurm" and not slurm.available(world):
        raise AuditError("there is no Slurm here", "load your site's Slurm module, or leave out --on slurm")


def _find_sandbox(path: str, recipe: Recipe, wanted: bool, network: bool, world: World) -> Sandbox:
    found = sandbox.find(wanted, network, world)
    if found.kind == "none" or not (tool := NEEDS_THE_HOST.search(unpack.script(path, recipe))):
        return found
    return Sandbox("none", f"the script uses {tool[0]}, which does not work inside one", network)


def _shut(recipe: Recipe, found: Sandbox, world: World) -> Sandbox:
    if recipe.images and all(i.whole for i in recipe.images) and found.reason != sandbox.SWITCHED_OFF:
        try:
            apptainer(world)
        except NotHad as error:
            return Sandbox("none", str(error), found.network)
        return Sandbox("apptainer", "", True)
    if found.kind == "bubblewrap" and recipe.images:
        return Sandbox("none", "container runtimes do not work inside one", found.network)
    return found


def _kind(path: str, recipe: Recipe, rebuild: bool, world: World) -> str:
    if recipe.images:
        return environment.IMAGE
    if not rebuild or not recipe.requirements or not environment.interpreter(recipe, world):
        return environment.HOST
    return environment.BARE if imports.outside(unpack.code(path, recipe), recipe.script) == frozenset() else environment.LOCK


def _stops(recipe: Recipe, found: Mapping[str, str], missing: Mapping[str, str], shut: Sandbox) -> tuple[str, ...]:
    """What makes a run impossible, each with the reason."""
    stops = [f"input {place}: {reason}" for place, reason in missing.items()]
    stops += [f"code {f.place}: {f.reason or 'not carried'}" for f in recipe.files if f.role == "code" and not f.carried]
    if not any(f.role == "code" for f in recipe.files) or not recipe.script:
        stops.append("the batch script is not in the bundle")
    program = (shlex.split(recipe.interpreter) or [""])[0]
    around = [i for i in recipe.images if i.whole]
    stops += [
        f"the script ran inside of {i.reference}: that takes Apptainer ({shut.reason})" for i in around if shut.kind == "none"
    ]
    if not around and not shutil.which(program):
        stops.append(f"the script's interpreter {program or '(none)'} is not on this machine")
    if shut.kind == "none":
        outside = [
            f.place for f in lay.needed(recipe) if os.path.isabs(f.place) and f.place not in (recipe.script, found.get(f.place))
        ]
        outside += [d.place for d in recipe.datasets if os.path.isabs(d.place) and found.get(d.place) != d.place]
        outside += [f.place for f in recipe.files if f.role == "expected" and os.path.isabs(f.place)]
        stops += [
            f"{p} must stand at this absolute path, which takes a sandbox ({shut.reason})" for p in outside if p not in missing
        ]
    return tuple(stops)


def _programs(path: str, recipe: Recipe, kind: str) -> list[str]:
    """A warning and no stop: a module or a profile may bring it, or the run may never come to that line."""
    shell = (shlex.split(recipe.interpreter) or [""])[0].rsplit("/", 1)[-1]
    lost = programs.missing(unpack.script(path, recipe), kind) if shell in ("bash", "sh", "dash", "ksh", "zsh") else ()
    return [f"the script calls {name}, which is not found here: install it first, or the run ends there" for name in lost]


def _lacking(images: Sequence[Choice]) -> list[str]:
    return [f"image {c.image.reference}: {'; '.join(c.closed)}" for c in images if not c.steps]
