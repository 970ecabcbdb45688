"""What does a bundle say of its run's outputs? Read only where the whole bundle checks."""

from __future__ import annotations

import os
from contextlib import closing

from auditor import codec
from auditor.model import AuditError, Evidence, Job
from reports.archive import verifier
from reports.archive.verify import verify


def opened(path: str | os.PathLike[str]) -> tuple[Job, tuple[Evidence, ...]]:
    """The job and the evidence of the bundle at `path`. Raises AuditError for one that is damaged, or none."""
    if problems := verify(path).problems:
        raise AuditError(f"{path} is not verifiable: {problems[0]}", "auditor verify says all that is wrong with it")
    with closing(verifier.open_bundle(os.fspath(path))) as bundle:
        job = codec.loads(verifier.read(bundle, "data/job.json"), Job, "job.json")
        return job, codec.loads(verifier.read(bundle, "data/evidence/evidence.json"), tuple[Evidence, ...], "evidence.json")
