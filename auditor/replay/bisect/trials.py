"""How does the search's question become runs? Each asking of a set is the next run of it: from the journal, else made, within the budget."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from auditor.bisection import Trial
from auditor.replay.bisect import journal
from auditor.replay.bisect.experiment import Bench
from auditor.replay.bisect.factor import Answer, Factor
from auditor.replay.bisect.outcome import Outcome, Yardstick
from auditor.replay.bisect.slots import digest


class Spent(Exception):
    """The budget is used up; what was found so far stands."""


@dataclass
class Trials:
    """The runs of one bisection so far. held: stabilisers of all of them. most, seconds: the budget, with what earlier calls used."""

    bench: Bench
    yardstick: Yardstick
    most: int
    seconds: float
    jobs: int
    tell: Callable[[str], None]
    held: frozenset[str] = frozenset()
    purpose: str = "control"
    typical: tuple[Outcome, Outcome] | None = None
    """The outcomes of A and B that answers are given by."""
    done: list[Trial] = field(default_factory=list)
    outcomes: dict[tuple[str, ...], list[Outcome]] = field(default_factory=dict)
    asked: Counter[tuple[str, ...]] = field(default_factory=Counter)
    before: tuple[int, float] = (0, 0.0)
    made: int = 0
    began: float = field(default_factory=time.monotonic)
    lock: Lock = field(default_factory=Lock)

    def oracle(self, taken: frozenset[Factor]) -> Answer:
        """The next run of this set, judged. Raises Spent."""
        made = self.next(taken)
        assert self.typical
        answer = self.yardstick.answer(made, *self.typical)
        self.note(taken, made, answer)
        return answer

    def next(self, taken: frozenset[Factor], held: frozenset[str] | None = None) -> Outcome:
        """A run of this set that was not asked for before; made ahead, or now."""
        still = self.held if held is None else held
        key = self._key(taken, still)
        number, self.asked[key] = self.asked[key], self.asked[key] + 1
        ready = self.outcomes.setdefault(key, [])
        while len(ready) <= number:
            ready.append(self._made(taken, still, len(ready)))
        return ready[number]

    def ahead(self, wanted: Iterable[tuple[frozenset[Factor], int]]) -> None:
        """Make these sets' next runs side by side, as many as may run at a time. number: how many of each."""
        if self.jobs < 2:
            return
        todo = []
        for taken, number in wanted:
            key = self._key(taken, self.held)
            have = len(self.outcomes.setdefault(key, []))
            todo += [(key, taken, n) for n in range(have, self.asked[key] + number)]
        with ThreadPoolExecutor(self.jobs) as pool:
            found = list(pool.map(lambda one: (one[0], self._made(one[1], self.held, one[2])), todo))
        for key, outcome in found:
            self.outcomes[key].append(outcome)

    def _made(self, taken: frozenset[Factor], held: frozenset[str], number: int) -> Outcome:
        slots = sorted(s for f in taken for s in f.slots)
        name = f"{digest((slots, sorted(held)))}-{number}"
        if known := journal.done(self.bench.runs, name):
            return known
        with self.lock:
            self._count(taken)
        return self.bench.make(name, frozenset(slots), held)

    def _count(self, taken: frozenset[Factor]) -> None:
        total, used = self.before[0] + self.made, self.before[1] + time.monotonic() - self.began
        if total >= self.most:
            raise Spent(f"the budget of {self.most} runs is used up")
        if used >= self.seconds:
            raise Spent(f"the budget of {self.seconds:g} seconds is used up")
        self.made += 1
        what = ", ".join(sorted(f.name for f in taken)) if len(taken) < 5 else f"{len(taken)} differences"
        self.tell(f"run {total + 1} ({self.purpose}): A with {what or 'nothing'} of B")

    def _key(self, taken: frozenset[Factor], held: frozenset[str]) -> tuple[str, ...]:
        return (*sorted(f.id for f in taken), "|", *sorted(held))

    def note(self, taken: frozenset[Factor], made: Outcome, answer: str) -> None:
        ids = tuple(sorted(f.id for f in taken))
        self.done.append(Trial(made.run, self.purpose, ids, str(answer), made.seconds))
