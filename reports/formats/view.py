"""What does every page say first? Headline, next rung and the three things to do, as plain values for any format.

Nothing is scored here: levels and outcomes are taken as they stand, and only chosen and ordered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.model import Outcome, Status
from auditor.scorecard import Cited, Finding, Rung, Scorecard, TipScore
from reports.formats.words import OUTCOMES, PHASES, Headline, ceil, count, floor, percent, upper

HEADING = {1: "Do this one thing", 2: "Do these two things", 3: "Do these three things"}
"""As many things to do as the reader is given at most."""

CLAIM = ("name", "says", "output", "sha256", "standing", "why")
"""What a page tells of a claim (auditor.claimed.ClaimChecked)."""

_BAD = (Outcome.FAILED, Outcome.WEAK)
_OPEN = (Outcome.UNKNOWN, Outcome.ERROR)
_WORST = (Outcome.FAILED, Outcome.ERROR, Outcome.WEAK, Outcome.UNKNOWN, Outcome.PASSED, Outcome.NOT_APPLICABLE)


@dataclass(frozen=True)
class Todo:
    """One thing to do. `step` says what kind: `mend` (a fix to paste) or `settle` (an unknown to answer)."""

    finding: Finding
    tip: TipScore
    step: str


def headline(card: Scorecard) -> Headline:
    """The interval with its meaning; or why there is none."""
    if not card.verifiable:
        reason = card.integrity or "an integrity check failed"
        return Headline("Not verifiable", "", f"No number is given, because the evidence does not hold: {reason}", "")
    if card.low is None or card.high is None:
        return Headline("No score", "", "None of the twelve tips applies to what was seen of this run.", coverage(card))
    figure = percent(card.low, card.high)
    return Headline(figure, "of 100", _sentence(card.low, card.high), coverage(card))


def _sentence(low: float, high: float) -> str:
    if high - low < 1e-9:
        return f"{floor(low)} of 100 is proved, and no open question could change it."
    return f"At least {floor(low)} of 100 is proved; up to {ceil(high)}, if every open question turned out well."


def coverage(card: Scorecard) -> str:
    """`71 % of the checks could be decided.`"""
    if card.coverage is None:
        return ""
    return f"{card.coverage:.0f} % of the checks could be decided from the evidence at hand."


def standing(card: Scorecard) -> Rung | None:
    """The rung this run stands on: the last of those reached without a gap from the bottom."""
    on = None
    for step in card.rungs:
        if not step.reached:
            break
        on = step
    return on


def ahead(card: Scorecard) -> Rung | None:
    """The first rung that is not reached: its reason is what stands between."""
    return next((step for step in card.rungs if not step.reached), None)


def todo(card: Scorecard) -> tuple[Todo, ...]:
    """The few things worth doing first: what alone keeps a tip from its next level, lowest tips first; then unknowns."""
    ranked = sorted(_candidates(card), key=lambda pair: pair[0])
    return tuple(item for _, item in ranked[: max(HEADING)])


def _candidates(card: Scorecard) -> Iterator[tuple[tuple[int, ...], Todo]]:
    for tip in card.tips:
        if not tip.applicable:
            continue
        blockers = [f for f in tip.findings if f.level <= tip.low + 1 and f.outcome in (*_BAD, *_OPEN)]
        for position, finding in enumerate(tip.findings):
            if finding.outcome in _BAD and finding.fix:
                order = (0, int(finding.level > tip.low + 1), len(blockers), tip.low, int(finding.outcome == Outcome.WEAK))
                yield (*order, tip.number, position), Todo(finding, tip, "mend")
            elif finding.outcome in _OPEN and finding.settles:
                order = (1, int(finding.level > tip.low + 1), len(blockers), tip.low, 0)
                yield (*order, tip.number, position), Todo(finding, tip, "settle")


def tally(*tips: TipScore) -> tuple[tuple[Outcome, int], ...]:
    """How many findings of each outcome, in the order of the enum, zeros left out."""
    seen = Counter(finding.outcome for tip in tips for finding in tip.findings)
    return tuple((outcome, seen[outcome]) for outcome in Outcome if seen[outcome])


def totals(card: Scorecard) -> tuple[tuple[Outcome, int], ...]:
    return tally(*card.tips)


def levels(tip: TipScore) -> str:
    """`level 1 of 3`, `level 1 of 3, perhaps 3`, `not applicable`."""
    if not tip.applicable:
        return OUTCOMES[Outcome.NOT_APPLICABLE]
    return f"level {tip.low} of 3" if tip.low == tip.high else f"level {tip.low} of 3, perhaps {tip.high}"


def worst(tip: TipScore) -> Finding | None:
    """The finding that says most about a tip: what failed, else what is weak or not known, else what passed."""
    return next((f for outcome in _WORST for f in tip.findings if f.outcome == outcome), None)


def result(tip: TipScore) -> str:
    """A tip in one line, in the words of its worst finding."""
    finding = worst(tip)
    return finding.message or finding.title if finding else "No check looked at this run."


def replays(card: Scorecard) -> tuple[tuple[Cited, Mapping[str, Any]], ...]:
    """Replay verdicts among the evidence, newest first."""
    found = [c for c in card.evidence if c.kind == "ReplayVerdict" and c.status == Status.OK and isinstance(c.excerpt, Mapping)]
    return tuple((c, c.excerpt) for c in sorted(found, key=lambda c: (c.taken_at, c.id), reverse=True))


def replayed(verdict: Mapping[str, Any]) -> str:
    """A replay in one sentence: its own reason, else what became of the outputs."""
    if verdict.get("reason"):
        return upper(str(verdict["reason"]))
    outputs = verdict.get("outputs")
    seen = (
        Counter(str(o.get("sameness")) for o in outputs if isinstance(o, Mapping))
        if isinstance(outputs, (list, tuple))
        else Counter()
    )
    return f"Outputs: {', '.join(f'{number} {name}' for name, number in sorted(seen.items()))}." if seen else ""


def claimed(card: Scorecard) -> tuple[tuple[Cited, tuple[Mapping[str, Any], ...]], ...]:
    """Of each file of claims that names this run, the newest check and the claims as it found them."""
    found = [c for c in card.evidence if c.kind == "ClaimsChecked" and c.status == Status.OK and isinstance(c.excerpt, Mapping)]
    newest = {str(c.excerpt.get("file")): c for c in sorted(found, key=lambda c: (c.taken_at, c.id))}
    return tuple((c, tuple(x for x in c.excerpt.get("claims", ()) if isinstance(x, Mapping))) for _, c in sorted(newest.items()))


def claim(told: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """A claim's name with what it says, its output, its state, and why."""
    name, says, output, digest, standing, why = (str(told.get(key, "")) for key in CLAIM)
    return f"{name}: {says}" if says else name, output or digest, standing, why


