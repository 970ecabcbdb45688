"""Tip 4: was what the job asked for what it used?"""

from __future__ import annotations

from typing import Any

from auditor.model import Check, Fact, Need, Outcome, Phase, Tip, Verdict
from auditor.verdict import ReplayVerdict
from probes.environment import Environment
from probes.hardware import Hardware
from probes.kernel import KernelAccounting
from probes.schedulers import JobAccounting
from probes.submission import Submission
from reports.judging.again import given
from reports.judging.amounts import GIB, memory_option, percent, several, size, time_option
from reports.judging.campaigncost import idle_hours, idle_requests
from reports.judging.campaignwork import RECORD
from reports.judging.campaignwork import SETTLES as CAMPAIGN_SETTLES
from reports.judging.engineruns import ENGINES, MAYBE_ENGINES
from reports.judging.proofs import REPLAY, same, summary
from reports.judging.taskrules import idle_gpu, overasked_tasks, unfit_partition
from reports.judging.verdicts import Maybe, Unclear, failed, known, not_applicable, passed, weak

# Jobstats and seff flag the same ratios; where they stand is ours: half used is well used, a fifth is not
GOOD_SHARE, BAD_SHARE = 0.5, 0.2
# nobody else could use a smaller remainder
SMALL_MEMORY = 2 * GIB
# with less time than this, start-up is all one sees
SHORT = 60.0

SUBMISSION = Need(Submission, (Phase.SUBMIT,))
ACCOUNTING = Need(JobAccounting, (Phase.LATER,))
KERNEL = Need(KernelAccounting, (Phase.END,), optional=True)
VARIABLES = Need(Environment, (Phase.START,))
HARDWARE = Need(Hardware, (Phase.START,))

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

REQUESTS = {
    "memory": (("mem", "mem-per-cpu", "mem-per-gpu"), "#SBATCH --mem=4G"),
    "cores": (("cpus-per-task", "c", "ntasks", "n", "ntasks-per-node", "exclusive"), "#SBATCH --cpus-per-task=1"),
    "time": (("time", "t"), "#SBATCH --time=01:00:00"),
}


def unstated_needs(submission: Fact[Submission], accounting: Maybe[JobAccounting]) -> Verdict:
    s = submission.value
    if s.given_by == "command":
        return not_applicable("run by the local executor, which has no scheduler to ask (auditor run -- ...)", submission)
    missing = [what for what, (names, _) in REQUESTS.items() if given(s, *names) is None]
    if not missing:
        return passed("memory, cores and time are asked for in so many words", submission)
    fix = "\n".join(_line(what, known(accounting)) for what in missing)
    said = f"left to the site's defaults: {', '.join(missing)}"
    return (failed if len(missing) == len(REQUESTS) else weak)(said, fix, submission)


def _line(what: str, accounting: Fact[JobAccounting] | None) -> str:
    """The directive to add, from what was used where that is known."""
    a = accounting.value if accounting else None
    if what == "memory" and a and a.used_memory:
        return f"#SBATCH --mem={memory_option(a.used_memory)}"
    if what == "time" and a and a.used_seconds:
        return f"#SBATCH --time={time_option(a.used_seconds)}"
    if what == "cores" and a and a.used_cpus:
        return f"#SBATCH --cpus-per-task={a.used_cpus}"
    return REQUESTS[what][1]


def idle_memory(accounting: Fact[JobAccounting], maybe_kernel: Maybe[KernelAccounting]) -> Verdict:
    a, kernel = accounting.value, known(maybe_kernel)
    _final(a)
    counted = kernel.value.memory_peak if kernel and kernel.value.scope == "job" else None
    used = max((n for n in (a.used_memory, counted) if n is not None), default=None)
    if a.scheduler == "local" and a.asked_memory is None:
        return not_applicable("no memory was asked for: the local executor grants what the machine has", accounting)
    if a.asked_memory is None or used is None:
        raise Unclear("memory asked for or used is not known: " + ("; ".join(a.gaps) or "the job ended before its first sample"))
    sampled = _memory(a.used_memory, a.asked_memory, accounting) if a.used_memory is not None else None
    if sampled and sampled.outcome is Outcome.PASSED:
        return sampled
    return _memory(used, a.asked_memory, accounting, *([kernel] if kernel and used == counted else []))


