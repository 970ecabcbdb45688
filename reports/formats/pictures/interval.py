"""How much is proved, and how much could still turn out well? The headline bar."""

from __future__ import annotations

from auditor.scorecard import Scorecard
from reports.formats.pictures.svg import hatch, picture, rect, tag, text
from reports.formats.view import headline

WIDTH, HEIGHT, LEFT = 460, 58, 10
TICKS = (0, 25, 50, 75, 100)


def interval(card: Scorecard) -> str:
    """A bar on 0–100: solid to `low`, hatched to `high`. Empty text when there is no number."""
    if not card.verifiable or card.low is None or card.high is None:
        return ""
    span = (WIDTH - 2 * LEFT) / 100
    low, high = LEFT + card.low * span, LEFT + card.high * span
    body = [
        hatch("hatch-interval"),
        rect(LEFT, 8, 100 * span, 22, rx=3, class_="track"),
        rect(low, 8, high - low, 22, fill="url(#hatch-interval)"),
        rect(LEFT, 8, low - LEFT, 22, rx=3, class_="sure"),
        rect(LEFT, 8, 100 * span, 22, rx=3, class_="frame"),
        *(_tick(LEFT + tick * span, tick) for tick in TICKS),
        *(tag("path", d=f"M{x:.1f} 4V34", class_="mark") for x in sorted({low, high})),
    ]
    told = headline(card)
    return picture("interval", WIDTH, HEIGHT, f"{told.figure} {told.unit}", f"{told.sentence} {told.coverage}", body)


def _tick(x: float, tick: int) -> str:
    return tag("path", d=f"M{x:.1f} 34V38", class_="axis") + text(x, 52, str(tick), text_anchor="middle", class_="small")
