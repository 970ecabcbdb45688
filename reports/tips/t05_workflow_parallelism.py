"""Tip 5: does independent work run side by side, across jobs and not only inside one?"""

from __future__ import annotations

import re

from auditor.campaign import Campaign, Sibling
from auditor.model import Check, Fact, Need, Phase, Tip, Verdict
from auditor.verdict import ReplayVerdict
from probes.schedulers import JobAccounting
from probes.submission import Submission
from probes.workflow import SystemsUsed
from reports.judging.again import script
from reports.judging.amounts import MIB, duration, line, several, some
from reports.judging.campaignwork import RECORD, unshared_time
from reports.judging.campaignwork import SETTLES as CAMPAIGN_SETTLES
from reports.judging.engineruns import ENGINES, SWEEP
from reports.judging.proofs import REPLAY, SETTLES, same, summary
from reports.judging.verdicts import Unclear, failed, not_applicable, passed
from reports.judging.widthrules import unreached_width

# from this many runs on, doing them one after another is a choice worth a question
ENOUGH = 3
# steps that fill this much of the run time, summed, cannot have overlapped
SERIAL_SHARE = 1.1
MIN_STEPS = 3

SYSTEMS = Need(SystemsUsed, (Phase.SUBMIT,))
SUBMISSION = Need(Submission, (Phase.SUBMIT,))
ACCOUNTING = Need(JobAccounting, (Phase.LATER,))
CAMPAIGN = Need(Campaign, (Phase.LATER,))


def serial_loop(systems: Fact[SystemsUsed], submission: Fact[Submission]) -> Verdict:
    found = systems.value.serial
    if not found:
        beside = systems.value.parallel
        return passed(f"no loop runs programs one after another{f'; side by side: {some(beside, 2)}' if beside else ''}", systems)
    return failed(
        f"a loop runs programs one after another: {some(found, 2)}", _array(found[0], script(submission.value)), systems
    )


def _array(sign: str, name: str) -> str:
    """`file:3 for i in $(seq 0 9); do` as an array of the same width, where the width can be read."""
    loop = re.search(r"for (\w+) in (.*?)(?:;|$)", sign)
    variable = loop[1] if loop else "i"
    words = loop[2].split() if loop else []
    if words and all(re.fullmatch(r"[\w.,:+/-]+", w) for w in words):
        values = f"values=({' '.join(words)}); {variable}=${{values[$SLURM_ARRAY_TASK_ID]}}"
        return f"#SBATCH --array=0-{len(words) - 1}\n{values}   # in {name}, instead of the loop"
    found = re.search(r"\{(\d+)\.\.(\d+)\}|seq (?:-w )?(\d+) (\d+)|seq (\d+)", sign)
    first, last = ("0", "N-1")
    if found:
        a, b, c, d, e = found.groups()
        first, last = (a, b) if a else (c, d) if c else ("1", e)
    return f"#SBATCH --array={first}-{last}\n{variable}=$SLURM_ARRAY_TASK_ID   # in {name}, instead of the loop"


def queued_singly(campaign: Fact[Campaign]) -> Verdict:
    c = campaign.value
    timed = [s for s in c.siblings if s.started_at and s.ended_at]
    if len(timed) < ENOUGH:
        return not_applicable(
            f"{several(len(timed), 'run')} of the campaign finished; from {ENOUGH} on there is something to overlap"
        )
    width = _width(timed)
    said = f"at most {several(width, 'run')} of {len(timed)} at the same time"
    if width > 1:
        return passed(said)
    if _chained(c, timed):
        return not_applicable(f"each run waits for what the one before made: {several(len(c.links), 'file')} handed on")
    if sum(s.started_at == s.ended_at for s in timed) * 2 > len(timed):
        raise Unclear("most runs end in the second in which they begin: whether they overlapped cannot be told")
    loop = line(" ".join(s.job_id for s in timed[:3]))
    return failed(
        f"{said}, though nothing was handed from one to the next",
        f"# submit them together, without waiting (here {loop} ...):\n{line(timed[0].command, 1000)}",
    )


