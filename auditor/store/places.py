"""What is each run's own place in a campaign? The same answer as for one run alone, for all of them at once. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from auditor.campaign import Campaign, Link, Sibling
from auditor.store import graph, shapes
from auditor.store.bonds import Bonds
from auditor.store.facts import Facts

Numbers = Mapping[int, set[int]]


class Places:
    """Runs of a campaign by number, what binds them, and the loops among them; worked out once, asked for each run.

    alike: runs outside of the campaign whose script has the shape of one in it.
    """

    def __init__(
        self, runs: Mapping[int, Facts], found: Bonds, sizes: Mapping[str, int], why: Iterable[str], alike: Iterable[Facts] = ()
    ) -> None:
        self.runs, self.sizes, self.why = runs, sizes, tuple(sorted(why))
        self.down, self.up = shapes.directed(found.data)
        joined = (*found.data, *found.waits, *found.engines)
        self._bound_down, self._bound_up = shapes.directed(joined)
        self._links, self._own = _links(found)
        self._more = len(found.links) > len(self._links)
        self.at = shapes.rank(runs.values())
        self.order = sorted(runs.values(), key=lambda f: self.at[f.no])
        waited: dict[int, list[str]] = defaultdict(list)
        for earlier, later in sorted(found.waits):
            waited[later].append(runs[earlier].job_id)
        self._siblings: list[Sibling] = [shapes.sibling(f, waited[f.no]) for f in self.order]
        self._twins: dict[object, set[int]] = defaultdict(set)
        for run in self.order:
            if any(shapes.code(run)):
                self._twins[shapes.code(run)].add(run.no)
        self._rounds = _rounds(self, self._twins.values())
        self.alike = _alike({f.no: f for f in (*alike, *runs.values())}.values())

    def of(self, no: int) -> Campaign:
        """This run's place; its siblings are the nearest in time, as many as one run's own campaign shows."""
        me, at = self.runs[no], self.at[no]
        first = max(0, min(at - graph.MAX_RUNS // 2, len(self.order) - graph.MAX_RUNS - 1))
        near = self._siblings[first : first + graph.MAX_RUNS + 1]
        del near[at - first]
        links = self._links
        if self._more:  # not all fit: a run's own come first
            links = [*self._own.get(no, ()), *(k for k in links if me.id not in (k.source, k.target))][: shapes.MAX_LINKS]
        return Campaign(
            run_id=me.id,
            why=self.why,
            siblings=tuple(near),
            links=tuple(links),
            array_size=self.sizes.get(array_of(me), 0),
            array_throttle=me.throttle,
            iterations=self._rounds.get(no, 1),
            cycle=self.cycle(no),
            lookalikes=tuple(f.id for f in self.lookalikes(no)),
        )

    def cycle(self, no: int) -> tuple[str, ...]:
        """Run ids of one turn of the loop through this run's code."""
        if self._rounds.get(no, 1) < 2:
            return ()
        twins = self._twins[shapes.code(self.runs[no])]
        before = shapes.path(self.up, no, twins, self.at)
        way = tuple(reversed(before)) if before else shapes.path(self.down, no, twins, self.at)
        return tuple(self.runs[n].id for n in way)

    def rounds(self) -> Mapping[int, int]:
        return self._rounds

    def lookalikes(self, no: int) -> list[Facts]:
        """Other submissions of the same work with other numbers, neither before nor after this one."""
        me = self.runs[no]
        alike = [f for f in self.alike.get(_kind(me), ()) if f.no != no and shapes.alike(f, me)] if me.shape else []
        if not alike:
            return []
        bound = shapes.reach(self._bound_down, no) | shapes.reach(self._bound_up, no)
        return [f for f in alike if f.no not in bound][: graph.MAX_RUNS]


def array_of(run: Facts) -> str:
    """`123 lab` for task 123_4 of cluster lab; empty: no task."""
    base, mark, _ = run.job_id.partition("_")
    return f"{base} {run.submission or run.cluster}" if mark else ""


def _kind(run: Facts) -> tuple[str, str, str]:
    return (run.user, run.command, run.shape)


def _alike(runs: Iterable[Facts]) -> dict[tuple[str, str, str], list[Facts]]:
    found: dict[tuple[str, str, str], list[Facts]] = defaultdict(list)
    for run in sorted(runs, key=lambda f: (f.submitted, f.job_id, f.id)):
        if run.shape and "_" not in run.job_id:
            found[_kind(run)].append(run)
    return found


def _links(found: Bonds) -> tuple[Sequence[Link], dict[int, list[Link]]]:
    """The first ones of the campaign, and those of each run."""
    own: dict[int, list[Link]] = defaultdict(list)
    for a, b, link in found.links:
        for no in (a, b):
            if len(own[no]) < shapes.MAX_LINKS:
                own[no].append(link)
    return [link for _, _, link in found.links[: shapes.MAX_LINKS]], own


def _rounds(places: Places, twins: Iterable[set[int]]) -> dict[int, int]:
    """For each run whose code recurs: how often it does on the longest data path through it."""
    rounds: dict[int, int] = {}
    for same in twins:
        if len(same) > 1 and any(places.down.get(no) or places.up.get(no) for no in same):
            down, up = _longest(places.down, same, places.at), _longest(places.up, same, places.at)
            rounds |= {no: down[no] + up[no] - 1 for no in same}
    return rounds


def _longest(after: Numbers, counted: set[int], order: Mapping[int, int]) -> dict[int, int]:
    """For each of these runs the most of them on a path that begins there, itself included; an edge back into the path is not followed."""
    best: dict[int, int] = {}
    for start in sorted(counted, key=order.__getitem__):
        shapes.longest(after, start, counted, order, best)
    return best


def groups_alike(places: Places) -> Iterator[tuple[str, ...]]:
    """Groups of look-alikes in the campaign, each with its runs in order; what waits for each other stands apart."""
    for same in places.alike.values():
        mine = [f for f in same if f.no in places.runs]
        others = [f.id for f in places.lookalikes(mine[0].no) if f.no in places.runs] if len(mine) > 1 else []
        if others:
            yield (mine[0].id, *others)