def source(card: Scorecard, kind: str) -> Cited | None:
    """The newest good evidence of a kind: where a number in a picture comes from."""
    found = [c for c in card.evidence if c.kind == kind and c.status == Status.OK]
    return max(found, key=lambda c: (c.taken_at, c.attempt, c.id), default=None)


def origin(cited: Cited) -> str:
    """What tells a piece of evidence from others of its kind: its source, or the phase where that is only the probe's name."""
    return cited.source if cited.source not in ("", cited.probe) else PHASES[cited.phase]


def anchor(evidence_id: str) -> str:
    """A safe HTML id for a piece of evidence."""
    return "ev-" + re.sub(r"[^0-9A-Za-z]", "", evidence_id)[:16]


def title(card: Scorecard) -> str:
    """Which run this is about: `train-resnet, job 4242`."""
    name = card.run.name or card.run.label or card.run.command.split("\n")[0][:60]
    number = f"job {card.run.job_id}" if card.run.job_id else f"run {card.run.id}"
    return f"{name}, {number}" if name else number


def drift(card: Scorecard) -> str:
    """The submit/start comparison in one sentence."""
    if card.story.drift_state == "none":
        return "Nothing that we watched changed between submission and start."
    if card.story.drift_state == "found":
        return (
            f"{count(len(card.story.drift), 'thing')} changed between submission and start: what ran is not what was submitted."
        )
    return "Could not be compared: a snapshot of the submission or of the start is missing."
