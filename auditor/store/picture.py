"""Where did this run's data come from and go to, as a picture? Nodes and edges, the nearest first, the rest summed up."""

from __future__ import annotations

import hashlib
import posixpath
from collections import defaultdict, deque
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from auditor.campaign import Held
from auditor.scorecard import Edge, Node

if TYPE_CHECKING:
    from auditor.store.facts import Facts
    from auditor.store.graph import Use
    from auditor.store.relate import Neighbourhood

MAX_NODES = 60
OWN = 6
"""Files of this run that no other run knows, and its data sets: so many of each role, at most."""


class Drawing:
    """What is drawn so far. A file is a place with a content: the same bytes elsewhere, or other bytes there, are another file."""

    def __init__(self, me: Facts) -> None:
        self.nodes: dict[str, Node] = {me.id: Node(me.id, "this-run", _name(me))}
        self.edges: dict[Edge, None] = {}

    def node(self, key: str, kind: str, label: str) -> str:
        self.nodes.setdefault(key, Node(key, kind, label))
        return key

    def join(self, *way: str) -> None:
        self.edges.update((Edge(a, b), None) for a, b in pairwise(way))


def draw(around: Neighbourhood, datasets: Sequence[Held] = ()) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    """At most MAX_NODES nodes; edges run from a file to its reader, from a run to what it made, and from content to its copy elsewhere."""
    drawing = Drawing(around.centre)
    shown = _links(around, drawing, MAX_NODES - 3 * (OWN + 1) - 1)
    _own_files(around, drawing)
    _datasets(around, datasets, drawing)
    hidden = {n for maker, reader, _ in around.links for n in (maker, reader)} - shown
    if hidden:
        drawing.node("more-runs", "run", f"and {len(hidden)} more runs")
    return tuple(drawing.nodes.values()), tuple(drawing.edges)


def _links(around: Neighbourhood, drawing: Drawing, room: int) -> set[int]:
    """Runs joined by data and the files between them, as long as there is room; the numbers of those runs."""
    shown = {around.centre.no}
    made: dict[tuple[int, str], list[Use]] = defaultdict(list)
    for use in sorted(around.uses, key=lambda u: (u.path, u.sha256)):
        if use.role == "output":
            made[use.run, use.sha256].append(use)
    for maker, reader, use in _nearest_first(around):
        ends = (around.runs[maker], around.runs[reader])
        files = _way(made[maker, use.sha256], use, ends)
        new = {ends[0].id, ends[1].id, *(key for key, _ in files)} - set(drawing.nodes)
        if len(drawing.nodes) + len(new) > room or not shown & {maker, reader}:
            continue
        shown |= {maker, reader}
        for run in ends:
            drawing.node(run.id, "run", _name(run))
        drawing.join(ends[0].id, *(drawing.node(key, "file", path) for key, path in files), ends[1].id)
    return shown


def _way(made: Sequence[Use], read: Use, ends: tuple[Facts, Facts]) -> tuple[tuple[str, str], ...]:
    """(key, path) of the file between two runs; of two where the reader read a copy of what the maker made."""
    there = _key(read, ends[1])
    if not made or there in {_key(use, ends[0]) for use in made}:
        return ((there, read.path),)
    return ((_key(made[0], ends[0]), made[0].path), (there, read.path))


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


def _own_files(around: Neighbourhood, drawing: Drawing) -> None:
    mine: dict[str, dict[str, str]] = defaultdict(dict)
    me = around.centre
    for use in sorted(around.uses, key=lambda u: (u.path, u.sha256)):
        if use.run == me.no and _key(use, me) not in drawing.nodes:
            mine[use.role].setdefault(_key(use, me), use.path)
    for role, files in sorted(mine.items()):
        keys = [drawing.node(key, "file", path) for key, path in list(files.items())[:OWN]]
        if len(files) > OWN:
            keys.append(drawing.node(f"more-{role}", "file", f"and {len(files) - OWN} more {role}s"))
        for key in keys:
            drawing.join(*((me.id, key) if role == "output" else (key, me.id)))


def _datasets(around: Neighbourhood, datasets: Sequence[Held], drawing: Drawing) -> None:
    """This run's registered data sets, and which of the other runs that are drawn read the same."""
    me = around.centre
    own = {_set_key(held): _label(held) for held in datasets if held.run_id == me.id}
    for key, label in list(own.items())[:OWN]:
        drawing.node(key, "dataset", label)
    for held in datasets:
        if _set_key(held) in drawing.nodes and held.run_id in drawing.nodes:
            drawing.join(_set_key(held), held.run_id)
    if len(own) > OWN:
        drawing.join(drawing.node("more-dataset", "dataset", f"and {len(own) - OWN} more data sets"), me.id)


def _set_key(held: Held) -> str:
    """What differs from its registration is no other run's data."""
    same = held.state == "unchanged" and held.digest
    words = (held.digest,) if same else (held.name, held.digest, held.part, held.state, held.run_id)
    return f"dataset-{_short(words)}"


def _label(held: Held) -> str:
    name = " ".join(filter(None, (held.name, held.version, held.part)))
    return name if held.state == "unchanged" else f"{name} ({held.state})"


def _key(use: Use, run: Facts) -> str:
    place = posixpath.normpath(posixpath.join(run.workdir, use.path))
    return f"file-{use.sha256[:16]}-{_short((place,))}"


def _short(words: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _name(run: Facts) -> str:
    return f"{run.name or 'run'} ({run.job_id})"
