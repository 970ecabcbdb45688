"""Of what a campaign and its engines were given, how much went into results: failures, waiting, empty cores?"""

from __future__ import annotations

import math
from datetime import datetime
from statistics import median

from auditor.campaign import Campaign, Sibling
from auditor.model import Fact, Verdict
from probes.data import DataManifest
from probes.schedulers import JobAccounting
from probes.submission import Submission
from probes.workflows.record import WorkflowRuns, WorkflowSeen
from reports.judging.again import program
from reports.judging.amounts import core_hours, duration, percent, several, some, time_option, words
from reports.judging.engineruns import mine, none_of_mine, told
from reports.judging.verdicts import Maybe, Unclear, failed, known, not_applicable, passed, weak

# from this many runs on a share says something
ENOUGH = 3
# clusters lose about a twentieth of their time to failed jobs (e.g. Blue Waters, arXiv 1703.00924); a fifth is a fault of the campaign
SOME_WASTE, MUCH_WASTE = 0.05, 0.2
# nobody minds ten minutes; ten times the run time is a queue chosen badly
SHORT_WAIT, LONG_WAIT = 600.0, 10.0
GOOD_SHARE, BAD_SHARE = 0.5, 0.2
# with less time than this, start-up is all one sees
WORTH = 60.0
LOST = ("FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "CANCELLED", "PREEMPTED")


def wasted_campaign(campaign: Fact[Campaign], accounting: Fact[JobAccounting], files: Maybe[DataManifest]) -> Verdict:
    """Core-hours of runs that ended badly and of which nobody read a file, against all."""
    c, a = campaign.value, accounting.value
    spent = [(s, s.core_seconds) for s in c.siblings if s.core_seconds is not None]
    if len(c.siblings) + 1 < ENOUGH:
        return not_applicable(
            f"{several(len(c.siblings), 'other run')} in the campaign; from {ENOUGH} runs on a share says something", campaign
        )
    own = _own(a)
    if own is None or len(spent) * 2 < len(c.siblings):
        raise Unclear(f"core-hours are known of {len(spent)} of {several(len(c.siblings), 'other run')}")
    used = {k.source for k in c.links}
    lost = [(s, n) for s, n in spent if s.state in LOST and s.run_id not in used]
    total, waste = sum(n for _, n in spent) + own, sum(n for _, n in lost)
    waste += 0.0 if _well(a) or c.run_id in used else own
    share = waste / total if total else 0.0
    good = len(spent) + 1 - len(lost) - (0 if _well(a) or c.run_id in used else 1)
    made = known(files)
    results = sum(f.role == "output" for f in made.value.files) if made else 0
    left = f"; this one left {several(results, 'output')}" if results else ""
    said = (
        f"{core_hours(total - waste)} of {core_hours(total)} core-hours ({percent(1 - share)}) went into the {several(good, 'run')} of "
        f"{len(spent) + 1} that ended well or were gone on from: {good * 3600 / total if total else 0:.2g} such runs a core-hour{left}"
    )
    if share < SOME_WASTE:
        return passed(said, campaign, accounting)
    worst = max(lost, key=lambda p: p[1])[0] if lost else None
    own_end = [] if _well(a) or c.run_id in used else [f"{a.job_id} {a.attempts[-1].state}"]
    ended = some([*own_end, *(f"{s.job_id} {s.state}" for s, _ in lost)])
    return (failed if share >= MUCH_WASTE else weak)(f"{said}; lost: {ended}", _cure(worst, a), campaign, accounting)


def _cure(run: Sibling | None, a: JobAccounting) -> str:
    state = run.state if run else a.attempts[-1].state
    name = run.job_id if run else a.job_id
    if state == "TIMEOUT":
        ran = _between(run.started_at, run.ended_at) if run and run.started_at and run.ended_at else a.asked_seconds
        limit = f"#SBATCH --time={time_option(ran or 3600)}"
        return f"{limit}\n#SBATCH --signal=B:USR1@300   # five minutes to write a checkpoint that the next run goes on from"
    if state == "OUT_OF_MEMORY":
        return f"sacct -j {name} -o JobID,MaxRSS,ReqMem   # then #SBATCH --mem= the peak and a fifth more"
    return f"sacct -j {name} -o JobID,State,ExitCode,Reason   # and try one small case before many are submitted"


def _own(a: JobAccounting) -> float | None:
    return a.used_cpus * a.used_seconds if a.used_cpus and a.used_seconds is not None else None


def _well(a: JobAccounting) -> bool:
    return bool(a.attempts) and a.attempts[-1].succeeded is not False


def queue_bound(campaign: Fact[Campaign], submission: Fact[Submission]) -> Verdict:
    """Middle wait against middle run time, over runs that waited for nothing but the queue."""
    c = campaign.value
    free = [s for s in c.siblings if s.submitted_at and s.started_at and s.ended_at and not s.dependency]
    if len(free) < ENOUGH:
        return not_applicable(
            f"{several(len(free), 'other run')} of the campaign started and ended without waiting for another one; from {ENOUGH} on a middle says something",
            campaign,
        )
    if c.array_throttle:
        return not_applicable(
            f"the array lets {several(c.array_throttle, 'task')} run at a time: its tasks wait for each other", campaign
        )
    waited = median(_between(s.submitted_at, s.started_at) for s in free)
    ran = median(_between(s.started_at, s.ended_at) for s in free)
    said = f"the middle one of {several(len(free), 'run')} waited {duration(waited)} and ran {duration(ran)}"
    if waited <= SHORT_WAIT or waited <= ran:
        return passed(said, campaign)
    each = max(2, round(min(waited, 3600.0) / max(ran, 1.0)))
    fix = (
        f"# {each} of them in one job, which waits once:\n#SBATCH --time={time_option(ran * each)}\n"
        f"for i in $(seq 1 {each}); do {program(submission.value)} $i; done"
    )
    return (failed if waited > LONG_WAIT * ran else weak)(said, fix, campaign)


def failing_tasks(engines: Fact[WorkflowRuns]) -> Verdict:
    """Tries of an engine's tasks that came to nothing."""
    if none := none_of_mine(engines):
        return none
    runs = mine(engines)
    tries = sum(r.attempts for r in runs)
    if not tries:
        raise Unclear(f"{told(runs[0])} does not say how often its tasks were tried")
    lost = sum(_lost(r) for r in runs)
    share = lost / tries
    said = f"{_all(runs)}: {lost} of {tries:,} tries came to nothing ({percent(share)})"
    if share < SOME_WASTE:
        return passed(said, engines)
    worst = max((g for r in runs for g in r.groups), key=lambda g: g.attempts - g.states.get("succeeded", 0))
    why = f": {worst.reasons[0]}" if worst.reasons else ""
    said += f"; most of {worst.name}{why}"
    return (failed if share >= MUCH_WASTE else weak)(said, _look(runs[0], worst.name), engines)


def _all(runs: list[WorkflowSeen]) -> str:
    more = len(runs) - 1
    return told(runs[0]) + (f" and {several(more, 'other run')} of engines" if more else "")


def _lost(run: WorkflowSeen) -> int:
    """Tries but one of each task that went well; at least one of each that was tried again or failed (a cached task may have no try at all)."""
    went = sum(run.states.get(s, 0) for s in ("succeeded", "cached", "running", "unknown"))
    ended_badly = sum(run.states.get(s, 0) for s in ("failed", "killed"))
    return min(run.attempts, max(0, run.attempts - went, run.retried + ended_badly - _both(run)))


def _both(run: WorkflowSeen) -> int:
    """Tasks that may be counted twice: tried again, and failed in the end all the same."""
    return sum(min(g.retried, g.states.get("failed", 0) + g.states.get("killed", 0)) for g in run.groups)


def _look(run: WorkflowSeen, name: str) -> str:
    word = "".join(c if c.isalnum() or c in "_:-" else "." for c in name)
    calls = {
        "snakemake": f"snakemake --until {words([name])} --cores 1 --show-failed-logs   # mend it, then run the rest",
        "nextflow": f"nextflow log last -f name,status,exit,workdir -F \"process =~ /.*{word}.*/ && status == 'FAILED'\"",
        "fireworks": f"lpad get_fws -n {words([name])} -s FIZZLED -d all",
        "pegasus": "pegasus-analyzer " + (words([run.folder]) if run.folder else "SUBMIT_DIR"),
    }
    return calls.get(
        run.system, f"auditor workflow {words([run.folder or '.'])}   # which tries of {name} failed, and with what words"
    )


def unfilled_allocation(engines: Fact[WorkflowRuns], accounting: Fact[JobAccounting]) -> Verdict:
    """An engine inside of one allocation: core-seconds of its tasks against those that were held."""
    if none := none_of_mine(engines):
        return none
    a = accounting.value
    if a.scheduler == "local" and not a.used_cpus:
        return not_applicable("run by the local executor, which allocates nothing", accounting)
    inside = [r for r in mine(engines) if r.relation == "inside" and not r.native_ids]
    if not inside:
        r = mine(engines)[0]
        return not_applicable(
            f"{told(r)} ran its tasks as jobs of their own ({some(r.native_ids)}), not in this allocation", engines
        )
    if not a.used_cpus or not a.used_seconds:
        raise Unclear("cores or run time of the job are not known")
    tasks, timed = sum(r.tasks for r in inside), sum(g.seconds_of for r in inside for g in r.groups)
    if timed * 2 < tasks:
        raise Unclear(f"{told(inside[0])}: run times are known of {timed} of {several(tasks, 'task')}")
    if a.used_seconds < WORTH:
        raise Unclear(f"the run took {a.used_seconds:.0f} s: too short to tell start-up from work")
    busy = sum(g.seconds * (g.asked.cpus or 1) for r in inside for g in r.groups)
    share = busy / (a.used_cpus * a.used_seconds)
    most = max(r.concurrent for r in inside)
    said = (
        f"{_all(inside)}: {several(tasks, 'task')} held {busy:.0f} of {a.used_cpus * a.used_seconds:.0f} core-seconds of the allocation "
        f"({percent(share)}), at most {most} at the same time on {several(a.used_cpus, 'core')}"
    )
    if share >= GOOD_SHARE:
        return passed(said, engines, accounting)
    cores = max(1, most, math.ceil(busy / a.used_seconds))
    fix = f"#SBATCH --cpus-per-task={cores}   # or let the engine use what is held: {several(a.used_cpus, 'place')} to work"
    return (failed if share < BAD_SHARE else weak)(said, fix, engines, accounting)


def _between(start: str, end: str) -> float:
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
