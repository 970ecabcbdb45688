"""What came out of one experiment, and is it what came out of another? Exit code and outputs, by the comparators of a replay."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from auditor.model import AuditError
from auditor.replay.bisect.factor import Answer
from auditor.replay.compare import look, sha256
from auditor.replay.compare.content import Content
from auditor.replay.compare.rules import Rules
from auditor.replay.compare.tolerance import Tolerance
from auditor.verdict import Sameness
from reports.archive.recipe import Recipe

PRINTED = ("stdout.txt", "stderr.txt")
"""What a run printed; it counts where it is named, or where there is nothing else."""


@dataclass(frozen=True)
class Outcome:
    """run: its id. outputs: name -> sha256, empty where it was not made. trouble: why it did not run at all."""

    run: str
    exit_code: int
    outputs: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    trouble: str = ""


@dataclass(frozen=True)
class Yardstick:
    """folder: of all runs, `folder/RUN/outputs/NUMBER`. names: outputs that count, in order; rules: one for each."""

    folder: Path
    names: tuple[str, ...]
    rules: Mapping[str, Rules]

    def same(self, a: Outcome, b: Outcome) -> bool:
        return self.sameness(a, b) is not Sameness.DIFFERENT

    def like(self, a: Outcome, b: Outcome) -> bool:
        """As `same`, where two runs that did not start agree."""
        return a.run == b.run or bool(a.trouble and b.trouble) or self.same(a, b)

    def sameness(self, a: Outcome, b: Outcome) -> Sameness:
        """The worst over the exit code and every output. What did not run is like nothing."""
        if a.trouble or b.trouble or a.exit_code != b.exit_code:
            return Sameness.DIFFERENT
        worst = Sameness.IDENTICAL
        for name in self.names:
            found = self._one(name, a, b)
            if found is Sameness.DIFFERENT:
                return found
            worst = found if found is Sameness.EQUIVALENT else worst
        return worst

    def _one(self, name: str, a: Outcome, b: Outcome) -> Sameness:
        one, other = a.outputs.get(name, ""), b.outputs.get(name, "")
        if one == other:
            return Sameness.IDENTICAL
        if not (one and other):
            return Sameness.DIFFERENT
        contents = [Content(name, self.path(o.run, name)) for o in (a, b)]
        return look(contents[0], contents[1], self.rules[name]).sameness

    def path(self, run: str, name: str) -> Path:
        return self.folder / run / "outputs" / str(self.names.index(name))

    def differing(self, a: Outcome, b: Outcome) -> tuple[str, ...]:
        code = ("exit code",) if a.exit_code != b.exit_code else ()
        return (*code, *(n for n in self.names if self._one(n, a, b) is Sameness.DIFFERENT))

    def answer(self, made: Outcome, a: Outcome, b: Outcome) -> Answer:
        """Like which of the two; of two that it is equivalent to the one that it is identical to. A crash that neither had: unresolved."""
        if made.trouble or (made.exit_code and made.exit_code not in (a.exit_code, b.exit_code)):
            return Answer.UNRESOLVED
        one, other = self.sameness(made, a), self.sameness(made, b)
        if Sameness.IDENTICAL in (one, other) and one is not other:
            return Answer.A if one is Sameness.IDENTICAL else Answer.B
        if (one is Sameness.DIFFERENT) is (other is Sameness.DIFFERENT):
            return Answer.NEITHER
        return Answer.A if other is Sameness.DIFFERENT else Answer.B


def counted(a: Recipe, b: Recipe, wanted: Sequence[str]) -> tuple[str, ...]:
    """Names of the outputs that count: those that both runs made, as far as they are wanted. Raises AuditError for none."""
    made = [_made(r) for r in (a, b)]
    common = [n for n in made[0] if n in made[1]]
    if not wanted:
        if not common and any(made):
            raise AuditError(
                f"A and B have no output in common: A made {_few(made[0])}, B {_few(made[1])}",
                "name what counts with --output, for instance --output stdout.txt",
            )
        return tuple(common) or PRINTED[:1]
    every = (*common, *PRINTED)
    chosen = [n for n in every if any(fnmatchcase(n, w) or n == w for w in wanted)]
    literal = [os.path.normpath(w) for w in wanted if w not in every and not set(w) & set("*?[")]
    if bad := next((w for w in literal if w.startswith("..")), ""):
        raise AuditError(f"--output {bad} lies outside of the work directory", "name it relative to the work directory")
    if not (chosen or literal):
        raise AuditError(f"--output {wanted[0]} fits no output that both runs made", f"they made {_few(common)}")
    return tuple(dict.fromkeys((*chosen, *literal)))


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "") if names else "none"


def _made(recipe: Recipe) -> list[str]:
    given = {(f.place, f.sha256) for f in recipe.files if f.role in ("input", "code")}
    return [f.place for f in recipe.files if f.role == "expected" and (f.place, f.sha256) not in given]


def rules(recipe: Recipe, names: Sequence[str], tolerance: Tolerance | None) -> dict[str, Rules]:
    own = recipe.tolerances
    return {n: Rules(tolerance or Tolerance(*own.get(n, (recipe.rtol, recipe.atol)))) for n in names}


def recorded(recipe: Recipe) -> dict[str, str]:
    """What the original's outputs were, by digest."""
    return {f.place: f.sha256 for f in recipe.files if f.role == "expected"}


def keep(paths: Mapping[str, Path], names: Sequence[str], root: Path, target: Path) -> dict[str, str]:
    """Move the outputs out of a run's folder. A link that leads out of it is no output: nothing of this machine is taken for one."""
    target.mkdir(mode=0o700)
    found: dict[str, str] = {}
    for number, name in enumerate(names):
        path = paths[name]
        inside = os.path.realpath(path).startswith(f"{os.path.realpath(root)}/")
        if inside and path.is_file():
            os.rename(os.path.realpath(path), target / str(number))
            found[name] = sha256(target / str(number))
    return found
