"""Where does each node of a lineage go? Layers left to right, few crossings; small, bounded, always the same."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.scorecard import Edge, Node

NODES, TALL, DEEP = 48, 10, 7
"""Nodes that a picture draws at most; nodes in one layer before the rest is folded into one; layers."""

_SWEEPS = 4


@dataclass(frozen=True)
class Layout:
    """Nodes by layer, top to bottom; edges between them, first come first; how many nodes are not drawn."""

    layers: tuple[tuple[Node, ...], ...]
    edges: tuple[Edge, ...]
    left: int


def layout(nodes: Sequence[Node], edges: Sequence[Edge]) -> Layout:
    """The graph around `this-run`. Edges that close a cycle are drawn, but do not push layers apart."""
    known = {node.id: node for node in nodes}
    real = list(
        dict.fromkeys(edge for edge in edges if edge.source in known and edge.target in known and edge.source != edge.target)
    )
    near = _near(known, real)
    depth = _depths(near, [edge for edge in real if edge.source in near and edge.target in near])
    near = _window(known, near, depth)
    real = [edge for edge in real if edge.source in near and edge.target in near]
    layers = _ordered(near, real, depth)
    return _folded([[known[i] for i in layer] for layer in layers], real, len(known) - len(near))


def _near(known: Mapping[str, Node], edges: Sequence[Edge]) -> list[str]:
    """Node ids nearest to this run, breadth first, in the order given; the others follow while there is room."""
    beside: dict[str, list[str]] = {i: [] for i in known}
    for edge in edges:
        beside[edge.source].append(edge.target)
        beside[edge.target].append(edge.source)
    start = [n.id for n in known.values() if n.kind == "this-run"]
    seen = dict.fromkeys(start)
    queue = deque(start)
    while queue:
        for other in beside[queue.popleft()]:
            if other not in seen:
                seen[other] = None
                queue.append(other)
    chosen = set(list(dict.fromkeys([*seen, *known]))[:NODES])
    return [i for i in known if i in chosen]


def _window(known: Mapping[str, Node], ids: Sequence[str], depth: dict[str, int]) -> list[str]:
    """The layers around this run, renumbered from 0 in `depth`."""
    middle = next((depth[i] for i in ids if known[i].kind == "this-run"), 0)
    last = max(depth.values(), default=0)
    first = max(min(middle - DEEP // 2, last - DEEP + 1), 0)
    kept = [i for i in ids if first <= depth[i] < first + DEEP]
    for i in kept:
        depth[i] -= first
    return kept


def _depths(ids: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Longest path from a source, back edges left out."""
    after: dict[str, list[str]] = {i: [] for i in ids}
    for edge in edges:
        after[edge.source].append(edge.target)
    order, forward = _walk(ids, after)
    depth = dict.fromkeys(ids, 0)
    for i in reversed(order):
        for target in forward[i]:
            depth[target] = max(depth[target], depth[i] + 1)
    return depth


def _walk(ids: Sequence[str], after: Mapping[str, Sequence[str]]) -> tuple[list[str], dict[str, list[str]]]:
    """Depth first without recursion: nodes in post-order, and the edges that do not lead back."""
    state: dict[str, int] = {}
    order: list[str] = []
    forward: dict[str, list[str]] = {i: [] for i in ids}
    for root in ids:
        stack = [(root, iter(after[root]))] if root not in state else []
        state.setdefault(root, 1)
        while stack:
            here, targets = stack[-1]
            target = next(targets, None)
            if target is None:
                state[here] = 2
                order.append(here)
                stack.pop()
            elif target not in state:
                forward[here].append(target)
                state[target] = 1
                stack.append((target, iter(after[target])))
            elif state[target] == 2:
                forward[here].append(target)
    return order, forward


def _ordered(ids: Sequence[str], edges: Sequence[Edge], depth: Mapping[str, int]) -> list[list[str]]:
    """Each layer sorted by the mean place of its neighbours, a few sweeps there and back."""
    layers: list[list[str]] = [[] for _ in range(max((depth[i] for i in ids), default=-1) + 1)]
    for i in ids:
        layers[depth[i]].append(i)
    beside: dict[str, list[str]] = {i: [] for i in ids}
    for edge in edges:
        beside[edge.source].append(edge.target)
        beside[edge.target].append(edge.source)
    for _ in range(_SWEEPS):
        for layer in (*layers, *reversed(layers)):
            place = {i: index / max(len(row), 1) for row in layers for index, i in enumerate(row)}
            middle = {i: sum(place[n] for n in beside[i]) / len(beside[i]) if beside[i] else place[i] for i in layer}
            layer.sort(key=lambda i: (middle[i], place[i]))
    return layers


def _folded(layers: list[list[Node]], edges: Sequence[Edge], left: int) -> Layout:
    """Tall layers end in one node that stands for the rest."""
    becomes: dict[str, str] = {}
    shown = []
    for depth, layer in enumerate(layers):
        if len(layer) <= TALL:
            shown.append(tuple(layer))
            continue
        first = [n for n in layer if n.kind == "this-run"]
        kept = [n for n in layer if n in (*first, *[n for n in layer if n not in first][: TALL - 1 - len(first)])]
        rest = Node(f"more\0{depth}", "more", f"{len(layer) - len(kept):,} more")
        becomes |= {n.id: rest.id for n in layer if n not in kept}
        shown.append((*kept, rest))
    drawn = dict.fromkeys(Edge(becomes.get(e.source, e.source), becomes.get(e.target, e.target)) for e in edges)
    return Layout(tuple(shown), tuple(drawn), left)
