"""What is in the files below the work directory that were written while the attempt ran?"""

from __future__ import annotations

import os

from auditor import home
from auditor.model import Job
from auditor.world import World
from probes.data.ours import excluded, not_ours
from probes.data.part import NOTHING, Part, tell
from probes.data.when import began, over
from probes.manifest.build import Left, Limits, listing

_KERNEL = frozenset({"/proc", "/sys", "/dev", "/run"})


def changed(world: World, root: str, job: Job, limits: Limits) -> Part:
    """By mtime; nothing is known where the start is not."""
    if not job.started_at:
        return Part("output", "changed", NOTHING._replace(left=(Left(root, "start-unknown"),)))
    own = home.find(dict(world.env))
    apart = excluded(world, root)
    prune = _KERNEL | apart | ({os.path.realpath(own.root), own.root} if own else set())
    span = (began(world, job), over(job))
    found = listing((root,), limits=limits, span=span, prune=prune, world=world, tell=tell(world))
    kept = tuple(e for e in found.entries if e.path not in apart and not not_ours(e.path, root, job))
    return Part("output", "changed", found._replace(entries=kept))
