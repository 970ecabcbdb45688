"""Which smallest set of differences makes A come out as B? Prefix bisection ordered by prior, then a drop-one pass. Pure over an oracle.

"Contains all culprits" is monotone, so the shortest prefix that passes ends in a culprit: it is found by halving the probability that is
left, fixed, and the rest is searched again. A hybrid that does not start says nothing: its neighbours are asked instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from auditor.replay.bisect.factor import Answer, Factor
from auditor.replay.bisect.memo import Memo

EXPECTED = 1.5
"""Culprits that are expected: priors are scaled to this sum before their probability is halved."""
MOST = 0.9
DETOURS = 3
"""Neighbours that are asked instead of a hybrid that does not start."""


def search(factors: Sequence[Factor], memo: Memo) -> frozenset[Factor]:
    """A set that passes and of which nothing can be left out. All factors together must pass, none must not."""
    order = sorted(factors, key=lambda f: (-f.prior, f.id))
    scale = EXPECTED / (sum(f.prior for f in order) or 1.0)
    chances = [min(MOST, f.prior * scale) for f in order]
    fixed: frozenset[Factor] = frozenset()
    left = len(order)
    while left := _shortest(order[:left], chances[:left], fixed, memo):
        fixed |= {order[left - 1]}
        left -= 1
    return drop_one(fixed, memo)


def drop_one(found: frozenset[Factor], memo: Memo) -> frozenset[Factor]:
    """Leave out what is not needed, the least likely first, until nothing can be left out."""
    again = True
    while again:
        again = False
        for factor in sorted(found, key=lambda f: (f.prior, f.id)):
            if memo.passes(found - {factor}):
                found, again = found - {factor}, True
    return found


def _shortest(order: Sequence[Factor], chances: Sequence[float], fixed: frozenset[Factor], memo: Memo) -> int:
    """How many of these, from the first on, are needed beside `fixed`; all of them are known to do."""
    low, high = (0 if fixed else 1), len(order)
    weights = _weights(chances)
    while low < high:
        middle = _middle(weights, low, high)
        tried = _resolved(order, fixed, (low, high), middle, memo)
        if tried is None:
            low = middle + 1  # not known to pass: the drop-one pass looks again
        elif memo.passes(fixed | set(order[:tried])):
            high = tried
        else:
            low = tried + 1
    return high


def _weights(chances: Sequence[float]) -> list[float]:
    """How likely is each length of the shortest prefix: its last is a culprit, none behind it is."""
    weights = [0.0] * (len(chances) + 1)
    behind = 1.0
    for place in range(len(chances), 0, -1):
        weights[place] = behind * chances[place - 1]
        behind *= 1 - chances[place - 1]
    weights[0] = behind
    return weights


def _middle(weights: Sequence[float], low: int, high: int) -> int:
    """The length that splits the probability between low and high as evenly as can be; at least one is left on each side."""
    half, total, best = sum(weights[low : high + 1]) / 2, 0.0, (float("inf"), low)
    for length in range(low, high):
        total += weights[length]
        best = min(best, (abs(total - half), length))
    return best[1]


def _resolved(order: Sequence[Factor], fixed: frozenset[Factor], span: tuple[int, int], middle: int, memo: Memo) -> int | None:
    """`middle`, or the nearest length whose hybrid starts; None: none of them does."""
    near = sorted(range(*span), key=lambda n: (abs(n - middle), n))[: DETOURS + 1]
    return next((n for n in near if memo.ask(fixed | set(order[:n])) is not Answer.UNRESOLVED), None)
