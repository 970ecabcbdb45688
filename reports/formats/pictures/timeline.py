"""When did each attempt wait, and when did it run?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditor.scorecard import Scorecard, Span
from reports.formats.pictures.svg import hatch, labelled, picture, rect, tag, text, titled
from reports.formats.words import count, duration, instant, when

WIDTH, LEFT, ROW, MOST = 640, 2, 44, 24

STATES = {
    "COMPLETED": "good",
    "RUNNING": "busy",
    "PENDING": "busy",
    "CANCELLED": "mixed",
    "PREEMPTED": "mixed",
    "REQUEUED": "mixed",
    "SUSPENDED": "mixed",
}
"""How a state looks; every other one is a failure."""


@dataclass(frozen=True)
class Bar:
    """A span with its times in seconds since the epoch; None where the text names no time."""

    span: Span
    queued: float | None
    start: float | None
    end: float | None

    @property
    def times(self) -> tuple[float, ...]:
        return tuple(t for t in (self.queued, self.start, self.end) if t is not None)


def timeline(card: Scorecard) -> str:
    """Waiting is hatched, running solid, one row a span. Empty text when no time is known."""
    bars = [bar for bar in map(_bar, card.story.attempts[:MOST]) if bar.times]
    if not bars:
        return ""
    first = min(min(bar.times) for bar in bars)
    last = max(max(bar.times) for bar in bars)
    if any(bar.start is not None and bar.end is None for bar in bars):
        last += (last - first) * 0.08 or 60
    scale = (WIDTH - 2 * LEFT) / max(last - first, 1)
    rows = [_row(bar, LEFT, index * ROW, first, last, scale) for index, bar in enumerate(bars)]
    height = len(bars) * ROW + 34
    left = len(card.story.attempts) - len(bars)
    more = f"{count(left, 'more is', 'more are')} not drawn. " if left else ""
    body = [hatch("hatch-timeline"), *_axis(first, last, scale, height), *rows]
    return picture("timeline", WIDTH, height, "Time line of attempts", more + " ".join(map(told, bars)), body)


def sentences(card: Scorecard) -> list[str]:
    """The time line in words."""
    return [told(_bar(span)) for span in card.story.attempts[:MOST]]


def told(bar: Bar) -> str:
    """A bar in words: `attempt 0: TIMEOUT, waited 10 min, ran 2 h.`"""
    parts = [bar.span.state or "state not known"]
    if bar.queued is not None and bar.start is not None:
        parts.append(f"waited {duration(max(bar.start - bar.queued, 0))}")
    if bar.start is not None and bar.end is not None:
        parts.append(f"ran {duration(max(bar.end - bar.start, 0))}")
    elif bar.start is not None:
        parts.append("no end is known")
    return f"{bar.span.name}: {', '.join(parts)}."


def _row(bar: Bar, left: float, top: float, first: float, last: float, scale: float) -> str:
    def x(moment: float) -> float:
        return left + (moment - first) * scale

    name, _, rest = told(bar).removesuffix(".").rpartition(": ")
    label = labelled(name, rest)
    shapes = [tag("text", label, x=left, y=top + 15)]
    start = bar.start if bar.start is not None else bar.end if bar.end is not None else last
    if bar.queued is not None:
        width = max(x(start) - x(bar.queued), 1)
        shapes.append(rect(x(bar.queued), top + 22, width, 12, fill="url(#hatch-timeline)", class_="wait"))
    if bar.start is not None:
        end = bar.end if bar.end is not None else last
        look = STATES.get(bar.span.state, "bad")
        shapes.append(rect(x(bar.start), top + 22, max(x(end) - x(bar.start), 2), 12, rx=2, class_=f"ran {look}"))
    return titled(told(bar), *shapes)


def _axis(first: float, last: float, scale: float, height: float) -> Iterator[str]:
    step = tick(last - first)
    for index in range(int((last - first) / step) + 1):
        x = LEFT + index * step * scale
        yield tag("path", d=f"M{x:.1f} 0V{height - 26}", class_="grid")
        anchor = "start" if index == 0 else "end" if x > WIDTH - 40 else "middle"
        label = when(_iso(first)) if index == 0 else f"+{duration(index * step)}"
        if index == 0 or x > 190:  # the first label says the date and needs the room
            yield text(x, height - 8, label, text_anchor=anchor, class_="small")


def tick(span: float) -> float:
    """Seconds between grid lines: a round number that gives three to six of them."""
    choices: Sequence[float] = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400)
    return next((choice for choice in choices if span / choice <= 6), max(span // 5 // 86400, 1) * 86400)


def _bar(span: Span) -> Bar:
    return Bar(span, *(_seconds(text) for text in (span.queued, span.start, span.end)))


def _seconds(iso: str) -> float | None:
    moment = instant(iso)
    return moment.timestamp() if moment else None


def _iso(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat()
