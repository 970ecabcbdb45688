#!/usr/bin/env python3
"""How many runs does a bisection need, and how often is it right? Beside ddmin and one-at-a-time, on a simulated grid.

Differences have Zipf priors, as the search believes them; culprits are drawn by them. A hybrid comes out as B when it holds all culprits.
The grid: sizes and culprits; priors that are wrong; hybrids that do not start; answers that are wrong. Seeded: the same every time.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from auditor.replay.bisect.factor import Answer, Factor, Layer
from auditor.replay.bisect.memo import Memo
from auditor.replay.bisect.search import search

TRIALS = 400
Set = frozenset[Factor]
Way = Callable[[Sequence[Factor], Memo], Set]


@dataclass(frozen=True)
class Cell:
    """dead: share of hybrids that do not start; wrong: share of answers that are wrong; mistaken: the search has other priors."""

    size: int
    culprits: int
    mistaken: bool = False
    dead: float = 0.0
    wrong: float = 0.0
    votes: int = 1


@dataclass(frozen=True)
class Score:
    runs: float
    exact: float


def factors(size: int) -> list[Factor]:
    weights = [1 / (rank + 1) for rank in range(size)]
    return [
        Factor(f"d{n:02}", Layer.DATA, f"d{n}", "a", "b", (("input", f"d{n}"),), w / sum(weights), "simulated")
        for n, w in enumerate(weights)
    ]


def drawn(every: Sequence[Factor], count: int, dice: random.Random) -> Set:
    found: set[Factor] = set()
    while len(found) < count:
        found.add(dice.choices(every, [f.prior for f in every])[0])
    return frozenset(found)


def measure(cell: Cell, way: Way, trials: int = TRIALS, seed: int = 7) -> Score:
    runs = exact = 0
    for trial in range(trials):
        dice = random.Random(f"{seed} {trial} {cell}")
        truth = drawn(factors(cell.size), cell.culprits, dice)
        every = _believed(cell, dice)
        culprits = frozenset(f for f in every if f.id in {t.id for t in truth})
        counted = [0]
        memo = Memo(_oracle(cell, culprits, frozenset(every), dice, counted), cell.votes)
        memo.known |= {frozenset(): Answer.A, frozenset(every): Answer.B}  # the controls
        exact += way(every, memo) == culprits
        runs += counted[0]
    return Score(runs / trials, exact / trials)


def _believed(cell: Cell, dice: random.Random) -> list[Factor]:
    every = factors(cell.size)
    if not cell.mistaken:
        return every
    other = dice.sample([f.prior for f in every], len(every))
    return [Factor(f.id, f.layer, f.name, f.before, f.after, f.slots, p, f.how) for f, p in zip(every, other, strict=True)]


def _oracle(cell: Cell, culprits: Set, every: Set, dice: random.Random, counted: list[int]) -> Callable[[Set], Answer]:
    dead: dict[Set, bool] = {}

    def ask(taken: Set) -> Answer:
        counted[0] += 1
        if taken and taken != every and dead.setdefault(taken, dice.random() < cell.dead):
            return Answer.UNRESOLVED
        passed = (culprits <= taken) != (dice.random() < cell.wrong)
        return Answer.B if passed else Answer.NEITHER if culprits & taken else Answer.A

    return ask


def one_at_a_time(every: Sequence[Factor], memo: Memo) -> Set:
    """Each difference alone: finds a single culprit, never two that need each other."""
    return frozenset(f for f in every if memo.ask(frozenset({f})) is Answer.B)


def ddmin(every: Sequence[Factor], memo: Memo) -> Set:
    """Delta debugging (Zeller and Hildebrandt, 2002): subsets, then complements, then finer."""
    found, parts = list(every), 2
    while len(found) >= 2:
        size, extra = divmod(len(found), parts)
        cuts = [i * size + min(i, extra) for i in range(parts + 1)]
        chunks = [found[a:b] for a, b in pairwise(cuts)]
        rests = [[f for f in found if f not in chunk] for chunk in chunks]
        if (smaller := next((c for c in chunks if memo.ask(frozenset(c)) is Answer.B), None)) is not None:
            found, parts = smaller, 2
        elif (smaller := next((r for r in rests if memo.ask(frozenset(r)) is Answer.B), None)) is not None:
            found, parts = smaller, max(parts - 1, 2)
        elif parts >= len(found):
            break
        else:
            parts = min(len(found), 2 * parts)
    return frozenset(found)


GRID = (
    Cell(16, 1), Cell(16, 2), Cell(40, 2), Cell(40, 3),
    Cell(20, 2, mistaken=True), Cell(20, 2, dead=0.1), Cell(20, 2, wrong=0.05, votes=3),
)  # fmt: skip


def _named(cell: Cell) -> str:
    more = [", priors wrong"] if cell.mistaken else []
    more += [f", {cell.dead:.0%} do not start"] if cell.dead else []
    more += [f", {cell.wrong:.0%} wrong answers, {cell.votes} votes"] if cell.wrong else []
    return f"bisection, {cell.culprits} of {cell.size}{''.join(more)}"


def main() -> int:
    for cell in GRID:
        ours, dd, single = (measure(cell, way) for way in (search, ddmin, one_at_a_time))
        target = "exact >= 95 % in <= 12 runs" if cell == Cell(40, 2) else "fewer runs than ddmin"
        peers = f"ddmin {dd.runs:.1f} runs, {dd.exact:.0%}; one at a time {single.runs:.1f}, {single.exact:.0%}"
        print(f"| {_named(cell)} | {target} | {ours.runs:.1f} runs, {ours.exact:.0%} | {peers} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
