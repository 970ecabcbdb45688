"""Which variables did we set so that engines leave a record of this run, and what came of it?"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from glob import escape
from typing import Any

from auditor import home
from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World

MAX_NOTE = 1 << 20
MAX_RECORDS = 200


@dataclass(frozen=True)
class Setting:
    """A variable. why: what it was set for, or why it was left as it was. merged: it had a value before, which is still in it."""

    name: str
    why: str
    merged: bool = False


@dataclass(frozen=True)
class Attached:
    """Kind of the probe `attached` (later). run: AUDIT_RUN_ID, the number of the submission. named: systems that the script or what it calls names.

    given: variables that the run had from us; left: those that we did not touch. records: what engines wrote into our home for it, relative to
    its folder there, at most MAX_RECORDS; bytes: their size.
    """

    run: str
    named: tuple[str, ...]
    given: tuple[Setting, ...]
    left: tuple[Setting, ...]
    records: tuple[str, ...] = ()
    bytes: int = 0


def folder(environ: Mapping[str, str], submission: str) -> str:
    """Where engines that we attached to wrote for this submission; empty where there can be none."""
    own = home.find(dict(environ))
    return os.path.join(own.attached, submission) if own and submission else ""


def collect(world: World, job: Job) -> Attached | Absent:
    where = folder(world.env, job.submission)
    note = f"{where}.json"
    if not where or not world.exists(note):
        return Absent(
            "nothing was set: the script names no engine that leaves more with a variable, or attaching is switched off"
        )
    said = json.loads(world.read(note, MAX_NOTE))
    given = tuple(_setting(s) for s in said["given"])
    left = tuple(_setting(s) for s in said["left"])
    if job.hook.startswith("--export="):  # Slurm was told to pass on a few variables only
        left, given = (*left, *(Setting(s.name, job.hook) for s in given)), ()
    records = tuple(p for p in world.glob(f"{escape(where)}/**") if world.stat(p, follow=False).is_file)
    found = [p for p in records if os.path.basename(p) != "ray-wanted"]
    return Attached(
        run=str(said["run"]),
        named=tuple(str(n) for n in said["named"]),
        given=given,
        left=left,
        records=tuple(os.path.relpath(p, where) for p in found[:MAX_RECORDS]),
        bytes=sum(world.stat(p).size for p in found),
    )


def _setting(said: Mapping[str, Any]) -> Setting:
    return Setting(str(said["name"]), str(said["why"]), bool(said.get("merged", False)))


PROBE = Probe("attached", Attached, collect, frozenset({Phase.LATER}), source="the note that was made when the run was submitted")
