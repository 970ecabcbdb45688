"""Which runs did W&B record here, offline or on their way to its server? `wandb/*run-*/run-ID.wandb`: protobuf records in LevelDB's log framing.

Source: wandb/proto/wandb_internal.proto of 0.31 (field numbers never change there), wandb/sdk/internal/datastore.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.world import World
from probes.records.leveldblog import Ended, records
from probes.records.lines import one_line
from probes.records.protobuf import Malformed, Message
from probes.tracking import Reader, TrackedRun, wandb_run
from probes.tracking.listed import files, folders
from probes.workflows import State, Unreadable

MARK = "*run-*/run-*.wandb"
HEADER = b":W&B\xe1\xbe\x00"
MAX_BYTES = 128 << 20
QUIET = 900
"""Seconds without a byte after which a run without an exit record is taken for dead: W&B samples the machine every 15."""


def read(world: World, folder: str) -> Iterator[TrackedRun]:
    """Newest first: folders are named `run-20261123_212819-ID`. A file that is no such record raises Unreadable, when the others are read."""
    broken: list[str] = []
    for inner in sorted((n for n in folders(folder) if "run-" in n), key=lambda n: n[n.find("run-") :], reverse=True):
        for name in files(f"{folder}/{inner}"):
            if name.startswith("run-") and name.endswith(".wandb"):
                try:
                    yield _run(world, folder, inner, name)
                except (ValueError, OSError) as error:
                    broken.append(f"{inner}/{name}: {one_line(str(error), 160)}")
    if broken:
        raise Unreadable("; ".join(broken[:5]) + (f" and {len(broken) - 5} more" if len(broken) > 5 else ""))


def _run(world: World, folder: str, inner: str, name: str) -> TrackedRun:
    told = wandb_run.Told()
    path = f"{folder}/{inner}/{name}"
    for record in records(world, path, HEADER, MAX_BYTES):
        if isinstance(record, Ended):
            told.gaps += [f"{name}: {record.why}"] if record.why else []
            break
        try:
            wandb_run.take(Message(record), told)
        except Malformed as error:
            told.gaps.append(f"{name}: a record cannot be read: {error}")
    state, proof = _end(world, path, told)
    kept = tuple(
        f"{inner}/files/{f}" for f in ("requirements.txt", "conda-environment.yaml") if f in files(f"{folder}/{inner}/files")
    )
    return wandb_run.tracked(told, folder, inner, name, state, proof, kept)


def _end(world: World, path: str, told: wandb_run.Told) -> tuple[State, str]:
    if told.exit is not None:
        return (State.FAILED if told.exit else State.SUCCEEDED), f"exit record with code {told.exit}"
    silent = int(world.now().timestamp() - world.stat(path).mtime_ns / 1e9)
    if silent < QUIET:
        return State.RUNNING, f"no exit record, and the file was written to {silent} s ago"
    return (
        State.KILLED,
        "no exit record, which W&B writes whenever a run ends or fails, and nothing was written for a quarter of an hour",
    )


READER = Reader("wandb", (MARK,), read)
