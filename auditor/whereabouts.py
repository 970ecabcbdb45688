"""What became of a run's files since: still the same, changed, gone, written over by another run? Reads the files; writes nothing."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from auditor.campaign import Touch
from auditor.model import Evidence, Job, Status
from auditor.store import Store
from auditor.world import World
from probes.datasets.refer import refer
from probes.datasets.registry import places
from probes.manifest import remember
from probes.manifest.build import NO_LIMIT, Limits
from probes.manifest.patterns import of_task
from probes.manifest.walk import Walk


@dataclass(frozen=True)
class Since:
    """One file of a run. state: `same`, `changed`, `gone`, `unreadable`; `orphan`: it lies where the run was to put its outputs, and no run
    that we know made it. now: the digest it has today, empty where there is none. A registered data set is one row, by its tree's digest.

    others: runs that made what lies there now (of an output: they wrote over it; of an input: they changed it).
    origin: runs that made the content this run read; empty: no run that we know did.
    """

    path: str
    role: str
    sha256: str
    state: str
    now: str = ""
    others: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    reason: str = ""


def since(store: Store, run_id: str, world: World, progress: Callable[[int], None] = lambda _: None) -> tuple[Since, ...]:
    """Every file of the run's manifests, by path. progress: told the size of each file before it is read.

    Digests of unchanged files are remembered; what lies on another machine's disk is `gone` here.
    """
    evidence = store.evidence(run_id)
    known = files(evidence, run_id)
    made = {(touch.path, touch.sha256) for _, touch in known if touch.role == "output"}
    own = (_one(store, run_id, place, touch, world, progress) for place, touch in known)
    job = store.job(run_id)
    return (*(_made(_by_itself(one, made), job, store, world) for one in own), *_datasets(evidence, world))


def _by_itself(one: Since, made: Collection[tuple[str, str]]) -> Since:
    """An input whose place holds today what the run itself made of it."""
    mine = one.role == "input" and one.state == "changed" and (one.path, one.now) in made
    return replace(one, reason="this run wrote over it") if mine else one


def _made(one: Since, job: Job, store: Store, world: World) -> Since:
    """An output whose ctime lies before the run was not made by it: a declared pattern matched what was there. ctime cannot be set back."""
    if one.role != "output" or one.state != "same" or not job.started_at:
        return one
    try:
        touched = world.stat(os.path.join(job.workdir, one.path)).ctime_ns / 1e9
    except OSError:
        return one
    if touched >= datetime.fromisoformat(job.started_at).timestamp() - SLACK:
        return one
    makers = _makers(store, one.sha256, job.run_id)
    return replace(one, state="same" if makers else "orphan", others=makers, reason="it was there before this run began")


SLACK = 2.0
"""Seconds: file servers' clocks are not quite ours, and accounting notes whole ones."""


def orphans(store: Store, run_id: str, world: World, progress: Callable[[int], None] = lambda _: None) -> tuple[Since, ...]:
    """Files below the run's declared output folders whose content no run made: left by hand, or by something that was not watched.

    At most MOST files are looked at. A file that some run read and none made is an orphan as well: that is where data came from outside.
    """
    job = store.job(run_id)
    read = {touch.path for _, touch in files(store.evidence(run_id), run_id) if touch.role == "input"}
    found = []
    for place in _lying(world, job):
        name = os.path.relpath(place, job.workdir) if place.startswith(f"{job.workdir.rstrip('/')}/") else place
        try:
            progress(world.stat(place).size)
            now = remember.sha256(world, place).sha256
        except OSError:
            continue  # gone meanwhile, or not ours to read: nothing can be said of it
        if name not in read and not _makers(store, now, ""):
            found.append(Since(name, "", "", "orphan", now))
    return tuple(found)


MOST = 10_000


