"""How much was asked for, and how much of it was used?"""

from __future__ import annotations

from auditor.scorecard import Gauge, Scorecard
from reports.formats import words
from reports.formats.pictures.svg import labelled, picture, rect, tag, titled

WIDTH, LEFT, ROW, MOST = 640, 2, 44, 16


def resources(card: Scorecard) -> str:
    """One row a gauge: the frame is what was asked, the filling what was used; each row has a scale of its own."""
    gauges = [g for g in card.story.gauges if g.asked is not None or g.used is not None][:MOST]
    if not gauges:
        return ""
    rows = [_row(gauge, index * ROW) for index, gauge in enumerate(gauges)]
    description = " ".join(f"{words.gauge(gauge.name)}: {told(gauge)}." for gauge in gauges)
    return picture("resources", WIDTH, len(gauges) * ROW + 4, "Resources asked for and used", description, rows)


def told(gauge: Gauge) -> str:
    """`asked 32 GiB, used 4.1 GiB (13 %)`."""
    both = f"asked {words.quantity(gauge.asked, gauge.unit)}, used {words.quantity(gauge.used, gauge.unit)}"
    share = used_share(gauge)
    if share is None:
        return both
    return f"{both} (below 1 %)" if 0 < share < 0.01 else f"{both} ({share * 100:.0f} %)"


def used_share(gauge: Gauge) -> float | None:
    """Used as a part of asked, 0.13 for 13 %; None when either is not known."""
    return gauge.used / gauge.asked if gauge.asked and gauge.used is not None else None


def _row(gauge: Gauge, top: float) -> str:
    whole = max(gauge.asked or 0, gauge.used or 0) or 1
    scale = (WIDTH - 2 * LEFT) / whole
    label = labelled(words.gauge(gauge.name), told(gauge))
    shapes = [tag("text", label, x=LEFT, y=top + 15)]
    if gauge.asked is not None:
        shapes.append(rect(LEFT, top + 22, gauge.asked * scale, 12, rx=2, class_="asked"))
    if gauge.used is not None:
        over = gauge.asked is not None and gauge.used > gauge.asked
        shapes.append(rect(LEFT, top + 24, max(gauge.used * scale, 1.5), 8, rx=1, class_="used over" if over else "used"))
        if over:
            shapes.append(tag("path", d=f"M{LEFT + (gauge.asked or 0) * scale:.1f} {top + 18}V{top + 38}", class_="mark"))
    return titled(f"{words.gauge(gauge.name)}: {told(gauge)}; from {gauge.source}", *shapes)
