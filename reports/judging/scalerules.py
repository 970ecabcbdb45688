"""Does a training get faster with what it is given, and are look-alike submissions a sweep or somebody trying again?"""

from __future__ import annotations

from datetime import datetime

from auditor.campaign import Campaign, Sibling
from auditor.model import Fact, Verdict
from probes.schedulers import JobAccounting
from probes.submission import Submission
from probes.workflow import SystemsUsed
from probes.workflows.record import WorkflowRuns
from reports.judging.again import program
from reports.judging.amounts import duration, percent, several, some
from reports.judging.engineruns import phases_seen, told_by
from reports.judging.verdicts import Maybe, Unclear, not_applicable, passed, weak

# half of each added core or GPU at work; below, two narrower runs get more done (strong scaling, efficiency = T1 n1 / (Tn nn))
GOOD_SHARE = 0.5
# widths that differ by less are the same
WIDER = 1.5
BAD = ("FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "CANCELLED", "BOOT_FAIL", "DEADLINE", "PREEMPTED")


def tried_again(campaign: Campaign) -> set[str]:
    """Look-alikes that ended badly, and were followed by another submission after their end: corrections, not parts of a sweep."""
    alike = [s for s in campaign.siblings if s.run_id in set(campaign.lookalikes)]
    return {s.run_id for s in alike if s.state in BAD and s.ended_at}


def unscaled_training(
    systems: Fact[SystemsUsed],
    campaign: Fact[Campaign],
    accounting: Fact[JobAccounting],
    submission: Fact[Submission],
    engines: Maybe[WorkflowRuns],
) -> Verdict:
    c, a = campaign.value, accounting.value
    phases = phases_seen(systems, engines)
    if "train" not in phases:
        return not_applicable(
            f"no step trains a model; there are {some(f'{p} ({why})' for p, why in phases.items())}", *told_by(systems, engines)
        )
    if not a.final:
        raise Unclear("the scheduler's record is not final")
    if not a.used_cpus or not a.used_seconds:
        raise Unclear("cores or run time of this run are not known")
    alike = [
        (x, w, t)
        for x in c.siblings
        if x.run_id in set(c.lookalikes) and x.state == "COMPLETED" and (w := _width(x)) and (t := _took(x))
    ]
    other = [(x, w, t) for x, w, t in alike if max(w, a.used_cpus) >= WIDER * min(w, a.used_cpus)]
    if not other:
        return not_applicable(
            f"{several(len(alike), 'look-alike')} with known times, none of another width than {several(a.used_cpus, 'core')}: nothing to compare",
            campaign,
            accounting,
        )
    run, width, took = min(other, key=lambda o: (o[1], o[0].run_id))
    small, large = (
        ((width, took), (a.used_cpus, a.used_seconds)) if width < a.used_cpus else ((a.used_cpus, a.used_seconds), (width, took))
    )
    share = small[0] * small[1] / (large[0] * large[1])
    said = (
        f"{several(round(small[0]), 'core')}: {duration(small[1])}; {several(round(large[0]), 'core')}: {duration(large[1])} "
        f"(this run and {run.job_id}, alike but for numbers): "
        f"efficiency {percent(share)}, if the work was the same"
    )
    if share >= GOOD_SHARE:
        return passed(said, campaign, accounting)
    return weak(
        said,
        f"#SBATCH --ntasks={max(1, round(small[0]))}   # as narrow as the other one, until this shows better at a middle width:\n"
        f"for n in 1 2 4 8; do sbatch --ntasks=$n --job-name=scale-$n --wrap {program(submission.value)!r}; done",
        systems,
        campaign,
        accounting,
    )


def _took(run: Sibling) -> float:
    if not run.started_at or not run.ended_at:
        return 0.0
    return max(0.0, (datetime.fromisoformat(run.ended_at) - datetime.fromisoformat(run.started_at)).total_seconds())


def _width(run: Sibling) -> float:
    """Cores that it held: core-seconds over its run time; 0 where one is not known."""
    took = _took(run)
    return run.core_seconds / took if run.core_seconds and took else 0.0
