"""Which campaigns are there, and what is one made of? From a label, a run, a job or an array to the runs that belong together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from auditor.campaign import Group, Row, RunSeen
from auditor.model import AuditError
from auditor.store import belong, find, graph
from auditor.store.bonds import Bonds, bonds, circles, ties
from auditor.store.facts import Facts, facts
from auditor.store.many import many
from auditor.store.places import Places, array_of, groups_alike
from auditor.store.text import escape, unescape

if TYPE_CHECKING:
    from auditor.store.belong import Belonging
    from auditor.store.store import Store

HINT = "`auditor campaign` shows the campaigns we know, `auditor list` the runs"


class Campaigns:
    """A campaign as the store knows it: what it is made of, and its runs one after the other."""

    def __init__(self, store: Store, name: str, most: int = belong.MAX_MEMBERS) -> None:
        """name: a label, a run id or its beginning, a job id, an array's number, `last`. Raises AuditError for an unknown one."""
        self._store = store
        start, self.label = _start(store, name)
        self._around = belong.belonging(store, start, self.label, most)
        self._facts = facts(store, self._around.runs)
        self._found = bonds(store, self._around, self._facts)
        self._sizes = Counter(key for f in self._facts.values() if (key := array_of(f)))
        self._labels = belong.labels(store, self._facts)
        self.why = _why(self._facts, self._found, self._sizes, self._labels)
        self._places = Places(self._facts, self._found, self._sizes, self.why, _alike(store, self._facts.values()))

    def group(self) -> Group:
        ordered = self._places.order
        rounds = self._places.rounds()
        most = max(rounds, key=lambda no: (rounds[no], self._facts[no].id), default=None)
        return Group(
            name=_name(self.label, ordered, self._sizes),
            why=self.why,
            runs=tuple(f.id for f in ordered),
            known=self._around.known,
            ties=ties(self._found, self._facts),
            ties_left=self._found.left,
            arrays={key: self._sizes[key] for key in sorted(self._sizes)},
            engines=_engines(self._around, self._facts),
            lookalikes=tuple(groups_alike(self._places)),
            iterations=0 if most is None else rounds[most],
            loop=() if most is None else self._places.cycle(most),
            cycles=tuple(sorted(self._facts[no].id for no in circles(self._found.waits))),
            gaps=_gaps(self._store, self._around),
        )

    def runs(self, kinds: Collection[str] = ()) -> Iterator[RunSeen]:
        """In the order of `Group.runs`; only evidence of these kinds, if given."""
        for no, job, evidence in many(self._store, {f.no: f.id for f in self._places.order}, kinds):
            known = self._facts[no]
            yield RunSeen(job, evidence, self._places.of(no), self._labels.get(no, ()), known.command, known.shape)


def _alike(store: Store, runs: Iterable[Facts]) -> Collection[Facts]:
    """Submissions, also outside of the campaign, of scripts that differ from one in it in numbers only."""
    shapes = sorted({run.shape for run in runs if run.shape and "_" not in run.job_id})
    found = store.query(
        """select distinct r.no from capture c join run r on r.no = c.run_no
        where c.shape in (select unnest(?::varchar[])) and not r.is_array and not contains(r.job_id, '_') order by r.no desc limit ?""",
        shapes,
        belong.MAX_MEMBERS,
    )
    return facts(store, [no for (no,) in found]).values()


def _start(store: Store, name: str) -> tuple[list[int], str]:
    """Where to begin, what was named first, then the newest; and the label whose runs these are."""
    if name and (found := belong.labelled(store, name)):
        return sorted(found, reverse=True), name
    named = _tasks(store, name) if name else set()
    if not named:
        named = {no for (no,) in store.query("select no from run where id = ?", _resolve(store, name))}
    given = belong.labels(store, named)
    label = next((names[-1] for _, names in sorted(given.items())), "")
    rest = belong.labelled(store, label) - named if label else set()
    return [*sorted(named), *sorted(rest, reverse=True)], label


def _resolve(store: Store, name: str) -> str:
    try:
        return find.resolve(store, name or None)
    except AuditError as error:
        if "no run" not in error.message:
            raise
        raise AuditError(f"no campaign, run or job is called {name}", HINT) from error


def _tasks(store: Store, name: str) -> set[int]:
    """The tasks of the newest array of this number that we know."""
    rows = store.query(
        """select r.no, r.submission, r.cluster, coalesce(max(c.submitted), '') as sent from run r left join run p
        on p.is_array and p.submission <> '' and p.submission = r.submission left join capture c on c.run_no in (r.no, p.no)
        where not r.is_array and starts_with(r.job_id, ?) group by all order by sent desc, r.no desc""",
        escape(f"{name}_"),
    )
    if not rows:
        return set()
    clusters = sorted({(submission, cluster) for _, submission, cluster, _ in rows})
    if len(clusters) > 1:
        store.notes.append(
            f"{len(clusters)} arrays had the number {name}; taking the newest, of cluster {unescape(rows[0][2]) or 'unknown'}"
        )
    return {no for no, submission, cluster, _ in rows if (submission, cluster) == rows[0][1:3]}


