"""Is the same data fetched more than once, and how much of an engine's time goes into moving files?"""

from __future__ import annotations

import re

from auditor.campaign import Campaign
from auditor.model import Fact, Verdict
from probes.data import DataManifest
from probes.schedulers import JobAccounting
from probes.script.command import scope
from probes.script.steps import step
from probes.script.systems import of_command
from probes.script.walk import walk
from probes.submission import Submission
from probes.workflow import SystemsUsed
from probes.workflows.record import TaskGroup, WorkflowRuns
from reports.judging.again import again, line_at, script
from reports.judging.amounts import duration, line, percent, several, some, words
from reports.judging.engineruns import mine, none_of_mine, told
from reports.judging.gravityrules import fetched
from reports.judging.phases import of_command as phases_of_command
from reports.judging.phases import of_task
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
    spared = [row for row in lines if _SPARES.search(row) or _ASKS.search(row)]
    fix = (
        f"# once, on the login node; and out of {script(submission.value)}:\n"
        f"mkdir -p data && cd data && {next((row for row in lines if row), 'wget URL')} && sha256sum * > ../data.sha256 && cd ..\n"
        f"{again(submission.value, '--auditor-input=data/*')}"
    )
    if found and len(spared) == len(found):
        return weak(f"{what} in {how}: what is there is left alone, and tasks that begin together fetch it all the same", fix)
    return failed(f"{what} in {how}: the same data is fetched up to {times} times", fix)


def fetching_tasks(engines: Fact[WorkflowRuns]) -> Verdict:
    """Downloads among the commands of an engine's tasks: once, in a task that does nothing else, or by each of many."""
    if none := none_of_mine(engines):
        return none
    groups = [(r, g) for r in mine(engines) for g in r.groups]
    found = [(r, g, line_) for r, g in groups if (line_ := _download(g.command))]
    first = told(groups[0][0]) if groups else told(mine(engines)[0])
    if not found:
        if not any(g.command for _, g in groups):
            raise Unclear(f"{first} does not tell what its tasks run")
        return passed(f"no download among the commands of {several(len(groups), 'group')} of tasks of {first}", engines)
    bad = [f for f in found if f[1].tasks > 1 or _works(f[1])]
    if not bad:
        return passed(f"{told(found[0][0])}: {found[0][1].name} downloads once, in a task of its own: {found[0][2]}", engines)
    run, g, how = max(bad, key=lambda f: f[1].tasks)
    return (failed if _works(g) else weak)(
        f"{told(run)}: {f'each of {g.tasks} tasks' if g.tasks > 1 else 'the task'} {g.name} downloads: {how}",
        f"# a task of its own that runs once, before {g.name}, which then reads its file:\n{how} && sha256sum * > data.sha256",
        engines,
    )


def _works(group: TaskGroup) -> bool:
    """Does it train, infer, simulate or analyse beside what it fetches?"""
    return bool({s.phase for s in (*phases_of_command(group.command), *of_task(group.name))} - {"prepare"})


def _download(command: str) -> str:
    """The first part of a task's command that downloads, on one line; empty where none does."""
    steps = (step(c) for c in walk(command, scope({}, "", "task")) if c.words)
    for s in steps:
        name = s.launched.words[0].rsplit("/", 1)[-1] if s.launched.words else ""
        found = of_command(name, s.launched.words[1:])
        if found and found.family == "download":
            return line(words(s.launched.words, 40), 300)
    return ""


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
