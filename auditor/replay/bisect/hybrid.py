"""What is run when some differences are carried over from B to A? A recipe of its own, put together slot by slot. Pure.

Files keep their content's place in the crates of both runs, one beside the other: `carried` starts with `a/` or `b/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from auditor.replay.bisect.case import Case
from auditor.replay.bisect.factor import Slot
from auditor.replay.bisect.slots import FOLDER, files, sort, templated
from reports.archive.recipe import Recipe, RecipeFile

T = TypeVar("T")


@dataclass(frozen=True)
class Hybrid:
    """sources: place -> path of inputs that are not carried. pins: package -> (line of the lock, side whose wheel it is).

    cores: on so many it runs, 0: on all. switches: variables that stand in for a processor.
    """

    recipe: Recipe
    sources: Mapping[str, str]
    pins: Mapping[str, tuple[str, str]]
    cores: int
    switches: Mapping[str, str]


def hybrid(a: Case, b: Case, taken: frozenset[Slot], cpu: Mapping[str, Mapping[str, str]]) -> Hybrid:
    """Run A with the slots `taken` as they are in run B. cpu: side -> switches."""

    def side(slot: Slot) -> Case:
        return b if slot in taken else a

    def value(name: str, read: Callable[[Recipe], T]) -> T:
        return read(side((name, "")).recipe)

    workdir = value("folder", lambda r: r.workdir)
    chosen = _files(a, b, side)
    recipe = replace(
        a.recipe,
        files=(*(_in_crate(f, s) for f, s in chosen), *(f for f in _outputs(a, b))),
        datasets=tuple(d for c in (a, b) for d in c.recipe.datasets if side(("dataset", d.place)) is c),
        images=tuple(
            replace(i, carried=_at(c, i.carried), definition=_at(c, i.definition))
            for c in (a, b)
            for i in c.recipe.images
            if side(("image", i.reference)) is c
        ),
        environment=_environment(a, b, side, workdir),
        arguments=_arguments(a, b, side, workdir),
        workdir=workdir,
        script=value("script", lambda r: r.script),
        interpreter=value("interpreter", lambda r: r.interpreter),
        name=value("name", lambda r: r.name),
        array_task=value("array-task", lambda r: r.array_task),
        python=value("python", lambda r: r.python),
        prefix=templated(*value("prefix", lambda r: (r.prefix, r))).replace(FOLDER, workdir),
        asked=replace(a.recipe.asked, cpus=value("cores", lambda r: r.asked.cpus)),
        listed={},
    )
    sources = {f.place: s.plan.sources[f.place] for f, s in chosen if f.place in s.plan.sources}
    sources |= {d.place: c.plan.sources[d.place] for c in (a, b) for d in c.recipe.datasets if side(("dataset", d.place)) is c}
    pins = {n: (c.pins[n], c.side) for n in sorted({*a.pins, *b.pins}) if n in (c := side(("package", n))).pins}
    return Hybrid(recipe, sources, pins, value("cores", lambda r: r.asked.cpus) or 0, cpu.get(side(("cpu", "")).side, {}))


def _files(a: Case, b: Case, side: Callable[[Slot], Case]) -> list[tuple[RecipeFile, Case]]:
    """A file that is code in one run and input in the other is one slot each: it is there when either says so."""
    return [(f, c) for c in (a, b) for f in files(c.recipe) if side((sort(f), f.place)) is c]


def _in_crate(file: RecipeFile, case: Case) -> RecipeFile:
    return replace(file, carried=_at(case, file.carried))


def _at(case: Case, path: str) -> str:
    return f"{case.side}/{path}" if path else ""


def _outputs(a: Case, b: Case) -> list[RecipeFile]:
    """Of both: their folders are made."""
    found = {f.place: replace(f, carried="") for c in (a, b) for f in c.recipe.files if f.role in ("expected", "log")}
    return list(found.values())


def _environment(a: Case, b: Case, side: Callable[[Slot], Case], workdir: str) -> dict[str, str]:
    names = sorted({*a.recipe.environment, *b.recipe.environment})
    kept = [(n, c.recipe) for n in names if n in (c := side(("variable", n))).recipe.environment]
    return {n: templated(r.environment[n], r).replace(FOLDER, workdir) for n, r in kept}


def _arguments(a: Case, b: Case, side: Callable[[Slot], Case], workdir: str) -> tuple[str, ...]:
    if len(a.recipe.arguments) != len(b.recipe.arguments):
        recipes = [side(("argument", "all")).recipe] * max(len(a.recipe.arguments), len(b.recipe.arguments))
        words = [(w, recipes[0]) for w in recipes[0].arguments]
    else:
        recipes = [side(("argument", str(n))).recipe for n in range(len(a.recipe.arguments))]
        words = [(r.arguments[n], r) for n, r in enumerate(recipes)]
    return tuple(templated(w, r).replace(FOLDER, workdir) for w, r in words)