def _memory(used: int, asked: int, *rests: Fact[Any]) -> Verdict:
    share = used / asked if asked else 0.0
    said = f"{size(used)} of {size(asked)} used at the peak ({percent(share)})"
    if share >= GOOD_SHARE:
        return passed(said, *rests)
    if asked - used < SMALL_MEMORY:
        return passed(f"{said}: less than {size(SMALL_MEMORY)} lay idle", *rests)
    return (failed if share < BAD_SHARE else weak)(said, f"#SBATCH --mem={memory_option(used)}", *rests)


def idle_cores(accounting: Fact[JobAccounting]) -> Verdict:
    a = accounting.value
    _final(a)
    if a.scheduler == "local" and a.asked_cpus is None:
        return not_applicable("no core was asked for: the local executor grants what the machine has", accounting)
    cores = a.used_cpus or a.asked_cpus
    if not cores or a.used_cpu_seconds is None or a.used_seconds is None:
        raise Unclear("cores, CPU time or run time are not known: " + ("; ".join(a.gaps) or "the scheduler did not count them"))
    if a.used_seconds < SHORT:
        raise Unclear(f"the run took {a.used_seconds:.0f} s: too short to tell start-up from work")
    busy = a.used_cpu_seconds / a.used_seconds
    share = busy / cores
    said = f"{busy:.1f} of {several(cores, 'core')} busy on average ({percent(share)})"
    if share >= GOOD_SHARE:
        return passed(said)
    if cores == 1:
        return weak(
            f"{said}: the job waits",
            'cp -r data "$TMPDIR/"   # is it the file system? stage the data, or run several such tasks a core',
        )
    fix = f"#SBATCH --cpus-per-task={max(1, round(busy + 0.5))}"
    return (failed if share < BAD_SHARE else weak)(said, fix)


def unseen_gpu(accounting: Fact[JobAccounting], hardware: Fact[Hardware]) -> Verdict:
    gpus = accounting.value.asked_gpus
    if gpus is None and accounting.value.scheduler == "local":
        return not_applicable("no GPU was asked for: the local executor grants what the machine has", accounting)
    if gpus is None:
        raise Unclear("the scheduler's record does not tell how many GPUs were asked for")
    if gpus == 0:
        return not_applicable(f"no GPU was allocated ({accounting.source})", accounting)
    found = hardware.value.gpus
    said = f"{several(gpus, 'GPU')} allocated, {len(found)} seen by the job as it started"
    if found:
        return passed(f"{said}: {found[0].model}")
    return failed(said, "nvidia-smi -L || exit 1   # first line of the script: stop before the hours are spent")


def oversubscribed_threads(variables: Fact[Environment], accounting: Fact[JobAccounting]) -> Verdict:
    threads_set = {n: int(v) for n in THREADS if (v := variables.value.values.get(n, "")).isdecimal()}
    if not threads_set:
        return not_applicable(f"none of {', '.join(THREADS)} is set in the job's environment", variables)
    cores = accounting.value.used_cpus or accounting.value.asked_cpus
    if cores is None:
        raise Unclear("the scheduler's record does not tell how many cores were allocated")
    name, threads = max(threads_set.items(), key=lambda pair: pair[1])
    said = f"{name}={threads} on {several(cores, 'core')}"
    if threads <= cores:
        return passed(said)
    return failed(
        f"{said}: threads wait for each other", f"export {name}=$SLURM_CPUS_PER_TASK   # or: #SBATCH --cpus-per-task={threads}"
    )


def bound_to_one_machine(replay: Fact[ReplayVerdict]) -> Verdict:
    v = replay.value
    if same(v) and not v.same_machine:
        return passed(summary(v))
    if same(v):
        raise Unclear(f"only shown on the machine of the run: {summary(v)}")
    return failed(summary(v), "auditor replay BUNDLE   # on another node type or cluster")


