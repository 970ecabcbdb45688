"""What of a job is the same each time it is submitted? That is stored once; its number, submission and times are each capture's own."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable

from auditor import codec
from auditor.model import Job
from auditor.store.snapshot import Snapshot
from auditor.store.text import escape, numberless, shape

OWN = {"job_id": "", "submission": "", "submitted_at": "", "started_at": "", "ended_at": "", "attempt": 0}


@dataclasses.dataclass(frozen=True)
class Work:
    """id: sha256 over both JSON texts, 32 bytes. words: the cells label, username, name, command, shape of a line."""

    id: bytes
    job: str
    script: bytes
    words: str


def works(snapshots: Iterable[Snapshot]) -> dict[bytes, Work]:
    """By the snapshot's id. Equal jobs give one object; most are equal."""
    found: dict[Job, Work] = {}
    by_id = {}
    for s in snapshots:
        bare = dataclasses.replace(s.job, **OWN)  # type: ignore[arg-type]
        if bare not in found:
            found[bare] = _work(bare)
        by_id[s.id] = found[bare]
    return by_id


def _work(job: Job) -> Work:
    slim = codec.dumps(dataclasses.replace(job, script=""))
    script = codec.dumps(job.script) if job.script else b""
    name = os.path.basename(job.script_path or next(iter(job.argv), ""))
    words = (job.label, job.user, name, numberless(" ".join(job.argv)), shape(job.script))
    return Work(hashlib.sha256(slim + b"\0" + script).digest(), slim.decode("ascii"), script, "\t".join(map(escape, words)))
