"""Which files did a job read, make and log to, how large are they, and whose digests are known?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from auditor.world import World
from probes.records.within import relative
from probes.workflows import Digest, Environment, File, Place, Used
from probes.workflows.snakemake_files.log import Job, Log
from probes.workflows.snakemake_files.metadata import Record

_NOTE = re.compile(
    r" \((?:pipe|service|nodelocal|update|before update|cached|access: \w+|(?:[\w :]{1,40}, )?"
    r"(?:retrieve from storage|only provide storage uri|send to storage|in storage))\)$"
)


@dataclass(frozen=True)
class Frame:
    """What all tasks of one run share. before: where the folder lay when the log was written. records: only those of this run."""

    world: World
    folder: str
    before: str
    log: Log
    zone: tzinfo | None
    records: Mapping[str, Record]
    ended: float | None
    redact: Callable[[str], str]
    environments: Callable[[Record | None, Mapping[str, Place] | None], tuple[Environment, ...]]
    efficiency: Mapping[str, Used]
    sizes: dict[str, int | None] = field(default_factory=dict)
    unseen: list[str] = field(default_factory=list)
    """Numbers of submitted jobs whose own log is not there."""


def outputs(log: Log, folder: str, before: str) -> dict[str, tuple[str, ...]]:
    """Job's id → the paths that it was to make."""
    return {name: paths(job.fields.get("output", ""), folder, before) for name, job in log.jobs.items()}


def paths(text: str, folder: str, before: str) -> tuple[str, ...]:
    return tuple(relative(folder, _NOTE.sub("", part), before) for part in text.split(", ") if part) if text else ()


def files_of(
    frame: Frame, job: Job, read: tuple[str, ...], made: tuple[str, ...], record: Record | None, digests: Mapping[str, str]
) -> Iterator[File]:
    for path in read:
        yield File(
            path, "input", _size(frame, path), digest_of((record.checksums if record else {}).get(path) or digests.get(path))
        )
    for path in made:
        yield File(path, "output", _size(frame, path) if record else None, digest_of(digests.get(path)))
    for key in ("log", "benchmark"):
        text = job.fields.get(key, "").removesuffix(" (check log file(s) for error details)")
        for path in paths(text, frame.folder, frame.before):
            yield File(path, "log")


def digest_of(text: str | None) -> tuple[Digest, ...]:
    """Version 9: `sha256:hex`; 7: bare hex of sha256 (persistence.py)."""
    if not text:
        return ()
    kind, _, value = text.rpartition(":")
    return (Digest(kind or "sha256", value.lower()),) if re.fullmatch("[0-9a-fA-F]{32,128}", value) else ()


def _size(frame: Frame, path: str) -> int | None:
    """In bytes, of a plain file below the folder that has not been changed since the run; else nobody can tell."""
    if path not in frame.sizes:
        frame.sizes[path] = _measured(frame, path)
    return frame.sizes[path]


def _measured(frame: Frame, path: str) -> int | None:
    if path.startswith(("/", "..")) or "\0" in path or frame.ended is None:
        return None
    try:
        stat = frame.world.stat(f"{frame.folder}/{path}", follow=False)
    except OSError:
        return None
    return stat.size if stat.is_file and stat.mtime_ns / 1e9 <= frame.ended + 60 else None
