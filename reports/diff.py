"""Why did two runs differ? Everything recorded that was not the same, causes before consequences. Pure.

Two runs are compared by what they really had: in-job evidence before what was there at submission, like with like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.model import Evidence, Fact, Need, Phase
from auditor.scorecard import Change
from probes.called import CalledFiles
from probes.containers import ContainerIdentities, EngineImages, SifImages
from probes.data import DataManifest
from probes.environment import Environment
from probes.folder import FolderState
from probes.git import GitState
from probes.hardware import Hardware
from probes.modules import LoadedModules
from probes.packages import PythonPackages
from probes.schedulers import JobAccounting
from probes.submission import Submission
from reports import differences as of
from reports.environments import Group, explain
from reports.judging.amounts import several
from reports.judging.record import Record, name, record

States = Mapping[str, str]
PREFERRED = (Phase.START, Phase.END, Phase.LATER, Phase.SUBMIT)
MOST = 200
"""Changes of one sort that are named; the rest is counted."""


GROUPED = "group"


def _nothing(_: Any) -> States:
    return {}


@dataclass(frozen=True)
class View:
    """What of a data type is compared, and as which `name -> state`; what is GROUPED, reports.environments compares."""

    what: str
    kind: type
    read: Callable[[Any], States] = _nothing


@dataclass(frozen=True)
class Explained:
    """changes: all that is named, in order. groups: the differences of the environment, with a line each."""

    changes: tuple[Change, ...]
    groups: tuple[Group, ...]


VIEWS = (
    View("code", GitState, of.git),
    View("code", CalledFiles, of.called),
    View("code", FolderState, of.folder),
    View("script", Submission, of.script),
    View("parameter", Submission, of.parameters),
    View("environment", Environment, of.variables),
    View(GROUPED, PythonPackages),
    View(GROUPED, LoadedModules),
    View(GROUPED, ContainerIdentities),
    View(GROUPED, SifImages),
    View(GROUPED, EngineImages),
    View("hardware", Hardware, of.hardware),
    View("resource", JobAccounting, of.resources),
    View("input", DataManifest, of.inputs),
    View("output", DataManifest, of.outputs),
    View("outcome", JobAccounting, of.outcome),
)
"""In the order in which they are told: what somebody changed, what it ran on, what came of it."""


def diff(a: Sequence[Evidence], b: Sequence[Evidence]) -> tuple[Change, ...]:
    """What differs from run `a` to run `b`; empty: nothing that was recorded. What only one run recorded is `not-compared`."""
    return explained(a, b).changes


def explained(a: Sequence[Evidence], b: Sequence[Evidence]) -> Explained:
    """The same with the environment's groups."""
    one, two = record(a, 0), record(b, 0)
    changes: list[Change] = []
    missing: dict[str, Change] = {}
    groups = explain(one, two)
    grouped = [change for group in groups for change in _named(group)]
    idle, beside = _idle(one, two), list[Change]()
    for view in VIEWS:
        before, after = _pair(one, two, view.kind)
        if view.what == GROUPED:
            changes, grouped = [*changes, *grouped], []
        if before and after:
            found = list(_changes(view, before, after))
            beside += [c for c in found if view.kind is GitState and c.name in idle]
            changes += _shortened(view.what, (c for c in found if view.kind is not GitState or c.name not in idle))
        elif before or after:
            missing.setdefault(name(view.kind), _not_compared(view.kind, (one, before), (two, after)))
    return Explained((*dict.fromkeys(changes), *_counted(beside), *missing.values()), groups)


def _idle(one: Record, two: Record) -> set[str]:
    """Untracked files that were no cause: nothing called them. Empty where what a run calls was not seen."""
    ran = [f.value for seen in (one, two) for p in PREFERRED if (f := seen.value(CalledFiles, p))]
    if not all(any(seen.value(CalledFiles, p) for p in PREFERRED) for seen in (one, two)):
        return set()
    trees = [f.value for seen in (one, two) for p in PREFERRED if (f := seen.value(GitState, p))]
    found = [of.loose(tree, ran) for tree in trees]
    return set[str]().union(*(every for every, _ in found)).difference(*(used for _, used in found))


def _counted(beside: Sequence[Change]) -> tuple[Change, ...]:
    """Many files beside the code as one row, after the causes."""
    if not beside:
        return ()
    said = f"{several(len(beside), 'untracked file')} that neither run called"
    return (Change("code", said, "differs", "differs", beside[0].cites),)


def _named(group: Group) -> tuple[Change, ...]:
    what = group.changes[0].what
    more = (Change(what, f"and {group.more} more", "differs", "differs", group.changes[0].cites),) if group.more else ()
    return (*group.changes, *more)


def _pair(one: Record, two: Record, kind: type) -> tuple[tuple[Fact[Any], ...], tuple[Fact[Any], ...]]:
    """The facts to compare: of the first preferred phase that both have; of a manifest all phases, the later over the earlier."""
    if kind is DataManifest:
        phases = (Phase.SUBMIT, Phase.START, Phase.LATER, Phase.END)
        return tuple(f for p in phases if (f := one.value(kind, p))), tuple(f for p in phases if (f := two.value(kind, p)))
    for phase in PREFERRED:
        before, after = one.value(kind, phase), two.value(kind, phase)
        if before and after:
            return (before,), (after,)
    newest = one.value(kind), two.value(kind)
    return tuple(f for f in newest[:1] if f), tuple(f for f in newest[1:] if f)


def _changes(view: View, before: Sequence[Fact[Any]], after: Sequence[Fact[Any]]) -> Iterator[Change]:
    cites = tuple(f.evidence_id for f in (*before, *after))
    for key, was, now in _pairs(view, before, after):
        if was != now and was and now:  # an empty state is not known: nothing is said
            yield Change(view.what, key, was, now, cites)


def _pairs(view: View, before: Sequence[Fact[Any]], after: Sequence[Fact[Any]]) -> Iterator[tuple[str, str, str]]:
    """Name, state in the first run, state in the second."""
    if view.read is of.script and (texts := [f.value.script_text for f in (before[0], after[0])]) and all(texts):
        yield from of.lines(*texts)
        return
    if view.read is of.called:
        yield from of.called_by_both(before[0].value, after[0].value)
        return
    old, new = _states(view, before), _states(view, after)
    for key in dict.fromkeys((*old, *new)):
        yield key, old.get(key, of.GONE), new.get(key, of.GONE)


def _states(view: View, facts: Iterable[Fact[Any]]) -> dict[str, str]:
    return {key: state for fact in facts for key, state in view.read(fact.value).items()}


def _shortened(what: str, changes: Iterable[Change]) -> list[Change]:
    every = list(changes)
    rest = len(every) - MOST
    if rest <= 0:
        return every
    return [*every[:MOST], Change(what, f"and {rest} more", "differs", "differs", every[0].cites)]


def _not_compared(kind: type, *sides: tuple[Record, Sequence[Fact[Any]]]) -> Change:
    absent = [any(seen.look(Need(kind, (phase,))).absent for phase in PREFERRED) for seen, _ in sides]
    was, now = (
        "recorded" if facts else of.GONE if gone else "not recorded" for (_, facts), gone in zip(sides, absent, strict=True)
    )
    return Change("not-compared", name(kind), was, now, tuple(f.evidence_id for _, facts in sides for f in facts))
