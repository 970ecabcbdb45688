"""How does a campaign's audit look in a terminal? In colour where the command line prints it, in plain text where it is a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.campaigncard import CampaignCard, Fold
from auditor.model import Outcome
from reports.formats import terminal, words
from reports.formats.campaign import view
from reports.formats.clean import clean, line, tidy

if TYPE_CHECKING:
    from rich.console import RenderableType

ROWS = 24


def render(card: CampaignCard) -> bytes:
    """Plain text, 100 columns but for lines to paste, no escape sequence."""
    return terminal.plain(rich_view(card))


def rich_view(card: CampaignCard) -> RenderableType:
    """The same with colours, for a rich console of any width."""
    from rich.console import Group

    card = tidy(card)
    return Group(*_head(card), *_todo(card), *_tips(card), *_phases(card), *_engines(card), *_runs(card), *_foot(card))


def _head(card: CampaignCard) -> Iterator[RenderableType]:
    from rich.rule import Rule

    yield terminal.text((line(f"Campaign {card.name}", 90), "bold"))
    yield terminal.text((line(f"{view.head(card.record)}, joined by: {view.why(card.record)}", 200), "dim"))
    yield Rule(style="dim")
    unit = " of 100   " if card.low is not None else "   "
    yield terminal.text((view.figure(card), "bold cyan"), (unit, ""), *terminal.bar(view.as_scorecard(card)))
    yield terminal.text((view.sentence(card), ""))
    yield terminal.text((" ".join(part for part in (view.coverage(card), view.spread(card)) if part), "dim"))
    for name, value in view.facts(card.record):
        yield terminal.hanging((f"{name:12} ", "dim"), (line(value, 300), ""))


def _todo(card: CampaignCard) -> Iterator[RenderableType]:
    todos = view.todo(card)
    if todos:
        yield terminal.title("What to do first")
    for number, item in enumerate(todos, 1):
        one = item.judged
        yield terminal.hanging((f"{number} ", "bold cyan"), (line(one.title), "bold"), (f"  tip {item.tip.number}", "dim"))
        yield terminal.indented(terminal.text(terminal.sign(one.outcome), (line(one.message, 600), "")))
        if isinstance(one, Fold) and one.distinguishes:
            yield terminal.indented(
                terminal.text(("What sets them apart: ", ""), (line("; ".join(one.distinguishes), 400), "dim"))
            )
        if item.step == "mend":
            for code in clean(one.fix, 2000).splitlines():
                yield terminal.whole(f"      {line(code, 400)}")
        else:
            yield terminal.indented(terminal.text(("To settle it: ", "magenta"), (line(one.settles), "")))
        if isinstance(one, Fold):
            for command in view.examples(one):
                yield terminal.whole(f"      {command}")


def _tips(card: CampaignCard) -> Iterator[RenderableType]:
    from rich.table import Table

    yield terminal.title("The twelve tips", "■ reached by every run   ▨ perhaps   □ not reached")
    for tip, drawn in zip(card.tips, view.as_scorecard(card).tips, strict=True):
        row = Table.grid(padding=(0, 2, 0, 0), expand=True)
        for width in (2, None, 3, 18):
            row.add_column(width=width, ratio=None if width else 1, justify="right" if width == 2 else "left")
        level = terminal.text((view.levels(tip).removeprefix("level "), "" if tip.applicable else "dim"))
        about = terminal.text((line(tip.title, 120), "bold" if tip.applicable else "dim"))
        row.add_row(terminal.text((str(tip.number), "dim")), about, terminal.text(*terminal.meter(drawn)), level)
        yield row
        if worst := view.worst(tip):
            yield terminal.indented(
                terminal.text(terminal.sign(worst.outcome), (line(worst.message or worst.title, 200), "dim")), 4
            )
            if isinstance(worst, Fold) and worst.distinguishes and worst.outcome in (Outcome.FAILED, Outcome.WEAK):
                yield terminal.indented(terminal.text((line(worst.distinguishes[0], 160), "dim")), 6)


def _phases(card: CampaignCard) -> Iterator[RenderableType]:
    yield terminal.title("Phases")
    for p in card.record.phases:
        mixed = f" and {p.mixed} mixed" if p.mixed else ""
        told = f"{words.count(p.runs, 'run')}{mixed}, {p.failed:,} failed, {view.core_hours(p.core_seconds)}"
        where = f", on {', '.join(p.partitions)}" if p.partitions else ""
        tasks = f", {words.count(p.engine_tasks, 'task')} of engines" if p.engine_tasks else ""
        yield terminal.hanging((f"{p.phase:9} ", "bold"), (line(told + where + tasks, 200), ""))
    if said := view.unsaid(card.record):
        yield terminal.text((said, "magenta"))
    for flow in card.record.flows[:ROWS]:
        size = f", {words.count(flow.files, 'file')}, {words.size(flow.bytes)}" if flow.files else ""
        yield terminal.text(
            (f"  {flow.source} → {flow.target}", ""), (f"  by {flow.by}: {words.count(flow.pairs, 'pair')} of runs{size}", "dim")
        )
    if card.record.iterations > 1:
        yield terminal.text((f"The same code comes around {card.record.iterations} times along the data.", ""))
    if card.record.cycles:
        yield terminal.text(
            (
                f"{words.count(len(card.record.cycles), 'run')} are said to wait for each other in a circle: the records are wrong.",
                "red",
            )
        )


def _engines(card: CampaignCard) -> Iterator[RenderableType]:
    if card.record.engines:
        yield terminal.title("Workflow engines")
    for run in card.record.engines[:ROWS]:
        yield terminal.hanging(("▣ ", "cyan"), (line(view.title(run), 120), "bold"), (f"  {line(view.engine(run), 300)}", ""))
        for group in run.groups[:ROWS]:
            told = f"{words.count(group.tasks, 'task')}, {' + '.join(group.phases) or 'phase not said'}"
            yield terminal.indented(terminal.text((line(group.name, 60), ""), (f"  {told}", "dim")), 4)
    for t in card.record.trackers:
        said = f"{words.count(t.runs, 'tracked run')}, {t.joined:,} of them joined to a run, {t.with_metrics:,} with metrics; {view.tracked(t)}"
        yield terminal.hanging(("▤ ", "cyan"), (line(t.system, 40), "bold"), (f"  {line(said, 200)}", ""))


def _runs(card: CampaignCard) -> Iterator[RenderableType]:
    yield terminal.title("Runs")
    kinds = view.kinds(card.record)
    for kind in kinds[:ROWS]:
        states = ", ".join(f"{number:,} {state}" for state, number in kind.states)
        sign = f"; by {view.sign(kind.signs[0])}" if kind.signs else ""
        yield terminal.hanging(
            ("• ", "dim"),
            (line(kind.name or "no name", 60), "bold"),
            (f"  {words.count(len(kind.runs), 'run')}, {line(states, 120)}, {kind.phase}{line(sign, 160)}", ""),
            (f"  first: {kind.runs[0].run_id}", "dim"),
        )
    if len(kinds) > ROWS:
        yield terminal.text((f"and {len(kinds) - ROWS} more names", "dim"))


def _foot(card: CampaignCard) -> Iterator[RenderableType]:
    for gap in card.record.gaps[:ROWS]:
        yield terminal.text((f"! {line(gap)}", "yellow"))
    rules = card.ruleset[: card.ruleset.find("-") + 13]
    yield terminal.text((f"\nrecord {card.record_id[:16]} · rules {line(rules, 40)} · auditor {line(card.auditor, 20)}", "dim"))
