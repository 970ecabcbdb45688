"""Is the same data fetched more than once, and how much of an engine's time goes into moving files?"""

from __future__ import annotations

import re

from auditor.campaign import Campaign
from auditor.model import Fact, Verdict
from probes.data import DataManifest
from probes.schedulers import JobAccounting
from probes.submission import Submission
from probes.workflow import SystemsUsed
from probes.workflows.record import TaskGroup, WorkflowRuns
from reports.judging.again import again, line_at, script
from reports.judging.amounts import duration, percent, several, some
from reports.judging.engineruns import mine, none_of_mine, told
from reports.judging.gravityrules import fetched
from reports.judging.verdicts import Unclear, failed, not_applicable, passed, weak

# tasks that move files and compute nothing, as engines and people name them
MOVES = re.compile(r"stage[_-]?(in|out)|_file_stage|file_?transfer|^(down|up)load|^fetch|^rsync|^copy|^transfer", re.IGNORECASE)
# of the run time of all tasks: a fifth is a price, half is the main work
SOME_SHARE, MUCH_SHARE = 0.2, 0.5
# options by which downloaders leave alone what is there: wget -nc, -N, -c; curl -C, -z; aws s3 sync, rsync, rclone copy
_SPARES = re.compile(
    r"\s-(nc|N|c|C|z)\b|--(no-clobber|timestamping|continue|continue-at|time-cond|update|ignore-existing|size-only)|\b(sync|rsync)\b"
)
_ASKS = re.compile(r"\[\s+(-[efsd]|!\s+-[efsd])\s|\btest\s+(!\s+)?-[efsd]\b")


def fetched_again(
    systems: Fact[SystemsUsed],
    campaign: Fact[Campaign],
    accounting: Fact[JobAccounting],
    files: Fact[DataManifest],
    submission: Fact[Submission],
) -> Verdict:
    """A download in a script that is run more than once: by tasks of an array, by look-alikes, by another attempt."""
    found = [u for u in systems.value.uses if u.family == "download"]
    kept, _ = fetched(files, None)
    if not found and not kept:
        return not_applicable(
            "no download command among what the scripts call, and no download cache among the outputs", systems, files
        )
    c, a = campaign.value, accounting.value
    times = max(c.array_size, len(c.lookalikes) + 1, len(a.attempts))
    how = (
        f"an array of {several(c.array_size, 'task')}"
        if c.array_size == times and times > 1
        else f"{several(times, 'attempt')}"
        if len(a.attempts) == times and times > 1
        else f"{times} look-alike submissions"
    )
    what = some(f"{u.system} ({u.place})" for u in found) or some(kept)
    if times < 2:
        return passed(f"{what}: by one run in one attempt, as far as its campaign is known", campaign, accounting)
    lines = [line_at(submission.value, u.place) for u in found]
    spared = [line for line in lines if _SPARES.search(line) or _ASKS.search(line)]
    fix = (
        f"# once, on the login node; and out of {script(submission.value)}:\n"
        f"mkdir -p data && cd data && {next((line for line in lines if line), 'wget URL')} && sha256sum * > ../data.sha256 && cd ..\n"
        f"{again(submission.value, '--auditor-input=data/*')}"
    )
    if found and len(spared) == len(found):
        return weak(f"{what} in {how}: what is there is left alone, and tasks that begin together fetch it all the same", fix)
    return failed(f"{what} in {how}: the same data is fetched up to {times} times", fix)


def staging_heavy(engines: Fact[WorkflowRuns]) -> Verdict:
    if none := none_of_mine(engines):
        return none
    groups = [(r, g) for r in mine(engines) for g in r.groups]
    moving = [g for _, g in groups if MOVES.search(g.name)]
    first = told(groups[0][0]) if groups else told(mine(engines)[0])
    if not moving:
        return not_applicable(f"{first}: no task is named after moving files", engines)
    if any(not g.seconds_of for g in moving) or not any(g.seconds_of for _, g in groups if g not in moving):
        raise Unclear(f"{first}: run times of {_names(moving)} or of the work beside them are not known")
    spent, whole = sum(g.seconds for g in moving), sum(g.seconds for _, g in groups)
    share = spent / whole if whole else 0.0
    said = f"{first}: {duration(spent)} of {duration(whole)} of task time went into moving files ({percent(share)}): {_names(moving)}"
    if share < SOME_SHARE:
        return passed(said, engines)
    sizes = [g.inputs.bytes + g.outputs.bytes for g in moving if g.inputs.sized + g.outputs.sized]
    more = f"; {sum(sizes):,} bytes of it are known" if sizes else ""
    return (failed if share >= MUCH_SHARE else weak)(
        f"{said}{more}",
        "# keep the data where the tasks run, so that they link instead of copying:\n"
        "#   Pegasus: pegasus.data.configuration = sharedfs; Nextflow: process.stageInMode = 'symlink'; Parsl: no staging for paths on a shared disk",
        engines,
    )


def _names(groups: list[TaskGroup]) -> str:
    return some(f"{g.name} ({duration(g.seconds)})" for g in groups)
