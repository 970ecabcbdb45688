"""Is the set that was found really the cause? Sufficient, each member needed, and B without it comes out as A. Pure over an oracle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.replay.bisect.factor import Answer, Factor
from auditor.replay.bisect.memo import Memo


@dataclass(frozen=True)
class Claim:
    """One thing to prove. taken: what is carried over to A; expected: the answers that prove it. fresh: by new runs."""

    text: str
    taken: frozenset[Factor]
    expected: tuple[Answer, ...]
    fresh: bool


@dataclass(frozen=True)
class Checked:
    """A claim and the answer to it."""

    claim: Claim
    answer: Answer

    @property
    def holds(self) -> bool:
        return self.answer in self.claim.expected


def claims(found: frozenset[Factor], every: frozenset[Factor]) -> tuple[Claim, ...]:
    """What the certificate rests on. What equals a control is not run again: the controls were."""
    named = sorted(found, key=lambda f: (-f.prior, f.id))
    controls = (frozenset[Factor](), every)
    without = [(f, found - {f}) for f in named]
    other = (Answer.A, Answer.NEITHER)
    return (
        Claim("A with it comes out as B (sufficient)", found, (Answer.B,), found not in controls),
        *(
            Claim(f"A with it, but without {f.name}, does not come out as B (needed)", s, other, s not in controls)
            for f, s in without
        ),
        Claim("B without it comes out as A (counterfactual)", every - found, (Answer.A,), every - found not in controls),
    )


def check(wanted: Sequence[Claim], memo: Memo) -> tuple[Checked, ...]:
    return tuple(Checked(c, memo.fresh(c.taken) if c.fresh else memo.ask(c.taken)) for c in wanted)


def refusal(checked: Sequence[Checked]) -> str:
    """Why it is not certified; empty: it is."""
    for one in checked:
        if not one.holds:
            return f"it was not shown that {one.claim.text}: {TOLD[one.answer]}"
    return ""


TOLD = {
    Answer.B: "it came out as B",
    Answer.A: "it came out as A",
    Answer.NEITHER: "it came out as neither",
    Answer.UNRESOLVED: "that hybrid does not start",
}
