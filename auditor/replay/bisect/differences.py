"""Which differences between two runs can be carried over one by one, and which cannot, because? Pure over both runs' evidence and recipes.

What reports.diff tells and nothing here carries over is not left out: it is named with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.bisection import NotApplied
from auditor.replay.bisect import slots
from auditor.replay.bisect.case import Case
from auditor.replay.bisect.coupled import coupled
from auditor.replay.bisect.factor import Factor, Layer, Slot, prior
from auditor.replay.environment import BARE, LOCK
from auditor.scorecard import Change
from reports.diff import diff

LAYERS = {
    "input": Layer.DATA,
    "dataset": Layer.DATA,
    "code": Layer.CODE,
    "script": Layer.CODE,
    "interpreter": Layer.CODE,
    "argument": Layer.PARAMETERS,
    "array-task": Layer.PARAMETERS,
    "package": Layer.PACKAGES,
    "python": Layer.PACKAGES,
    "image": Layer.PACKAGES,
    "cpu": Layer.HARDWARE,
    "cores": Layer.HARDWARE,
}
HOW = {
    "input": "the file of that digest",
    "code": "the file of that digest",
    "dataset": "a link to the data set of that digest",
    "script": "the other script is called",
    "interpreter": "the other interpreter is called",
    "argument": "argument of the script",
    "array-task": "SLURM_ARRAY_TASK_ID",
    "package": "an environment rebuilt with this package exchanged",
    "python": "an environment of the other Python",
    "image": "the image of that digest",
    "variable": "environment variable",
    "cpu": "switches of OpenBLAS and NumPy stand in for the processor",
    "cores": "the processors it may use (taskset)",
    "folder": "the work directory's path in the sandbox",
    "prefix": "the environment's path in the sandbox",
    "name": "SLURM_JOB_NAME",
}
_NOT_CAUSES = frozenset({"output", "outcome"})
_SORTS = {
    "script": ("code",), "code": ("code", "input"), "input": ("input", "dataset"), "parameter": ("argument", "script"),
    "environment": ("variable",), "package": ("package",), "interpreter": ("python",), "image": ("image",), "dispatch": ("variable", "cpu"),
}  # fmt: skip
_BECAUSE = {
    "module": "modules of another site are not loaded in a replay",
    "driver": "a driver or kernel belongs to the machine",
    "library": "a library of the system belongs to the machine",
    "hardware": "another machine is not at hand",
    "resource": "what was asked of a scheduler changes nothing by itself",
    "interpreter": "the packages of these runs cannot be rebuilt here",
    "package": "the packages of these runs cannot be rebuilt here",
    "not-compared": "only one of the runs recorded it",
    "input": "its content is not at hand, or it is no input of the script",
    "code": "it is not among the code that the bundles carry",
    "environment": "a replay does not set it: it names a place of that machine, or changes no result",
}


@dataclass(frozen=True)
class Here:
    """What this machine allows. cores: how many there are. sandboxed: paths can stand where they stood. why_cpu: why no switches."""

    cores: int
    sandboxed: bool
    cpu: Mapping[str, Mapping[str, str]]
    why_cpu: str


@dataclass(frozen=True)
class Differences:
    factors: tuple[Factor, ...]
    not_applied: tuple[NotApplied, ...]


def differences(a: Case, b: Case, here: Here, together: Sequence[tuple[str, ...]] = ()) -> Differences:
    """Factors by prior, the likeliest first. together: names or ids of differences that somebody says belong together."""
    kind = slots.environment_kind(a, b)
    one = slots.states(a, kind, len(b.recipe.arguments), here.cpu.get("a", {}))
    two = slots.states(b, kind, len(a.recipe.arguments), here.cpu.get("b", {}))
    changes = [c for c in diff(a.evidence, b.evidence) if c.what not in _NOT_CAUSES]
    alone, blocked, refused = [], [], []
    for slot in slots.differing(one, two):
        before, after = one.get(slot, slots.GONE), two.get(slot, slots.GONE)
        factor = _factor(slot, before, after, a, changes)
        if why := _refused(slot, before, after, here):
            blocked.append(factor)
            refused.append(NotApplied(layer(slot), named(slot, a), before, after, why))
        else:
            alone.append(factor)
    factors = coupled(alone, a, b, together)
    told = [c for c in changes if not _covered(c, [*alone, *blocked])]
    refused += [NotApplied(_layer_of(c), c.name, c.before, c.after, _because(c, kind, here)) for c in told]
    order = {one: n for n, one in enumerate(Layer)}
    return Differences(
        tuple(sorted(factors, key=lambda f: (-f.prior, order[f.layer], f.id))),
        tuple(sorted(dict.fromkeys(refused), key=lambda r: (list(Layer).index(Layer(r.layer)), r.name))),
    )


def layer(slot: Slot) -> Layer:
    return LAYERS.get(slot[0], Layer.ENVIRONMENT)


def named(slot: Slot, a: Case) -> str:
    sort, name = slot
    if sort == "argument":
        return slots.argument_name(a.recipe, name)
    words = {
        "script": "batch script's name",
        "name": "job name",
        "array-task": "array task",
        "folder": "work directory",
        "cpu": "processor",
    }
    words |= {
        "cores": "cores asked for",
        "python": "Python",
        "prefix": "environment's folder",
        "interpreter": "script's interpreter",
    }
    return name or words.get(sort, sort)


def _factor(slot: Slot, before: str, after: str, a: Case, changes: Sequence[Change]) -> Factor:
    cites = [i for c in changes if _same(c, slot, before, after) for i in c.cites]
    return Factor(
        ":".join(w for w in slot if w), layer(slot), named(slot, a), before, after, (slot,), prior(slot),
        HOW.get(slot[0], ""), "", tuple(dict.fromkeys(cites)),
    )  # fmt: skip


def _same(change: Change, slot: Slot, before: str, after: str) -> bool:
    """Does this row of the comparison speak of this slot? By its name and sort; by both states where the names are others."""
    if slot[0] not in _SORTS.get(change.what, ()):
        return False
    name = change.name.removesuffix(" (untracked)")
    if slot[0] == "argument" or change.what == "script":
        return change.what in ("parameter", "script") and (
            change.what == "script" or (change.before, change.after) == (before, after)
        )
    return (
        slot[1] == name
        or slot[1].endswith(f"/{name}")
        or name.endswith(f"/{slot[1]}")
        or (change.before, change.after) == (before, after)
    )


def _covered(change: Change, factors: Sequence[Factor]) -> bool:
    """Is it carried over by one of these? A commit is, by its files; a submission's words are, by what they set."""
    if change.what == "code" and change.name in ("commit", "uncommitted changes"):
        return any(f.layer is Layer.CODE for f in factors)
    if change.what == "parameter" and change.name.startswith("submitted with"):
        return True
    if change.what == "hardware":
        return any(f.slots[0][0] == "cpu" for f in factors)
    if change.what == "resource":
        return change.name == "cores" and any(f.slots[0][0] == "cores" for f in factors)
    return any(_same(change, f.slots[0], f.before, f.after) for f in factors)


