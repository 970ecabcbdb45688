"""How often does each check say what was expected of it? Outcomes of all cases, and expected x got with counts, as rows of ci/bench."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from auditor import registry
from auditor.model import Check
from reports.judging.judge import judge
from reports.judging.record import record
from tests.calibration.made import Case, cases

GOLDEN = Path(__file__).with_name("confusion.txt")
ORDER = ("passed", "weak", "failed", "unknown", "not-applicable", "error")


def outcomes(case: Case) -> dict[str, tuple[str, str]]:
    """What the checks say that the case is about: outcome and message."""
    seen = record(case.evidence, 0)
    found = {c.id: judge(c, number, seen) for number, c in asked(case.tip)}
    return {name: (f.outcome.value, f.message) for name, f in found.items()}


def asked(number: int) -> list[tuple[int, Check]]:
    """The checks of a tip, or those that are asked of a campaign as a whole, each with its tip's number."""
    tips = registry.tips()
    return [(number, c) for c in tips[number].checks] if number else [(n, c) for n, tip in tips.items() for c in tip.campaign]


def wrong() -> list[tuple[str, str, str, str, str]]:
    """(case, check, expected, got, message) of each that differs."""
    return [
        (name, check, expected, got[0], got[1])
        for name, case in cases().items()
        for check, expected in case.expected.items()
        if (got := outcomes(case).get(check, ("missing", "no such check")))[0] != expected
    ]


def table() -> str:
    """One row for each check and pair of outcomes; those that differ are marked."""
    count: Counter[tuple[int, str, str, str]] = Counter()
    for case in cases().values():
        said = outcomes(case)
        for check, expected in case.expected.items():
            count[case.tip, check, expected, said.get(check, ("missing", ""))[0]] += 1
    rows = [
        f"| {tip} {check} | expected {expected} | got {got}{'' if expected == got else ' (differs)'} | {n} |"
        for (tip, check, expected, got), n in sorted(count.items())
    ]
    right = sum(n for (_, _, expected, got), n in count.items() if expected == got)
    all_ = sum(count.values())
    return (
        "\n".join([*rows, f"| {len(cases())} campaigns | {all_} outcomes | {right} as expected | {all_ - right} differ |"]) + "\n"
    )
