"""What has been asked already, and what follows from it? Answers of an oracle, by vote where runs are shaky."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from auditor.replay.bisect.factor import Answer, Factor, Oracle


@dataclass
class Memo:
    """votes: runs of one hybrid whose majority counts, odd. known: answers so far."""

    oracle: Oracle
    votes: int = 1
    known: dict[frozenset[Factor], Answer] = field(default_factory=dict)

    def ask(self, taken: frozenset[Factor]) -> Answer:
        """The answer for this set; only a set that was not asked before costs runs."""
        if taken not in self.known:
            self.known[taken] = self.fresh(taken)
        return self.known[taken]

    def passes(self, taken: frozenset[Factor]) -> bool:
        """Does it come out as B? Not run again when it follows: what is part of a set that did not pass does not pass.

        Where runs are shaky, one wrong answer would spread: there each set speaks for itself.
        """
        if taken not in self.known and self.votes == 1 and any(taken < s for s, a in self.known.items() if a in RAN_OTHERWISE):
            return False
        return self.ask(taken) is Answer.B

    def fresh(self, taken: frozenset[Factor]) -> Answer:
        """By new runs, until one answer cannot be overtaken."""
        counts: Counter[Answer] = Counter()
        for done in range(1, self.votes + 1):
            counts[self.oracle(taken)] += 1
            ranked = counts.most_common(2)
            if ranked[0][1] > (ranked[1][1] if len(ranked) > 1 else 0) + self.votes - done:
                break
        return counts.most_common(1)[0][0]


RAN_OTHERWISE = (Answer.A, Answer.NEITHER)
