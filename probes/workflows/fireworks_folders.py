"""What lies in the folders that FireWorks launched in? Files that tasks left, and without a launch pad what the snapshots there can prove."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from glob import escape

from auditor.world import World
from probes.records import jsonl
from probes.records.inside import there
from probes.workflows import Attempt, Event, File, Place, State, Task, WorkflowRun
from probes.workflows.fireworks_store import Document, Store, plain
from probes.workflows.fireworks_tasks import attempt, moment, task

SYSTEM = "fireworks"
MAX_FILES = 20_000
MAX_HERE = 200
"""Files of one launch folder that are named."""
MAX_LAUNCHES = 20_000
MAX_SNAPSHOT = 4 << 20
_OWN = ("FW.json", "FW.yaml", "FW_offline.json", "FW_ping.json")
_LOGS = ("FW_submit.script", "FW_job-")


def with_files(world: World, folder: str, tasks: list[Task], launched: Mapping[str, Iterable[str]]) -> list[Task]:
    """The tasks with what lies in their launch folders, as far as these lie below `folder`, also where the whole tree was moved."""
    left, root = MAX_FILES, os.path.realpath(folder)
    found = []
    for one in tasks:
        folders = dict.fromkeys(launched[one.id]) if left > 0 else ()
        files = [f for where in folders for f in _files(world, root, where)]
        left -= len(files)
        found.append(replace(one, files=tuple(files)) if files else one)
    return found


def _files(world: World, root: str, where: str) -> Iterator[File]:
    launch = _found(world, root, where)
    for path in world.glob(f"{escape(launch)}/*")[:MAX_HERE] if launch else ():
        name = os.path.basename(path)
        try:
            seen = world.stat(path, follow=False)
        except OSError:
            continue
        if seen.is_file and name not in _OWN:
            yield File(os.path.relpath(path, root), "log" if name.startswith(_LOGS) else "output", seen.size)


def _found(world: World, root: str, where: str) -> str:
    """Its path below the root today; empty where it is not there, or is the root itself (a single shot leaves its files among all others)."""
    parts = where.rstrip("/").split("/")
    for path in (where, os.path.join(root, *parts[-2:]), os.path.join(root, parts[-1])):
        try:
            if world.stat(path, follow=False).is_dir and (real := os.path.realpath(path)).startswith(f"{root}/"):
                return real
        except (OSError, ValueError):
            continue
    return ""


def folders_only(world: World, folder: str) -> Iterator[WorkflowRun]:
    """One run of all launch folders. FW.json is a snapshot of the launch's beginning and says RUNNING for ever: it proves nothing."""
    here = escape(folder)
    patterns = (f"{here}/FW.json", f"{here}/launcher_*/FW.json", f"{here}/block_*/launcher_*/FW.json")
    paths = [p for pattern in patterns for p in world.glob(pattern) if there(world, folder, os.path.relpath(p, folder))]
    read = [(p, _snapshot(world, p)) for p in paths[:MAX_LAUNCHES]]
    works = [(p, w) for p, w in read if w is not None]
    if not paths:
        return
    by_number: dict[str, list[tuple[str, Document]]] = {}
    for path, work in works:
        by_number.setdefault(str(work["fw_id"]), []).append((path, work))
    tasks = [_task(world, folder, number, mine) for number, mine in by_number.items()]
    states = {t.state for t in tasks}
    told = states and states <= {State.SUCCEEDED, State.FAILED}
    state = (State.FAILED if State.FAILED in states else State.SUCCEEDED) if told else State.UNKNOWN
    proof = (
        "each launch's offline record says how it ended"
        if told
        else "only launch folders are here: FW.json says RUNNING for ever"
    )
    attempts = [a for t in tasks for a in t.attempts]
    gaps = ["the launch pad is not here: links, states and retries are not known"]
    if len(works) < len(paths):
        gaps.append(f"{len(paths) - len(works)} of {len(paths)} FW.json cannot be read")
    yield WorkflowRun(
        SYSTEM,
        "",
        os.path.basename(folder),
        folder,
        state,
        proof,
        started=min((a.started for a in attempts if a.started), default=""),
        ended=max((a.ended for a in attempts if a.ended), default="") if told else "",
        tasks=tuple(tasks),
        events=tuple(
            Event("retry", f"{t.name} was launched {len(t.attempts)} times", task=t.id, place=t.place)
            for t in tasks
            if len(t.attempts) > 1
        ),
        places=tuple(Place(os.path.relpath(p, folder)) for p, _ in works[:50]),
        gaps=tuple(gaps),
    )


def _task(world: World, folder: str, number: str, launches: list[tuple[str, Document]]) -> Task:
    path, work = launches[-1]
    place = Place(os.path.relpath(path, folder))
    store = Store(path)
    attempts = []
    for n, (where, one) in enumerate(launches, 1):
        store.add("launches", _latest(one))
        launch = next(iter(reversed(store.launches.values())), None)
        if launch is not None:
            attempts.append(_proved(world, where, attempt(n, launch, Place(os.path.relpath(where, folder)), world.now())))
    made = task(store, number, {**work, "launches": [], "state": ""}, (), place, world.now())
    found = replace(made, attempts=tuple(attempts), state=attempts[-1].state if attempts else State.UNKNOWN)
    return with_files(world, folder, [found], {number: [os.path.dirname(p) for p, _ in launches]})[0]


def _proved(world: World, path: str, found: Attempt) -> Attempt:
    """The attempt as FW_offline.json ended it; where there is none, unknown."""
    offline = os.path.join(os.path.dirname(path), "FW_offline.json")
    said = _document(world, offline)
    known = {"COMPLETED": State.SUCCEEDED, "FIZZLED": State.FAILED}
    state = known.get(str(said.get("state")), State.UNKNOWN)
    if state is State.UNKNOWN:
        return replace(found, state=state)
    store = Store(offline)
    store.add("launches", {"launch_id": 0, "action": said.get("fwaction")})
    reason = str(store.launches["0"]["action"].get("reason", "")) if state is State.FAILED else ""
    started, ended = moment(said.get("started_on")) or found.started, moment(said.get("completed_on"))
    return replace(found, state=state, started=started, ended=ended, reason=reason)


def _snapshot(world: World, path: str) -> Document | None:
    found = _document(world, path)
    return found if "fw_id" in found else None


def _document(world: World, path: str) -> Document:
    """Empty for what is no file of ours, or cannot be read."""
    try:
        found = plain(jsonl.document(world, path, MAX_SNAPSHOT)) if world.stat(path, follow=False).is_file else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _latest(work: Document) -> Document:
    launches = work.get("launches")
    listed = [x for x in launches if isinstance(x, dict) and "launch_id" in x] if isinstance(launches, list) else []
    return listed[-1] if listed else {"launch_id": 0}
