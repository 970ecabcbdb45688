"""What would a replay of this bundle do: what can be checked, rebuilt and run, what cannot and why, what will it cost?

Nothing of the bundle is run or unpacked here.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.model import AuditError
from auditor.replay import datasets, environment, imports, lay, programs, sandbox, slurm, unpack
from auditor.replay.images import Choice, choices
from auditor.replay.images.choices import Allowed
from auditor.replay.images.trust import check_images
from auditor.replay.sandbox import Sandbox
from auditor.replay.sentences import can, cannot, cost, far, will
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
    world: World | None = None,
) -> Plan:
    """Look at a bundle and at this machine. Raises AuditError: not a bundle, damaged, unsafe, or no Slurm where one was asked for.

    network: may the code use it. sandbox: shut it off from this machine's files where that works. rebuild: make its environment
    from the lock; otherwise this machine's Python is used, with a warning. pull: fetch images by digest from their registries.
    rebuild_images: where an image cannot be had by its digest, build one from its recipe.
    """
    world = world or RealWorld()
    path = os.path.abspath(os.fspath(bundle))
    bundle_id, recipe = unpack.load(path)
    lay.check_places(recipe)
    check_images(recipe)
    if on not in ("local", "slurm"):
        raise AuditError(f"a replay runs on local or slurm, not on {on!r}", "leave --on out to run here")
    if on == "slurm" and not slurm.available(world):
        raise AuditError("there is no Slurm here", "load your site's Slurm module, or leave out --on slurm")
    inputs = os.path.abspath(os.fspath(inputs_dir)) if inputs_dir else ""
    found, missing = lay.find_inputs(recipe, inputs or None)
    sets, unfound = datasets.find(recipe, inputs, world)
    found, missing = found | sets, missing | unfound
    images = choices(recipe, Allowed(pull, rebuild_images, inputs), world)
    shut = _shut(recipe, _find_sandbox(path, recipe, sandbox, network, world), world)
    kind = _kind(path, recipe, rebuild, world)
    stops = (*_stops(recipe, found, missing, shut), *_lacking(images))
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
        will=will(recipe, on, shut, kind, images),
        stops=stops,
        cost=cost(recipe),
        images=images,
    )


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
