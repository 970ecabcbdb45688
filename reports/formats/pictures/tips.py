"""How far does each of the twelve tips reach? A dial like a clock: twelve sectors, three rings."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi, sin

from auditor.scorecard import Scorecard, TipScore
from reports.formats.pictures.svg import hatch, number, picture, tag, text, titled
from reports.formats.view import headline, levels

SIZE, CENTRE, INNER, RING = 340, 170, 54, 29
GAP = 1.6  # degrees left free on either side of a sector


def tips(card: Scorecard) -> str:
    """Tip 1 at one o'clock, 12 on top. Solid: reached for sure. Hatched: reached if the unknown turns out well."""
    body = [hatch("hatch-tips")]
    for tip in card.tips:
        middle = tip.number * 360 / max(len(card.tips), 12)
        body.append(titled(f"Tip {tip.number}, {tip.title}: {levels(tip)}", *_sector(card, tip, middle)))
    return picture("tips", SIZE, SIZE, "The twelve tips", _described(card), [*body, *_centre(card)])


def _sector(card: Scorecard, tip: TipScore, middle: float) -> Iterator[str]:
    half = 180 / max(len(card.tips), 12) - GAP
    for level in (1, 2, 3):
        inner = INNER + (level - 1) * RING + 1.5
        shape = _cell(inner, inner + RING - 3, middle - half, middle + half)
        kind = _kind(card, tip, level)
        if kind == "maybe":
            yield tag("path", d=shape, class_="cell open")
            yield tag("path", d=shape, fill="url(#hatch-tips)", class_="cell maybe")
        else:
            yield tag("path", d=shape, class_=f"cell {kind}")
    x, y = _point(INNER + 3 * RING + 11, middle)
    yield text(x, y + 4.5, str(tip.number), text_anchor="middle", class_="label" if tip.applicable else "label faint")


def _kind(card: Scorecard, tip: TipScore, level: int) -> str:
    if not tip.applicable:
        return "na"
    if not card.verifiable or level > tip.high:
        return "open"
    return "sure" if level <= tip.low else "maybe"


def _centre(card: Scorecard) -> Iterator[str]:
    told = headline(card)
    if not told.unit:
        yield text(CENTRE, CENTRE + 5, told.figure.lower(), text_anchor="middle", class_="label")
        return
    yield text(CENTRE, CENTRE + 6, told.figure, text_anchor="middle", class_="figure")
    yield text(CENTRE, CENTRE + 25, told.unit, text_anchor="middle", class_="small")


def _cell(inner: float, outer: float, start: float, end: float) -> str:
    """A piece of a ring, degrees clockwise from the top."""
    (ax, ay), (bx, by) = _point(inner, start), _point(outer, start)
    (cx, cy), (dx, dy) = _point(outer, end), _point(inner, end)
    places = [number(v) for v in (ax, ay, bx, by, outer, outer, cx, cy, dx, dy, inner, inner, ax, ay)]
    a, b, c, d, r, _, e, f, g, h, s, _, i, j = places
    return f"M{a} {b}L{c} {d}A{r} {r} 0 0 1 {e} {f}L{g} {h}A{s} {s} 0 0 0 {i} {j}Z"


def _point(radius: float, degrees: float) -> tuple[float, float]:
    angle = degrees * pi / 180
    return CENTRE + radius * sin(angle), CENTRE - radius * cos(angle)


def _described(card: Scorecard) -> str:
    return "; ".join(f"tip {tip.number}, {levels(tip)}" for tip in card.tips) + "."
