"""Where did this run's data come from and go to, as a picture? Nodes and edges, the nearest first, the rest summed up."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING

from auditor.scorecard import Edge, Node

if TYPE_CHECKING:
    from auditor.store.facts import Facts
    from auditor.store.graph import Use
    from auditor.store.relate import Neighbourhood

MAX_NODES = 60
OWN_FILES = 6
"""Files of this run that no other run knows: so many of each role, at most."""


def draw(around: Neighbourhood) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """At most MAX_NODES nodes; edges run from a file to its reader and from a run to what it made."""
    me = around.centre
    nodes: dict[str, Node] = {me.id: Node(me.id, "this-run", _name(me))}
    edges: dict[Edge, None] = {}
    shown = {me.no}
    room = MAX_NODES - 2 * (OWN_FILES + 1) - 1
    for maker, reader, use in _nearest_first(around):
        ends = (around.runs[maker], around.runs[reader])
        new = {ends[0].id, ends[1].id, _key(use)} - set(nodes)
        if len(nodes) + len(new) > room or not shown & {maker, reader}:
            continue
        shown |= {maker, reader}
        for run in ends:
            nodes.setdefault(run.id, Node(run.id, "run", _name(run)))
        nodes.setdefault(_key(use), Node(_key(use), "file", use.path))
        edges[Edge(ends[0].id, _key(use))] = None
        edges[Edge(_key(use), ends[1].id)] = None
    _own_files(around, nodes, edges)
    hidden = {n for maker, reader, _ in around.links for n in (maker, reader)} - shown
    if hidden:
        nodes["more-runs"] = Node("more-runs", "run", f"and {len(hidden)} more runs")
    return tuple(nodes.values()), tuple(edges)


def _nearest_first(around: Neighbourhood) -> list[tuple[int, int, Use]]:
    """Links by how many hops they lie from this run; those of runs it is not joined to come last."""
    beside: dict[int, set[int]] = defaultdict(set)
    for maker, reader, _ in around.links:
        beside[maker].add(reader)
        beside[reader].add(maker)
    hops, queue = {around.centre.no: 0}, deque([around.centre.no])
    while queue:
        no = queue.popleft()
        for other in beside[no] - set(hops):
            hops[other] = hops[no] + 1
            queue.append(other)
    far = len(hops) + 1
    return sorted(around.links, key=lambda k: min(hops.get(k[0], far), hops.get(k[1], far)))


def _own_files(around: Neighbourhood, nodes: dict[str, Node], edges: dict[Edge, None]) -> None:
    mine: dict[str, list[Use]] = defaultdict(list)
    for use in sorted(around.uses, key=lambda u: (u.path, u.sha256)):
        if use.run == around.centre.no and _key(use) not in nodes:
            mine[use.role].append(use)
    for role, uses in sorted(mine.items()):
        keys = list(dict.fromkeys((_key(u), u.path) for u in uses))
        for key, path in keys[:OWN_FILES]:
            nodes.setdefault(key, Node(key, "file", path))
            edges[_edge(around.centre, key, role)] = None
        if len(keys) > OWN_FILES:
            nodes[f"more-{role}"] = Node(f"more-{role}", "file", f"and {len(keys) - OWN_FILES} more {role}s")
            edges[_edge(around.centre, f"more-{role}", role)] = None


def _edge(me: Facts, key: str, role: str) -> Edge:
    return Edge(me.id, key) if role == "output" else Edge(key, me.id)


def _key(use: Use) -> str:
    return f"file-{use.sha256[:16]}"


def _name(run: Facts) -> str:
    return f"{run.name or 'run'} ({run.job_id})"
