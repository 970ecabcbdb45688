"""Which paths below the work directory are never this run's data? What the settings exclude, the script, and what is another job's."""

from __future__ import annotations

import os
import re

from auditor.config import load
from auditor.model import Job
from auditor.world import World
from probes.manifest.patterns import of_others

_SLURM_LOG = re.compile(r"slurm-(\d+)(?:_\d+)?\.(?:out|err)$")


def excluded(world: World, root: str) -> frozenset[str]:
    """Folders and files that the user's settings keep out of manifests."""
    patterns = load(root, world.env).config.exclude
    return frozenset(os.path.normpath(path) for pattern in patterns for path in world.glob(os.path.join(root, pattern)))


def kept_out(path: str, folders: frozenset[str]) -> bool:
    return path in folders or any(path.startswith(f"{folder}/") for folder in folders)


def not_ours(path: str, root: str, job: Job) -> bool:
    """The batch script itself, what a sibling task declares as its own, and the log of another job in the same folder."""
    if of_others(path, root, job.outputs, job.job_id):
        return True
    if job.script_path and path == os.path.join(root, job.script_path):
        return True
    log = _SLURM_LOG.search(os.path.basename(path))
    return log is not None and job.scheduler == "slurm" and log[0].partition(".")[0] != f"slurm-{job.job_id.partition('+')[0]}"
