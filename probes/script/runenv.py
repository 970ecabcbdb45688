"""Which environment will the batch script see, as far as the submission tells? sbatch(1), `--export`; the in-job one as it is."""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Mapping

from auditor.model import Job
from probes.script import sbatch

# what a login gives everybody, whatever is exported (sbatch(1): NONE implies --get-user-env)
_LOGIN = frozenset({"HOME", "USER", "LOGNAME", "SHELL", "PATH"})


def run_environment(environ: Mapping[str, str], job: Job) -> dict[str, str]:
    """`environ` is the submitting one; inside the job it already is the run's own, and is given back unchanged."""
    if job.scheduler != "slurm" or inside(environ, job):
        return dict(environ)
    another = "SLURM_JOB_ID" in environ  # a job that submits: what Slurm told it is nothing to the new one
    outer = {k: v for k, v in environ.items() if not (another and k.startswith(("SLURM_", "SLURMD_")))}
    number, _, task = job.job_id.partition("_")
    if number.isdigit() and not job.is_array:
        own = {"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": task} if task.isdigit() else {"SLURM_JOB_ID": number}
        outer = {**own, **outer}
    return exported(outer, _wanted(environ, job))


def inside(environ: Mapping[str, str], job: Job) -> bool:
    ids = {environ.get("SLURM_JOB_ID", ""), environ.get("SLURM_ARRAY_JOB_ID", "")} - {""}
    return bool(job.job_id) and job.job_id.partition("_")[0].partition("+")[0] in ids


def exported(environ: Mapping[str, str], wanted: str) -> dict[str, str]:
    """`ALL` and empty: everything; `NONE`, `NIL`: what a login gives; `A,B=2`: those too; `ALL,B=2`: everything, B where it is not set."""
    words = [w for w in wanted.split(",") if w]
    given = dict(w.split("=", 1) for w in words if "=" in w)
    if not words or any(w.upper() == "ALL" for w in words):
        return {**given, **environ}
    names = {w for w in words if "=" not in w} | _LOGIN
    kept = {k: v for k, v in environ.items() if k in names or k.startswith(("SLURM_", "SPANK_"))}
    return {**kept, **given}


def own_options(job: Job) -> tuple[sbatch.Option, ...]:
    """What was typed for sbatch itself, line 0; empty where the job came otherwise."""
    if job.scheduler != "slurm":
        return ()
    name = os.path.basename(job.script_path)
    own = next((n for n, word in enumerate(job.argv) if name and os.path.join(job.workdir, word) == job.script_path), None)
    if own is None:
        own = next((n for n, word in enumerate(job.argv) if name and os.path.basename(word) == name), len(job.argv))
    return sbatch.options(job.argv[:own])[0]


def _wanted(environ: Mapping[str, str], job: Job) -> str:
    """The command line beats the environment, which beats the script (sbatch(1), INPUT ENVIRONMENT VARIABLES)."""
    typed = _export(own_options(job))
    return typed or environ.get("SBATCH_EXPORT", "") or _export(sbatch.directives(job.script))


def _export(options: Iterable[sbatch.Option]) -> str:
    return next((o.value for o in reversed(tuple(options)) if o.option == "--export"), "")
