"""What do the outputs of a replay prove? Each compared by its kind, then one verdict over all of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from auditor.replay.compare import Expected, compare
from auditor.replay.lay import Layout, elsewhere
from auditor.replay.rulesfile import OutputRule, rules
from auditor.replay.run import Ended
from auditor.verdict import OutputVerdict, Sameness
from reports.archive.recipe import Recipe, RecipeFile
from reports.judging.amounts import several

NOT_FOUND = 127
"""How a shell ends that does not find what it is to run (POSIX, 2.8.2)."""
WORST = (Sameness.DIFFERENT, Sameness.EQUIVALENT, Sameness.IDENTICAL)


def outputs(
    recipe: Recipe, crate: Path, layout: Layout, folder: Path, job: str, said: Sequence[OutputRule] = ()
) -> tuple[OutputVerdict, ...]:
    """Compare every output that is known by content; what the job printed against this run's stdout and stderr.

    said: tolerances and rules beyond the recipe's.

    A file that was an input with the same content proves nothing: it was laid out, not made.
    """
    made = []
    for file in compared(recipe):
        expected = Expected(file.place, file.sha256, crate / file.carried if file.carried else None)
        path = made_again(file, recipe, layout, folder, job)
        made.append(compare(expected, path, rules(file.place, recipe, said)) if _inside(path, folder) else _link(expected))
    return tuple(made)


def compared(recipe: Recipe) -> list[RecipeFile]:
    given = {(f.place, f.sha256) for f in recipe.files if f.role in ("input", "code")}
    return [f for f in recipe.files if f.role in ("expected", "log") and (f.place, f.sha256) not in given]


def _inside(path: Path, folder: Path) -> bool:
    """A stranger's code can leave a link to this user's files where an output should be: what is behind it is not for a verdict."""
    return not path.exists() or path.resolve().is_relative_to(folder.resolve())


def _link(expected: Expected) -> OutputVerdict:
    told = "a link that leads out of the replay's folder stands in its place; it was not followed"
    return OutputVerdict(expected.place, Sameness.DIFFERENT, "bytes", told, expected.sha256, "")


def unread(made: Sequence[OutputVerdict]) -> tuple[str, ...]:
    """Outputs whose values were not compared, with the reason: an optional library that is missing, or damage."""
    return tuple(
        f"{o.path}: {line}"
        for o in made
        for line in o.detail.splitlines()[:1]
        if o.sameness is Sameness.DIFFERENT and line.startswith("not compared as ")
    )


def made_again(file: RecipeFile, recipe: Recipe, layout: Layout, folder: Path, job: str) -> Path:
    """Where this replay's version lies. A log has no name of its own; under Slurm another job number may be in a name."""
    if file.role == "log":
        errors = file.place.endswith((".err", ".stderr", "-err.txt"))
        return folder / ("stderr.txt" if errors else "stdout.txt")
    path = layout.work / file.place
    if os.path.isabs(file.place):
        path = elsewhere(folder, file.place)
    old = recipe.job_id.partition("_")[0]
    renamed = path.with_name(path.name.replace(old, job)) if job and old in path.name else path
    return path if path.exists() or not renamed.exists() else renamed


def verdict(recipe: Recipe, made: tuple[OutputVerdict, ...], ended: Ended) -> tuple[Sameness, str]:
    """The worst of the outputs. What a job printed decides only where it made nothing else; the reason says so."""
    before = recipe.original.exit_code
    cut = [f.place for f in recipe.files if f.role == "code" and f.redacted]
    differs = (
        (
            Sameness.NOT_RUN,
            f"{cut[0]} is carried without its secrets: it is not what ran, and that it ends differently proves nothing",
        )
        if cut
        else None
    )
    if ended.timed_out:
        return differs or (Sameness.DIFFERENT, "it did not end within the time limit")
    if ended.exit_code == NOT_FOUND != _status(recipe):
        return Sameness.NOT_RUN, "a program that it calls is not here (exit code 127); stderr.txt names it"
    if before is not None and ended.exit_code != _status(recipe):
        return differs or (Sameness.DIFFERENT, f"exit code {ended.exit_code}, was {_status(recipe)}")
    if not made:
        return Sameness.NOT_RUN, "it ran, but the bundle names no output to compare with"
    logs = {f.place for f in recipe.files if f.role == "log"}
    results = [o for o in made if o.path not in logs] or list(made)
    sameness = next(s for s in WORST if any(o.sameness is s for o in results))
    if sameness is Sameness.DIFFERENT and differs:
        return differs
    counts = ", ".join(f"{n} {s.value}" for s in reversed(WORST) if (n := sum(o.sameness is s for o in results)))
    odd = [o.path for o in made if o not in results and o.sameness is Sameness.DIFFERENT]
    aside = f"; not counted: {', '.join(odd)} (what it printed) differs" if odd else ""
    return sameness, f"of {several(len(results), 'output')} {counts}{aside}"


def _status(recipe: Recipe) -> int:
    """As a shell tells it."""
    return 128 + recipe.original.signal if recipe.original.signal else recipe.original.exit_code or 0
