"""What must be held still so that a run agrees with itself? The smallest set of stabilisers, by the same search; each answer is by several runs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.bisection import Proof
from auditor.replay.bisect import stabilisers
from auditor.replay.bisect.agree import agreement
from auditor.replay.bisect.factor import Answer, Factor
from auditor.replay.bisect.memo import Memo
from auditor.replay.bisect.search import search
from auditor.replay.bisect.trials import Trials

STILL = 3
"""Runs that must agree for a run to count as held still."""


@dataclass(frozen=True)
class Loose:
    """A side that does not agree with itself: its name, what is carried over, the exit code it ends with."""

    name: str
    taken: frozenset[Factor]
    exit_code: int


def hold(loose: Sequence[Loose], trials: Trials) -> tuple[frozenset[str], Proof] | str:
    """Ids of what must be held still, and the proof; or why there is no such set. Raises Spent."""
    here = frozenset(p for s in stabilisers.EVERY for p in s.before[:1] if shutil.which(p))
    known = stabilisers.factors(here)
    names = " and ".join(one.name for one in loose)
    memo = Memo(lambda held: _still(loose, held, trials))
    if not memo.passes(frozenset(known)):
        alone = "does not agree with itself" if len(loose) == 1 else "do not agree with themselves"
        more = "; ".join(stabilisers.NOT_TO_BE_HAD)
        return f"{names} {alone}, and nothing that can be held still here changes that (not reached: {more})"
    memo.known[frozenset()] = Answer.A
    chosen = search(known, memo)
    held = frozenset(f.id for f in chosen)
    told = ", ".join(sorted(f.name for f in chosen))
    mine = [t for t in trials.done if t.purpose == "stabiliser" and t.taken == tuple(sorted(held))]
    claim = f"what {names} came out as is always the same once held still: {told}"
    return held, Proof(claim, "agrees", tuple(t.answer for t in mine), True, tuple(t.run for t in mine))


def _still(loose: Sequence[Loose], held: frozenset[Factor], trials: Trials) -> Answer:
    """B: all these runs agree. A: they do not. One that ends otherwise than before was broken by it, and says nothing."""
    for one in loose:
        made = [trials.next(one.taken, frozenset(f.id for f in held)) for _ in range(STILL)]
        bad = any(m.trouble or m.exit_code != one.exit_code for m in made)
        agrees = not bad and agreement(made, trials.yardstick.like).steady
        for outcome in made:
            trials.note(held, outcome, "unresolved" if bad else "agrees" if agrees else "differs")
        if not agrees:
            return Answer.UNRESOLVED if bad else Answer.A
    return Answer.B
