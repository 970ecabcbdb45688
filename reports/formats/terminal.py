"""How does a scorecard look in a terminal? In colour where the command line prints it, in plain text where it is a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from typing import TYPE_CHECKING

from auditor.model import Outcome
from auditor.scorecard import Format, Scorecard, TipScore
from reports.formats import environment, view, words
from reports.formats.clean import clean, line, tidy
from reports.formats.pictures.resources import told as used

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from auditor.campaigncard import CampaignCard

WIDTH, BAR = 100, 50
"""Columns of the plain text and of the bar."""

COLOURS = {
    Outcome.PASSED: "green",
    Outcome.WEAK: "yellow",
    Outcome.FAILED: "bold red",
    Outcome.UNKNOWN: "magenta",
    Outcome.NOT_APPLICABLE: "dim",
    Outcome.ERROR: "red",
}


def render(card: Scorecard) -> bytes:
    """Plain text, 100 columns but for lines to paste, no escape sequence."""
    return plain(rich_view(card))


def plain(shown: RenderableType) -> bytes:
    """What a rich console would show, as such text."""
    from rich.console import Console

    paper = StringIO()
    Console(file=paper, width=WIDTH, color_system=None, force_terminal=False, legacy_windows=False, _environ={}).print(
        shown, crop=False
    )
    return "".join(f"{row.rstrip()}\n" for row in paper.getvalue().splitlines()).encode("utf-8")


def rich_view(card: Scorecard) -> RenderableType:
    """The same with colours, for a rich console of any width."""
    from rich.console import Group

    card = tidy(card)
    parts = [
        *_head(card),
        *_ladder(card),
        *_todo(card),
        *_tips(card),
        *_run(card),
        *_environment(card),
        *_drift(card),
        *_replay(card),
        _foot(card),
    ]
    return Group(*parts)


def _head(card: Scorecard) -> Iterator[RenderableType]:
    from rich.rule import Rule

    told, run = view.headline(card), card.run
    facts = (
        run.state,
        run.cluster and f"on {run.cluster}",
        run.user and f"by {run.user}",
        run.submitted_at and words.when(run.submitted_at),
    )
    yield text((line(view.title(card), 90), "bold"))
    yield text((line(" · ".join(fact for fact in facts if fact), 200), "dim"))
    yield Rule(style="dim")
    yield text((told.figure, "bold cyan" if told.unit else "bold red"), (f" {told.unit}   ", ""), *bar(card))
    yield text((line(told.sentence), ""))
    yield text((told.coverage, "dim"))


def bar(card: Scorecard) -> Iterator[tuple[str, str]]:
    """Solid to `low`, shaded to `high`."""
    if not card.verifiable or card.low is None or card.high is None:
        return
    low, high = round(card.low * BAR / 100), round(card.high * BAR / 100)
    yield "█" * low, "cyan"
    yield "▒" * (high - low), "cyan"
    yield "░" * (BAR - high), "dim"


def _ladder(card: Scorecard) -> Iterator[RenderableType]:
    yield title("Reproducibility ladder")
    to = view.ahead(card)
    for rung in card.rungs:
        mark = ("● ", "cyan") if rung.reached else ("○ ", "yellow" if rung == to else "dim")
        name = (f"{words.upper(words.rung(line(rung.name, 40)))}: ", "bold" if rung.reached or rung == to else "dim")
        yield hanging(mark, name, (words.upper(line(rung.reason)), "" if rung.reached or rung == to else "dim"))


def _todo(card: Scorecard) -> Iterator[RenderableType]:
    todos = view.todo(card)
    if todos:
        yield title(view.HEADING[len(todos)])
    for number, item in enumerate(todos, 1):
        finding = item.finding
        yield hanging((f"{number} ", "bold cyan"), (line(finding.title), "bold"), (f"  tip {item.tip.number}", "dim"))
        yield indented(text(sign(finding.outcome), (line(finding.message), "")))
        if item.step == "mend":
            for code in clean(finding.fix, 2000).splitlines():
                yield whole(f"      {line(code, 400)}")
        else:
            yield indented(text(("To settle it: ", "magenta"), (line(finding.settles), "")))


def _tips(card: Scorecard) -> Iterator[RenderableType]:
    from rich.table import Table

    yield title("The twelve tips", "■ reached   ▨ perhaps   □ not reached")
    for tip in card.tips:
        row = Table.grid(padding=(0, 2, 0, 0), expand=True)
        for width in (2, None, 3, 18):
            row.add_column(width=width, ratio=None if width else 1, justify="right" if width == 2 else "left")
        about = text((line(tip.title, 120), "bold" if tip.applicable else "dim"))
        level = text((view.levels(tip).removeprefix("level "), "" if tip.applicable else "dim"))
        row.add_row(text((str(tip.number), "dim")), about, text(*meter(tip)), level)
        yield row
        worst = view.worst(tip)
        if worst:
            yield indented(text(sign(worst.outcome), (line(worst.message or worst.title, 200), "dim")), 4)


def meter(tip: TipScore) -> Iterator[tuple[str, str]]:
    for level in (1, 2, 3):
        if not tip.applicable:
            yield "·", "dim"
        else:
            yield ("■", "cyan") if level <= tip.low else ("▨", "cyan") if level <= tip.high else ("□", "dim")


def _run(card: Scorecard) -> Iterator[RenderableType]:
    known = [gauge for gauge in card.story.gauges if gauge.asked is not None or gauge.used is not None]
    if known:
        yield title("Resources")
    for gauge in known[:12]:
        yield hanging(
            (f"{words.gauge(line(gauge.name, 30))}: ", ""),
            (used(gauge), ""),
            (f"  from {line(gauge.source, 40)}" if gauge.source else "", "dim"),
        )


def _environment(card: Scorecard) -> Iterator[RenderableType]:
    around = card.surroundings
    said, look = environment.verdict(card)
    yield title("Environment")
    yield text((said, {"found": "red", "none": "green"}.get(look, "magenta")))
    for image in around.images[:6]:
        told = "; ".join(t for t in (environment.how(image), *(_short(d) for d in image.digests[:2]), *image.notes) if t)
        yield hanging(("▣ ", "cyan"), (line(image.name, 120), "bold"), (f"  {line(told, 300)}", ""))
    for way in around.ways[:4]:
        state = environment.state(way)
        yield hanging(("↻ ", "dim"), (environment.way(way), "bold"), (f" ({state}): {line(way.evidence, 300)}", ""))
    yield text((environment.leaked(card), ""))
    for leak in around.leaks[:8]:
        yield hanging(
            ("• ", "red" if leak.serious else "dim"), (f"{environment.leak(leak)}: ", "bold"), (line(leak.detail, 200), "")
        )
    yield text((line(environment.software(card), 400), "dim"))


def _drift(card: Scorecard) -> Iterator[RenderableType]:
    yield title("Between submission and start")
    yield text((view.drift(card), {"found": "red", "none": "green"}.get(card.story.drift_state, "magenta")))
    for change in card.story.drift[:12]:
        named = (f"{words.rung(line(change.what, 24))} ", "dim"), (line(change.name, 120), "bold")
        yield hanging(("• ", ""), *named, (f"  {_short(change.before)} → {_short(change.after)}", ""))
    if len(card.story.drift) > 12:
        yield text((f"and {len(card.story.drift) - 12} more", "dim"))


def _short(value: str) -> str:
    """A value in a row; of a digest, the beginning."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{28,}\b", r"\1…", line(value, 200))[:80] or "–"


