"""Do the checks say of small recorded campaigns what was written down before the checks were? One file a campaign in tests/calibration."""

from __future__ import annotations

from collections import Counter

from auditor import registry
from auditor.model import Evidence, Outcome
from reports.judging.judge import judge
from reports.judging.record import record
from tests.calibration.confusion import GOLDEN, asked, table, wrong
from tests.calibration.made import KINDS, cases

CASES = cases()


def test_each_tip_has_campaigns_that_are_good_and_bad_and_some_that_deceive() -> None:
    kinds = Counter((c.tip, c.kind) for c in CASES.values())

    assert len(CASES) >= 40
    assert {(tip, kind) for tip in range(1, 13) for kind in ("good", "bad")} <= set(kinds)
    assert {c.kind for c in CASES.values()} == set(KINDS)
    assert {c.tip for c in CASES.values() if c.kind in ("decoy", "borderline")} == set(range(13))


def test_what_is_expected_is_an_outcome_and_files_are_named_after_their_tip() -> None:
    words = {o.value for o in Outcome} - {"error"}

    assert {w for c in CASES.values() for w in c.expected.values()} <= words
    assert [name for name, c in CASES.items() if not name.startswith(f"t{c.tip:02d}_")] == []


def test_each_campaign_tells_what_every_check_of_its_tip_should_say() -> None:
    checks = {n: {c.id for _, c in asked(n)} for n in range(13)}

    assert {name: set(c.expected) ^ checks[c.tip] for name, c in CASES.items() if set(c.expected) != checks[c.tip]} == {}


def test_every_check_says_what_was_expected() -> None:
    assert wrong() == []


def test_the_confusion_table_is_the_committed_one() -> None:
    """`ci/bench_calibration.py --write` makes it anew; read the difference before you commit it."""
    assert table() == GOLDEN.read_text()


def _said(evidence: tuple[Evidence, ...]) -> dict[str, str]:
    seen = record(evidence, 0)
    return {c.id: judge(c, n, seen).outcome.value for n, tip in registry.tips().items() for c in tip.checks}


def test_hiding_one_piece_of_a_campaigns_evidence_makes_no_check_better() -> None:
    better = []
    for name, case in CASES.items():
        if case.tip in (0, 11):  # one piece of evidence, or twelve thousand files
            continue
        whole = _said(case.evidence)
        for hidden in case.evidence:
            part = _said(tuple(e for e in case.evidence if e is not hidden))
            better += [(name, hidden.kind, c) for c, o in part.items() if o in ("passed", "not-applicable") and whole[c] != o]
    assert better == []