def _lying(world: World, job: Job) -> Iterator[str]:
    """What lies in the folders that the declared outputs name, before their first wildcard; the work directory itself is none of them."""
    places: dict[str, None] = {}
    walk = Walk(time.monotonic() + 60)
    for pattern in job.outputs:
        whole = of_task(pattern, job.job_id)
        fixed = re.split(r"[*?\[]", whole)[0]
        folder = os.path.normpath(os.path.join(job.workdir, fixed if fixed == whole else os.path.dirname(fixed)))
        if folder == os.path.normpath(job.workdir) or not os.path.isdir(folder):
            continue
        for one in walk.folders(folder):
            places.update((os.path.join(one.path, name), None) for name in one.files)
            if len(places) > MOST:
                break
    yield from list(places)[:MOST]


def _datasets(evidence: Iterable[Evidence], world: World) -> list[Since]:
    """Registered data sets that the run referred to, as the registry finds them today; nothing is read."""
    found: dict[str, Since] = {}
    for one in evidence:
        if one.kind != "DataManifest" or one.status is not Status.OK or not one.data:
            continue
        root = str(one.data.get("root", "/"))
        for known in one.data.get("datasets") or ():
            if known.get("digest"):
                found[str(known["path"])] = _dataset(str(known["path"]), root, str(known["digest"]), str(known["dataset"]), world)
    return [found[path] for path in sorted(found)]


def _dataset(path: str, root: str, digest: str, name: str, world: World) -> Since:
    place = os.path.normpath(os.path.join(root, path))
    before = digest.removeprefix("sha256:")
    if not os.path.exists(place):
        return Since(path, "input", before, "gone", reason=f"data set {name}")
    found = refer(places(world, root), [place], [], Limits(NO_LIMIT, 600.0, 0)).references
    if not found:
        return Since(path, "input", before, "unreadable", reason=f"data set {name} is no longer registered here")
    today, why = found[0], f"data set {name}"
    if today.state == "changed":
        return Since(path, "input", before, "changed", reason=f"{why}: {', '.join(today.differences)}")
    if today.state != "unchanged":
        return Since(path, "input", before, "unreadable", reason=f"{why}: {', '.join(today.differences) or today.state}")
    now = today.digest.removeprefix("sha256:")
    return Since(path, "input", before, "same" if today.digest == digest else "changed", now, reason=why)


def files(evidence: Iterable[Evidence], run_id: str) -> list[tuple[str, Touch]]:
    """(absolute path, what the run knew of it) from its manifests, the later over the earlier."""
    found: dict[tuple[str, str], tuple[str, Touch]] = {}
    for one in evidence:
        if one.kind != "DataManifest" or one.status is not Status.OK or not one.data:
            continue
        for file in _rows(one.data):
            place = os.path.normpath(os.path.join(str(one.data.get("root", "/")), str(file["path"])))
            found[str(file["role"]), place] = place, Touch(run_id, str(file["role"]), str(file["path"]), str(file["sha256"]))
    return [found[key] for key in sorted(found)]


def _rows(data: Any) -> list[dict[str, Any]]:
    return [f for f in data.get("files") or () if f.get("sha256")]


def _one(store: Store, run_id: str, place: str, touch: Touch, world: World, progress: Callable[[int], None]) -> Since:
    origin = _makers(store, touch.sha256, run_id) if touch.role == "input" else ()
    try:
        progress(world.stat(place).size)
        now = remember.sha256(world, place).sha256
    except FileNotFoundError:
        return Since(touch.path, touch.role, touch.sha256, "gone", origin=origin)
    except OSError as error:
        return Since(touch.path, touch.role, touch.sha256, "unreadable", origin=origin, reason=error.strerror or str(error))
    if now == touch.sha256:
        return Since(touch.path, touch.role, touch.sha256, "same", now, origin=origin)
    return Since(touch.path, touch.role, touch.sha256, "changed", now, _makers(store, now, run_id), origin)


def _makers(store: Store, sha256: str, but: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(use.run_id for use in store.uses(sha256) if use.role == "output" and use.run_id != but))