def _final(a: JobAccounting) -> None:
    if not a.final:
        raise Unclear("the scheduler's record is not final")


TIP = Tip(
    number=4,
    slug="heterogeneous-resources",
    title="Use heterogeneous resources intentionally",
    why="Cores, memory and GPUs that are asked for and not used wait in the queue, cost allocation and keep others out.",
    advice="Ask for each resource by name, compare with what was used, and ask for that and some headroom the next time.",
    checks=(
        Check(
            "unstated-needs",
            1,
            "Does the job say how much memory, how many cores and how much time it needs?",
            (SUBMISSION, Need(JobAccounting, (Phase.LATER,), optional=True)),
            unstated_needs,
            "submit through auditor sbatch",
        ),
        Check(
            "idle-memory",
            2,
            "Was at least half of the memory used?",
            (ACCOUNTING, KERNEL),
            idle_memory,
            "auditor sweep; where accounting has no peak, let the in-job hook read the kernel's",
            "sacct(1) MaxRSS, cgroup memory.peak; compare Jobstats, seff",
        ),
        Check(
            "idle-cores",
            2,
            "Were at least half of the cores busy?",
            (ACCOUNTING,),
            idle_cores,
            "auditor sweep, once the scheduler's record is final",
            "sacct(1) TotalCPU / (AllocCPUS x Elapsed); compare Jobstats, seff",
        ),
        Check(
            "unseen-gpu",
            2,
            "Did the job see the GPUs that it asked for?",
            (ACCOUNTING, HARDWARE),
            unseen_gpu,
            "let the in-job hook run: it reads the driver's files",
        ),
        Check(
            "idle-gpu",
            2,
            "Were the GPUs at least half of the time busy?",
            (ACCOUNTING, MAYBE_ENGINES),
            idle_gpu,
            "let the engine's monitor or a tracker count: Nextflow's trace with accelerators, Ray's and Dask's GPU monitors",
            "compare Jobstats, which flags jobs whose GPUs are mostly idle; the half and the fifth are ours",
        ),
        Check(
            "unfit-partition",
            2,
            "Does the job use what its partition is there for?",
            (ACCOUNTING,),
            unfit_partition,
            "auditor sweep, once the scheduler's record is final",
            "site guides (CSC Puhti and Mahti, NERSC Perlmutter): GPU and large-memory partitions are for jobs that need them; names are matched",
        ),
        Check(
            "overasked-tasks",
            2,
            "Did the engine's tasks use at least half of the cores and memory they asked for?",
            (ENGINES,),
            overasked_tasks,
            "let the engine measure: benchmark: in Snakemake, -with-trace in Nextflow, resource_monitoring_enabled in Parsl",
            "compare Jobstats, seff, which flag the same ratios for jobs; the halves and fifths are ours",
        ),
        Check(
            "oversubscribed-threads",
            2,
            "Are there no more threads than cores?",
            (VARIABLES, ACCOUNTING),
            oversubscribed_threads,
            "let the in-job hook run: it reads the environment",
            "OpenMP specification, OMP_NUM_THREADS",
        ),
        Check(
            "bound-to-one-machine",
            3,
            "Did the same result come out on another machine?",
            (REPLAY,),
            bound_to_one_machine,
            "auditor bundle, then auditor replay BUNDLE on another machine: its verdict is the proof",
        ),
    ),
    campaign=(
        Check(
            "idle-hours",
            2,
            "Were at least half of the campaign's core-hours busy?",
            (RECORD,),
            idle_hours,
            CAMPAIGN_SETTLES,
            "sacct(1) TotalCPU against AllocCPUS x Elapsed; compare Jobstats, seff",
        ),
        Check(
            "idle-requests",
            2,
            "Do most runs use at least half of the memory they ask for?",
            (RECORD,),
            idle_requests,
            CAMPAIGN_SETTLES,
            "sacct(1) MaxRSS against ReqMem; compare Jobstats, seff",
        ),
    ),
)
