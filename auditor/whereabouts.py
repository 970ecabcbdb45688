"""What became of a run's files since: still the same, changed, gone, written over by another run? Reads the files; writes nothing."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from auditor.campaign import Touch
from auditor.model import Evidence, Status
from auditor.store import Store
from auditor.world import World
from probes.manifest import remember


@dataclass(frozen=True)
class Since:
    """One file of a run. state: `same`, `changed`, `gone`, `unreadable`. now: the digest it has today, empty where there is none.

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
    return tuple(_one(store, run_id, place, touch, world, progress) for place, touch in files(store.evidence(run_id), run_id))


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