def _replay(card: Scorecard) -> Iterator[RenderableType]:
    for _, verdict in view.replays(card)[:1]:
        same = words.SAMENESS.get(str(verdict.get("sameness")), words.SAMENESS["not-run"])
        yield title("Replay")
        yield text((f"{same}. ", "bold"), (line(view.replayed(verdict)), ""))
        known = [f"{word} {verdict[key]}" for word, key in (("on", "where"), ("environment", "environment")) if verdict.get(key)]
        yield text((line(words.upper(", ".join(known)), 160), "dim"))


def _foot(card: Scorecard) -> RenderableType:
    rules = card.ruleset[: card.ruleset.find("-") + 13]
    return text((f"\nrun {line(card.run.id, 40)} · rules {line(rules, 40)} · auditor {line(card.auditor, 20)}", "dim"))


def text(*parts: tuple[str, str]) -> Text:
    from rich.text import Text

    return Text.assemble(*(part for part in parts if part[0]))


def title(words: str, aside: str = "") -> Text:
    return text((f"\n{words}", "bold cyan"), (f"   {aside}" if aside else "", "dim"))


def sign(outcome: Outcome) -> tuple[str, str]:
    return f"{words.SIGNS[outcome]} {words.OUTCOMES[outcome]}: ", COLOURS[outcome]


def hanging(mark: tuple[str, str], *parts: tuple[str, str]) -> RenderableType:
    from rich.table import Table

    grid = Table.grid()
    grid.add_row(text(mark), text(*parts))
    return grid


def whole(code: str) -> Text:
    """A line to paste: never broken, however narrow the paper; printed with `crop=False` the terminal itself wraps it."""
    from rich.text import Text

    return Text(code, "cyan", no_wrap=True, overflow="ignore")


def indented(text: Text, by: int = 2) -> RenderableType:
    from rich.padding import Padding

    return Padding(text, (0, 0, 0, by))


def of_campaign(card: CampaignCard) -> bytes:
    """A campaign's card in the same form."""
    from reports.formats.campaign.terminal import render as whole  # it builds on this file

    return whole(card)


FORMAT = Format("terminal", ".txt", render, "text/plain", of_campaign=of_campaign)
