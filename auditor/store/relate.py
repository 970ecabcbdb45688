"""Which runs belong to one run? Follows data, dependencies and engines to the end, labels and arrays one step; the store's side of a campaign."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.campaign import Family
from auditor.codec import plain
from auditor.model import AuditError, Evidence, Grade, Phase, Status
from auditor.scorecard import Edge, Node
from auditor.store import belong, graph, shapes
from auditor.store.facts import Facts, facts
from auditor.store.graph import Use
from auditor.store.held import held

if TYPE_CHECKING:
    from auditor.store.store import Store


@dataclass(frozen=True)
class Neighbourhood:
    """A run, those around it, why they are there, and what binds them. Links and waits hold run numbers."""

    centre: Facts
    runs: Mapping[int, Facts]
    why: frozenset[str]
    uses: frozenset[Use]
    links: tuple[tuple[int, int, Use], ...]
    """(maker, reader, the file as the reader names it)."""
    waits: tuple[tuple[int, int], ...]
    """(earlier, later) of a dependency."""
    array_size: int
    lookalikes: tuple[Facts, ...]


def neighbourhood(store: Store, run_id: str) -> Neighbourhood:
    """Raises AuditError for an unknown run."""
    rows = store.query("select no from run where id = ?", run_id)
    if not rows:
        raise AuditError(f"no run {run_id}", "`auditor list` shows the runs we know")
    no = rows[0][0]
    centre = facts(store, [no])[no]
    size, array = graph.array_mates(store, centre)
    label = graph.label_mates(store, centre)
    engines = belong.beside(known := belong.known_engines(store))
    members, uses, by_data, by_wait = _closure(store, [no, *array, *label], engines)
    runs = facts(store, members)
    links = _links(uses, runs)
    waits = tuple(sorted((a, b) for a, b in by_wait if a in runs and b in runs))
    reached = {
        "array": set(array) - {no},
        "label": set(label) - {no},
        "dependency": {n for w in waits for n in w},
        "data": by_data,
        "engine": {n for e in known.values() if no in (mates := e.drivers | e.tasks) for n in mates & runs.keys() - {no}},
    }
    alike = facts(store, graph.lookalikes(store, centre))
    return Neighbourhood(
        centre,
        runs,
        frozenset(name for name, found in reached.items() if found),
        frozenset(uses),
        links,
        waits,
        size,
        tuple(sorted(alike.values(), key=lambda f: (f.submitted, f.job_id, f.id))),
    )


def _closure(
    store: Store, start: list[int], engines: Mapping[int, set[int]]
) -> tuple[set[int], set[Use], set[int], set[tuple[int, int]]]:
    """Everything that data, dependencies and engines reach: runs, their files, those that data joined, the dependencies."""
    waits = graph.dependencies(store)
    beside: dict[int, set[int]] = defaultdict(set)
    for a, b in waits:
        beside[a].add(b)
        beside[b].add(a)
    members, uses, by_data = set(start), set[Use](), set[int]()
    frontier = set(start)
    while frontier and len(members) < graph.MAX_RUNS:
        mine = graph.files_of(store, frontier)
        others = graph.counterparts(store, mine)
        uses |= mine | others
        linked = {u.run for u in others}
        by_data |= linked
        found = linked | {n for run in frontier for n in (*beside[run], *engines.get(run, ()))}
        frontier = set(sorted(found - members)[: graph.MAX_RUNS - len(members)])
        members |= frontier
    return members, uses, by_data, set(waits)


def _links(uses: set[Use], runs: Mapping[int, Facts]) -> tuple[tuple[int, int, Use], ...]:
    """Makers and readers of the same content, where the reader did not start before the maker."""
    makers: dict[str, set[int]] = defaultdict(set)
    for use in uses:
        if use.role == "output" and use.run in runs:
            makers[use.sha256].add(use.run)
    found = {
        (maker, use.run, use)
        for use in uses
        if use.role == "input" and use.run in runs
        for maker in makers[use.sha256]
        if maker != use.run and _begin(runs[maker]) <= _begin(runs[use.run])
    }
    return tuple(sorted(found, key=lambda k: (_begin(runs[k[0]]), runs[k[0]].id, runs[k[1]].id, k[2].path, k[2].sha256)))


def _begin(run: Facts) -> str:
    return run.started or run.submitted


def campaign(store: Store, run_id: str) -> Evidence:
    """Derived evidence: the same store gives the same bytes."""
    around = neighbourhood(store, run_id)
    attempt = store.query("select coalesce(max(attempt), 0) from capture where run_no = ?", around.centre.no)[0][0]
    return Evidence(
        probe="campaign",
        version=1,
        kind="Campaign",
        phase=Phase.LATER,
        attempt=attempt,
        status=Status.OK,
        grade=Grade.OBSERVED,
        source="store",
        reason="",
        taken_at=max(run.newest for run in around.runs.values()),
        host="",
        data=plain(shapes.build(around)),
    )


def lineage(store: Store, run_id: str) -> tuple[tuple[Node, ...], tuple[Edge, ...]]:
    from auditor.store import picture

    around = neighbourhood(store, run_id)
    return picture.draw(around, held(store, {no: run.id for no, run in around.runs.items()}))


def family(store: Store, run_id: str) -> Family:
    around = neighbourhood(store, run_id)
    return shapes.family(around, held(store, {no: run.id for no, run in around.runs.items() if not run.is_array}))
