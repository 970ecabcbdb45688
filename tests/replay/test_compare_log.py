"""When did two runs report the same?"""

from __future__ import annotations

import pytest

from auditor.replay.compare import look
from auditor.replay.compare.content import Content
from auditor.replay.compare.ledger import Compared
from auditor.replay.compare.rules import Rules
from auditor.verdict import Sameness


def compare(expected: str, actual: str) -> Compared:
    return look(Content("slurm-1.out", raw=expected.encode()), Content("slurm-1.out", raw=actual.encode()), Rules())


@pytest.mark.parametrize(
    ("expected", "actual", "aside"),
    [
        ("2026-11-23 12:00:00 start\n", "2026-11-24 09:30:01 start\n", "dates and clock times"),
        ("[12:00:00,123] epoch 1\n", "[09:30:01.9] epoch 1\n", "dates and clock times"),
        ("took 1.5 s\n", "took 93.25 s\n", "durations"),
        ("100 it/s\n", "97.3 it/s\n", "durations"),
        ("<object at 0x7f12ab34cd56>\n", "<object at 0x7fffab34cd56>\n", "addresses"),
        ("worker pid=123\n", "worker pid=98765\n", "process numbers"),
        ("wrote /tmp/tmpab12/x.csv\n", "wrote /tmp/tmpzz99/y.csv\n", "temporary paths"),
    ],
)
def test_what_no_two_runs_have_in_common_is_left_aside_and_said(expected: str, actual: str, aside: str) -> None:
    detail = f"within rtol 1e-06, atol 1e-12; same values, written differently\nleft aside in 1 lines: {aside}"
    assert compare(f"{expected}loss 0.5\n", f"{actual}loss 0.5\n") == Compared(Sameness.EQUIVALENT, "log", detail)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("12:00:00 loss 0.5\n", "12:00:01 loss 0.6\n"),
        ("3 seeds\n", "4 seeds\n"),  # no unit of time
        ("lr 5e-3\n", "lr 5e-2\n"),
        ("12:00:00 done\n", "12:00:01 done\nmore\n"),
        ("at 0x7f12\n", "at 0x7f13\n"),  # too short for an address
    ],
)
def test_what_was_reported_still_counts(expected: str, actual: str) -> None:
    assert compare(expected, actual).sameness is Sameness.DIFFERENT
