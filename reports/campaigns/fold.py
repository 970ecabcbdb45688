"""What do the findings of many runs say together? Per check the worst one, how many have it, and what sets those apart. Pure.

The same rules as for one run: an unknown is not reached in `low` and reached in `high`; a check that applies to no run leaves the mean.
Hence hiding what was seen of a run never raises `low`, and one more pass never lowers it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from auditor.campaign import Member
from auditor.campaigncard import CampaignTip, Example, Fold
from auditor.model import Check, Outcome, Tip
from auditor.scorecard import Finding
from reports.judging.levels import DECIDED, HOPED, SURE, TOP, reached

WORST = (Outcome.FAILED, Outcome.WEAK, Outcome.ERROR, Outcome.UNKNOWN, Outcome.PASSED, Outcome.NOT_APPLICABLE)
"""What speaks for a campaign: a fault that is certain, then ignorance, then what was seen to be good."""
EXAMPLES, LINES = 5, 3
MOSTLY, HARDLY = 0.9, 0.1
"""A value sets runs apart when at least so many of them have it, and at most so many of the others."""


class Folding:
    """One check over the runs, in the order in which they come."""

    def __init__(self, check: Check, tip: int) -> None:
        self.check, self.tip = check, tip
        self._codes = bytearray()
        self._kept: dict[Outcome, list[tuple[Example, str]]] = {}

    def add(self, run_id: str, job_id: str, finding: Finding) -> None:
        self._codes.append(WORST.index(finding.outcome))
        kept = self._kept.setdefault(finding.outcome, [])
        if len(kept) < EXAMPLES:
            kept.append((Example(run_id, job_id, finding.message), finding.fix))

    def fold(self, runs: Sequence[Member], left: int = 0) -> Fold:
        """left: runs that belong to the campaign and were not looked at; nothing is known of them."""
        counts = Counter({outcome: self._codes.count(code) for code, outcome in enumerate(WORST)})
        counts[Outcome.UNKNOWN] += left
        applicable = counts.total() - counts[Outcome.NOT_APPLICABLE]
        worst = next((outcome for outcome in WORST if counts[outcome]), Outcome.UNKNOWN)
        kept = self._kept.get(worst, [])
        examples = tuple(example for example, _ in kept)
        of = applicable if worst is not Outcome.NOT_APPLICABLE else counts.total()
        return Fold(
            check=self.check.id,
            tip=self.tip,
            level=self.check.level,
            title=self.check.title,
            outcome=worst,
            counts={outcome.value: counts[outcome] for outcome in Outcome if counts[outcome]},
            share=counts[worst] / of if of else 0.0,
            message=_message(counts[worst], of, counts.total(), examples),
            fix=kept[0][1] if kept else "",
            settles=self.check.settles,
            source=self.check.source,
            distinguishes=self._apart(worst, runs),
            examples=examples,
        )

    def _apart(self, worst: Outcome, runs: Sequence[Member]) -> tuple[str, ...]:
        if worst in (Outcome.PASSED, Outcome.NOT_APPLICABLE):
            return ()
        code, skip = WORST.index(worst), WORST.index(Outcome.NOT_APPLICABLE)
        bad = [run for run, c in zip(runs, self._codes, strict=False) if c == code]
        others = [run for run, c in zip(runs, self._codes, strict=False) if c not in (code, skip)]
        return apart(bad, others)


def _message(count: int, of: int, every: int, examples: Sequence[Example]) -> str:
    """`2 of the 3 runs that it applies to, first job 12: ran 2.0 h and left no checkpoint`."""
    applies = " that it applies to" if of < every else ""
    who = (
        f"{count:,} of {f'the {of:,}' if applies else f'{of:,}'} runs"
        if count < of
        else f"all {of:,} runs"
        if of > 1
        else "the only run"
    )
    said = examples[0].message if examples else "nobody looked at them"
    first = f", first job {examples[0].job_id}" if examples else ""
    return f"{who}{applies}{first}: {said}"


ATTRIBUTES: tuple[tuple[str, Callable[[Member], str]], ...] = (
    ("phase", lambda r: "+".join(r.phases)),
    ("partition", lambda r: r.partition),
    ("name", lambda r: r.name),
    ("array", lambda r: r.array),
    ("engine run", lambda r: r.engine),
    ("user", lambda r: r.user),
    ("cluster", lambda r: r.cluster),
    ("state", lambda r: r.state),
    ("commit", lambda r: r.commit[:12]),
    ("image", lambda r: r.images[0][:19] if r.images else ""),
    ("Python environment", lambda r: r.environment[:12]),
    ("GPUs", lambda r: "" if r.gpus is None else str(r.gpus)),
    ("batch script", lambda r: r.shape),
)
"""By what runs are told apart."""


def apart(bad: Sequence[Member], others: Sequence[Member]) -> tuple[str, ...]:
    """`partition gpu: 12 of 12 of these, 0 of 988 others`: at most three lines, the sharpest first."""
    if not bad or not others:
        return ()
    found = []
    for order, (name, of) in enumerate(ATTRIBUTES):
        (value, mine), *_ = Counter(map(of, bad)).most_common(1)
        theirs = sum(of(run) == value for run in others)
        if value and mine >= MOSTLY * len(bad) and theirs <= HARDLY * len(others):
            line = f"{name} {value}: {mine:,} of {len(bad):,} of these, {theirs:,} of {len(others):,} others"
            found.append((theirs / len(others) - mine / len(bad), order, line))
    return tuple(line for _, _, line in sorted(found)[:LINES])


def tip(of: Tip, folds: Sequence[Fold], findings: Sequence[Finding]) -> CampaignTip:
    """Levels as for one run, over the folded checks and those of the whole."""
    every: list[Fold | Finding] = [*folds, *findings]
    applicable = [f for f in every if f.outcome is not Outcome.NOT_APPLICABLE]
    return CampaignTip(
        of.number,
        of.slug,
        of.title,
        of.why,
        of.advice,
        reached(applicable, SURE),
        reached(applicable, HOPED),
        bool(applicable),
        tuple(folds),
        tuple(findings),
    )


def interval(tips: Sequence[CampaignTip]) -> tuple[float | None, float | None]:
    """Mean level of the applicable tips, 0-100, one decimal; None when no tip applies."""
    scored = [t for t in tips if t.applicable]
    if not scored:
        return None, None
    full = TOP * len(scored)
    return round(100 * sum(t.low for t in scored) / full, 1), round(100 * sum(t.high for t in scored) / full, 1)


def coverage(tips: Iterable[CampaignTip]) -> float | None:
    """The mean over the applicable checks of the share of runs for which they were decided, 0-100."""
    shares: list[float] = []
    for one in tips:
        for fold in one.folds:
            known = {Outcome(name): count for name, count in fold.counts.items() if name != Outcome.NOT_APPLICABLE}
            if known:
                shares.append(sum(c for o, c in known.items() if o in DECIDED) / sum(known.values()))
        shares += [float(f.outcome in DECIDED) for f in one.findings if f.outcome is not Outcome.NOT_APPLICABLE]
    return round(100 * sum(shares) / len(shares), 1) if shares else None