def _why(
    runs: Mapping[int, Facts], found: Bonds, sizes: Mapping[str, int], labels: Mapping[int, tuple[str, ...]]
) -> tuple[str, ...]:
    named = Counter(name for no in runs for name in labels.get(no, ()))
    joined = {
        "array": any(size > 1 for size in sizes.values()),
        "data": bool(found.data),
        "dependency": bool(found.waits),
        "engine": bool(found.engines) or found.shared,
        "label": any(count > 1 for count in named.values()),
    }
    return tuple(name for name, there in joined.items() if there)


def _name(label: str, ordered: Iterable[Facts], sizes: Mapping[str, int]) -> str:
    if label:
        return label
    runs = list(ordered)
    if len(sizes) == 1 and sizes.total() == len(runs):  # type: ignore[attr-defined]  # a Counter
        return f"array {next(iter(sizes)).partition(' ')[0]}"
    return f"{runs[0].name or 'run'}, job {runs[0].job_id}" if runs else ""


def _engines(around: Belonging, runs: Mapping[int, Facts]) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    def ids(numbers: Iterable[int]) -> tuple[str, ...]:
        return tuple(sorted(runs[no].id for no in numbers if no in runs))

    found = {key: (ids(e.drivers), ids(e.tasks)) for key, e in around.engines.items()}
    return {key: both for key, both in found.items() if any(both)}


def _gaps(store: Store, around: Belonging) -> tuple[str, ...]:
    left = around.known - len(around.runs)
    return (f"{left:,} more runs belong to it and were not looked at",) if left > 0 else ()


NEWEST = 20_000
"""So many runs are looked through for campaigns."""


def known(store: Store, limit: int = 0) -> tuple[tuple[Row, ...], int]:
    """Every campaign of two runs or more among the newest runs, newest first; and how many older runs were not looked through."""
    numbers = [no for (no,) in store.query("select no from run where not is_array order by no desc limit ?", NEWEST)]
    total = store.query("select count(*) from run where not is_array")[0][0]
    runs = facts(store, numbers)
    labels = belong.labels(store, numbers)
    hubs = _hubs(store, runs)
    found = [_row(members, runs, label, hubs) for label, members in _components(runs, labels, hubs) if len(members) > 1]
    rows = sorted(found, key=lambda r: (r.last, r.ask), reverse=True)
    return tuple(rows[:limit] if limit else rows), total - len(numbers)


Hubs = Mapping[int, list[tuple[str, set[int]]]]
"""Run -> (why, runs that belong together for that reason)."""


def _hubs(store: Store, runs: Mapping[int, Facts]) -> Hubs:
    arrays: dict[object, set[int]] = defaultdict(set)
    for f in runs.values():
        if key := array_of(f):
            arrays[key].add(f.no)
    belong.ask(store, runs)
    data: dict[object, set[int]] = defaultdict(set)
    for file, run in store.query(
        f"""with t as (select distinct run, role, hash(sha256) as file from ({belong.TOUCHED})),
        handed as (select file from t group by file having count(distinct role) = 2) select t.file, t.run from t join handed using (file)"""
    ):
        data[file].add(run)
    waits = ({a, b} for a, b in graph.dependencies(store))
    engines = ({*e.drivers, *e.tasks} for e in belong.known_engines(store).values())
    found: dict[int, list[tuple[str, set[int]]]] = defaultdict(list)
    for why, hubs in (("array", arrays.values()), ("data", data.values()), ("dependency", waits), ("engine", engines)):
        for hub in hubs:
            kept = hub & runs.keys()
            for no in kept if len(kept) > 1 else ():
                found[no].append((why, kept))
    return found


def _components(runs: Mapping[int, Facts], labels: Mapping[int, tuple[str, ...]], hubs: Hubs) -> Iterator[tuple[str, set[int]]]:
    """Each label's runs with the unlabelled ones they reach; then what else hangs together."""
    named: dict[str, set[int]] = defaultdict(set)
    for no, names in labels.items():
        for name in names:
            named[name].add(no)
    taken: set[int] = set(labels)
    for name, start in sorted(named.items()):
        members = _spread(start, hubs, labels)
        taken |= members
        yield name, members
    for no in sorted(runs):
        if no not in taken:
            members = _spread({no}, hubs, labels)
            taken |= members
            yield "", members


def _spread(start: Collection[int], hubs: Hubs, labels: Mapping[int, tuple[str, ...]]) -> set[int]:
    members, queue, done = set(start), list(start), set[int]()
    while queue:
        for _, hub in hubs.get(queue.pop(), ()):
            if id(hub) not in done:
                done.add(id(hub))
                new = {no for no in hub - members if no not in labels}
                members |= new
                queue += new
    return members


def _row(members: set[int], runs: Mapping[int, Facts], label: str, hubs: Hubs) -> Row:
    ordered = sorted((runs[no] for no in members), key=lambda f: (f.submitted, f.job_id, f.id))
    sizes = Counter(key for f in ordered if (key := array_of(f)))
    why = {reason for no in members for reason, _ in hubs.get(no, ())} | ({"label"} if label else set())
    name = _name(label, ordered, sizes)
    ask = label or (name.partition(" ")[2] if name.startswith("array ") else ordered[0].id)
    states = Counter(f.state or "not known" for f in ordered)
    times = [f.submitted for f in ordered if f.submitted]
    return Row(
        ask, name, tuple(sorted(why)), len(ordered), dict(sorted(states.items())), min(times, default=""), max(times, default="")
    )
