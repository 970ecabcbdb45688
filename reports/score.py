"""What do all rules say of one run? Evidence in, scorecard out; pure: same evidence, same bytes, in whatever order it comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from auditor import __version__, registry
from auditor.model import Evidence, Job, Tip
from auditor.scorecard import Scorecard
from reports.judging.card import run_card
from reports.judging.cited import cited
from reports.judging.judge import judge
from reports.judging.known import known
from reports.judging.levels import coverage, interval, tip_score
from reports.judging.record import record
from reports.judging.ruleset import ruleset
from reports.judging.rungs import rungs
from reports.judging.story import story
from reports.judging.surroundings import surroundings


def score(job: Job, evidence: Iterable[Evidence], *, integrity: str = "", tips: Mapping[int, Tip] | None = None) -> Scorecard:
    """Audit one run. `evidence` holds what its submission shares and its Campaign and ReplayVerdicts, where there are any.

    integrity: why the evidence cannot be trusted (a broken checksum); then the headline says so instead of a number.
    tips: other rules than the installed ones, for those who try one out.
    """
    rules = registry.tips() if tips is None else tips
    seen = record(evidence, job.attempt)
    scores = tuple(
        tip_score(tip, [judge(check, number, seen) for check in sorted(tip.checks, key=lambda c: c.level)])
        for number, tip in sorted(rules.items())
    )
    low, high = interval(scores)
    return Scorecard(
        run=run_card(job, seen),
        low=low,
        high=high,
        coverage=coverage(scores),
        verifiable=not integrity,
        integrity=integrity,
        rungs=rungs(seen),
        tips=scores,
        story=story(seen),
        evidence=tuple(cited(piece) for piece in seen.pieces),
        ruleset=ruleset(),
        auditor=__version__,
        surroundings=surroundings(seen, known(seen)),
    )
