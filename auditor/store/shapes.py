"""What does the group look like from one run: siblings, loops, look-alikes? Pure; the campaign that tips read."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from auditor.campaign import Campaign, Family, Held, Link, Sibling, Touch

if TYPE_CHECKING:
    from auditor.store.facts import Facts
    from auditor.store.relate import Neighbourhood

SWEEP = timedelta(days=1)
"""Look-alikes submitted further apart than this are no sweep that one array could replace."""

MAX_LINKS, FILES_A_PAIR = 1000, 5

Graph = Mapping[int, set[int]]


def build(around: Neighbourhood) -> Campaign:
    """The neighbourhood in the words of auditor.campaign."""
    runs, me = around.runs, around.centre
    down, up = directed((a, b) for a, b, _ in around.links)
    waits_down, waits_up = directed((*((a, b) for a, b, _ in around.links), *around.waits))
    bound = reach(waits_down, me.no) | reach(waits_up, me.no)
    iterations, cycle = _loop(me, runs, down, up)
    waited: dict[int, list[str]] = defaultdict(list)
    for earlier, later in around.waits:
        waited[later].append(runs[earlier].job_id)
    others = sorted((f for f in runs.values() if f.no != me.no and not f.is_array), key=lambda f: (f.submitted, f.job_id, f.id))
    return Campaign(
        run_id=me.id,
        why=tuple(sorted(around.why)),
        siblings=tuple(sibling(f, waited[f.no]) for f in others),
        links=_links(around),
        array_size=around.array_size,
        array_throttle=me.throttle,
        iterations=iterations,
        cycle=tuple(runs[no].id for no in cycle),
        lookalikes=tuple(f.id for f in around.lookalikes if f.no not in bound and alike(f, me)),
    )


def family(around: Neighbourhood, datasets: tuple[Held, ...] = ()) -> Family:
    """The neighbourhood as runs and the files they touched; arrays stand for their tasks and are left out."""
    others = sorted(
        (f for f in around.runs.values() if not f.is_array), key=lambda f: (f.no != around.centre.no, f.submitted, f.id)
    )
    known = {f.no: f.id for f in others}
    touches = {Touch(known[u.run], u.role, u.path, u.sha256) for u in around.uses if u.run in known}
    return Family(
        tuple(sibling(f, ()) for f in others),
        tuple(sorted(touches, key=lambda t: (t.run_id, t.role, t.path, t.sha256))),
        datasets,
    )


def _links(around: Neighbourhood) -> tuple[Link, ...]:
    """A few files for each pair of runs are enough to show that data binds them."""
    count: dict[tuple[int, int], int] = defaultdict(int)
    found: list[Link] = []
    for a, b, use in around.links:
        count[a, b] += 1
        if count[a, b] <= FILES_A_PAIR and len(found) < MAX_LINKS:
            found.append(Link(around.runs[a].id, around.runs[b].id, use.path, use.sha256))
    return tuple(found)


def sibling(f: Facts, waited: Iterable[str]) -> Sibling:
    return Sibling(
        f.id, f.job_id, f.name, f.state, f.submission, f.command, f.submitted, f.started, f.ended, f.partition, ":".join(sorted(waited)),
        f.core_seconds, f.shape,
    )  # fmt: skip


def alike(other: Facts, me: Facts) -> bool:
    """One user's other submission of the same day that differs in numbers, and in nothing but numbers."""
    if (
        other.user != me.user
        or other.command != me.command
        or other.id == me.id
        or (me.submission and other.submission == me.submission)
    ):
        return False
    same = other.argv == me.argv and other.script_no == me.script_no
    return not same and _near(other.submitted, me.submitted)


def _near(one: str, two: str) -> bool:
    try:
        return abs(datetime.fromisoformat(one) - datetime.fromisoformat(two)) <= SWEEP
    except (ValueError, TypeError):  # a time is not known
        return False


def directed(pairs: Iterable[tuple[int, int]]) -> tuple[Graph, Graph]:
    down: dict[int, set[int]] = defaultdict(set)
    up: dict[int, set[int]] = defaultdict(set)
    for a, b in pairs:
        down[a].add(b)
        up[b].add(a)
    return down, up


def reach(graph: Graph, start: int) -> set[int]:
    seen: set[int] = set()
    queue = [start]
    while queue:
        new = graph.get(queue.pop(), set()) - seen
        seen |= new
        queue += new
    return seen


def _loop(me: Facts, runs: Mapping[int, Facts], down: Graph, up: Graph) -> tuple[int, tuple[int, ...]]:
    """How often this run's code recurs on the longest data path through it, and one turn of that path."""
    twins = {f.no for f in runs.values() if code(f) == code(me)} if any(code(me)) else {me.no}
    order = rank(runs.values())
    iterations = longest(up, me.no, twins, order) + longest(down, me.no, twins, order) - 1
    before = path(up, me.no, twins, order)
    return iterations, tuple(reversed(before)) if before else path(down, me.no, twins, order)


def rank(runs: Iterable[Facts]) -> dict[int, int]:
    """Run numbers in an order that does not depend on when the store came to know them."""
    ordered = sorted(runs, key=lambda f: (f.submitted, f.job_id, f.id))
    return {f.no: place for place, f in enumerate(ordered)}


def code(f: Facts) -> tuple[str, tuple[str, ...]]:
    return f.shape or f.command, f.arguments


def longest(graph: Graph, start: int, counted: set[int], order: Mapping[int, int], best: dict[int, int] | None = None) -> int:
    """Most counted runs on a path from `start`; an edge back into the path (equal times, equal content) is not followed.

    best: what is known of other starts, added to here.
    """
    best = {} if best is None else best
    stack, open_ = [start], set[int]()
    while stack:
        no = stack[-1]
        if no in best:
            stack.pop()
        elif no in open_:
            after = [best[n] for n in graph.get(no, ()) if n in best]
            best[no] = (no in counted) + max(after, default=0)
            open_.discard(no)
            stack.pop()
        else:
            open_.add(no)
            stack += sorted((n for n in graph.get(no, ()) if n not in best and n not in open_), key=order.__getitem__)
    return best[start]


def path(graph: Graph, start: int, goals: set[int], order: Mapping[int, int]) -> tuple[int, ...]:
    """The shortest way from `start` to another of the goals, both ends included; empty when there is none."""
    came: dict[int, int] = {start: start}
    queue = deque([start])
    while queue:
        no = queue.popleft()
        if no in goals and no != start:
            way = [no]
            while way[-1] != start:
                way.append(came[way[-1]])
            return tuple(reversed(way))
        for after in sorted(graph.get(no, ()), key=order.__getitem__):
            if after not in came:
                came[after] = no
                queue.append(after)
    return ()
