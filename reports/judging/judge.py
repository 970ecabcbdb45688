"""What does one check conclude from a run's evidence? The runner decides what could not be told; the check never does."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from auditor.model import Absent, Check, Fact, Grade, Need, Outcome, Verdict
from auditor.scorecard import Finding
from auditor.verdict import ReplayVerdict
from reports.judging.record import Answer, Record
from reports.judging.verdicts import Unclear

# which outcome stands when several needs are not met: a fault that is certain, then ignorance, then what does not apply
RANK = (Outcome.FAILED, Outcome.WEAK, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE)
STANDS = (Outcome.PASSED, Outcome.NOT_APPLICABLE)
NEEDED = {2: "seen at run time", 3: "proved by recomputing or replaying"}


def judge(check: Check, tip: int, record: Record) -> Finding:
    """Ask the record for the check's needs and let it judge them. Never raises.

    Of several replays each is judged by itself, and what one has proved stands: otherwise hiding the other would raise the score.
    """
    if ReplayVerdict not in [n.kind for n in check.needs]:
        return judged(check, tip, [record.look(need) for need in check.needs])
    choices = (record.every(n) if n.kind is ReplayVerdict else (record.look(n),) for n in check.needs)
    findings = [judged(check, tip, answers) for answers in product(*choices)]
    best = min(findings, key=lambda f: STANDS.index(f.outcome) if f.outcome in STANDS else len(STANDS))
    if best is findings[0]:
        return best
    return replace(
        best, message=f"{best.message}; another replay: {findings[0].message}", cites=(*best.cites, *findings[0].cites)
    )


def judged(check: Check, tip: int, answers: Sequence[Answer]) -> Finding:
    """The same for what the record answers to the check's needs, in their order."""
    unmet = [(n, a) for n, a in zip(check.needs, answers, strict=True) if a.fact is None and not n.optional and not _handed(n, a)]
    cites = tuple(dict.fromkeys(c for a in answers for c in a.cites))
    if unmet:
        return _finding(check, tip, _unmet(unmet), Grade.OBSERVED, cites)
    return _called(check, tip, answers, cites)


def _handed(need: Need, answer: Answer) -> bool:
    """Does the check itself decide what it means that there is none?"""
    return need.absent is None and answer.absent


def _unmet(unmet: Sequence[tuple[Need, Answer]]) -> Verdict:
    verdicts = [Verdict((a.absent and n.absent) or Outcome.UNKNOWN, a.reason, n.fix) for n, a in unmet]
    return min(verdicts, key=lambda v: RANK.index(v.outcome))


def _called(check: Check, tip: int, answers: Sequence[Answer], cites: tuple[str, ...]) -> Finding:
    try:
        verdict = check.judge(*(a.fact or (Absent(a.reason) if a.absent else None) for a in answers))
    except Unclear as gap:
        return _finding(check, tip, Verdict(Outcome.UNKNOWN, str(gap)), Grade.OBSERVED, cites)
    except Exception as error:  # noqa: BLE001  # our bug must not take the other findings with it
        return _finding(check, tip, Verdict(Outcome.ERROR, _where(error)), Grade.OBSERVED, cites)
    used = [a for a in answers if a.fact and (not verdict.rests or a.fact.evidence_id in verdict.rests)]
    facts: list[Fact[Any]] = [a.fact for a in used if a.fact]
    grade = min((f.grade for f in facts), key=lambda g: g.cap, default=Grade.OBSERVED)
    stale = next((a.stale for a in used if a.stale), "")
    return _finding(check, tip, _capped(verdict, check.level, grade, stale), grade, verdict.rests or cites)


def _capped(verdict: Verdict, level: int, grade: Grade, stale: str) -> Verdict:
    """A good verdict stands only on evidence that is new enough and trusted enough; a bad one always stands."""
    if verdict.outcome not in (Outcome.PASSED, Outcome.NOT_APPLICABLE):
        return verdict
    if stale:
        return Verdict(Outcome.UNKNOWN, f"{stale}; what was seen then: {verdict.message}")
    if verdict.outcome is Outcome.PASSED and grade.cap < level:
        return Verdict(Outcome.UNKNOWN, f"{verdict.message}: only {grade} so far, and level {level} needs it {NEEDED[level]}")
    return verdict


def _finding(check: Check, tip: int, verdict: Verdict, grade: Grade, cites: tuple[str, ...]) -> Finding:
    return Finding(
        check=check.id,
        tip=tip,
        level=check.level,
        title=check.title,
        outcome=verdict.outcome,
        grade=grade,
        message=verdict.message,
        fix=verdict.fix if verdict.outcome in (Outcome.FAILED, Outcome.WEAK) else "",
        settles=check.settles,
        source=check.source,
        cites=cites,
    )


def _where(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"this check broke: {type(error).__name__}: {error} (in {last.name}, line {last.lineno} of {last.filename.rsplit('/', 1)[-1]})"
