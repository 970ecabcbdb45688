"""Which image files did the job run for sure, though they leave no trace? Pure.

Apptainer leaves nothing behind of a file that is run by its path. Then three things stand for it together: the file was identified as the
job started; the line that runs it stands in no branch; and the script with that line did not change: Slurm freezes the batch script itself,
and of a called one the digest at submission is that of the start.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator

from probes.called import CalledFiles
from probes.containers import ContainerIdentities, Reference
from probes.submission import Submission
from reports.judging.verdicts import Maybe, known


def files(
    refs: Iterable[Reference],
    there: Maybe[ContainerIdentities],
    submission: Submission,
    before: Maybe[CalledFiles],
    after: Maybe[CalledFiles],
) -> Iterator[Reference]:
    found = known(there)
    identified = {i.reference for i in found.value.images if i.state == "ok" and (i.sha256 or i.image_id)} if found else set()
    same = _digests(before) & _digests(after)
    unchanged = {path for path, _ in same}
    for ref in refs:
        plain = ref.transport == "file" and ref.sure and ref.resolved and not ref.engine
        frozen = not ref.file or os.path.normpath(os.path.join(submission.cwd, ref.file)) in unchanged
        if plain and frozen and ref.text in identified:
            yield ref


def _digests(called: Maybe[CalledFiles]) -> set[tuple[str, str]]:
    fact = known(called)
    return {(f.path, f.sha256) for f in fact.value.files if f.state == "ok" and f.sha256} if fact else set()
