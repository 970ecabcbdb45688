"""Which fields of an output vary from run to run by themselves? Learnt from two runs of the same bundle, shown as rules, never silent.

A number that varies gets a tolerance of WIDER times what was seen; a text that varies is left out. Nothing is learnt of structure, of an
output in which nothing stays the same, or of more than MOST fields: such an output is not repeatable, and a rule would hide that.
"""

from __future__ import annotations

from glob import escape

from auditor.replay.compare import examined
from auditor.replay.compare.content import Content
from auditor.replay.compare.rules import FieldRule, Rules
from auditor.replay.compare.tolerance import Tolerance

WIDER = 10.0
MOST = 50
HALF = 0.5
"""A number that varies by more than this share of itself is noise, a duration for instance, and left out."""


def learn(first: Content, second: Content, rules: Rules) -> tuple[FieldRule, ...]:
    """Rules for the fields that are not the same in two runs; none where they cannot be told apart from a result that does not repeat."""
    _, ledger = examined(first, second, rules)
    if ledger is None or ledger.structural or not ledger.same or not ledger.count or len(ledger.varied) > MOST:
        return ()
    made = []
    for varied in ledger.varied.values():
        if varied.relative is not None and rules.tolerance.rtol >= varied.relative:
            continue
        before, after = (text[:40] for text in varied.example)
        why = f"two runs of this bundle gave {before} and {after}"
        noise = varied.relative is None or varied.relative > HALF
        tolerance = None if noise else Tolerance(varied.relative * WIDER if varied.relative else 0.0, rules.tolerance.atol)
        made.append(FieldRule(escape(varied.field), tolerance, why))
    return tuple(made)
