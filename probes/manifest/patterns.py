"""Which files does one task of an array mean by `slice_%a.csv`? Slurm's own file name pattern (sbatch(1)), in declared globs."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable

_PATTERN = re.compile(r"%[Aaj%]")
_VARIABLE = re.compile(r"\$(?:\{SLURM_ARRAY_(TASK|JOB)_ID\}|SLURM_ARRAY_(TASK|JOB)_ID\b)")


def of_task(pattern: str, job_id: str) -> str:
    """`%A` array or job, `%a` task, `%j` job as printed, `%%` a percent sign. A whole array means all of its tasks: `*`.

    `$SLURM_ARRAY_TASK_ID` and `$SLURM_ARRAY_JOB_ID`, as a script writes them, mean the same as `%a` and `%A`.
    """
    job, _, task = job_id.partition("_")
    return _PATTERN.sub(lambda m: {"%A": job, "%a": task or "*", "%j": job_id, "%%": "%"}[m[0]], _named(pattern))


def _named(pattern: str) -> str:
    return _VARIABLE.sub(lambda m: "%a" if "TASK" in m[0] else "%A", pattern)


def of_others(path: str, root: str, patterns: Iterable[str], job_id: str) -> bool:
    """Does this path fit a pattern of the array, but of another task of it? Then that task made it, however close in time."""
    job = job_id.partition("_")[0]
    mine = [p for p in map(_named, patterns) if "%a" in p or "%j" in p]
    return any(
        _fits(path, root, of_task(p.replace("%j", "%A_%a"), job)) and not _fits(path, root, of_task(p, job_id)) for p in mine
    )


def _fits(path: str, root: str, pattern: str) -> bool:
    whole = os.path.normpath(os.path.join(root, pattern))
    return fnmatch.fnmatchcase(path, whole) or path.startswith(whole.rstrip("/") + "/")
