"""How does a campaign's audit become a page of GitHub-flavoured Markdown?"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.campaigncard import CampaignCard, Fold
from auditor.model import Outcome
from reports.formats import words
from reports.formats.campaign import view
from reports.formats.campaign.html import told as flows
from reports.formats.clean import tidy
from reports.formats.gfm import code, escape, fence, table

BAR, ROWS = 40, 60


def render(card: CampaignCard) -> bytes:
    card = tidy(card)
    parts = (_head(card), _todo(card), _tips(card), _phases(card), _engines(card), _trackers(card), _runs(card), _record(card))
    return ("\n\n".join(block for part in parts for block in part if block) + "\n").encode()


def _head(card: CampaignCard) -> Iterator[str]:
    yield f"# Campaign audit: {escape(card.name, 120)}"
    yield f"{view.head(card.record)}, joined by: {escape(view.why(card.record))}"
    yield f"## {view.figure(card)}{' of 100' if card.low is not None else ''}"
    if card.low is not None and card.high is not None:
        low, high = round(card.low * BAR / 100), round(card.high * BAR / 100)
        yield f"`{'█' * low}{'▒' * (high - low)}{'░' * (BAR - high)}`"
    yield " ".join(part for part in (view.sentence(card), view.coverage(card), view.spread(card)) if part)
    yield table(("Figure", "Value"), ((name, escape(value, 300)) for name, value in view.facts(card.record)))


def _todo(card: CampaignCard) -> Iterator[str]:
    todos = view.todo(card)
    if todos:
        yield "## What to do first"
    for number, item in enumerate(todos, 1):
        yield f"{number}. **{escape(item.judged.title)}** (tip {item.tip.number})"
        yield _indent(_said(item.judged))


def _tips(card: CampaignCard) -> Iterator[str]:
    yield "## The twelve tips"
    rows = (
        (
            f"{tip.number}. {escape(tip.title, 120)}",
            view.levels(tip),
            ", ".join(f"{number} {words.OUTCOMES[outcome]}" for outcome, number in view.tally(tip)) or "none",
        )
        for tip in card.tips
    )
    yield table(("Tip", "Reached", "Checks"), rows)
    for tip in card.tips:
        yield f"### {tip.number}. {escape(tip.title, 120)}"
        yield f"{escape(tip.why, 1200)} {words.upper(view.levels(tip))}."
        for one in view.judged(tip):
            whole = "" if isinstance(one, Fold) else ", of the whole"
            yield f"- **{escape(one.title)}** (`{code(one.check, 60)}`, level {one.level}{whole})"
            yield _indent(_said(one), 2)


def _said(one: view.Judged) -> str:
    said = [f"{words.SIGNS[one.outcome]} **{words.OUTCOMES[one.outcome]}**: {escape(one.message, 1000)}"]
    if isinstance(one, Fold):
        said.append(", ".join(f"{number:,} {words.OUTCOMES[outcome]}" for outcome, number in view.counts(one)))
        said += [f"What sets them apart: {escape('; '.join(one.distinguishes), 600)}"] if one.distinguishes else []
        if one.outcome not in (Outcome.PASSED, Outcome.NOT_APPLICABLE) and one.examples:
            said.append("Follow it: " + ", ".join(f"`auditor report {e.run_id}`" for e in one.examples[:2]))
    if one.fix and one.outcome in (Outcome.FAILED, Outcome.WEAK):
        said.append(fence(one.fix))
    if one.settles and one.outcome in (Outcome.UNKNOWN, Outcome.ERROR):
        said.append(f"*To settle it:* {escape(one.settles, 600)}")
    return "\n\n".join(said)


def _phases(card: CampaignCard) -> Iterator[str]:
    record = card.record
    yield "## Phases"
    yield view.unsaid(record)
    if record.phases:
        rows = (
            (
                p.phase,
                f"{p.runs:,}" + (f" and {p.mixed} mixed" if p.mixed else ""),
                f"{p.succeeded:,}",
                f"{p.failed:,}",
                view.core_hours(p.core_seconds),
                escape(", ".join(p.partitions), 100),
            )
            for p in record.phases
        )
        yield table(("Phase", "Runs", "Succeeded", "Failed", "Cores held", "Partitions"), rows)
    yield "\n".join(f"- {escape(line, 200)}" for line in flows(record).values())
    if record.iterations > 1:
        yield f"The same code comes around {record.iterations} times along the data."
    if record.cycles:
        yield f"{words.count(len(record.cycles), 'run')} are said to wait for each other in a circle: the records are wrong."


def _engines(card: CampaignCard) -> Iterator[str]:
    if card.record.engines:
        yield "## Workflow engines"
    for run in card.record.engines[:ROWS]:
        yield f"**{escape(view.title(run), 120)}**: {escape(view.engine(run), 400)}"
        rows = (
            (
                escape(g.name, 80),
                " + ".join(g.phases) or "not said",
                f"{g.tasks:,}",
                escape(view.sign(g.signs[0]), 160) if g.signs else "",
            )
            for g in run.groups[:ROWS]
        )
        yield table(("Group", "Phase", "Tasks", "Sign"), rows) if run.groups else ""


def _trackers(card: CampaignCard) -> Iterator[str]:
    if card.record.trackers:
        yield "## Tracked runs"
        columns = ("Tracker", "Runs", "Joined to a run", "Phases", "Parameters", "Metrics", "Commit", "Data", "Model", "Seed")
        rows = (
            (
                t.system,
                f"{t.runs:,}",
                f"{t.joined:,}",
                escape(view.tracked(t), 100),
                *(
                    f"{n:,}"
                    for n in (
                        t.with_parameters,
                        t.with_metrics,
                        t.with_commit,
                        t.with_data,
                        t.with_model,
                        t.with_seed,
                    )
                ),
            )
            for t in card.record.trackers
        )
        yield table(columns, rows)


def _runs(card: CampaignCard) -> Iterator[str]:
    kinds = view.kinds(card.record)
    yield "## Runs"
    rows = (
        (
            escape(k.name, 80),
            k.phase,
            f"{len(k.runs):,}",
            escape(", ".join(f"{number:,} {state}" for state, number in k.states), 200),
            escape(view.sign(k.signs[0]), 160) if k.signs else "",
            f"`{k.runs[0].run_id}`",
        )
        for k in kinds[:ROWS]
    )
    yield table(("Name", "Phase", "Runs", "States", "Sign", "First run"), rows)
    if len(kinds) > ROWS:
        yield f"{len(kinds) - ROWS} more names are in the JSON report."


def _record(card: CampaignCard) -> Iterator[str]:
    yield "## Record"
    yield "\n".join(f"- {escape(gap)}" for gap in card.record.gaps[:ROWS])
    yield f"Record `{card.record_id}`; rules `{code(card.ruleset, 100)}`; auditor {escape(card.auditor, 40)}. Same evidence, same page."


def _indent(text: str, by: int = 3) -> str:
    return "\n".join(f"{' ' * by}{row}" if row else "" for row in text.splitlines())
