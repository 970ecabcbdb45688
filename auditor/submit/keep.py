"""What of the code that a submission names is kept, so that a bundle can carry what ran? By content, and nothing that holds a secret."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace

from auditor import objects
from auditor.model import Capture, Job
from auditor.redact import Redactor
from auditor.world import World

KEPT_BYTES = 16 << 20


def keep(folder: str, found: Capture, world: World, redactor: Redactor) -> None:
    """Content of the small code files that were seen, so that a bundle can carry what ran. Nothing that holds a secret."""
    left = KEPT_BYTES
    wanted = {found.job.script.encode("utf-8", "surrogateescape")} - {b""}
    for path, sha256 in _files(found):
        with suppress(OSError):
            data = world.read(path, min(left, objects.MAX_OBJECT))
            if data and not os.path.exists(objects.path(folder, sha256)):
                left -= len(data)
                wanted.add(data)
    for data in wanted:
        text = data.decode("utf-8", "surrogateescape")
        if redactor.text(text) == text and len(data) <= objects.MAX_OBJECT:
            objects.keep(folder, data)


def _files(found: Capture) -> list[tuple[str, str]]:
    """Path and sha256 of code files in the evidence."""
    files: list[tuple[str, str]] = []
    for evidence in found.evidence:
        data = evidence.data or {}
        root = data.get("root", found.job.workdir) if evidence.kind == "FolderState" else found.job.workdir
        if evidence.kind in {"CalledFiles", "FolderState"}:
            files += [(os.path.join(root, f["path"]), f["sha256"]) for f in data.get("files", ()) if f["sha256"]]
    return files


def clean(job: Job, redactor: Redactor) -> Job:
    """The job without secrets: its script, command line and label are stored with every capture.

    Declared paths stay as they are, as files are looked for by them; of a URL the login goes.
    """
    return replace(
        job,
        script=redactor.text(job.script),
        argv=tuple(redactor.value(list(job.argv))),
        label=redactor.text(job.label),
        inputs=tuple(redactor.text(p) if "://" in p else p for p in job.inputs),
    )
