"""Tip 6: are many alike runs one array, and many devices really used together?"""

from __future__ import annotations

from datetime import datetime
from statistics import median

from auditor.campaign import Campaign, Sibling
from auditor.model import Check, Fact, Need, Phase, Tip, Verdict
from auditor.verdict import ReplayVerdict
from probes.schedulers import JobAccounting
from probes.submission import Submission
from probes.workflow import SystemsUsed
from reports.judging.again import program, script
from reports.judging.amounts import duration, several, some
from reports.judging.campaignwork import RECORD, loose_sweeps
from reports.judging.campaignwork import SETTLES as CAMPAIGN_SETTLES
from reports.judging.engineruns import ENGINES, MAYBE_ENGINES, SWEEP
from reports.judging.proofs import REPLAY, SETTLES, same, summary
from reports.judging.scalerules import tried_again, unscaled_training
from reports.judging.trackedruns import LOOK, TRACKED
from reports.judging.trackrules import rank_duplicates
from reports.judging.verdicts import Unclear, failed, not_applicable, passed, weak
from reports.judging.widthrules import needless_barrier

# two alike submissions may be a correction; three are a habit
LOOKALIKES = 2
# a queue notices arrays of this size; below, a limit only costs time
UNBOUNDED = 100
# starting and ending a task costs the scheduler seconds: below a minute that is a good part of it
TINY, SHORT = 60.0, 300.0

SYSTEMS = Need(SystemsUsed, (Phase.SUBMIT,))
SUBMISSION = Need(Submission, (Phase.SUBMIT,))
ACCOUNTING = Need(JobAccounting, (Phase.LATER,))
CAMPAIGN = Need(Campaign, (Phase.LATER,))


