"""What would a bisection of these two bundles do? The differences, what cannot be carried over, which outputs count. Nothing is run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from auditor.model import AuditError, Evidence
from auditor.replay.bisect import outcome, slots
from auditor.replay.bisect.case import Case, Options, case
from auditor.replay.bisect.differences import Differences, Here, differences
from auditor.replay.bisect.processor import stand_ins
from auditor.replay.compare.rules import Rules
from auditor.replay.unpack import load
from auditor.world import World
from probes import dispatch
from probes.dispatch import CpuDispatch
from reports.judging.record import record


@dataclass(frozen=True)
class Prepared:
    """cpu: side -> switches that stand in for its processor. outputs: those that count, with rules for each."""

    a: Case
    b: Case
    folder: Path
    options: Options
    differences: Differences
    cpu: Mapping[str, Mapping[str, str]]
    outputs: tuple[str, ...]
    rules: Mapping[str, Rules]
    kind: str


def pair(a: str, b: str, options: Options) -> dict[str, str]:
    """What a work folder is about. Budgets may change when it is gone on with, what is run and compared may not. Raises AuditError."""
    return {
        "A": load(a)[0],
        "B": load(b)[0],
        "place to run": options.on,
        "sandbox or network": f"{options.sandbox} {options.network}",
        "environment": f"rebuilt {options.rebuild}",
        "choice of outputs": " ".join(options.outputs),
        "choice of what stays together": "; ".join(" ".join(names) for names in options.together),
    }


def prepare(a: str, b: str, folder: Path, options: Options, world: World) -> Prepared:
    """Raises AuditError: not bundles, not to be run here, of two programs, or with no output in common."""
    crates = folder / "crates"
    one, two = case("a", a, crates, options, world), case("b", b, crates, options, world)
    if not slots.same_program(one.recipe, two.recipe):
        raise AuditError(
            f"A ({one.recipe.name}) and B ({two.recipe.name}) are not runs of one program: they have no file of code in common",
            "bisect two runs of the same script",
        )
    if one.plan.sandbox != two.plan.sandbox:
        raise AuditError(
            f"A and B cannot be run alike: A in sandbox {one.plan.sandbox.kind}, B in {two.plan.sandbox.kind}",
            "add --no-sandbox if you trust both",
        )
    cpu, why = stand_ins(_level(one.evidence), _level(two.evidence), _here(world))
    here = Here(len(os.sched_getaffinity(0)), one.plan.sandbox.kind != "none", cpu, why)
    names = outcome.counted(one.recipe, two.recipe, options.outputs)
    found = differences(one, two, here, options.together)
    kind = slots.environment_kind(one, two)
    return Prepared(one, two, folder, options, found, cpu, names, outcome.rules(one.recipe, names, options.tolerance), kind)


def _level(evidence: tuple[Evidence, ...]) -> str:
    fact = record(evidence, 0).value(CpuDispatch)
    return fact.value.level if fact else ""


def _here(world: World) -> str:
    try:
        return dispatch.parse(world.text(dispatch.CPUINFO), {}, {}).level
    except (OSError, LookupError):
        return ""
