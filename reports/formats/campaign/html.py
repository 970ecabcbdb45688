"""How does a campaign's audit become one page that needs nothing else? Summaries first, runs folded away; no script, no outside asset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from auditor.campaign import CampaignRecord, EngineRun
from auditor.campaigncard import CampaignCard
from auditor.scorecard import Edge, Node
from reports.formats import html, words
from reports.formats.campaign import view
from reports.formats.clean import tidy
from reports.formats.pictures import interval, phases, tips
from reports.formats.pictures.lineage import chart

if TYPE_CHECKING:
    from markupsafe import Markup

ROWS = (2000, 800, 250, 60, 0)
"""Runs that are listed; tried in turn until the page is light enough. What is cut is said on the page."""
ENGINES = 12
"""Engine runs that are shown with their groups."""


def render(card: CampaignCard) -> bytes:
    card = tidy(card)
    page = b""
    for rows in ROWS:
        page = _page(card, rows)
        if len(page) <= html.LIMIT:
            break
    return page


def _page(card: CampaignCard, rows: int) -> bytes:
    text = (
        html.jinja()
        .get_template("campaign.html.j2")
        .render(
            card=card,
            record=card.record,
            view=view,
            words=words,
            rows=rows,
            kinds=_cut(view.kinds(card.record), rows),
            scores=view.scores(card),
            jobs={m.run_id: m.job_id for m in card.record.members},
            engines=card.record.engines[:ENGINES],
            graphs={run.key: html.markup(groups(run, n)) for n, run in enumerate(card.record.engines[:ENGINES])},
            pictures=_pictures(card),
            css=html.styles("campaign"),
        )
    )
    return html.squeezed(text).encode("utf-8")


def _cut(kinds: tuple[view.Kind, ...], rows: int) -> list[tuple[view.Kind, int]]:
    """Each kind of runs with how many of them are listed: all kinds get their share, in turn."""
    left, found = rows, []
    for number, kind in enumerate(kinds):
        share = min(len(kind.runs), max(left // (len(kinds) - number), 0))
        left -= share
        found.append((kind, share))
    return found


def _pictures(card: CampaignCard) -> dict[str, Markup]:
    whole = view.as_scorecard(card)
    drawn = {
        "interval": interval.interval(whole),
        "tips": tips.tips(whole),
        "phases": phases.phases(card.record),
        "flow": flow(card.record),
    }
    return {name: html.markup(svg) for name, svg in drawn.items()}


def flow(record: CampaignRecord) -> str:
    """Phases and what passes between them. Empty text where nothing does."""
    nodes = [Node(p.phase, "run", f"{p.phase}: {words.count(p.runs + p.mixed, 'run')}") for p in record.phases]
    edges = list(dict.fromkeys(Edge(f.source, f.target) for f in record.flows if f.source != f.target))
    said = " ".join(told(record).values())
    return chart("flow", "What passes between phases", nodes, edges, said) if edges else ""


def told(record: CampaignRecord) -> Mapping[tuple[str, str, str], str]:
    """Each flow in words."""
    return {
        (f.source, f.target, f.by): f"{f.source} to {f.target} by {f.by}: {words.count(f.pairs, 'pair')} of runs"
        + (f", {words.count(f.files, 'file')}, {words.size(f.bytes)}." if f.files else ".")
        for f in record.flows
    }


def groups(run: EngineRun, number: int) -> str:
    """An engine's groups of tasks and what passes between them."""
    nodes = [Node(g.name, "run", f"{g.name}: {words.count(g.tasks, 'task')}") for g in run.groups[:60]]
    edges = [Edge(f.source, f.target) for f in run.flows if f.source != f.target][:200]
    said = f"{words.count(len(run.groups), 'group')} of tasks of {run.system}, joined by {words.count(len(edges), 'step')}."
    return chart(f"groups-{number}", "Groups of tasks", nodes, edges, said) if edges else ""
