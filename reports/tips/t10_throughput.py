"""Tip 10: does the work as a whole get through, with little waiting and little waste?"""

from __future__ import annotations

from datetime import datetime

from auditor.campaign import Campaign
from auditor.model import Check, Fact, Need, Phase, Tip, Verdict
from auditor.verdict import ReplayVerdict
from probes.data import DataManifest
from probes.schedulers import Attempt, JobAccounting
from probes.submission import Submission
from reports.judging.again import given
from reports.judging.amounts import duration, line, memory_option, percent, several, some, time_option, words
from reports.judging.campaigncost import long_queue, lost_hours
from reports.judging.campaignwork import RECORD
from reports.judging.campaignwork import SETTLES as CAMPAIGN_SETTLES
from reports.judging.engineruns import ENGINES, SWEEP
from reports.judging.proofs import REPLAY, SETTLES, summary
from reports.judging.verdicts import Maybe, Unclear, failed, known, not_applicable, passed, weak
from reports.judging.wasterules import failing_tasks, queue_bound, unfilled_allocation, wasted_campaign

# backfill fits short requests into gaps; an hour fits anywhere, and more than ten times too much fits nowhere
SHORT_LIMIT = 3600
GOOD_SHARE, BAD_SHARE = 0.25, 0.1
# nobody minds ten minutes; ten times the run time is a queue chosen badly
SHORT_WAIT = 600.0
LONG_WAIT = 10.0

SUBMISSION = Need(Submission, (Phase.SUBMIT,))
CAMPAIGN = Need(Campaign, (Phase.LATER,))
ACCOUNTING = Need(JobAccounting, (Phase.LATER,))


def unstated_time(submission: Fact[Submission], maybe: Maybe[JobAccounting]) -> Verdict:
    s = submission.value
    if s.given_by == "command":
        return not_applicable("run by the local executor, which sets no time limit (auditor run -- ...)", submission)
    limit = given(s, "time", "t")
    if limit:
        return passed(f"a time limit is asked for: --time={limit}", submission)
    accounting = known(maybe)
    used = accounting.value.used_seconds if accounting else None
    return failed(
        "no time limit is asked for: the partition's longest makes the job hard to place",
        f"#SBATCH --time={time_option(used or 2400)}",
        submission,
    )


def oversized_limit(accounting: Fact[JobAccounting]) -> Verdict:
    a = accounting.value
    _final(a)
    if a.scheduler == "local" and a.asked_seconds is None:
        return not_applicable("no time limit: the local executor sets none", accounting)
    if a.asked_seconds is None or a.used_seconds is None:
        raise Unclear("time asked for or used is not known: " + ("; ".join(a.gaps) or "no limit, or the job never started"))
    share = a.used_seconds / a.asked_seconds if a.asked_seconds else 1.0
    said = f"{duration(a.used_seconds)} of {duration(a.asked_seconds)} used ({percent(share)})"
    if share >= GOOD_SHARE:
        return passed(said)
    if a.asked_seconds <= SHORT_LIMIT:
        return passed(f"{said}; a limit of {duration(SHORT_LIMIT)} or less holds nobody up")
    return (failed if share < BAD_SHARE else weak)(said, f"#SBATCH --time={time_option(a.used_seconds)}")


def wasted_attempts(accounting: Fact[JobAccounting]) -> Verdict:
    a = accounting.value
    _final(a)
    if not a.attempts:
        raise Unclear("the scheduler's record holds no attempt")
    last = a.attempts[-1]
    if not last.started:
        raise Unclear(f"the job never started ({last.state}{f': {last.reason}' if last.reason else ''})")
    lost = [t for t in a.attempts if not t.succeeded]
    if not lost:
        return passed(f"{several(len(a.attempts), 'attempt')}, ended {last.state}")
    spent = sum(_ran(t) for t in lost)
    said = f"{some(f'attempt {t.number + 1} ended {_end(t)}' for t in lost)}: {duration(spent)} spent for nothing"
    if last.succeeded:
        return weak(said, _mend(a, lost[-1]))
    return failed(said, _mend(a, last))


def _end(attempt: Attempt) -> str:
    """A script may end well although a step of it did not."""
    return f"{attempt.state} with a failed step" if attempt.state == "COMPLETED" else attempt.state


def _mend(a: JobAccounting, attempt: Attempt) -> str:
    """What to change, from the way the attempt ended."""
    broken = [s for s in attempt.steps if s.state.startswith(("FAILED", "OUT_OF_ME")) or (s.exit_code or 0) != 0]
    if attempt.state == "OUT_OF_MEMORY" or any(s.state.startswith("OUT_OF_ME") for s in broken):
        return f"#SBATCH --mem={memory_option(max(a.asked_memory or 0, a.used_memory or 0) or 1 << 30, 1.5)}"
    if attempt.state == "TIMEOUT":
        return f"#SBATCH --time={time_option(a.asked_seconds or a.used_seconds or 3600)}\n#SBATCH --signal=B:USR1@300   # five minutes to write a checkpoint"
    if attempt.state in ("NODE_FAIL", "PREEMPTED", "REQUEUED"):
        return "#SBATCH --requeue\n#SBATCH --open-mode=append   # and start from the newest checkpoint"
    where = (
        f"step {line(broken[0].name)} ({line(broken[0].command) or 'the script'})" if broken else f"exit code {attempt.exit_code}"
    )
    return f"set -euo pipefail   # first line of the script; then look at {where}: less {words([a.stderr or a.stdout or 'slurm-JOBID.out'])}"


