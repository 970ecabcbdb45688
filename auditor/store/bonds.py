"""What binds the runs of a campaign? Data that passed between them, dependencies, engines: counted inside the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.campaign import Link, Tie
from auditor.store import belong
from auditor.store.facts import Facts
from auditor.store.text import unescape

if TYPE_CHECKING:
    from auditor.store.belong import Belonging
    from auditor.store.store import Store

MAX_PAIRS = 20_000
FILES_A_PAIR = 5
"""As many files of each pair are named."""

Pairs = Mapping[tuple[int, int], Tie]


@dataclass(frozen=True)
class Bonds:
    """ties by (earlier, later) run numbers; links: a few files of each pair, in the order of the runs' starts; left: pairs that are too many."""

    data: Pairs
    waits: frozenset[tuple[int, int]]
    engines: frozenset[tuple[int, int]]
    shared: bool
    """Are two runs tasks of one engine run?"""
    links: tuple[tuple[int, int, Link], ...]
    left: int


def bonds(store: Store, around: Belonging, runs: Mapping[int, Facts]) -> Bonds:
    data, links, left = _data(store, runs)
    return Bonds(
        data,
        frozenset((a, b) for a, b in around.waits if a in runs and b in runs),
        frozenset(
            (d, t) for e in around.engines.values() for d in e.drivers if d in runs for t in e.tasks if t in runs and t != d
        ),
        any(len((e.drivers | e.tasks) & runs.keys()) > 1 for e in around.engines.values()),
        links,
        left,
    )


def ties(found: Bonds, runs: Mapping[int, Facts]) -> tuple[Tie, ...]:
    """All of them in the order of the runs' starts."""
    bare = [(a, b, by) for by, pairs in (("dependency", found.waits), ("engine", found.engines)) for a, b in pairs]
    every = [(*pair, tie) for pair, tie in found.data.items()]
    every += [(a, b, Tie(runs[a].id, runs[b].id, by)) for a, b, by in bare]
    every.sort(key=lambda t: (begin(runs[t[0]]), t[2].source, begin(runs[t[1]]), t[2].target, t[2].by))
    return tuple(tie for _, _, tie in every)


def _data(store: Store, runs: Mapping[int, Facts]) -> tuple[Pairs, tuple[tuple[int, int, Link], ...], int]:
    """A reader that started before the maker read something else of the same content: that joins nothing."""
    belong.ask(store, runs)
    store.query(f"create or replace temp table touching as select distinct * from ({belong.TOUCHED})")
    rows = store.query(
        """with pair as (select o.run as maker, i.run as reader, i.sha256, min(i.path) as path, max(i.size) as size
            from touching o join touching i on i.sha256 = o.sha256 and i.role = 'input' and o.role = 'output' and o.run <> i.run group by all),
        ranked as (select *, row_number() over (partition by maker, reader order by path, sha256) as rank,
            count(*) over (partition by maker, reader) as files, sum(size) over (partition by maker, reader) as bytes from pair)
        select maker, reader, files, bytes::bigint, path, lower(hex(sha256)) from ranked where rank <= ? order by maker, reader, rank limit ?""",
        FILES_A_PAIR,
        MAX_PAIRS * FILES_A_PAIR,
    )
    kept = [row for row in rows if begin(runs[row[0]]) <= begin(runs[row[1]])]
    pairs: dict[tuple[int, int], Tie] = {}
    links: dict[tuple[int, int], list[Link]] = defaultdict(list)
    for maker, reader, files, size, path, sha in kept:
        source, target = runs[maker].id, runs[reader].id
        pairs.setdefault((maker, reader), Tie(source, target, "data", files, size, unescape(path)))
        links[maker, reader].append(Link(source, target, unescape(path), sha))
    order = sorted(pairs, key=lambda p: (begin(runs[p[0]]), runs[p[0]].id, begin(runs[p[1]]), runs[p[1]].id))
    left = max(0, len(order) - MAX_PAIRS)
    shown = order[:MAX_PAIRS]
    return {p: pairs[p] for p in shown}, tuple((*p, link) for p in shown for link in links[p]), left


def begin(run: Facts) -> str:
    return run.started or run.submitted


def circles(edges: Collection[tuple[int, int]]) -> set[int]:
    """Runs on or between circles: what is left when everything that waits for nothing is taken away, again and again, from both ends."""
    return _core({(b, a) for a, b in _core(set(edges))[1]})[0]


def _core(edges: set[tuple[int, int]]) -> tuple[set[int], set[tuple[int, int]]]:
    after: dict[int, set[int]] = defaultdict(set)
    before: dict[int, int] = defaultdict(int)
    for a, b in edges:
        after[a].add(b)
        before[b] += 1
    free = [n for n in after if not before[n]]
    gone = set(free)
    while free:
        for n in after[free.pop()]:
            before[n] -= 1
            if not before[n]:
                gone.add(n)
                free.append(n)
    left = {(a, b) for a, b in edges if a not in gone and b not in gone}
    return {n for pair in left for n in pair}, left
