"""Where did sbatch put the job's output? From the script's own lines, else sbatch's default."""

from __future__ import annotations

import os
import re

from auditor.model import Job
from probes.schedulers import notation as n

_OUTPUT = re.compile(r"^#SBATCH\s+(?:.*\s)?(?:--(?P<long>output|error)[=\s]|-(?P<short>[oe])\s*)(?P<path>[^\s#]+)", re.MULTILINE)


def paths(job: Job) -> tuple[str, ...]:
    """Candidates, standard error first: slurmstepd writes its last words there. Only those whose name we can fill in."""
    if not job.workdir:
        return ()
    named = {
        "e" if (m["long"] or m["short"]).startswith("e") else "o": m["path"].strip("\"'") for m in _OUTPUT.finditer(job.script)
    }
    base, _, task = job.job_id.partition("_")
    default = "slurm-%A_%a.out" if task else "slurm-%j.out"
    values = {"j": base, "A": base, "a": task, "u": job.user} if task else {"j": base, "A": base, "u": job.user}
    if task:
        del values["j"]  # a task's own number is not known from its name
    patterns = [p for p in (named.get("e"), named.get("o", default)) if p]
    filled = [n.filename(p, values) for p in patterns]
    return tuple(os.path.join(job.workdir, p) for p in filled if "%" not in p)
