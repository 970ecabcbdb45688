"""How does a check say what it found? Four verdicts, and `Unclear` where the facts themselves leave a gap."""

from __future__ import annotations

from typing import Any, TypeVar

from auditor.model import Absent, Fact, Outcome, Verdict

T = TypeVar("T")
Maybe = Fact[T] | Absent | None
"""What an optional need gives: the fact, "looked, not there", or nothing known."""


class Unclear(Exception):
    """The evidence is there and does not hold the answer (a number the scheduler did not sample). The runner makes it `unknown`."""


def passed(message: str, *facts: Fact[Any]) -> Verdict:
    """facts: those it rests on, if not on all that were given."""
    return Verdict(Outcome.PASSED, message, "", _ids(facts))


def weak(message: str, fix: str, *facts: Fact[Any]) -> Verdict:
    """Something is there, and it is not enough for the level."""
    return Verdict(Outcome.WEAK, message, fix, _ids(facts))


def failed(message: str, fix: str, *facts: Fact[Any]) -> Verdict:
    return Verdict(Outcome.FAILED, message, fix, _ids(facts))


def not_applicable(message: str, *facts: Fact[Any]) -> Verdict:
    """Only after a captured fact, which the message names."""
    return Verdict(Outcome.NOT_APPLICABLE, message, "", _ids(facts))


def known(maybe: Maybe[T]) -> Fact[T] | None:
    """An optional fact, where it makes no difference why it is not there."""
    return maybe if isinstance(maybe, Fact) else None


def _ids(facts: tuple[Fact[Any], ...]) -> tuple[str, ...]:
    return tuple(fact.evidence_id for fact in facts)
