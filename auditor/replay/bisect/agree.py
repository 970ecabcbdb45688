"""Do the runs of one setup agree with themselves? Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
SHAKY = 0.7
"""Share of runs that must agree for a majority to be worth voting about."""


@dataclass(frozen=True)
class Agreement:
    """of: how many runs; agreeing: how many came out as the one at `typical`, an index."""

    of: int
    agreeing: int
    typical: int

    @property
    def steady(self) -> bool:
        return self.agreeing == self.of

    @property
    def usable(self) -> bool:
        """Steady, or shaky enough to vote."""
        return self.agreeing >= SHAKY * self.of


def agreement(runs: Sequence[T], same: Callable[[T, T], bool]) -> Agreement:
    """Of the run that most others are like; the first of equals."""
    counts = [sum(same(a, b) for b in runs) for a in runs]
    best = max(range(len(runs)), key=lambda i: (counts[i], -i))
    return Agreement(len(runs), counts[best], best)
