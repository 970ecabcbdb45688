"""Which repository, if any, does a folder lie in, and which folders hold a job's code?"""

from __future__ import annotations

import os.path

from auditor.model import Job
from auditor.world import World
from probes.script.trace import trace


def repository(world: World, folder: str) -> str:
    """The nearest folder upwards that has a `.git` (a file in worktrees and submodules); empty when there is none."""
    folder = os.path.normpath(folder)
    while folder.startswith("/"):
        try:
            if world.exists(os.path.join(folder, ".git")):
                return folder
        except LookupError:
            return ""
        if folder == os.path.dirname(folder):
            break
        folder = os.path.dirname(folder)
    return ""


def code_folders(world: World, job: Job) -> tuple[str, ...]:
    """Folders of the called files, in the order called and as often; then of the batch script; then the work directory."""
    called = [os.path.dirname(call.path) for call in trace(world, job).calls if not call.inside]
    script = [os.path.dirname(job.script_path)] if job.script_path.startswith("/") else []
    return (*called, *script, *([job.workdir] if job.workdir else []))


def repositories(world: World, job: Job) -> tuple[str, ...]:
    """Repositories that hold the job's code, the one with most of it first."""
    count: dict[str, int] = {}
    known: dict[str, str] = {}
    for folder in code_folders(world, job):
        root = known.setdefault(folder, repository(world, folder))
        if root:
            count[root] = count.get(root, 0) + 1
    return tuple(sorted(count, key=lambda root: -count[root]))
