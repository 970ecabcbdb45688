"""How do findings become levels, an interval and a coverage? Pure arithmetic.

A tip reaches level n when every applicable check at the levels 1..n is passed; a level without an applicable check is not
earned by itself. `low` counts an unknown as not reached, `high` as reached. Every tip weighs the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from auditor.model import Outcome, Tip
from auditor.scorecard import Finding, TipScore

SURE = frozenset({Outcome.PASSED})
HOPED = frozenset({Outcome.PASSED, Outcome.UNKNOWN, Outcome.ERROR})
DECIDED = frozenset({Outcome.PASSED, Outcome.WEAK, Outcome.FAILED})
TOP = 3


def tip_score(tip: Tip, findings: Sequence[Finding]) -> TipScore:
    applicable = [f for f in findings if f.outcome is not Outcome.NOT_APPLICABLE]
    low, high = reached(applicable, SURE), reached(applicable, HOPED)
    return TipScore(tip.number, tip.slug, tip.title, tip.why, tip.advice, low, high, bool(applicable), tuple(findings))


class Judged(Protocol):
    """An answer at a level: a run's finding, or a campaign's."""

    @property
    def level(self) -> int: ...

    @property
    def outcome(self) -> Outcome: ...


def reached(applicable: Sequence[Judged], good: Collection[Outcome]) -> int:
    """The highest level up to which every finding's outcome is a good one; 0 to 3."""
    level = 0
    for step in range(1, TOP + 1):
        outcomes = [f.outcome for f in applicable if f.level == step]
        if not all(outcome in good for outcome in outcomes):
            return level
        level = step if outcomes else level
    return level


def interval(tips: Sequence[TipScore]) -> tuple[float | None, float | None]:
    """Mean level of the applicable tips, 0-100, one decimal; None when no tip applies."""
    scored = [t for t in tips if t.applicable]
    if not scored:
        return None, None
    full = TOP * len(scored)
    return round(100 * sum(t.low for t in scored) / full, 1), round(100 * sum(t.high for t in scored) / full, 1)


def coverage(tips: Sequence[TipScore]) -> float | None:
    """Share of the applicable checks that were decided, 0-100."""
    outcomes = [f.outcome for t in tips for f in t.findings if f.outcome is not Outcome.NOT_APPLICABLE]
    return round(100 * sum(o in DECIDED for o in outcomes) / len(outcomes), 1) if outcomes else None
