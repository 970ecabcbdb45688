"""Which raw traces are no longer needed? Those whose evidence is in the store; a trace can be larger than all that is kept of a run."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from auditor.home import Home
from auditor.model import AuditError, Evidence, Job, Status
from probes.tracing import ASKED, FileTrace, folder
from probes.tracing.touched import TRACERS

NAME = re.compile(r"([0-9a-f]{16})-([\w+]+)-(\d+)\.")
"""SUBMISSION-JOB-ATTEMPT., as `probes.tracing.stem` says it."""
ASKED_SECONDS = 7 * 86400
Known = Callable[[str], Iterable[Evidence]]


def clean(home: Home, known: Known, waiting: Iterable[Job]) -> int:
    """Remove what was read, all but the compiled shim. known: a run's evidence in the store; waiting: jobs that are not over.

    Bytes freed. A trace that could not be read stays. Killed in the middle, the next one goes on.
    """
    freed = 0
    submissions = {job.submission for job in waiting}
    for path, old in _files(folder(home.root)):
        found = NAME.match(os.path.basename(path))
        if path.endswith(ASKED):
            gone = old and os.path.basename(path).removesuffix(ASKED) not in submissions
        else:
            gone = found is not None and _read(known, found[1], found[2], int(found[3]), path.endswith(TRACERS))
        if gone:
            with suppress(OSError):
                size = os.stat(path).st_size
                os.unlink(path)
                freed += size
    return freed


def _files(where: str) -> Iterator[tuple[str, bool]]:
    """Every file, and whether it is older than a submission's note is kept."""
    with suppress(OSError):
        for entry in sorted(os.scandir(where), key=lambda e: e.name):
            with suppress(OSError):
                yield entry.path, time.time() - entry.stat().st_mtime > ASKED_SECONDS


def _read(known: Known, submission: str, job_id: str, attempt: int, raw: bool) -> bool:
    """Is this attempt's trace, or a later one's, evidence already? Notes beside no trace are, when they were told as the reason."""
    run = Job("", job_id, submission=submission).run_id
    try:
        told = [e for e in known(run) if e.kind == FileTrace.__name__ and e.attempt >= attempt]
    except AuditError:  # nothing of this run is in the store yet
        return False
    return any(e.status is Status.OK or (e.status is Status.FAILED and not raw) for e in told)
