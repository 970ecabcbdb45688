"""Do the checks say of small recorded campaigns what was written down before the checks were? One file a campaign in tests/calibration."""

from __future__ import annotations

from collections import Counter

from auditor.model import Outcome
from tests.calibration.made import KINDS, cases

CASES = cases()


def test_each_tip_has_campaigns_that_are_good_and_bad_and_some_that_deceive() -> None:
    kinds = Counter((c.tip, c.kind) for c in CASES.values())

    assert len(CASES) >= 40
    assert {(tip, kind) for tip in range(1, 13) for kind in ("good", "bad")} <= set(kinds)
    assert {c.kind for c in CASES.values()} == set(KINDS)
    assert {c.tip for c in CASES.values() if c.kind in ("decoy", "borderline")} == set(range(1, 13))


def test_what_is_expected_is_an_outcome_and_files_are_named_after_their_tip() -> None:
    words = {o.value for o in Outcome} - {"error"}

    assert {w for c in CASES.values() for w in c.expected.values()} <= words
    assert [name for name, c in CASES.items() if not name.startswith(f"t{c.tip:02d}_")] == []
