"""How does a scorecard become one page that needs nothing else? No script, no outside asset, readable on paper."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.scorecard import Format, Scorecard
from reports.formats import environment, view, words
from reports.formats.clean import brief, line, tidy
from reports.formats.pictures import interval, lineage, resources, timeline, tips
from reports.formats.register import Budget, Entry, register

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from auditor.campaigncard import CampaignCard

LIMIT = 1_000_000
"""Bytes a page may weigh."""

BUDGETS = (Budget(300_000, 500), Budget(60_000, 200), Budget(0, 40))
"""Tried in turn until the page is light enough; what is cut is said on the page."""

REPLAYS = 3
"""Replay verdicts shown, newest first; all are in the evidence."""

STYLES = ("colours", "report", "pictures", "small", "paper")
TEMPLATES = Path(__file__).with_name("templates")


def render(card: Scorecard) -> bytes:
    card = tidy(card)
    page = b""
    for budget in BUDGETS:
        page = page_within(card, budget)
        if len(page) <= LIMIT:
            break
    return page


def page_within(card: Scorecard, budget: Budget) -> bytes:
    shown = register(card, budget)
    entries = {entry.cited.id: entry for entry in shown.entries}
    text = (
        jinja()
        .get_template("report.html.j2")
        .render(
            card=card,
            view=view,
            words=words,
            environment=environment,
            entries=entries,
            claims=view.claimed(card),
            replays=view.replays(card)[:REPLAYS],
            labels={node.id: node.label for node in card.story.nodes},
            left=shown.left,
            by_phase=_by_phase(shown.entries),
            pictures=_pictures(card),
            css=styles(),
        )
    )
    return squeezed(text).encode("utf-8")


def styles(*more: str) -> Markup:
    return markup("".join((TEMPLATES / f"{name}.css").read_text("utf-8") for name in (*STYLES, *more)))


def squeezed(text: str) -> str:
    """Blank lines that template tags leave behind are dropped, except in preformatted text."""
    parts = re.split(r"(<pre.*?</pre>)", text, flags=re.DOTALL)
    return "".join(part if part.startswith("<pre") else re.sub(r"\n\s*\n+", "\n", part) for part in parts)


def _pictures(card: Scorecard) -> dict[str, Markup]:
    """The pictures escape their own text."""
    drawn = {
        "interval": interval.interval(card),
        "tips": tips.tips(card),
        "timeline": timeline.timeline(card),
        "resources": resources.resources(card),
        "lineage": lineage.lineage(card),
    }
    return {name: markup(svg) for name, svg in drawn.items()}


def _by_phase(entries: tuple[Entry, ...]) -> list[tuple[str, list[Entry]]]:
    groups: dict[str, list[Entry]] = {phase: [] for phase in words.PHASES}
    for entry in sorted(entries, key=lambda entry: (entry.cited.kind, entry.cited.attempt)):
        groups[entry.cited.phase].append(entry)
    return [(words.PHASES[phase], group) for phase, group in groups.items() if group]  # type: ignore[index]


def markup(svg: str) -> Markup:
    """Markup of our own making."""
    from markupsafe import Markup

    return Markup(svg)  # ours, and escaped where it was made


def prose(text: str) -> Markup:
    """Escaped, with what stands between backticks as code."""
    from markupsafe import Markup, escape

    parts = text.split("`")
    if len(parts) % 2 == 0:  # a lone backtick
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


@cache
def jinja() -> Environment:
    """Templates beside this file, everything escaped, with the filters that they use."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        "line": line,
        "brief": brief,
        "when": words.when,
        "kind": words.kind,
        "rung": words.rung,
        "upper": words.upper,
        "prose": prose,
    }
    made.globals |= {"signs": words.SIGNS, "outcomes": words.OUTCOMES, "statuses": words.STATUSES}
    return made


def of_campaign(card: CampaignCard) -> bytes:
    """A campaign's card in the same form."""
    from reports.formats.campaign.html import render as whole  # it builds on this file

    return whole(card)


FORMAT = Format("html", ".html", render, "text/html", of_campaign=of_campaign)
