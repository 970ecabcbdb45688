"""What does the judgement of a campaign hand on? Beside the runs' scorecards one of the whole; frozen dataclasses, standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.campaign import CampaignRecord
from auditor.model import Outcome
from auditor.scorecard import Finding


@dataclass(frozen=True)
class Example:
    """A run to follow: `auditor report RUN` shows the finding with its evidence."""

    run_id: str
    job_id: str
    message: str


@dataclass(frozen=True)
class Fold:
    """One check over all runs. outcome: the worst of the runs to which it applies; `share` of them have it (0 to 1).

    counts: outcome -> runs; runs that were not looked at are among the unknown. distinguishes: what those with the worst outcome have in
    common and the others have not, one line each. fix: of the first example.
    """

    check: str
    tip: int
    level: int
    title: str
    outcome: Outcome
    counts: Mapping[str, int]
    share: float
    message: str
    fix: str
    settles: str
    source: str
    distinguishes: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class CampaignTip:
    """A tip over the campaign: its runs' checks folded, and the checks that are asked of the whole. low, high: levels 0-3 as in TipScore."""

    number: int
    slug: str
    title: str
    why: str
    advice: str
    low: int
    high: int
    applicable: bool
    folds: tuple[Fold, ...]
    findings: tuple[Finding, ...]
    """Asked of the campaign as a whole; they cite the campaign's record (`CampaignCard.record_id`)."""


@dataclass(frozen=True)
class RunScore:
    """What a run's own scorecard says at its top. low, high: 0-100; None where no tip applies."""

    run_id: str
    low: float | None
    high: float | None
    coverage: float | None


@dataclass(frozen=True)
class CampaignCard:
    """All findings of one audit of a campaign. low, high, coverage: 0-100; None when no tip applies.

    record: what the campaign is made of, derived evidence under the id `record_id`; its rows name the evidence that they rest on.
    scores: of each run by itself, in the order of the record's members.
    """

    name: str
    low: float | None
    high: float | None
    coverage: float | None
    tips: tuple[CampaignTip, ...]
    record: CampaignRecord
    record_id: str
    scores: tuple[RunScore, ...]
    ruleset: str
    auditor: str
    schema: int = 1