def lookalike_submissions(campaign: Fact[Campaign], submission: Fact[Submission]) -> Verdict:
    c = campaign.value
    again = tried_again(c)
    alike = [r for r in c.lookalikes if r not in again]
    count = len(alike) + 1
    if len(alike) < LOOKALIKES:
        said = (
            f"one array of {several(c.array_size, 'task')}"
            if c.array_size > 1
            else f"{several(len(alike), 'look-alike')} of this submission"
        )
        said += f", and {len(again)} that failed and were submitted again" if again else ""
        return passed(said, campaign)
    throttle = max(1, min(50, count // 3))
    fix = f"#SBATCH --array=0-{count - 1}%{throttle}\n{_numbered(submission.value)}"
    return failed(f"{several(count, 'submission')} differ only in numbers: one array of {count} tasks", fix, campaign)


def _numbered(s: Submission) -> str:
    """The script's line with the task's number in place of the one that was typed."""
    if len(s.arguments) == 1 and s.arguments[0].isdecimal():
        return f"set -- $SLURM_ARRAY_TASK_ID   # first line of {script(s)}, in place of the number that is typed; now {s.arguments[0]}"
    return f"{program(s)}   # with $SLURM_ARRAY_TASK_ID where the numbers differ"


def unbounded_array(campaign: Fact[Campaign], accounting: Fact[JobAccounting]) -> Verdict:
    size = campaign.value.array_size
    if size <= 1 and not accounting.value.array_task_id:
        return not_applicable(f"not a task of an array ({accounting.source})", accounting)
    if size == 1:
        return not_applicable(f"an array of one task: {accounting.value.job_id}", campaign, accounting)
    throttle = campaign.value.array_throttle or accounting.value.array_throttle or 0
    said = f"array of {several(size, 'task')}, " + (
        f"at most {throttle} at a time" if throttle else "no limit on how many at a time"
    )
    if throttle or size <= UNBOUNDED:
        return passed(said)
    return weak(said, f"#SBATCH --array=0-{size - 1}%{UNBOUNDED // 2}")


def tiny_tasks(campaign: Fact[Campaign], accounting: Fact[JobAccounting], submission: Fact[Submission]) -> Verdict:
    a, c = accounting.value, campaign.value
    if not a.array_task_id:
        return not_applicable(f"not a task of an array ({accounting.source})", accounting)
    if c.array_size == 1:
        return not_applicable(f"an array of one task: {a.job_id}", campaign, accounting)
    times = [t for t in (_seconds(s) for s in c.siblings if s.job_id.split("_")[0] == a.array_job_id) if t is not None]
    times += [a.used_seconds] if a.used_seconds is not None else []
    if not times:
        raise Unclear("no task of the array has finished")
    middle = median(times)
    said = f"the middle one of {several(len(times), 'task')} took {duration(middle)}"
    if middle >= SHORT:
        return passed(said, campaign, accounting)
    fix = _packed(max(c.array_size, len(times)), max(2, round(SHORT / max(middle, 1.0))), program(submission.value))
    return (failed if middle < TINY else weak)(said, fix, campaign, accounting)


def _packed(tasks: int, each: int, line: str) -> str:
    """An array of fewer tasks, each with a loop over `each` of the old ones; or one loop, where that is all."""
    work = line.replace("$SLURM_ARRAY_TASK_ID", "$i").replace("${SLURM_ARRAY_TASK_ID}", "$i")
    work = work if "$i" in work else f"SLURM_ARRAY_TASK_ID=$i {work}"
    if each >= tasks:
        return f"# one job, no array line:\nfor i in $(seq 0 {tasks - 1}); do {work}; done"
    first = f"first=$((SLURM_ARRAY_TASK_ID * {each}))"
    return f"#SBATCH --array=0-{-(-tasks // each) - 1}\n{first}\nfor i in $(seq $first $((first + {each - 1}))); do {work}; done"


def _seconds(run: Sibling) -> float | None:
    if not run.started_at or not run.ended_at:
        return None
    return (datetime.fromisoformat(run.ended_at) - datetime.fromisoformat(run.started_at)).total_seconds()


def idle_devices(systems: Fact[SystemsUsed], accounting: Fact[JobAccounting], submission: Fact[Submission]) -> Verdict:
    a = accounting.value
    if a.scheduler == "local" and (a.asked_gpus or 0) <= 1:
        return not_applicable("run by the local executor on one machine: nothing to distribute", accounting)
    if a.asked_nodes is None or a.asked_gpus is None:
        raise Unclear("the scheduler's record does not tell how many nodes and GPUs were asked for")
    if a.asked_nodes <= 1 and a.asked_gpus <= 1:
        return not_applicable(
            f"{several(a.asked_nodes, 'node')} and {several(a.asked_gpus, 'GPU')} were allocated ({accounting.source}): nothing to distribute",
            accounting,
        )
    asked = f"{several(a.asked_nodes, 'node')} and {several(a.asked_gpus, 'GPU')} asked for"
    launchers = [u for u in systems.value.uses if u.family == "distributed"]
    if launchers:
        return passed(f"{asked}, started by {some(f'{u.system} ({u.place})' for u in launchers)}")
    each = max(1, a.asked_gpus // max(1, a.asked_nodes))
    line = program(submission.value)
    fix = (
        f"srun --ntasks-per-node=1 torchrun --nnodes={a.asked_nodes} --nproc-per-node={each} {line.removeprefix('python3 ').removeprefix('python ')}"
        if a.asked_gpus > 1
        else f"srun --ntasks={a.asked_nodes} {line}   # in {script(submission.value)}"
    )
    return failed(f"{asked}, and no launcher in the scripts that would use more than one", fix)


def tied_task(replay: Fact[ReplayVerdict]) -> Verdict:
    v = replay.value
    if same(v):
        return passed(f"this task alone: {summary(v)}")
    return failed(f"not shown to stand alone: {summary(v)}", f"auditor replay BUNDLE   # bundle of run {v.run_id}")


TIP = Tip(
    number=6,
    slug="arrays-and-distributed",
    title="Use job arrays and distributed training strategically",
    why=(
        "One array is one line in the queue, one record and one throttle; a hundred alike submissions are a hundred of "
        "each. Devices that no launcher uses stay idle."
    ),
    advice=(
        "Submit alike runs as one array with a throttle and tasks of some minutes; start one rank for each device asked for."
    ),
    checks=(
        Check(
            "idle-devices",
            1,
            "If several nodes or GPUs were asked for, does a launcher use them?",
            (SYSTEMS, ACCOUNTING, SUBMISSION),
            idle_devices,
            "auditor sweep, once the scheduler's record is final",
        ),
        Check(
            "lookalike-submissions",
            2,
            "Are alike runs one array?",
            (CAMPAIGN, SUBMISSION),
            lookalike_submissions,
            "submit through auditor with one label, so that look-alikes are seen",
        ),
        Check(
            "unbounded-array",
            2,
            "Is a large array throttled?",
            (CAMPAIGN, ACCOUNTING),
            unbounded_array,
            "auditor sweep, once the array's record is there",
            "sbatch(1) --array: % limits the tasks that run at once; the size of 100 is ours",
        ),
        Check(
            "tiny-tasks",
            2,
            "Do the array's tasks run long enough to be worth a start?",
            (CAMPAIGN, ACCOUNTING, SUBMISSION),
            tiny_tasks,
            "auditor sweep, once tasks have finished",
            "Slurm high-throughput guide: start and end of a job cost the controller; the minute is ours",
        ),
        Check(
            "rank-duplicates",
            2,
            "Does a distributed training keep one record, not one for each rank?",
            (TRACKED,),
            rank_duplicates,
            LOOK,
            "PyTorch, torchrun: RANK; MLflow and W&B, distributed training: log from rank 0",
        ),
        Check(
            "unscaled-training",
            2,
            "Is a wider training faster, as far as its look-alikes tell?",
            (SYSTEMS, CAMPAIGN, ACCOUNTING, SUBMISSION, MAYBE_ENGINES),
            unscaled_training,
            "auditor sweep, once the look-alikes are finished",
            "strong scaling efficiency T1 n1 / (Tn nn); half is what EuroHPC and PRACE scaling tests ask to show, the comparison is ours",
        ),
        Check(
            "needless-barrier",
            2,
            "Do tasks wait only for those whose results they read?",
            (ENGINES,),
            needless_barrier,
            SWEEP,
            "arXiv 2606.07491, tip 6: over-synchronisation; bulk-synchronous steps wait for their slowest (Valiant 1990); the factor of 2 is ours",
        ),
        Check("tied-task", 3, "Could this one task be run alone, with the same result?", (REPLAY,), tied_task, SETTLES),
    ),
    campaign=(
        Check(
            "loose-sweeps",
            2,
            "Are sweeps arrays?",
            (RECORD,),
            loose_sweeps,
            CAMPAIGN_SETTLES,
            "sbatch(1) --array; the count of three is ours",
        ),
    ),
)
