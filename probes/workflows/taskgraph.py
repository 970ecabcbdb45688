"""What shape has the graph of a run's tasks: who waits for whom, how wide, how deep, and which names come around again?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from probes.workflows import Task
from probes.workflows.record import GroupLink

MAX_EDGES = 1_000_000
MAX_STEPS = 5_000_000
"""Of the count of iterations: names on a loop x edges."""
MAX_LOOPS = 20


@dataclass(frozen=True)
class Graph:
    """edges: (earlier, later) → `file` or `dependency`, positions in the sequence of tasks. order: topological, without what lies on a cycle.

    whole: False where there are more than MAX_EDGES, of which the first are kept.
    """

    names: tuple[str, ...]
    edges: Mapping[tuple[int, int], str]
    order: tuple[int, ...]
    levels: Mapping[int, int]
    whole: bool = True

    @property
    def cyclic(self) -> bool:
        return len(self.order) < len(self.names)

    @property
    def width(self) -> int:
        return max(Counter(self.levels.values()).values(), default=0)

    @property
    def depth(self) -> int:
        return max(self.levels.values(), default=-1) + 1


def graph(tasks: Sequence[Task]) -> Graph:
    """Edges by what a task says it needs, and by files that one made and another read."""
    number = {task.id: n for n, task in enumerate(tasks)}
    makers: dict[str, list[int]] = defaultdict(list)
    for n, task in enumerate(tasks):
        for file in task.files:
            if file.role == "output":
                makers[file.path].append(n)
    edges: dict[tuple[int, int], str] = {}
    whole = True
    for told, (edge, by) in enumerate(_edges(tasks, number, makers)):
        if told >= MAX_EDGES:  # thousands of tasks that write and read one file are joined each to each
            whole = False
            break
        edges[edge] = by
    order, levels = _sorted(len(tasks), edges)
    return Graph(tuple(t.name for t in tasks), edges, order, levels, whole)


def _edges(
    tasks: Sequence[Task], number: Mapping[str, int], makers: Mapping[str, list[int]]
) -> Iterator[tuple[tuple[int, int], str]]:
    """What is said twice comes twice, and that a file joins them comes last."""
    for n, task in enumerate(tasks):
        yield from (((number[i], n), "dependency") for i in task.needs if i in number and number[i] != n)
        for file in task.files:
            if file.role == "input":
                yield from (((maker, n), "file") for maker in makers.get(file.path, ()) if maker != n)


def links(found: Graph) -> tuple[GroupLink, ...]:
    """Between names, the most frequent first; a name may follow itself."""
    count = Counter((found.names[a], found.names[b], by) for (a, b), by in found.edges.items())
    return tuple(GroupLink(a, b, n, by) for (a, b, by), n in sorted(count.items(), key=lambda c: (-c[1], c[0])))


def loops(found: Graph) -> tuple[tuple[tuple[str, ...], int | None], ...]:
    """(names that come around again, how often at most along one path). None: too large to count."""
    after: dict[str, set[str]] = defaultdict(set)
    for a, b in found.edges:
        after[found.names[a]].add(found.names[b])
    names = dict.fromkeys(found.names)
    rings = [ring for ring in _components(names, after) if len(ring) > 1 or ring[0] in after[ring[0]]][:MAX_LOOPS]
    return tuple((ring, _rounds(found, ring)) for ring in rings)


def _rounds(found: Graph, ring: tuple[str, ...]) -> int | None:
    if len(ring) * len(found.edges) > MAX_STEPS:
        return None
    before: dict[int, list[int]] = defaultdict(list)
    for a, b in found.edges:
        before[b].append(a)
    most = 0
    for name in ring:
        count: dict[int, int] = {}
        for n in found.order:
            count[n] = max((count[p] for p in before[n] if p in count), default=0) + (found.names[n] == name)
        most = max(most, max(count.values(), default=0))
    return most


def _sorted(total: int, edges: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], dict[int, int]]:
    """Kahn's order, and for each task the length of the longest way to it."""
    after: dict[int, list[int]] = defaultdict(list)
    missing = [0] * total
    for a, b in edges:
        after[a].append(b)
        missing[b] += 1
    levels = {n: 0 for n in range(total) if not missing[n]}
    order = list(levels)
    for n in order:  # grows while it is read
        for m in after[n]:
            levels[m] = max(levels.get(m, 0), levels[n] + 1)
            missing[m] -= 1
            if not missing[m]:
                order.append(m)
    return tuple(order), {n: levels[n] for n in order}


def _components(names: Iterable[str], after: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """Strongly connected names, each set in the order in which they first occur (Tarjan 1972, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    found: list[tuple[str, ...]] = []
    position = {name: n for n, name in enumerate(names)}
    for root in position:
        if root in index:
            continue
        work = [(root, iter(sorted(after.get(root, ()), key=position.__getitem__)))]
        index[root] = low[root] = len(index)
        stack.append(root)
        waiting.add(root)
        while work:
            here, rest = work[-1]
            child = next((c for c in rest if c not in index or c in waiting), None)
            if child is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[here])
                if low[here] == index[here]:
                    cut = stack.index(here)
                    found.append(tuple(sorted(stack[cut:], key=position.__getitem__)))
                    waiting.difference_update(stack[cut:])
                    del stack[cut:]
            elif child in index:
                low[here] = min(low[here], index[child])
            else:
                index[child] = low[child] = len(index)
                stack.append(child)
                waiting.add(child)
                work.append((child, iter(sorted(after.get(child, ()), key=position.__getitem__))))
    return found
