"""What does a badge beside a paper or in a README show? The interval, never a bare number; an SVG that needs nothing else.

The words for those who do not see it stand in `title` and `aria-label`. ACM's and NISO's badges are awarded by reviewers and never drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from auditor.scorecard import Format, Scorecard
from reports.formats import view, words
from reports.formats.clean import line, tidy

LABEL = "reproducibility"
GREY = "#595959"
STEPS = ((75.0, "#1c6b3f"), (40.0, "#7d5200"), (0.0, "#8f1d13"))
"""From which `low` on; each has a contrast of at least 4.5 to white (WCAG 2.2, 1.4.3)."""
WIDE, ROOM, HEIGHT = 6.6, 12, 20
"""Pixels: of a character, around a text, of the badge. `textLength` makes the text fit whatever the font is."""


@dataclass(frozen=True)
class Shown:
    """message: `48–82 of 100`, or why there is no number; told: the same in a sentence. broken: the evidence does not hold."""

    message: str
    colour: str
    told: str
    broken: bool


def shown(card: Scorecard) -> Shown:
    """What a badge says of a run. An interval has two ends even where they are one."""
    told, on = view.headline(card), view.standing(card)
    rung = f" Rung: {words.rung(on.name)}." if on else ""
    said = line(f"{told.sentence} {told.coverage}{rung}".strip(), 600)
    if not card.verifiable:
        return Shown("not verifiable", STEPS[-1][1], said, True)
    if card.low is None or card.high is None:
        return Shown("no score", GREY, said, False)
    colour = next(colour for least, colour in STEPS if card.low >= least)
    return Shown(f"{words.floor(card.low)}–{words.ceil(card.high)} of 100", colour, said, False)


def render(card: Scorecard) -> bytes:
    what = shown(tidy(card))
    left, right = (round(len(text) * WIDE) + ROOM for text in (LABEL, what.message))
    name = escape(f"{LABEL}: {what.message}. {what.told}")
    texts = ((LABEL, left / 2, left - ROOM), (what.message, left + right / 2, right - ROOM))
    body = "".join(
        f'<text x="{x:g}" y="14" textLength="{length}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
        for text, x, length in texts
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}" role="img" aria-label="{name}">'
        f"<title>{name}</title>"
        f'<path fill="#333" d="M0 0h{left}v{HEIGHT}H0z"/><path fill="{what.colour}" d="M{left} 0h{right}v{HEIGHT}H{left}z"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{body}</g></svg>\n"
    ).encode()


FORMAT = Format("badge", ".svg", render, "image/svg+xml")
