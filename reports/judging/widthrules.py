"""Did an engine run as many tasks at the same time as its graph allowed, and did tasks wait for others that they did not need?"""

from __future__ import annotations

from auditor.model import Fact, Verdict
from probes.workflows.record import TaskGroup, WorkflowRuns, WorkflowSeen
from reports.judging.amounts import duration, several
from reports.judging.engineruns import mine, none_of_mine, told
from reports.judging.verdicts import Unclear, failed, not_applicable, passed, weak

# from this many independent tasks on there is something to overlap
ENOUGH = 3
# of what graph and workers allow, this much must have been reached at least once
GOOD_SHARE = 0.5
# groups of at least this many tasks: below, waiting for all costs little
BROAD = 4
# the slowest of a group against the middle one: from here on, who waits for all waits mostly for one
STRAGGLER = 2.0

# engines whose places are cores, of which a task may take several
CORES = frozenset({"snakemake", "ray"})
MORE = {
    "snakemake": "snakemake --cores {n}   # or --jobs {w} with --executor slurm",
    "nextflow": "nextflow run main.nf -queue-size {n}   # and executor.cpus at least as many",
    "cwltool": "cwltool --parallel workflow.cwl job.yml",
    "parsl": "max_workers_per_node={n}   # in Config(executors=[HighThroughputExecutor(...)]), or max_blocks",
    "pegasus": "pegasus-plan ... && echo 'dagman.maxjobs = {n}' >> pegasus.properties",
    "fireworks": "rlaunch multi {n}",
    "dask": "Client(n_workers={n})",
    "ray": "tune.Tuner(..., tune_config=tune.TuneConfig(max_concurrent_trials={n}))",
}


def unreached_width(engines: Fact[WorkflowRuns]) -> Verdict:
    if none := none_of_mine(engines):
        return none
    wide = [r for r in mine(engines) if r.width >= ENOUGH]
    if not wide:
        r = mine(engines)[0]
        return not_applicable(
            f"{told(r)}: {several(r.tasks, 'task')}, at most {r.width} of them independent; from {ENOUGH} on there is something to overlap",
            engines,
        )
    return _reached(max(wide, key=lambda r: r.width), engines)


def _reached(run: WorkflowSeen, engines: Fact[WorkflowRuns]) -> Verdict:
    if run.timed * 2 < run.tasks or run.cyclic:
        why = "its graph has a cycle" if run.cyclic else f"times are known of {run.timed} of {several(run.tasks, 'task')}"
        raise Unclear(f"{told(run)}: the graph is {run.width} wide, and how many ran at once cannot be told: {why}")
    places = f", {several(run.workers, 'place')} to work" if run.workers else ""
    each = _cores_each(run)
    places += f", tasks of {several(each, 'core')}" if each > 1 else ""
    said = f"{told(run)}: {several(run.tasks, 'task')}, up to {run.width} independent{places}, at most {run.concurrent} at the same time"
    allowed = min(run.width, max(1, run.workers // each) if run.workers else run.width)
    if run.concurrent >= GOOD_SHARE * allowed and (run.workers or 2) > 1 and run.concurrent > 1:
        return passed(said, engines)
    if not run.concurrent:
        raise Unclear(f"{said}: the tasks were too short for the times that are kept")
    fix = MORE.get(run.system, "{n} at a time").replace("{n}", str(run.width * each)).replace("{w}", str(run.width))
    return (failed if run.concurrent == 1 else weak)(said, fix, engines)


def _cores_each(run: WorkflowSeen) -> int:
    """Cores that a task of the largest group takes, where places are cores; where each place takes a whole task: 1."""
    if run.system not in CORES or run.native_ids or not run.groups:
        return 1
    return max(1, round(max(run.groups, key=lambda g: g.tasks).asked.cpus or 1))


def needless_barrier(engines: Fact[WorkflowRuns]) -> Verdict:
    """All of a group waiting for all of another, by order alone, while one of the other takes far longer than the rest."""
    if none := none_of_mine(engines):
        return none
    walls = [(r, a, b) for r in mine(engines) for a, b in _walls(r)]
    if not walls:
        return not_applicable(
            f"{told(mine(engines)[0])}: no group of {BROAD} tasks or more waits, all for all, for another such group without reading its files",
            engines,
        )
    run, first, then = max(walls, key=lambda w: w[1].longest_seconds or 0)
    if first.median_seconds is None or first.longest_seconds is None:
        raise Unclear(f"{told(run)}: all {then.name} wait for all {first.name}, whose times are not known")
    said = (
        f"{told(run)}: each of {several(then.tasks, 'task')} {then.name} waits for all {first.tasks} {first.name}, reading none of their files; "
        f"the middle one took {duration(first.median_seconds)}, the slowest {duration(first.longest_seconds)}"
    )
    if first.longest_seconds < STRAGGLER * max(first.median_seconds, 1.0):
        return passed(said, engines)
    return weak(
        said,
        f"# let each {then.name} wait for the {first.name} that it needs, by file or argument:\n"
        f"futures = [{_name(then)}({_name(first)}(case)) for case in cases]   # not: wait for all, then start all",
        engines,
    )


def _walls(run: WorkflowSeen) -> list[tuple[TaskGroup, TaskGroup]]:
    groups = {g.name: g for g in run.groups}
    read = {(k.source, k.target) for k in run.links if k.by == "file"}
    return [
        (groups[k.source], groups[k.target])
        for k in run.links
        if k.by == "dependency"
        and (k.source, k.target) not in read
        and k.source in groups
        and k.target in groups
        and min(groups[k.source].tasks, groups[k.target].tasks) >= BROAD
        and k.count >= groups[k.source].tasks * groups[k.target].tasks
    ]


def _name(group: TaskGroup) -> str:
    return "".join(c if c.isalnum() or c == "_" else "_" for c in group.name)
