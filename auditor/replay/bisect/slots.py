"""Of which separate things is a run set up, and in which state is each? Two runs differ in the slots whose states differ. Pure."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping

from auditor.replay.bisect.case import Case
from auditor.replay.bisect.factor import Slot
from auditor.replay.environment import BARE, HOST, IMAGE, LOCK
from reports.archive.recipe import Recipe, RecipeFile

GONE = "not there"
FOLDER = "{workdir}"
"""Stands for the work directory in values: each run has its own."""
States = Mapping[Slot, str]


def environment_kind(a: Case, b: Case) -> str:
    """How hybrids get their software: as both runs do; packages are carried over only where both locks can be rebuilt."""
    kinds = {a.plan.environment, b.plan.environment}
    if len(kinds) == 1:
        return kinds.pop()
    if kinds == {BARE, LOCK}:
        return LOCK
    return IMAGE if IMAGE in kinds else HOST


def states(case: Case, kind: str, words: int, cpu: Mapping[str, str]) -> dict[Slot, str]:
    """kind: how software is had. words: arguments of the other run; cpu: switches that stand in for this run's processor."""
    recipe = case.recipe
    found: dict[Slot, str] = {(sort(f), f.place): f"sha256:{f.sha256}" for f in files(recipe)}
    found |= {("dataset", d.place): d.digest for d in recipe.datasets}
    found |= {("variable", k): templated(v, recipe) or "(empty)" for k, v in recipe.environment.items()}
    found |= arguments(recipe, words)
    found |= {("image", i.reference): i.sha256 or i.image_id or i.pull or "there" for i in recipe.images}
    found |= {
        ("script", ""): recipe.script,
        ("interpreter", ""): recipe.interpreter,
        ("name", ""): recipe.name,
        ("array-task", ""): recipe.array_task or GONE,
        ("folder", ""): recipe.workdir,
        ("cores", ""): str(recipe.asked.cpus or ""),
        ("cpu", ""): " ".join(f"{k}={v}" for k, v in sorted(cpu.items())) or "as it is here",
    }
    if kind == LOCK:
        found |= {("package", name): _package(line) for name, line in case.pins.items()}
    if kind in (LOCK, BARE):
        found |= {("python", ""): ".".join(recipe.python.split(".")[:2]), ("prefix", ""): templated(recipe.prefix, recipe)}
    return found


def files(recipe: Recipe) -> list[RecipeFile]:
    """Code and inputs, one for each place; code first, as it is laid out."""
    wanted = sorted((f for f in recipe.files if f.role in ("code", "input")), key=lambda f: f.role)
    return list({f.place: f for f in reversed(wanted)}.values())


def sort(file: RecipeFile) -> str:
    return file.role


def templated(value: str, recipe: Recipe) -> str:
    return value.replace(recipe.workdir, FOLDER) if len(recipe.workdir) > 1 else value


def arguments(recipe: Recipe, words: int) -> dict[Slot, str]:
    """One by one where both runs have equally many, else all together."""
    given = [templated(w, recipe) for w in recipe.arguments]
    if len(given) != words:
        return {("argument", "all"): " ".join(given) or "(none)"}
    return {("argument", str(n)): word for n, word in enumerate(given)}


def argument_name(recipe: Recipe, number: str) -> str:
    """`--lr` for the word behind it, else its place."""
    if not number.isdigit():
        return "arguments"
    before = recipe.arguments[int(number) - 1] if int(number) else ""
    named = re.fullmatch(r"--?[A-Za-z][\w-]*", before) or re.match(r"--?[A-Za-z][\w-]*(?==)", recipe.arguments[int(number)])
    return named[0] if named else f"argument {int(number) + 1}"


def differing(a: States, b: States) -> list[Slot]:
    """In the order of their names; a state that is not known (empty) is no difference."""
    every = sorted({*a, *b})
    return [s for s in every if a.get(s, GONE) != b.get(s, GONE) and a.get(s, GONE) and b.get(s, GONE)]


def _package(line: str) -> str:
    """`1.26.4` and the wheel's digest, as far as it is pinned."""
    return line.partition("==")[2].replace(" --hash=", ", ") or line


def same_program(a: Recipe, b: Recipe) -> bool:
    """Do they share any code, by place or by content? The command's text alone is enough for runs without files of code."""
    one, other = ([f for f in r.files if f.role == "code"] for r in (a, b))
    names = {os.path.basename(f.place) for f in one} & {os.path.basename(f.place) for f in other}
    return bool(names or {f.sha256 for f in one} & {f.sha256 for f in other})


def digest(parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
