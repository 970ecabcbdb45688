"""Which runs belong to a campaign? Data, dependencies, arrays and engine runs are followed to the end; a label ends where another begins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.store import graph
from auditor.store.text import escape, unescape

if TYPE_CHECKING:
    from auditor.store.store import Store

MAX_MEMBERS = 10_000

OWN_AND_ARRAYS = """(select no, no as of from asked union select p.no, a.no from asked a join run r on r.no = a.no
    join run p on p.is_array and p.submission <> '' and p.submission = r.submission)"""
"""The runs in the temporary table `asked`, and the arrays whose tasks they are: what was seen of those holds for them."""

TOUCHED = f"""select w.of as run, f.role, f.path, f.sha256, f.size from {OWN_AND_ARRAYS} w join evidence e on e.run_no = w.no
    join file f on f.content_no = e.content_no where e.kind = 'DataManifest' and f.size > 0 and octet_length(f.sha256) = 32
    and f.role in ('input', 'output')"""
"""Files known by content; empty ones say nothing."""


@dataclass(frozen=True)
class Engine:
    """Run numbers: those that held an engine run, and those that were its tasks."""

    drivers: frozenset[int]
    tasks: frozenset[int]


@dataclass(frozen=True)
class Belonging:
    """Run numbers, the nearest to those it began with first; how many there are in all; (earlier, later) of every dependency that is known."""

    runs: tuple[int, ...]
    known: int
    waits: tuple[tuple[int, int], ...]
    engines: Mapping[str, Engine]


def belonging(store: Store, start: Sequence[int], label: str = "", most: int = MAX_MEMBERS) -> Belonging:
    """Everything that reaches the runs in `start`, these first, then the nearest, the newest first. Runs with a label other than `label` are not entered."""
    waits, engines = graph.dependencies(store), known_engines(store)
    near = beside(engines, waits)
    members = dict.fromkeys(start)
    frontier = set(members)
    while frontier and len(members) <= most:
        found = {n for run in frontier for n in near.get(run, ())} | _array_mates(store, frontier) | _data_mates(store, frontier)
        new = found - members.keys()
        frontier = new - _labelled_otherwise(store, new, label)
        members |= dict.fromkeys(sorted(frontier, reverse=True))
    runs = _no_arrays(store, members)
    return Belonging(runs[:most], len(runs), tuple(waits), engines)


def known_engines(store: Store) -> dict[str, Engine]:
    """Every engine run that evidence tells of. A job number means the newest submission of that number before the record was read,
    on the cluster of the run that tells of it."""
    drivers: dict[str, set[int]] = defaultdict(set)
    tasks: dict[str, set[int]] = defaultdict(set)
    for engine, run, relation in store.query(
        "select distinct engine, run_no, relation from engine_run where relation <> 'folder' order by all"
    ):
        (drivers if relation == "inside" else tasks)[unescape(engine)].add(run)
    found = store.query(
        """with told as (select j.engine, j.job_id, r.cluster, max(e.taken_at) as read_at from engine_job j join run r on r.no = j.run_no
              join engine_run e on e.run_no = j.run_no and e.engine = j.engine group by all),
        own as (select run_no, max(submitted) as at from capture group by run_no),
        dated as (select r.no, r.job_id, split_part(r.job_id, '_', 1) as base, r.cluster, coalesce(o.at, '') as at, r.submission
            from run r left join own o on o.run_no = r.no where not r.is_array),
        pairs as (select t.*, d.no, d.cluster as theirs, d.at as submitted, d.submission from told t join dated d on d.job_id = t.job_id
            union select t.*, d.no, d.cluster, d.at, d.submission from told t join dated d on d.base = t.job_id)
        select engine, no from pairs where (cluster = theirs or '' in (cluster, theirs)) and submitted <= read_at
        qualify rank() over (partition by engine, job_id order by submitted desc, submission desc) = 1 order by all"""
    )
    for engine, run in found:
        tasks[unescape(engine)].add(run)
    return {key: Engine(frozenset(drivers[key]), frozenset(tasks[key] - drivers[key])) for key in sorted({*drivers, *tasks})}


def ask(store: Store, numbers: Iterable[int]) -> None:
    """These runs into the temporary table `asked`."""
    store.query("create or replace temp table asked as select distinct unnest(?::integer[]) as no", sorted(numbers))


def beside(engines: Mapping[str, Engine], waits: Iterable[tuple[int, int]] = ()) -> dict[int, set[int]]:
    """Neighbours of each run by these. An engine's runs are joined through one of them: a thousand tasks need no million pairs."""
    near: dict[int, set[int]] = defaultdict(set)
    pairs = list(waits)
    for engine in engines.values():
        first, *others = sorted(engine.drivers | engine.tasks)
        pairs += [(first, other) for other in others]
    for a, b in pairs:
        near[a].add(b)
        near[b].add(a)
    return near


