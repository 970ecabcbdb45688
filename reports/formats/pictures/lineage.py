"""What went into this run, and what came of it?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.scorecard import Edge, Node, Scorecard
from reports.formats.clean import tidy
from reports.formats.pictures.alone import alone
from reports.formats.pictures.layers import Layout, layout
from reports.formats.pictures.svg import folded, picture, rect, tag, text, titled
from reports.formats.words import count

WIDTH, HIGH, DOWN, MARGIN = 980, 40, 12, 8
BACK = 34
"""How far an edge that leads back hangs down."""

KINDS = {"this-run": "this run", "run": "run", "file": "file", "dataset": "data set", "more": "not drawn"}


@dataclass(frozen=True)
class Grid:
    """Where boxes go: width of a box, distance from one layer to the next, size of the picture."""

    box: float
    step: float
    width: float
    height: float


def lineage(card: Scorecard) -> str:
    """Files and runs in layers, left to right along the data. Empty text when no data is known."""
    return _drawn(card.story.nodes, card.story.edges)


def draw(nodes: Sequence[Node], edges: Sequence[Edge]) -> str:
    """The same picture of any lineage as an SVG document of its own. Empty text when there are no edges."""
    drawn = _drawn(tidy(tuple(nodes)), tuple(edges))
    return alone(drawn) if drawn else ""


def _drawn(nodes: Sequence[Node], edges: Sequence[Edge]) -> str:
    return chart("lineage", "Lineage of the data", nodes, edges) if edges else ""


def chart(name: str, title: str, nodes: Sequence[Node], edges: Sequence[Edge], said: str = "") -> str:
    """Boxes in layers, joined by arrows. name: makes ids unique in the page; said: the graph in words."""
    plan = layout(nodes, edges)
    grid = _grid(plan)
    where = _places(plan, grid)
    shapes = [_edge(where[e.source], where[e.target], grid.box, name) for e in plan.edges]
    boxes = [_box(node, *where[node.id], grid.box) for layer in plan.layers for node in layer]
    words = said or told(nodes, edges, plan.left)
    below = BACK if any("edge back" in shape for shape in shapes) else 0
    return picture(name, grid.width, grid.height + below, title, words, [_arrow(name), *shapes, *boxes])


def told(nodes: Sequence[Node], edges: Sequence[Edge], left: int) -> str:
    """The graph in one sentence, and how many nodes are not drawn."""
    files, sets = (sum(node.kind == kind for node in nodes) for kind in ("file", "dataset"))
    runs = len(nodes) - files - sets
    known = f" and {count(sets, 'data set')}" if sets else ""
    rest = f" {count(left, 'node')} farther away, not drawn." if left else ""
    joined = f"{count(runs, 'run')} and {count(files, 'file')}{known}, joined by {count(len(edges), 'step')} of data"
    return f"{joined}, left to right.{rest}"


def _grid(plan: Layout) -> Grid:
    """Few layers get wide boxes, many get narrow ones, so that a page's width is enough."""
    deep = max(len(plan.layers), 1)
    step = min((WIDTH - 2 * MARGIN) / deep, 236)
    box = step * 0.8
    tall = max(map(len, plan.layers), default=1)
    return Grid(box, step, deep * step - (step - box) + 2 * MARGIN, tall * (HIGH + DOWN) - DOWN + 2 * MARGIN)


def _places(plan: Layout, grid: Grid) -> dict[str, tuple[float, float]]:
    """Left top corner of every box; layers are centred over the height."""
    places = {}
    for depth, layer in enumerate(plan.layers):
        top = (grid.height - len(layer) * (HIGH + DOWN) + DOWN) / 2
        for index, node in enumerate(layer):
            places[node.id] = (MARGIN + depth * grid.step, top + index * (HIGH + DOWN))
    return places


def _edge(source: tuple[float, float], target: tuple[float, float], box: float, name: str) -> str:
    ax, ay, bx, by = source[0] + box, source[1] + HIGH / 2, target[0] - 3, target[1] + HIGH / 2
    if bx > ax:
        bend = (bx - ax) / 2
        line = f"M{ax:.1f} {ay:.1f}C{ax + bend:.1f} {ay:.1f} {bx - bend:.1f} {by:.1f} {bx:.1f} {by:.1f}"
        return tag("path", d=line, class_="edge", marker_end=f"url(#arrow-{name})")
    # back to an earlier layer, or within one: from below to below, dashed
    ax, ay, bx, by = source[0] + box / 2, source[1] + HIGH, target[0] + box / 2, target[1] + HIGH + 3
    low = max(ay, by) + BACK
    line = f"M{ax:.1f} {ay:.1f}C{ax:.1f} {low:.1f} {bx:.1f} {low:.1f} {bx:.1f} {by:.1f}"
    return tag("path", d=line, class_="edge back", marker_end=f"url(#arrow-{name})")


def _box(node: Node, x: float, y: float, box: float) -> str:
    lines = folded(node.label or node.id, int((box - 12) / 6.8))
    first = y + HIGH / 2 + 4.5 - 7 * (len(lines) - 1)
    label = "".join(
        text(x + box / 2, first + 14 * index, words, text_anchor="middle", class_=f"on-{_look(node)}")
        for index, words in enumerate(lines)
    )
    name = f"{KINDS[_look(node)]}: {node.label}"
    if _look(node) == "dataset":
        return titled(name, *_drum(x, y, box), label)
    if _look(node) != "file":
        return titled(name, rect(x, y, box, HIGH, rx=20, class_=f"node {_look(node)}"), label)
    fold = f"M{x:.1f} {y:.1f}h{box - 10:.1f}l10 10v{HIGH - 10}h-{box:.1f}z"
    corner = f"M{x + box - 10:.1f} {y:.1f}v10h10"
    return titled(name, tag("path", d=fold, class_="node file"), tag("path", d=corner, class_="corner"), label)


def _drum(x: float, y: float, box: float) -> tuple[str, str]:
    """A box that stands for many files."""
    lid = f"a{box / 2:.1f} 5 0 0 0 {box:.1f} 0"
    whole = f"M{x:.1f} {y + 5:.1f}v{HIGH - 10}{lid}v{10 - HIGH}a{box / 2:.1f} 5 0 0 0 {-box:.1f} 0z"
    return tag("path", d=whole, class_="node file"), tag("path", d=f"M{x:.1f} {y + 5:.1f}{lid}", class_="corner")


def _look(node: Node) -> str:
    return node.kind if node.kind in KINDS else "run"  # never a stranger's word in a class


def _arrow(name: str) -> str:
    head = '<path d="M0 0L8 4L0 8Z" class="head"/>'
    return f'<marker id="arrow-{name}" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="7" markerHeight="7" orient="auto">{head}</marker>'
