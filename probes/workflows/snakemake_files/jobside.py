"""What happened inside of a Slurm job that Snakemake submitted? The job's own log knows of retries that the main log does not.

In the job runs another Snakemake (`--mode remote`), with job number 0 and clock and host of its own; its log lies under `.snakemake/slurm_logs/`.
The plugin deletes the logs of jobs that succeeded unless it was told to keep them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from auditor.world import World
from probes.records.inside import inside
from probes.records.lines import lines
from probes.records.within import relative
from probes.workflows import Place
from probes.workflows.snakemake_files.environments import activated
from probes.workflows.snakemake_files.log import Try, told
from probes.workflows.snakemake_files.phrases import statements

MAX_BYTES = 4 << 20


@dataclass(frozen=True)
class JobSide:
    """path: of the log, in the run's folder. failed: the tries that failed in the job, in order. started: of the last one, local."""

    path: str
    host: str
    started: str
    failed: tuple[Try, ...]
    activated: Mapping[str, Place]
    """Images and environments that the job saw activated: the main log does not."""


def job_side(world: World, folder: str, before: str, attempt: Try, rule: str) -> JobSide | None:
    """The log of this try, where it is still there. before: where the folder lay when the log was written."""
    name = relative(folder, attempt.log, before) if attempt.log else f".snakemake/slurm_logs/rule_{rule}/{attempt.native}.log"
    if not attempt.native or "/.." in f"/{name}":
        return None
    try:
        path = inside(world, folder, name)
        log = told(os.path.relpath(path, folder), statements(lines(world, path, MAX_BYTES)))
    except OSError:
        return None
    tries = [t for job in log.jobs.values() for t in job.tries]
    # the outer Snakemake (job step) tells the failure of the inner one again when all tries are used up
    retried = [t for t in tries if t.verdict == "failed"][: len(log.said("restart"))]
    return JobSide(
        log.path, log.header.get("Host", ""), tries[-1].started if tries else "", tuple(retried), activated(folder, log, before)
    )
