"""Do several runs of one bundle agree with each other, what varies by itself, and what do all of them say of the original?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.replay import judge
from auditor.replay.compare import Expected, compare, sha256
from auditor.replay.compare.content import Content
from auditor.replay.compare.learn import learn
from auditor.replay.lay import Layout
from auditor.replay.rulesfile import OutputRule, rules
from auditor.replay.run import Ended
from auditor.verdict import OutputVerdict, RoundVerdict, Sameness
from reports.archive.recipe import Recipe, RecipeFile
from reports.judging.amounts import several

SEVERITY = (Sameness.IDENTICAL, Sameness.EQUIVALENT, Sameness.DIFFERENT)


@dataclass(frozen=True)
class Round:
    """One run that came to its end. folder: where its work directory, stdout.txt and stderr.txt lie."""

    number: int
    folder: Path
    layout: Layout
    ended: Ended
    job: str

    def made(self, file: RecipeFile, recipe: Recipe) -> Path:
        return judge.made_again(file, recipe, self.layout, self.folder, self.job)


def learnt(recipe: Recipe, rounds: Sequence[Round], said: Sequence[OutputRule]) -> tuple[OutputRule, ...]:
    """Rules for fields that are not the same in the first run and a later one. Of several for one field the widest."""
    found: dict[tuple[str, str], OutputRule] = {}
    for file in judge.compared(recipe):
        first = rounds[0].made(file, recipe)
        for other in (r.made(file, recipe) for r in rounds[1:]):
            if not (_plain(first, rounds[0]) and other.is_file() and not other.is_symlink()) or sha256(first) == sha256(other):
                continue
            known = rules(file.place, recipe, said)
            for rule in learn(Content(file.place, first), Content(file.place, other), known):
                made = OutputRule(file.place, rule.fields, *_numbers(rule.tolerance), rule.why)
                key = (file.place, rule.fields)
                found[key] = max(found.get(key, made), made, key=_width)
    return tuple(found.values())


def _plain(path: Path, one: Round) -> bool:
    return path.is_file() and path.resolve().is_relative_to(one.folder.resolve())


def _numbers(tolerance: object) -> tuple[float | None, float | None]:
    return getattr(tolerance, "rtol", None), getattr(tolerance, "atol", None)


def _width(rule: OutputRule) -> float:
    return float("inf") if rule.rtol is None else rule.rtol


def agreement(recipe: Recipe, first: Round, other: Round, said: Sequence[OutputRule]) -> RoundVerdict:
    """Is the later run the same as the first one, by these rules?"""
    if other.ended != first.ended:
        reason = f"exit code {other.ended.exit_code}, was {first.ended.exit_code} in run 1"
        return RoundVerdict(other.number, other.ended.exit_code, Sameness.DIFFERENT, reason)
    counted = [f for f in judge.compared(recipe) if f.role == "expected"] or judge.compared(recipe)
    found: list[tuple[str, Sameness]] = []
    for file in counted:
        before, after = first.made(file, recipe), other.made(file, recipe)
        if not _plain(before, first) or not _plain(after, other):
            same = Sameness.IDENTICAL if not before.exists() and not after.exists() else Sameness.DIFFERENT
        else:
            same = compare(Expected(file.place, sha256(before), before), after, rules(file.place, recipe, said)).sameness
        found.append((file.place, same))
    worst = max((s for _, s in found), key=SEVERITY.index, default=Sameness.NOT_RUN)
    odd = [place for place, same in found if same is Sameness.DIFFERENT]
    reason = f"not the same in run 1: {', '.join(odd[:5])}" if odd else f"{several(len(found), 'output')} as in run 1"
    return RoundVerdict(other.number, other.ended.exit_code, worst, reason)


def worst(per_round: Sequence[Sequence[OutputVerdict]]) -> tuple[OutputVerdict, ...]:
    """Each output as it came out worst; which run that was is told."""
    made = []
    for outputs in zip(*per_round, strict=True):
        number, bad = max(enumerate(outputs, 1), key=lambda one: SEVERITY.index(one[1].sameness))
        mixed = any(o.sameness is not bad.sameness for o in outputs)
        detail = f"in run {number}: {bad.detail}" if mixed else bad.detail
        made.append(OutputVerdict(bad.path, bad.sameness, bad.comparator, detail, bad.expected_sha256, bad.actual_sha256))
    return tuple(made)