def long_wait(accounting: Fact[JobAccounting]) -> Verdict:
    a = accounting.value
    started = [t for t in a.attempts if t.started and (t.eligible or t.submitted)]
    if not started or a.used_seconds is None:
        raise Unclear("times of queueing and starting are not known")
    last = started[-1]
    wait = max(0.0, _between(last.eligible or last.submitted, last.started))
    said = f"waited {duration(wait)}, ran {duration(a.used_seconds)}"
    if wait <= SHORT_WAIT or wait <= a.used_seconds:
        return passed(said)
    fix = f"#SBATCH --time={time_option(a.used_seconds)}   # short requests are backfilled"
    fix += f"\n#SBATCH --mem={memory_option(a.used_memory)}" if a.used_memory else ""
    return (failed if wait > LONG_WAIT * a.used_seconds else weak)(said, fix)


def not_at_first_try(replay: Fact[ReplayVerdict]) -> Verdict:
    v = replay.value
    stopped = [s for s in v.steps if s.state == "failed"]
    if v.steps and not stopped and any(s.name == "run" and s.state == "done" for s in v.steps):
        took = _between(v.started_at, v.ended_at)
        return passed(f"the replay got through at the first try in {duration(took)} ({v.where})")
    where = f"{stopped[0].name}: {stopped[0].detail}" if stopped else summary(v)
    return failed(
        f"the replay stopped at {where}",
        f"auditor replay BUNDLE --dry-run   # bundle of run {v.run_id}: what is missing is listed before anything runs",
    )


def _ran(attempt: Attempt) -> float:
    return _between(attempt.started, attempt.ended) if attempt.started and attempt.ended else 0.0


def _between(start: str, end: str) -> float:
    """Seconds between two ISO 8601 times."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _final(a: JobAccounting) -> None:
    if not a.final:
        raise Unclear("the scheduler's record is not final")


TIP = Tip(
    number=10,
    slug="throughput",
    title="Optimise for throughput, not single-job performance",
    why=(
        "What counts is when the campaign is done. Failed attempts, long waits and oversized limits cost more than a "
        "slow inner loop."
    ),
    advice="Ask for the time you need, make failures cheap with checkpoints, and prefer requests that fit into gaps.",
    checks=(
        Check(
            "unstated-time",
            1,
            "Does the job say how long it will run?",
            (SUBMISSION, Need(JobAccounting, (Phase.LATER,), optional=True)),
            unstated_time,
            "submit through auditor sbatch",
        ),
        Check(
            "oversized-limit",
            2,
            "Is the time limit near the time used?",
            (ACCOUNTING,),
            oversized_limit,
            "auditor sweep, once the scheduler's record is final",
            "Slurm scheduling guide, backfill: accurate limits start jobs earlier; the shares are ours",
        ),
        Check(
            "wasted-attempts",
            2,
            "Did the first attempt succeed?",
            (ACCOUNTING,),
            wasted_attempts,
            "auditor sweep, once the scheduler's record is final",
        ),
        Check(
            "long-wait",
            2,
            "Did the job run longer than it waited?",
            (ACCOUNTING,),
            long_wait,
            "auditor sweep, once the scheduler's record is final",
        ),
        Check(
            "wasted-campaign",
            2,
            "Did the campaign's core-hours go into runs that ended well?",
            (CAMPAIGN, ACCOUNTING, Need(DataManifest, (Phase.LATER,), optional=True)),
            wasted_campaign,
            "auditor sweep, once the campaign's records are final",
            "field studies of large machines find some per cent of node-hours in failed jobs (Di Martino et al., Blue Waters, DSN 2014 and 2015); "
            "the twentieth and the fifth are ours",
        ),
        Check(
            "queue-bound",
            2,
            "Did the campaign's runs take longer than they waited?",
            (CAMPAIGN, SUBMISSION),
            queue_bound,
            "auditor sweep, once the campaign's records are final",
            "Slurm high-throughput guide: pack short work into fewer jobs; the ten minutes are ours",
        ),
        Check(
            "failing-tasks",
            2,
            "Did the engine's tasks succeed at their first try?",
            (ENGINES,),
            failing_tasks,
            SWEEP,
            "the engine's own record of tries; the twentieth and the fifth are ours",
        ),
        Check(
            "unfilled-allocation",
            2,
            "Did the engine's tasks fill the allocation that held them?",
            (ENGINES, ACCOUNTING),
            unfilled_allocation,
            SWEEP,
            "core-seconds of tasks against AllocCPUS x Elapsed (sacct(1)); the half and the fifth are ours",
        ),
        Check("not-at-first-try", 3, "Does a repeat get through at the first try?", (REPLAY,), not_at_first_try, SETTLES),
    ),
    campaign=(
        Check(
            "lost-hours",
            2,
            "Did the campaign's core-hours come to something?",
            (RECORD,),
            lost_hours,
            CAMPAIGN_SETTLES,
            "field studies find some per cent of node-hours in failed jobs (Di Martino et al., DSN 2014); the twentieth and the fifth are ours",
        ),
        Check(
            "long-queue",
            2,
            "Did the runs take longer than they waited?",
            (RECORD,),
            long_queue,
            CAMPAIGN_SETTLES,
            "Slurm high-throughput guide: pack short work; the ten minutes are ours",
        ),
    ),
)
