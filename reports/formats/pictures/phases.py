"""When was each phase of a campaign at work, and how many runs at once?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditor.campaign import CampaignRecord, Member
from reports.formats.pictures.svg import labelled, number, picture, rect, tag, text, titled
from reports.formats.pictures.timeline import tick
from reports.formats.words import count, duration, instant, when

WIDTH, LEFT, LANE, HIGH, TOP = 960, 2, 66, 36, 24
BINS = 320
UNSAID = "phase not said"
MIXED = "several phases"


def phases(record: CampaignRecord) -> str:
    """A lane a phase; the height of its shape is how many of its runs ran at that time (each lane has a scale of its own), a mark below it
    is the end of a run that did not succeed. Empty text when no time is known."""
    lanes = [(name, spans) for name, runs in of_phase(record) if (spans := [s for run in runs if (s := _span(run))])]
    if not lanes:
        return ""
    first = min(start for _, spans in lanes for start, _, _ in spans)
    last = max(end for _, spans in lanes for _, end, _ in spans)
    scale = (WIDTH - 2 * LEFT) / max(last - first, 1)
    height = len(lanes) * LANE + 30
    shapes = [_lane(name, spans, index * LANE, first, last, scale) for index, (name, spans) in enumerate(lanes)]
    said = " ".join(f"{name}: {told(spans)}." for name, spans in lanes)
    return picture("phases", WIDTH, height, "Phases over time", said, [*_axis(first, last, scale, height), *shapes])


def of_phase(record: CampaignRecord) -> list[tuple[str, list[Member]]]:
    """Runs by phase, in the order of work; those of several and those of which nothing is said come last."""
    lanes: dict[str, list[Member]] = {name: [] for name in (*(p.phase for p in record.phases), MIXED, UNSAID)}
    for run in record.members:
        name = UNSAID if not run.phases else MIXED if len(run.phases) > 1 else run.phases[0]
        lanes.setdefault(name, []).append(run)
    return [(name, runs) for name, runs in lanes.items() if runs]


Span = tuple[float, float, bool]
"""Start, end, did it succeed (or is it still going on)?"""


def _span(run: Member) -> Span | None:
    start, end = instant(run.started), instant(run.ended)
    if start is None or end is None or end < start:
        return None
    return start.timestamp(), end.timestamp(), run.outcome in ("succeeded", "going")


def told(spans: Sequence[Span]) -> str:
    """`12 runs, at most 4 at once, over 3 h 20 min`."""
    took = max(end for _, end, _ in spans) - min(start for start, _, _ in spans)
    bad = sum(not good for _, _, good in spans)
    lost = f", {bad:,} did not succeed" if bad else ""
    return f"{count(len(spans), 'run')}, at most {_peak(spans):,} at once, over {duration(took)}{lost}"


def _peak(spans: Sequence[Span]) -> int:
    now = most = 0
    for _, change in sorted([(s, 1) for s, _, _ in spans] + [(e, -1) for _, e, _ in spans]):
        now += change
        most = max(most, now)
    return max(most, 1)


def _lane(name: str, spans: Sequence[Span], top: float, first: float, last: float, scale: float) -> str:
    bottom = top + TOP + HIGH
    width = max(last - first, 1) / BINS
    heights = _heights(spans, first, width)
    tallest = max(*heights, 1e-9)
    points = [f"M{number(LEFT)} {number(bottom)}"]
    for index, high in enumerate(heights):
        y = bottom - HIGH * high / tallest
        x, after = LEFT + index * width * scale, LEFT + (index + 1) * width * scale
        points.append(f"L{number(x)} {number(y)}L{number(after)} {number(y)}")
    points.append(f"L{number(WIDTH - LEFT)} {number(bottom)}Z")
    marks = sorted({round(LEFT + (end - first) * scale) for _, end, good in spans if not good})[:BINS]
    lost = [rect(x - 1.5, bottom + 1, 3, 4, class_="ran bad") for x in marks]
    label = tag("text", labelled(name, told(spans)), x=LEFT, y=top + 15)
    return titled(f"{name}: {told(spans)}", label, tag("path", d="".join(points), class_="ran busy"), *lost)


def _heights(spans: Sequence[Span], first: float, width: float) -> list[float]:
    """Mean number of runs in each of the equal parts of the time."""
    heights = [0.0] * BINS
    for start, end, _ in spans:
        low, high = (start - first) / width, max((end - first) / width, (start - first) / width + 0.3)
        for index in range(int(low), min(int(high) + 1, BINS)):
            heights[index] += max(0.0, min(high, index + 1) - max(low, index))
    return heights


def _axis(first: float, last: float, scale: float, height: float) -> Iterator[str]:
    from datetime import UTC, datetime

    step = tick(last - first)
    for index in range(int((last - first) / step) + 1):
        x = LEFT + index * step * scale
        yield tag("path", d=f"M{x:.1f} 0V{height - 24}", class_="grid")
        anchor = "start" if index == 0 else "end" if x > WIDTH - 40 else "middle"
        label = when(datetime.fromtimestamp(first, UTC).isoformat()) if index == 0 else f"+{duration(index * step)}"
        if index == 0 or x > 190:
            yield text(x, height - 8, label, text_anchor=anchor, class_="small")
