"""In which order are several bundles replayed? After what they read: an output of one by its digest, a recorded dependency of its job.

Pure: recipes in, an order out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from auditor.model import AuditError
from auditor.replay.judge import compared
from auditor.verdict import Link
from probes.script.sbatch import directives, options
from reports.archive.recipe import Recipe, RecipeFile

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""sha256 of no bytes: two empty files are no link between two runs."""


@dataclass(frozen=True)
class Input:
    """An input of the run `reader` that is an output of the run `maker`: source and place, as their recipes name it."""

    maker: str
    source: str
    reader: str
    place: str
    sha256: str


@dataclass(frozen=True)
class Graph:
    """order: run ids, each after what it needs. needs: run id -> those before it."""

    order: tuple[str, ...]
    needs: Mapping[str, frozenset[str]]
    inputs: tuple[Input, ...]
    links: tuple[Link, ...]


def graph(recipes: Sequence[Recipe], scripts: Mapping[str, str]) -> Graph:
    """recipes: one a run; scripts: run id -> text of its batch script. Raises AuditError where they wait for each other in a circle."""
    inputs = tuple(_inputs(recipes))
    links = [Link(i.maker, i.reader, f"{i.place} was its output {i.source}") for i in inputs]
    links += _recorded(recipes, scripts)
    needs = {r.run_id: frozenset(k.before for k in links if k.after == r.run_id) for r in recipes}
    try:
        order = tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        named = {r.run_id: f"{r.name} (job {r.job_id})" for r in recipes}
        circle = " -> ".join(ascii(named[i])[1:-1] for i in reversed(error.args[1]))
        raise AuditError(f"these runs wait for each other in a circle: {circle[:400]}", "replay them one by one") from None
    return Graph(order, needs, inputs, tuple(dict.fromkeys(links)))


def _inputs(recipes: Sequence[Recipe]) -> Iterator[Input]:
    """Where several runs made the same content, the one that made it under this name counts, else the first named."""
    makers: dict[str, list[tuple[str, RecipeFile]]] = {}
    for recipe in recipes:
        for file in compared(recipe):
            if file.role == "expected" and file.sha256 and file.sha256 != EMPTY:
                makers.setdefault(file.sha256, []).append((recipe.run_id, file))
    for recipe in recipes:
        for file in recipe.files:
            known = [m for m in makers.get(file.sha256, ()) if m[0] != recipe.run_id] if file.role == "input" else []
            if known:
                name = os.path.basename(file.place)
                maker, made = min(known, key=lambda m: (m[1].place != file.place, os.path.basename(m[1].place) != name))
                yield Input(maker, made.place, recipe.run_id, file.place, file.sha256)


def _recorded(recipes: Sequence[Recipe], scripts: Mapping[str, str]) -> Iterator[Link]:
    """`--dependency=afterok:123:124,afterany:125_4` names jobs; of one cluster the numbers are unique (sbatch(1))."""
    jobs: dict[tuple[str, str], list[str]] = {}
    for recipe in recipes:
        for job in {recipe.job_id, recipe.job_id.partition("_")[0]}:
            jobs.setdefault((recipe.cluster, job), []).append(recipe.run_id)
    for recipe in recipes:
        said = (*directives(scripts.get(recipe.run_id, "")), *options(recipe.command)[0])
        for word in (o.value for o in said if o.option in ("-d", "--dependency")):
            for job in re.findall(r":(\d+(?:_\d+)?)", word):
                before = _task(recipe, word, [r for r in jobs.get((recipe.cluster, job), ()) if r != recipe.run_id], recipes)
                yield from (Link(one, recipe.run_id, f"its job asked for {word[:80]}") for one in before)


def _task(recipe: Recipe, word: str, before: Sequence[str], recipes: Sequence[Recipe]) -> Sequence[str]:
    """aftercorr: a task waits for the task of the same number alone."""
    if not word.startswith("aftercorr") or not recipe.array_task:
        return before
    task = {r.run_id: r.array_task for r in recipes}
    return [one for one in before if task[one] in ("", recipe.array_task)]
