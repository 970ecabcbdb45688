"""Tip 9: is the loop from results back to the next simulation written down, counted and bounded?"""

from __future__ import annotations

import re

from auditor.campaign import Campaign, Sibling
from auditor.model import Check, Fact, Need, Phase, Tip, Verdict
from auditor.verdict import ReplayVerdict
from probes.submission import Submission
from probes.workflow import SystemsUsed
from probes.workflows.record import WorkflowRuns
from reports.judging.again import again, script
from reports.judging.amounts import several, some
from reports.judging.campaignwork import RECORD, unheld_loop
from reports.judging.campaignwork import SETTLES as CAMPAIGN_SETTLES
from reports.judging.engineruns import MAYBE_ENGINES, mine
from reports.judging.proofs import SETTLES, same, summary
from reports.judging.roundrules import engine_loops, handmade_rounds
from reports.judging.verdicts import Maybe, Unclear, failed, known, not_applicable, passed, weak

RESUBMITS = re.compile(r"\b(sbatch|scontrol\s+requeue|qsub)\b")
ENDLESS = re.compile(r"\bwhile\s+(true|:|\[\s*1\s*\])|for\s*\(\(\s*;\s*;\s*\)\)")
# a round that is submitted only if something holds
TEST = re.compile(r"\bif\b|\[|&&|\|\||-l[te]\b")
BAD_STATES = ("FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "CANCELLED", "BOOT_FAIL", "DEADLINE")

SYSTEMS = Need(SystemsUsed, (Phase.SUBMIT,))
CAMPAIGN = Need(Campaign, (Phase.LATER,))
SUBMISSION = Need(Submission, (Phase.SUBMIT,))


def _no_loop(systems: Fact[SystemsUsed], campaign: Fact[Campaign], engines: Maybe[WorkflowRuns]) -> Verdict | None:
    """The scripts, the data and the engines' records were looked at, and none shows a loop."""
    if systems.value.loops or campaign.value.cycle or engine_loops(engines):
        return None
    runs = several(len(campaign.value.siblings), "other run")
    said = f"no loop in the scripts and no data path back through {runs} of the campaign"
    if engines is None:
        raise Unclear(f"{said}; what engines recorded was not looked at")
    if not isinstance(engines, Fact):
        return not_applicable(f"{said}; {engines.reason}", systems, campaign)
    if engines.value.unread:
        raise Unclear(f"{said}; an engine's record could not be read: {engines.value.unread[0]}")
    return not_applicable(f"{said}, nor in what engines recorded", systems, campaign, engines)


def self_submission(
    systems: Fact[SystemsUsed], campaign: Fact[Campaign], submission: Fact[Submission], engines: Maybe[WorkflowRuns]
) -> Verdict:
    hidden = [line for line in systems.value.loops if RESUBMITS.search(line)]
    if hidden:
        name = script(submission.value)
        return failed(
            f"the script submits the next round itself: {some(hidden, 1)}",
            "# a driver that everybody can read, instead:\njid=\nfor i in $(seq 1 10); do\n"
            f"  jid=$(sbatch --parsable ${{jid:+--dependency=afterok:$jid}} {name} $i)\ndone",
            systems,
        )
    if none := _no_loop(systems, campaign, engines):
        return none
    if loops := engine_loops(engines):
        return passed(f"an engine holds the loop: {loops[0][1]}")
    if campaign.value.cycle:
        return passed(f"the loop shows in the data: {several(len(campaign.value.cycle), 'run')} on it")
    return passed(f"the loop stands in the script: {some(systems.value.loops, 1)}", systems)


def endless_loop(systems: Fact[SystemsUsed], submission: Fact[Submission]) -> Verdict:
    loops = systems.value.loops
    if not loops:
        return not_applicable("no loop in the scripts that would need a stop rule", systems)
    stops = re.search(r"\bbreak\b", submission.value.script_text)
    endless = [
        line for line in loops if (ENDLESS.search(line) and not stops) or (RESUBMITS.search(line) and not TEST.search(line))
    ]
    if endless:
        fix = "for iteration in $(seq 1 20); do   # at most 20, and out earlier when it converged:\n  ./converged.sh && break"
        return failed(f"no stop rule: {endless[0]}", fix, systems)
    return passed(f"bounded: {some(loops, 2)}", systems)


def uncounted_iterations(
    systems: Fact[SystemsUsed], campaign: Fact[Campaign], submission: Fact[Submission], engines: Maybe[WorkflowRuns]
) -> Verdict:
    if none := _no_loop(systems, campaign, engines):
        return none
    c = campaign.value
    if isinstance(engines, Fact) and (
        counted := [said for run, said in engine_loops(engines) if max(run.iterations, default=0) >= 2]
    ):
        return passed(f"counted in an engine's record: {counted[0]}", engines)
    if c.iterations >= 2 and c.cycle:
        return passed(
            f"{several(c.iterations, 'iteration')} seen in the data, {several(len(c.cycle), 'run')} on the loop", campaign
        )
    if not systems.value.loops and not c.cycle and (held := engine_loops(engines)):
        raise Unclear(f"{held[0][1]}: its record shows no second round")
    return failed(
        "a loop stands in the scripts, and the recorded data shows no second round",
        again(
            submission.value,
            "--auditor-label=LOOP",
            *(f"--auditor-input={p}" for p in submission.value.declared_inputs or ("iteration-*/out/*",)),
            *(f"--auditor-output={p}" for p in submission.value.declared_outputs or ("iteration-*/out/*",)),
        )
        + "   # every round so",
        campaign,
    )


def built_on_failure(
    systems: Fact[SystemsUsed], campaign: Fact[Campaign], submission: Fact[Submission], engines: Maybe[WorkflowRuns]
) -> Verdict:
    if none := _no_loop(systems, campaign, engines):
        return none
    on_loop = [s for s in campaign.value.siblings if s.run_id in campaign.value.cycle]
    bad = [s for s in on_loop if s.state in BAD_STATES]
    if bad:
        return weak(
            f"the loop went on over {some(_said(s) for s in bad)}",
            f"sbatch --dependency=afterok:JOBID {script(submission.value)}   # afterok, not afterany",
            campaign,
        )
    if not on_loop and isinstance(engines, Fact) and (held := _ended_well(engines)):
        return held
    if not on_loop:
        raise Unclear("the rounds of the loop are not known as runs")
    return passed(f"all {several(len(on_loop), 'other run')} on the loop ended well", campaign)


def _ended_well(engines: Fact[WorkflowRuns]) -> Verdict | None:
    """An engine starts a task only when those it needs succeeded; so all of a loop did, where the groups on it hold no failure."""
    for run in mine(engines):
        ring = {name for names in run.loops for name in names}
        on = [g for g in run.groups if g.name in ring]
        if on and all(g.states.get("succeeded", 0) + g.states.get("cached", 0) == g.tasks for g in on):
            return passed(f"all {several(sum(g.tasks for g in on), 'task')} on the loop of {run.system} ended well", engines)
    return None


def _said(run: Sibling) -> str:
    return f"{run.job_id} ({run.state})"


def unrepeated_iteration(
    systems: Fact[SystemsUsed], campaign: Fact[Campaign], maybe: Maybe[ReplayVerdict], engines: Maybe[WorkflowRuns]
) -> Verdict:
    if none := _no_loop(systems, campaign, engines):
        return none
    replay = known(maybe)
    if replay is None:
        raise Unclear("no round of the loop was ever replayed")
    v = replay.value
    return (
        passed(f"one round again: {summary(v)}", replay)
        if same(v)
        else failed(summary(v), f"auditor replay BUNDLE   # bundle of run {v.run_id}", replay)
    )


TIP = Tip(
    number=9,
    slug="feedback-loops",
    title="Design feedback loops explicitly",
    why=(
        "A loop that lives in self-submitting scripts or in somebody's hands has no record of its rounds, no stop rule,"
        " and nobody can run it again."
    ),
    advice=(
        "Write the loop down in one place, count the iterations, bound them, and let each round read files that the "
        "round before wrote."
    ),
    checks=(
        Check(
            "self-submission",
            1,
            "Is the loop written in one place, not in a script that submits itself?",
            (SYSTEMS, CAMPAIGN, SUBMISSION, MAYBE_ENGINES),
            self_submission,
            "submit through auditor, then auditor sweep, so that scripts and data paths are known",
        ),
        Check(
            "endless-loop",
            1,
            "Does every loop in the scripts have a stop rule?",
            (SYSTEMS, SUBMISSION),
            endless_loop,
            "submit through auditor, so that the scripts are read",
        ),
        Check(
            "uncounted-iterations",
            2,
            "Can the iterations be counted from the data?",
            (SYSTEMS, CAMPAIGN, SUBMISSION, MAYBE_ENGINES),
            uncounted_iterations,
            "declare inputs and outputs of every round; auditor sweep",
        ),
        Check(
            "built-on-failure",
            2,
            "Did each round start from a good one?",
            (SYSTEMS, CAMPAIGN, SUBMISSION, MAYBE_ENGINES),
            built_on_failure,
            "submit every round through auditor; auditor sweep",
        ),
        Check(
            "handmade-rounds",
            2,
            "Are rounds that feed each other started by a program, not by hand?",
            (CAMPAIGN, SUBMISSION, MAYBE_ENGINES),
            handmade_rounds,
            "submit every round through auditor, with inputs and outputs declared; auditor sweep",
            "arXiv 2606.07491, tip 9; the count of three is ours",
        ),
        Check(
            "unrepeated-iteration",
            3,
            "Did a round come out the same when it was run again?",
            (SYSTEMS, CAMPAIGN, Need(ReplayVerdict, (Phase.LATER,), optional=True), MAYBE_ENGINES),
            unrepeated_iteration,
            SETTLES,
        ),
    ),
    campaign=(
        Check(
            "unheld-loop",
            2,
            "Is the campaign's loop held by a program?",
            (RECORD,),
            unheld_loop,
            CAMPAIGN_SETTLES,
            "arXiv 2606.07491, tip 9",
        ),
    ),
)
