"""What is one side of a bisection? A run's bundle, unpacked, with what a replay of it would need on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from auditor import codec
from auditor.model import AuditError, Evidence
from auditor.replay import environment, unpack
from auditor.replay.compare.tolerance import Tolerance
from auditor.replay.environment import pins
from auditor.replay.installing import project
from auditor.replay.plan import Plan, plan
from auditor.world import World
from reports.archive.recipe import Recipe


@dataclass(frozen=True)
class Options:
    """How experiments run and when to stop. controls: runs of A and of B at first. runs, seconds: the budget; 0 runs: only tell.

    tolerance: None: each output's own. outputs: globs of those that count, all when empty. together: names that stay together.
    """

    on: str = "local"
    max_jobs: int = 1
    inputs: str = ""
    network: bool = False
    sandbox: bool = True
    rebuild: bool = True
    controls: int = 2
    runs: int = 100
    seconds: float = 86400.0
    tolerance: Tolerance | None = None
    outputs: tuple[str, ...] = ()
    together: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Case:
    """side: `a` or `b`, the name of its folder among the crates. pins: package -> its line of the lock, normal names."""

    side: str
    plan: Plan
    evidence: tuple[Evidence, ...]
    crates: Path
    pins: Mapping[str, str] = field(default_factory=dict)

    @property
    def recipe(self) -> Recipe:
        return self.plan.recipe

    @property
    def crate(self) -> Path:
        return self.crates / self.side


def case(side: str, bundle: str, crates: Path, options: Options, world: World) -> Case:
    """Plan and unpack one bundle. Raises AuditError: not a bundle, or one that could not be replayed here."""
    ready = plan(
        bundle,
        inputs_dir=options.inputs or None,
        on=options.on,
        network=options.network,
        sandbox=options.sandbox,
        rebuild=options.rebuild,
        world=world,
    )
    if ready.stops:
        raise AuditError(
            f"{side.upper()} cannot be run again here: {ready.stops[0]}",
            "name where it lies with --inputs, or bisect bundles that were made with --payload all right after each run",
        )
    folder = crates / side
    if not (folder / "replay.json").exists():
        _unpack(ready, folder)
    evidence = codec.loads((folder / "evidence" / "evidence.json").read_bytes(), tuple[Evidence, ...], "evidence.json")
    return Case(side, ready, evidence, crates, _pins(ready, folder))


def _unpack(ready: Plan, folder: Path) -> None:
    """Under another name first: a folder of this name is whole."""
    parts = folder.with_name(f"{folder.name}.part")
    if parts.exists():
        import shutil

        shutil.rmtree(parts)
    parts.mkdir(parents=True, mode=0o700)
    unpack.unpack(ready.path, ready.bundle, parts)
    os.rename(parts, folder)


def _pins(ready: Plan, folder: Path) -> dict[str, str]:
    if not ready.recipe.requirements or ready.environment not in (environment.LOCK, environment.BARE):
        return {}
    return {project(line)[0]: line for line in pins((folder / ready.recipe.requirements).read_text("utf-8"))[0]}