def _array_mates(store: Store, numbers: Collection[int]) -> set[int]:
    """The other tasks of their arrays. An adopted task has no submission of ours: there the number and the user's cluster decide."""
    ask(store, numbers)
    return _numbers(
        store.query(
            """select distinct o.no from asked a join run r on r.no = a.no join run o on o.submission = r.submission where r.submission <> ''
            union select distinct o.no from asked a join run r on r.no = a.no join run o on o.submission = '' and o.cluster = r.cluster
                and split_part(o.job_id, '_', 1) = split_part(r.job_id, '_', 1) and contains(o.job_id, '_')
            where r.submission = '' and contains(r.job_id, '_')"""
        )
    )


def _data_mates(store: Store, numbers: Collection[int]) -> set[int]:
    """Who made what these read, and who read what these made."""
    ask(store, numbers)
    store.query(
        f"create or replace temp table touched as select distinct role, sha256, ('0x' || left(hex(sha256), 8))::uinteger as key from ({TOUCHED})"
    )
    found = store.query(
        """with c as (select distinct content_no from (from file_key union all from file_key_tail) where key in (select key from touched))
        select distinct e.run_no from c join file f on f.content_no = c.content_no
        join touched t on t.sha256 = f.sha256 and t.role <> f.role join evidence e on e.content_no = f.content_no
        where f.size > 0 and e.kind = 'DataManifest' and f.role in ('input', 'output')"""
    )
    runs = _numbers(found)
    ask(store, runs)
    return runs | _numbers(
        store.query(
            """select distinct t.no from asked a join run p on p.no = a.no and p.is_array and p.submission <> ''
            join run t on t.submission = p.submission"""
        )
    )


def labels(store: Store, numbers: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The labels of these runs, those of their arrays included; a run that was given none is not in it."""
    ask(store, numbers)
    found: dict[int, list[str]] = defaultdict(list)
    for run, label in store.query(
        f"select distinct w.of, c.label from {OWN_AND_ARRAYS} w join capture c on c.run_no = w.no where c.label <> '' order by all"
    ):
        found[run].append(unescape(label))
    return {run: tuple(names) for run, names in found.items()}


def _labelled_otherwise(store: Store, numbers: Collection[int], label: str) -> set[int]:
    return {run for run, names in labels(store, numbers).items() if label not in names} if numbers else set()


def labelled(store: Store, label: str) -> set[int]:
    """Runs that were given this label, themselves or with their array."""
    return _numbers(
        store.query(
            """select distinct r.no from capture c join run s on s.no = c.run_no
            join run r on r.no = s.no or (s.is_array and s.submission <> '' and r.submission = s.submission) where c.label = ?""",
            escape(label),
        )
    )


def _no_arrays(store: Store, numbers: Collection[int]) -> tuple[int, ...]:
    """Without the submissions of whole arrays, in the order given."""
    ask(store, numbers)
    runs = _numbers(store.query("select r.no from asked a join run r on r.no = a.no where not r.is_array"))
    return tuple(n for n in numbers if n in runs)


def _numbers(rows: Iterable[tuple[int, ...]]) -> set[int]:
    return {no for no, *_ in rows}