def _width(runs: list[Sibling]) -> int:
    """Most runs between start and end at any moment; ISO 8601 texts in UTC sort as times do."""
    events = sorted([(s.started_at, 1) for s in runs] + [(s.ended_at, -1) for s in runs])
    now = most = 0
    for _, change in events:
        now += change
        most = max(most, now)
    return most


def _chained(campaign: Campaign, runs: list[Sibling]) -> bool:
    """Is every run but the first one tied to another by data or by a dependency?"""
    tied = {k.target for k in campaign.links} | {s.run_id for s in runs if s.dependency}
    return sum(s.run_id in tied for s in runs) >= len(runs) - 1


def steps_in_a_row(accounting: Fact[JobAccounting]) -> Verdict:
    a = accounting.value
    if not a.final or not a.attempts:
        raise Unclear("the scheduler's record is not final")
    steps = [s for s in a.attempts[-1].steps if s.name not in ("extern", "batch")]
    if len(steps) < MIN_STEPS:
        return not_applicable(
            f"{several(len(steps), 'srun step')} in the job ({accounting.source}): from {MIN_STEPS} on there is something to overlap"
        )
    if not a.used_seconds:
        raise Unclear("the job ended in the second in which it began: whether its steps overlapped cannot be told")
    times = [s.elapsed for s in steps if s.elapsed is not None]
    cores = a.used_cpus or 1
    narrow = all((s.tasks or 1) * 2 <= cores for s in steps)
    total = sum(times)
    said = f"{several(len(steps), 'srun step')} took {duration(total)} summed, in a job of {duration(a.used_seconds)} on {several(cores, 'core')}"
    if total <= SERIAL_SHARE * a.used_seconds and narrow:
        each = f"{a.asked_memory // len(steps) // MIB}M" if a.asked_memory else "1G"
        first = re.sub(r"^(?:\S*srun\b)?\s*", f"srun --exact --mem={each} ", line(steps[0].command, 1000) or "./step", count=1)
        return failed(
            f"{said}: one after another, each on less than half of the cores",
            f"{first} &   # each step so: without --mem the first one holds all of it\nwait",
        )
    return passed(said)


def dependent_run(replay: Fact[ReplayVerdict]) -> Verdict:
    if same(replay.value):
        return passed(f"alone, without its siblings: {summary(replay.value)}")
    return failed(
        f"not shown to be independent: {summary(replay.value)}",
        f"auditor lineage {replay.value.run_id}   # which files of other runs does it read?",
    )


TIP = Tip(
    number=5,
    slug="workflow-parallelism",
    title="Exploit parallelism at the workflow level, not just the job level",
    why=(
        "Many independent runs finish sooner side by side than one after another in a single allocation, and fit into "
        "the gaps of the schedule."
    ),
    advice="Cut work into runs that do not know of each other, and let the scheduler place them.",
    checks=(
        Check(
            "serial-loop",
            1,
            "Is independent work kept out of a serial loop?",
            (SYSTEMS, SUBMISSION),
            serial_loop,
            "submit through auditor, so that the scripts are read",
        ),
        Check(
            "queued-singly",
            2,
            "Did runs of the campaign overlap where they could?",
            (CAMPAIGN,),
            queued_singly,
            "submit the whole campaign through auditor with one label, then auditor sweep",
        ),
        Check(
            "steps-in-a-row",
            2,
            "Did the job's steps fill its cores?",
            (ACCOUNTING,),
            steps_in_a_row,
            "auditor sweep, once the scheduler's record is final",
            "srun(1) --exact; sacct(1) step rows",
        ),
        Check(
            "unreached-width",
            2,
            "Did as many tasks run at the same time as the engine's graph and places allow?",
            (ENGINES,),
            unreached_width,
            SWEEP,
            "arXiv 2606.07491, tip 5; width is the largest level of the task graph; half of it is ours",
        ),
        Check("dependent-run", 3, "Could the run be repeated without its siblings?", (REPLAY,), dependent_run, SETTLES),
    ),
    campaign=(
        Check(
            "unshared-time",
            2,
            "Did runs that wait for no other one run at the same time?",
            (RECORD,),
            unshared_time,
            CAMPAIGN_SETTLES,
            "arXiv 2606.07491, tip 5",
        ),
    ),
)
