"""What did FireWorks run here? A launch pad's collections in whichever form they lie here; without them, the launch folders alone."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator

from auditor.world import World
from probes.records.lines import one_line
from probes.workflows import Construct, Definition, Event, Place, Reader, State, Task, WorkflowRun
from probes.workflows.fireworks_folders import folders_only, with_files
from probes.workflows.fireworks_store import Document, Store, called, stores
from probes.workflows.fireworks_tasks import launched, moment, task

SYSTEM = "fireworks"
SETTINGS = ("my_launchpad.yaml", "my_fworker.yaml", "my_qadapter.yaml", "FW_config.yaml")
"""Told of by name only: they hold passwords."""


def read(world: World, folder: str) -> Iterator[WorkflowRun]:
    if os.path.basename(folder).startswith(("launcher_", "block_")):
        return  # told of by the folder above
    runs = [run for store in stores(world, folder) for run in _of_store(world, folder, store)]
    if not runs:
        runs = list(folders_only(world, folder))
    yield from sorted(runs, key=lambda r: r.started, reverse=True)


def _of_store(world: World, folder: str, store: Store) -> Iterator[WorkflowRun]:
    name = os.path.relpath(store.path, folder)
    if store.gaps and not store.fireworks:
        yield WorkflowRun(SYSTEM, "", "", folder, State.UNKNOWN, "its record cannot be read", gaps=tuple(store.gaps))
        return
    taken: set[str] = set()
    for n, workflow in enumerate(store.workflows):
        numbers = [one_line(str(i), 60) for i in _listed(workflow.get("nodes"))]
        taken.update(numbers)
        yield _run(world, folder, store, workflow, numbers, Place(name, f"workflows[{n}]"))
    if alone := [number for number in store.fireworks if number not in taken]:
        yield _run(world, folder, store, {"name": "fireworks of no workflow"}, alone, Place(name, "fireworks"))


def _run(world: World, folder: str, store: Store, workflow: Document, numbers: list[str], place: Place) -> WorkflowRun:
    now = world.now()
    waits = _waits(workflow, set(numbers))
    works = {n: store.fireworks[n] for n in dict.fromkeys(numbers) if n in store.fireworks}
    tasks = [task(store, n, work, waits[n], Place(place.path, f"firework {n}"), now) for n, work in works.items()]
    tasks = with_files(world, folder, tasks, {n: _folders(store, n, work) for n, work in works.items()})
    attempts = [a for t in tasks for a in t.attempts]
    state, proof = _ended(str(workflow.get("state", "")), tasks)
    gaps = list(store.gaps)
    if lost := len(set(numbers)) - len(works):
        gaps.append(f"{lost} of {len(numbers)} fireworks are not in the record")
    return WorkflowRun(
        system=SYSTEM,
        version="",
        id=f"{store.name}:{min(numbers, key=_order) if numbers else ''}".lstrip(":"),
        folder=folder,
        state=state,
        proof=proof,
        name=one_line(str(workflow.get("name") or ""), 200),
        host=next((a.host for a in attempts if a.host), ""),
        started=min((a.started for a in attempts if a.started), default=""),
        ended=max((a.ended for a in attempts if a.ended), default="") if state in (State.SUCCEEDED, State.FAILED) else "",
        definitions=tuple(Definition(n, "config") for n in SETTINGS if world.exists(os.path.join(folder, n))),
        tasks=tuple(tasks),
        events=tuple(_events(store, works, place)),
        constructs=tuple(_constructs(store, works, place)),
        places=(place,),
        gaps=tuple(gaps),
    )


def _waits(workflow: Document, known: set[str]) -> dict[str, list[str]]:
    """Which fireworks each waits for. links: parent → children; `lpad get_wflows` writes `name--number`."""
    waits: dict[str, list[str]] = defaultdict(list)
    links = workflow.get("links")
    for parent, children in links.items() if isinstance(links, dict) else ():
        for child in _listed(children):
            before, after = str(parent).rpartition("--")[2], str(child).rpartition("--")[2]
            if before in known and after in known:
                waits[after].append(before)
    return waits


def _ended(said: str, tasks: list[Task]) -> tuple[State, str]:
    states = [t.state for t in tasks]
    there = f"the launch pad's state is {one_line(said, 40) or 'not told'}"
    if said == "COMPLETED" and states and all(s in (State.SUCCEEDED, State.CACHED) for s in states):
        return State.SUCCEEDED, f"{there}, and so is that of all {len(tasks)} fireworks"
    if said == "FIZZLED" or (State.FAILED in states and State.RUNNING not in states and said != "ARCHIVED"):
        return State.FAILED, f"{there}, {states.count(State.FAILED)} of {len(tasks)} fireworks fizzled"
    if State.RUNNING in states:
        return State.RUNNING, f"{there}, {states.count(State.RUNNING)} fireworks gave a sign of life in the last four hours"
    if State.KILLED in states:
        return State.KILLED, f"{there}, but {states.count(State.KILLED)} running fireworks gave no sign of life for four hours"
    if states and all(s is State.NOT_RUN for s in states):
        return State.NOT_RUN, f"{there}, nothing was launched"
    if said == "ARCHIVED" and states and all(s in (State.SUCCEEDED, State.CACHED) for s in states):
        return State.SUCCEEDED, f"{there}, and all {len(tasks)} fireworks were completed before"
    return State.UNKNOWN, f"{there}, and no firework runs: it waits for a launcher, or was given up"


def _events(store: Store, works: dict[str, Document], place: Place) -> Iterator[Event]:
    for number, work in works.items():
        where = Place(place.path, f"firework {number}")
        for _ in _listed(work.get("archived_launches")):
            yield Event("retry", f"{_title(work)} was run again", task=number, place=where)
        if work.get("state") in ("DEFUSED", "PAUSED", "ARCHIVED"):
            yield Event(str(work["state"]).lower(), f"{_title(work)} is {str(work['state']).lower()}", task=number, place=where)
        for launch in launched(store, number, work):
            yield from _acted(work, number, launch, place)


def _acted(work: Document, number: str, launch: Document, place: Place) -> Iterator[Event]:
    action = launch["action"]
    where = Place(place.path, f"launch {launch['launch_id']}")
    when = moment(launch.get("time_end"))
    for kind, what in (("detours", "detour"), ("additions", "addition"), ("append_wfs", "addition")):
        if made := action.get(kind):
            names = ", ".join(dict.fromkeys(m["name"] for m in made[:100]))
            yield Event(what, f"{_title(work)} added {len(made)} fireworks: {names}"[:300], when, number, where)
    for kind in ("mod_spec", "update_spec", "defuse_children", "defuse_workflow"):
        if action.get(kind):
            yield Event(kind.replace("_", "-"), f"{_title(work)} changed what comes after it", when, number, where)


def _constructs(store: Store, works: dict[str, Document], place: Place) -> Iterator[Construct]:
    """A firework that adds more of what was there before it goes around once more."""
    before: dict[str, str] = {}
    for work in works.values():
        made = moment(work.get("created_on"))
        name = called(work)
        before[name] = min(before.get(name, made), made)
    for number, work in works.items():
        for launch in launched(store, number, work):
            added = [m for kind in ("detours", "additions", "append_wfs") for m in launch["action"].get(kind, [])]
            again = dict.fromkeys(m["name"] for m in added if before.get(m["name"], "9") < (moment(m.get("created_on")) or "0"))
            if again:
                text = f"{_title(work)} added {', '.join(again)} again"
                yield Construct("loop", one_line(text), Place(place.path, f"launch {launch['launch_id']}"))


def _title(work: Document) -> str:
    return one_line(str(work.get("name") or f"firework {work.get('fw_id')}"), 120)


def _folders(store: Store, number: str, work: Document) -> list[str]:
    return [str(x["launch_dir"]) for x in launched(store, number, work) if x.get("launch_dir")]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _order(number: str) -> tuple[int, str]:
    return (int(number), "") if number.isdecimal() else (1 << 62, number)


READER = Reader(
    SYSTEM,
    (
        "my_launchpad.yaml",
        "FW.json",
        "launcher_*",
        "block_*/launcher_*",
        "workflows.bson*",
        "fireworks.bson*",
        "fireworks.json",
        "*wflows*.json",
        "*launchpad*.json",
        "*mongomock*.json",
    ),
    read,
)
