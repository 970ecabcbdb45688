"""What can never happen to a score, whatever the evidence? Random evidence from the three worlds, hidden, shuffled, improved."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import codec
from auditor.model import Check, Evidence, Grade, Job, Outcome, Phase, Tip
from auditor.scorecard import Finding, Scorecard
from auditor.verdict import OutputVerdict, ReplayVerdict, Sameness, Step
from reports.judging.levels import coverage, interval, tip_score
from reports.score import score
from tests.calibration.made import cases
from tests.factory import at, seen
from tests.worlds.write import WORLDS, stored

JOB, _ = stored("requeued_task")
POOL = [e for name in WORLDS for e in stored(name)[1] if e.data is None or len(str(e.data)) < 50_000]
POOL += {e.id: e for c in cases().values() for e in c.evidence if e.data is None or len(str(e.data)) < 50_000}.values()
"""With what engines, trackers and schedulers told of the campaigns that calibrate the checks."""


def _moment(evidence: Evidence) -> tuple[str, str, int]:
    return (evidence.kind, evidence.phase, evidence.attempt)


def _replays() -> list[Evidence]:
    """What replays of one run may have shown: each outcome, here and elsewhere, in every kind of environment."""
    outputs = {
        Sameness.IDENTICAL: (OutputVerdict("out.csv", Sameness.IDENTICAL, "bytes"),),
        Sameness.DIFFERENT: (OutputVerdict("out.csv", Sameness.DIFFERENT, "bytes", "row 1"),),
        Sameness.NOT_RUN: (),
    }
    steps = tuple(Step(name, "done", "") for name in ("unpack", "inputs", "environment", "run", "compare"))
    known: dict[str, Any] = {"bundle": "b", "run_id": "r", "reason": "", "where": "local", "sandbox": "none", "auditor": "0"}
    told = [
        ReplayVerdict(
            sameness=sameness,
            outputs=made,
            steps=steps if full else steps[:2],
            same_machine=here,
            environment=software,
            started_at=at(100 + n),
            ended_at=at(101 + n),
            **known,
        )
        for n, (sameness, made) in enumerate(outputs.items())
        for here in (True, False)
        for software in ("host", "rebuilt-from-lock")
        for full in (True, False)
    ]
    return [seen(v, phase=Phase.LATER, grade=Grade.VERIFIED, taken_at=at(200 + n * 7 % 24)) for n, v in enumerate(told)]


REPLAYS = _replays()
MOMENTS = [list(group) for _, group in groupby(sorted(POOL, key=_moment), key=_moment)]
"""Evidence that could stand in for each other: the same data type, phase and attempt."""

chances = st.integers(0, 2**32).map(random.Random)


def _mixture(chance: random.Random) -> list[Evidence]:
    """A run as it might have been: one piece of evidence at most of each data type, phase and attempt, and up to three replays."""
    once = [e for group in MOMENTS if (e := chance.choice([None, *group, *group]))]
    return [*once, *chance.sample(REPLAYS, chance.randint(0, 3))]


def _low(card: Scorecard) -> float:
    return -1.0 if card.low is None else card.low


def _outcomes(card: Scorecard) -> dict[str, Outcome]:
    return {f.check: f.outcome for t in card.tips for f in t.findings}


@settings(max_examples=150, deadline=None)
@given(chances)
def test_hiding_evidence_never_raises_low(chance: random.Random) -> None:
    evidence = _mixture(chance)
    kept = [e for e in evidence if chance.random() < 0.7]

    full, part = score(JOB, evidence), score(JOB, kept)

    assert full.low is None or _low(part) <= full.low


@settings(max_examples=60, deadline=None)
@given(chances)
def test_hiding_evidence_never_turns_a_check_into_passed_or_not_applicable(chance: random.Random) -> None:
    evidence = _mixture(chance)
    kept = [e for e in evidence if chance.random() < 0.8]

    before, after = _outcomes(score(JOB, evidence)), _outcomes(score(JOB, kept))

    good = (Outcome.PASSED, Outcome.NOT_APPLICABLE)
    assert [c for c in after if after[c] in good and before[c] != after[c]] == []


@settings(max_examples=30, deadline=None)
@given(chances)
def test_hiding_evidence_never_reaches_a_rung(chance: random.Random) -> None:
    evidence = _mixture(chance)
    kept = [e for e in evidence if chance.random() < 0.7]

    full = {r.name for r in score(JOB, evidence).rungs if r.reached}

    assert {r.name for r in score(JOB, kept).rungs if r.reached} <= full


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(WORLDS)), chances)
def test_the_same_evidence_in_another_order_and_twice_gives_the_same_bytes(name: str, chance: random.Random) -> None:
    job, evidence = stored(name)
    shuffled = [*evidence, *evidence[:5]]
    chance.shuffle(shuffled)

    assert codec.dumps(score(job, shuffled)) == codec.dumps(score(job, evidence))


@settings(max_examples=60, deadline=None)
@given(chances)
def test_no_check_breaks_on_any_mixture(chance: random.Random) -> None:
    broken = [(c, o) for c, o in _outcomes(score(JOB, _mixture(chance))).items() if o is Outcome.ERROR]

    assert broken == []


@settings(max_examples=60, deadline=None)
@given(chances)
def test_a_check_is_not_applicable_only_with_a_fact_that_is_cited(chance: random.Random) -> None:
    card = score(JOB, _mixture(chance))

    known = {e.id for e in card.evidence}
    loose = [
        f.check
        for t in card.tips
        for f in t.findings
        if f.outcome is Outcome.NOT_APPLICABLE and not (f.cites and set(f.cites) <= known)
    ]
    assert loose == []


# The arithmetic alone, on findings of any outcome


def _finding(check: str, level: int, outcome: Outcome) -> Finding:
    return Finding(check, 1, level, "?", outcome, Grade.OBSERVED, "seen", "", "", "", ())


levels = st.lists(st.tuples(st.integers(1, 3), st.sampled_from(list(Outcome))), min_size=1, max_size=6)
tips = st.lists(levels, min_size=1, max_size=12)


def _interval(scores: list[list[tuple[int, Outcome]]]) -> tuple[float | None, float | None]:
    made = []
    for number, rows in enumerate(scores, 1):
        tip = Tip(number, f"tip-{number}", "", "", "", ())
        made.append(tip_score(tip, [_finding(f"c{i}", level, outcome) for i, (level, outcome) in enumerate(rows)]))
    return interval(made)


@given(tips, st.data())
def test_a_new_pass_never_lowers_low_and_a_new_fail_never_raises_high(
    scores: list[list[tuple[int, Outcome]]], data: st.DataObject
) -> None:
    tip = data.draw(st.integers(0, len(scores) - 1))
    row = data.draw(st.integers(0, len(scores[tip]) - 1))
    level = scores[tip][row][0]
    open_ = [list(rows) for rows in scores]
    open_[tip][row] = (level, Outcome.UNKNOWN)

    def with_(outcome: Outcome) -> tuple[float | None, float | None]:
        return _interval(
            [[(level, outcome) if (t, r) == (tip, row) else cell for r, cell in enumerate(rows)] for t, rows in enumerate(open_)]
        )

    low, high = _interval(open_)
    assert low is not None
    assert high is not None
    assert (with_(Outcome.PASSED)[0] or 0.0) >= low
    assert (with_(Outcome.FAILED)[1] or 0.0) <= high
    assert low <= high


@pytest.mark.parametrize(
    ("rows", "reached"),
    [
        ([(1, "passed"), (2, "passed"), (3, "passed")], (3, 3)),
        ([(1, "passed"), (2, "unknown"), (3, "passed")], (1, 3)),
        ([(1, "passed"), (1, "failed"), (2, "passed")], (0, 0)),
        ([(1, "passed"), (2, "weak"), (3, "passed")], (1, 1)),
        ([(1, "not-applicable"), (2, "passed"), (3, "unknown")], (2, 3)),
        ([(1, "passed"), (2, "passed"), (3, "not-applicable")], (2, 2)),
        ([(1, "passed"), (2, "error"), (3, "unknown")], (1, 3)),
    ],
)
def test_a_tip_reaches_the_level_up_to_which_every_applicable_check_passed(
    rows: list[tuple[int, str]], reached: tuple[int, int]
) -> None:
    made = tip_score(
        Tip(1, "t", "", "", "", ()), [_finding(f"c{i}", level, Outcome(word)) for i, (level, word) in enumerate(rows)]
    )

    assert (made.low, made.high) == reached


def test_a_tip_without_an_applicable_check_leaves_the_mean_and_the_coverage() -> None:
    good = tip_score(Tip(1, "a", "", "", "", ()), [_finding("a", 1, Outcome.PASSED), _finding("b", 2, Outcome.UNKNOWN)])
    empty = tip_score(Tip(2, "b", "", "", "", ()), [_finding("c", 1, Outcome.NOT_APPLICABLE)])

    assert interval([good, empty]) == (33.3, 66.7)
    assert coverage([good, empty]) == 50.0
    assert (empty.applicable, interval([empty]), coverage([empty])) == (False, (None, None), None)


def test_a_broken_checksum_leaves_no_number_to_believe() -> None:
    job, evidence = stored("ml_job")

    card = score(job, evidence, integrity="evidence 1234 does not have the digest it is stored under")

    assert (card.verifiable, card.integrity) == (False, "evidence 1234 does not have the digest it is stored under")


def test_a_rule_of_ones_own_is_judged_like_any_other() -> None:
    def judge() -> None:
        raise ZeroDivisionError("no rows")

    tip = Tip(1, "own", "", "", "", (Check("own-rule", 1, "?", (), judge, "mend it"),))  # type: ignore[arg-type]
    job: Job = replace(JOB)

    (only,) = score(job, (), tips={1: tip}).tips

    assert only.findings[0].outcome is Outcome.ERROR
    assert only.findings[0].message.startswith("this check broke: ZeroDivisionError: no rows (in judge, line ")