def _refused(slot: Slot, before: str, after: str, here: Here) -> str:
    sort = slot[0]
    if sort in ("folder", "prefix") and not here.sandboxed:
        return "without a sandbox each replay has a folder of its own"
    if sort == "cores":
        if not (before.isdigit() and after.isdigit()):
            return "how many were asked for is not known of both runs"
        if max(int(before), int(after)) > here.cores:
            return f"{max(int(before), int(after))} cores, and {here.cores} are here"
    return ""


def _layer_of(change: Change) -> Layer:
    known = {
        "input": Layer.DATA,
        "code": Layer.CODE,
        "script": Layer.CODE,
        "parameter": Layer.PARAMETERS,
        "hardware": Layer.HARDWARE,
    }
    known |= dict.fromkeys(("package", "other-package", "library", "interpreter", "image", "module"), Layer.PACKAGES)
    known |= {"driver": Layer.HARDWARE, "resource": Layer.HARDWARE}
    return known.get(change.what, Layer.ENVIRONMENT)


def _because(change: Change, kind: str, here: Here) -> str:
    if change.what == "hardware" and change.name in ("CPU", "CPU flags"):
        return here.why_cpu or "another machine is not at hand"
    if change.what in ("package", "interpreter") and kind == BARE:
        return "the code imports nothing but the standard library"
    if change.what in ("package", "interpreter") and kind == LOCK:
        return "it is not in the lock of either bundle"
    return _BECAUSE.get(change.what, "nothing here carries it over")
