"""What does every page of a campaign say first? Plain values for any format; nothing is scored here, only chosen, ordered and worded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditor.campaign import CampaignRecord, EngineRun, Member, Sign, TrackedCount
from auditor.campaigncard import CampaignCard, CampaignTip, Fold
from auditor.model import Outcome
from auditor.scorecard import Finding, RunCard, Scorecard, Story, TipScore
from reports.formats import words
from reports.formats.pictures.phases import MIXED, UNSAID, of_phase
from reports.judging.phases import WHY

Judged = Fold | Finding
_WORST = (Outcome.FAILED, Outcome.ERROR, Outcome.WEAK, Outcome.UNKNOWN, Outcome.PASSED, Outcome.NOT_APPLICABLE)
_BAD, _OPEN = (Outcome.FAILED, Outcome.WEAK), (Outcome.UNKNOWN, Outcome.ERROR)
MOST = 3
"""Things to do."""

JOINED = {
    "array": "tasks of one array",
    "data": "an output of one is an input of another",
    "dependency": "one waited for another",
    "engine": "one run of a workflow engine started them",
    "label": "the same label",
}


@dataclass(frozen=True)
class Todo:
    """One thing to do: the answer of a check, its tip, and whether it is to `mend` or to `settle`."""

    judged: Judged
    tip: CampaignTip
    step: str


def judged(tip: CampaignTip) -> tuple[Judged, ...]:
    """What was asked of the whole first."""
    return (*tip.findings, *tip.folds)


def as_scorecard(card: CampaignCard) -> Scorecard:
    """What the pictures of the interval and of the tips draw."""
    tips = tuple(TipScore(t.number, t.slug, t.title, t.why, t.advice, t.low, t.high, t.applicable, ()) for t in card.tips)
    run = RunCard("", card.name, "", "", "", "", "", "", "", "", "", "", 0)
    return Scorecard(run, card.low, card.high, card.coverage, True, "", (), tips, Story(), (), card.ruleset, card.auditor)


def sentence(card: CampaignCard) -> str:
    if card.low is None or card.high is None:
        return "None of the twelve tips applies to what was seen of these runs."
    if card.high - card.low < 1e-9:
        return f"{words.floor(card.low)} of 100 is proved of every run, and no open question could change it."
    return f"At least {words.floor(card.low)} of 100 is proved of every run; up to {words.ceil(card.high)}, if every open question turned out well."


def figure(card: CampaignCard) -> str:
    return "No score" if card.low is None or card.high is None else words.percent(card.low, card.high)


def coverage(card: CampaignCard) -> str:
    return "" if card.coverage is None else f"{card.coverage:.0f} % of what was asked of the runs could be decided."


def why(record: CampaignRecord) -> str:
    """`the same label; tasks of one array`."""
    return "; ".join(JOINED.get(name, name) for name in record.why) or "nothing joins it to another run"


def facts(record: CampaignRecord) -> tuple[tuple[str, str], ...]:
    """The campaign in figures: name and value, as a page lists them."""
    t = record.totals
    hours = t.core_seconds / 3600
    lost = t.wasted_failed + t.wasted_timeout + t.wasted_cancelled
    rows = [
        ("Runs", runs(record)),
        ("Outcome", outcomes(record)),
        ("Time", "" if t.span is None else f"{words.duration(t.span)} from the first submission to the last end"),
        ("At once", f"at most {words.count(t.concurrent, 'run')}" if t.concurrent else ""),
        ("Waited", f"{words.duration(t.waited)} in all, over {words.count(t.waited_of, 'run')}" if t.waited_of else ""),
        ("Cores held", f"{core_hours(t.core_seconds)}, of {words.count(t.core_seconds_of, 'run')}" if t.core_seconds_of else ""),
        ("Cores busy", f"{100 * t.cpu_seconds / t.cpu_of_core_seconds:.0f} % of what was held" if t.cpu_of_core_seconds else ""),
        ("GPUs held", f"{t.gpu_seconds / 3600:,.3g} GPU-hours" if t.gpu_seconds else ""),
        ("Lost", f"{core_hours(lost)} ({100 * lost / t.core_seconds:.0f} %): {_lost(record)}" if lost and t.core_seconds else ""),
        ("Tried again", words.count(t.retried, "run") if t.retried else ""),
        (
            "Results",
            f"{words.count(t.results, 'file')} of {words.count(t.useful, 'run')}"
            + (f", {t.results / hours:,.2g} a core-hour" if hours else ""),
        ),
    ]
    return tuple((name, value) for name, value in rows if value)


def core_hours(seconds: float) -> str:
    """`2,711 core-hours`; small amounts as elsewhere."""
    return f"{seconds / 3600:,.0f} core-hours" if seconds >= 360_000 else words.quantity(seconds, "core-s")


def _lost(record: CampaignRecord) -> str:
    t = record.totals
    parts = (("failures", t.wasted_failed), ("time limits", t.wasted_timeout), ("cancelled", t.wasted_cancelled))
    return ", ".join(f"{name} {core_hours(value)}" for name, value in parts if value)


def runs(record: CampaignRecord) -> str:
    return f"{len(record.members):,}{_left(record)}"


def head(record: CampaignRecord) -> str:
    """`1 run`, `200 runs; 1,800 more were not looked at`."""
    return f"{words.count(len(record.members), 'run')}{_left(record)}"


def _left(record: CampaignRecord) -> str:
    return f"; {record.left:,} more were not looked at" if record.left else ""


def outcomes(record: CampaignRecord) -> str:
    t = record.totals
    parts = (
        ("succeeded", t.succeeded),
        ("failed", t.failed),
        ("ran out of time", t.timeout),
        ("were cancelled", t.cancelled),
        ("go on", t.going),
        ("not known", t.unknown),
    )
    return ", ".join(f"{number:,} {name}" for name, number in parts if number)


def worst(tip: CampaignTip) -> Judged | None:
    """What says most about a tip: what failed, else what broke, is weak or not known, else what passed."""
    return next((f for outcome in _WORST for f in judged(tip) if f.outcome == outcome), None)


def result(tip: CampaignTip) -> str:
    found = worst(tip)
    return found.message or found.title if found else "No check looked at this campaign."


def tally(*tips: CampaignTip) -> tuple[tuple[Outcome, int], ...]:
    seen = Counter(f.outcome for tip in tips for f in judged(tip))
    return tuple((outcome, seen[outcome]) for outcome in Outcome if seen[outcome])


def levels(tip: CampaignTip) -> str:
    if not tip.applicable:
        return words.OUTCOMES[Outcome.NOT_APPLICABLE]
    return f"level {tip.low} of 3" if tip.low == tip.high else f"level {tip.low} of 3, perhaps {tip.high}"


def todo(card: CampaignCard) -> tuple[Todo, ...]:
    """What keeps tips from their next level: faults that most runs share first, one a tip; then what is not known."""
    ranked = sorted(_candidates(card), key=lambda pair: pair[0])
    chosen: dict[int, Todo] = {}
    for _, item in ranked:
        chosen.setdefault(item.tip.number, item)
    return tuple(chosen.values())[:MOST]


def _candidates(card: CampaignCard) -> Iterator[tuple[tuple[float, ...], Todo]]:
    for tip in card.tips:
        for position, f in enumerate(judged(tip)):
            share = f.share if isinstance(f, Fold) else 1.0
            blocks = float(f.level > tip.low + 1)
            if f.outcome in _BAD and f.fix:
                yield (0, blocks, float(f.outcome is Outcome.WEAK), -share, tip.low, tip.number, position), Todo(f, tip, "mend")
            elif f.outcome in _OPEN and f.settles:
                yield (1, blocks, 0, -share, tip.low, tip.number, position), Todo(f, tip, "settle")


def counts(fold: Fold) -> tuple[tuple[Outcome, int], ...]:
    """`((failed, 3), (passed, 97))`, the worst first."""
    return tuple((o, fold.counts[o.value]) for o in _WORST if fold.counts.get(o.value))


@dataclass(frozen=True)
class Kind:
    """Runs of one name and phase, as a row that unfolds."""

    name: str
    phase: str
    runs: tuple[Member, ...]
    states: tuple[tuple[str, int], ...]
    signs: tuple[Sign, ...]


def kinds(record: CampaignRecord) -> tuple[Kind, ...]:
    """Runs by name and phase, in the order of their first submission."""
    found: dict[tuple[str, str], list[Member]] = {}
    for run in record.members:
        found.setdefault((run.name, phase(run)), []).append(run)
    return tuple(
        Kind(name, told, tuple(same), tuple(sorted(Counter(r.state or words.UNKNOWN for r in same).items())), same[0].signs)
        for (name, told), same in found.items()
    )


def phase(run: Member) -> str:
    return " + ".join(run.phases) or "not said"


def sign(one: Sign) -> str:
    """`train.py, a command that the script starts (train.sh:4)`."""
    place = f" ({one.place})" if one.place and one.place not in one.text else ""
    return f"{one.text}, {WHY.get(one.by, one.by)}{place}"


def unsaid(record: CampaignRecord) -> str:
    """How many runs are in no phase or in several."""
    known = {name: len(same) for name, same in of_phase(record) if name in (MIXED, UNSAID)}
    told = []
    if known.get(MIXED):
        told.append(f"{words.count(known[MIXED], 'run')} hold several phases")
    if known.get(UNSAID):
        told.append(f"of {words.count(known[UNSAID], 'run')} no sign tells the phase")
    return words.upper("; ".join(told)) + "." if told else ""


def engine(run: EngineRun) -> str:
    """An engine run in one line."""
    parts = [
        f"{run.state}: {words.count(run.tasks, 'task')}",
        ", ".join(f"{number:,} {state}" for state, number in sorted(run.states.items())),
        f"width {run.width:,}{f', at most {run.concurrent:,} at once' if run.concurrent else ''}" if run.width else "",
        f"{run.retried:,} tried again" if run.retried else "",
        f"{words.count(len(run.members), 'run')} of the campaign are its tasks" if run.members else "",
    ]
    return "; ".join(part for part in parts if part)


def tracked(count: TrackedCount) -> str:
    """`12 train, by train.py; 3 not said`."""
    told = [f"{number:,} {phase}" for phase, number in count.phases.items()]
    by = f", by {count.signs[0].text}" if count.signs else ""
    left = count.runs - sum(count.phases.values())
    return "; ".join(part for part in (", ".join(told) + by, f"{left:,} not said" if left else "") if part)


def title(run: EngineRun) -> str:
    return " ".join(part for part in (run.system, run.version, run.name or run.id) if part)


def scores(card: CampaignCard) -> dict[str, str]:
    """Run id -> `31–43`."""
    return {s.run_id: "–" if s.low is None or s.high is None else words.percent(s.low, s.high) for s in card.scores}


def spread(card: CampaignCard) -> str:
    """How the runs stand by themselves: `by themselves the runs reach 24 to 41, half of them 30 or more`."""
    lows = sorted(s.low for s in card.scores if s.low is not None)
    if len(lows) < 2:
        return ""
    middle = lows[len(lows) // 2]
    return f"By themselves the runs reach at least {words.floor(lows[0])} to {words.floor(lows[-1])}; half of them {words.floor(middle)} or more."


def examples(fold: Fold) -> Sequence[str]:
    """What to type to follow a finding."""
    return [f"auditor report {e.run_id}" for e in fold.examples[:1]]
