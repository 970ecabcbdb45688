"""On which runs does each line of the certificate rest?"""

from __future__ import annotations

from collections.abc import Sequence

from auditor.bisection import Proof, Trial
from auditor.replay.bisect.certificate import Checked
from auditor.replay.bisect.factor import Factor


def of_controls(done: Sequence[Trial], every: frozenset[Factor], times: int) -> tuple[Proof, ...]:
    """That A and B agree with themselves; the last runs count, which held still what had to be."""
    found = []
    for name, taken in (("A", frozenset[Factor]()), ("B", every)):
        mine = [t for t in done if t.purpose == "control" and t.taken == ids(taken)][-times:]
        found.append(
            Proof(f"{name} agrees with itself", "agrees", tuple(t.answer for t in mine), True, tuple(t.run for t in mine))
        )
    return tuple(found)


def of_claims(done: Sequence[Trial], checked: Sequence[Checked]) -> tuple[Proof, ...]:
    return tuple(_proof(done, one) for one in checked)


def ids(taken: frozenset[Factor]) -> tuple[str, ...]:
    return tuple(sorted(f.id for f in taken))


def _proof(done: Sequence[Trial], one: Checked) -> Proof:
    purposes = ("certificate",) if one.claim.fresh else ("control", "search")
    rests = tuple(t for t in done if t.taken == ids(one.claim.taken) and t.purpose in purposes)
    expected = " or ".join(a.value for a in one.claim.expected)
    answers = tuple(t.answer for t in rests) if one.claim.fresh else (one.answer.value,)
    return Proof(one.claim.text, expected, answers, one.holds, tuple(t.run for t in rests))
