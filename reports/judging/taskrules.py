"""Do the tasks of an engine ask for what their kind of work needs, and use it?"""

from __future__ import annotations

import re

from auditor.model import Fact, Verdict
from probes.schedulers import JobAccounting
from probes.workflows.record import TaskGroup, WorkflowRuns, WorkflowSeen
from reports.judging.amounts import GIB, line, memory_option, percent, several, size, some
from reports.judging.engineruns import GPU, mine, names, none_of_mine, phase, told
from reports.judging.verdicts import Maybe, Unclear, failed, not_applicable, passed, weak

CPU_PHASES = ("prepare", "simulate")
# as tip 4 judges a job: half used is well used, a fifth is not (Jobstats and seff flag the same ratios)
GOOD_SHARE, BAD_SHARE = 0.5, 0.2
# nobody else could use a smaller remainder
SMALL_MEMORY = 2 * GIB
# a minute of one core: with less, start-up is all one sees
WORTH = 60.0
# a partition that is named after its accelerator; AMD's and NVIDIA's names
_ACCELERATED = re.compile(r"gpu|(^|[^a-z0-9])(a100|h100|h200|v100|a40|l40s?|gh200|mi\d{3}[ax]?|dgx)([^a-z0-9]|$)", re.IGNORECASE)
_FAT = re.compile(r"fat|big-?mem|hi(gh)?-?mem|large-?mem|hugemem", re.IGNORECASE)
# what a node of an ordinary partition has at least: to ask for less than this on a large one keeps others out
ORDINARY = 64 * GIB


def gpu_for_cpu_task(engines: Fact[WorkflowRuns]) -> Verdict:
    if none := none_of_mine(engines):
        return none
    groups = [g for r in mine(engines) for g in r.groups]
    asking = [g for g in groups if g.asked.gpus]
    if not asking:
        if not any(_asks(g) for g in groups):
            raise Unclear(f"{told(mine(engines)[0])} does not say what its tasks asked for")
        return not_applicable(f"no task of {told(mine(engines)[0])} asked for a GPU: {names(groups)}", engines)
    idle = [g for g in asking if phase(g) in CPU_PHASES and not GPU.search(f"{g.name} {g.command}")]
    if not idle:
        held = some(f"{g.name} ({g.asked.gpus:g})" for g in asking)
        return passed(f"GPUs are asked for by {held}", engines)
    sure = [g for g in idle if phase(g) == "prepare" or g.command]
    if not sure:
        raise Unclear(f"{names(idle)} asked for GPUs, and what they run is not known")
    g = sure[0]
    does = line(g.command, 120) or "nothing says that it uses one"
    return failed(
        f"{g.asked.gpus:g} GPU asked for by each of {several(g.tasks, 'task')} {g.name}, which {_verb(g)}: {does}",
        f"# {g.name}: no GPU in its request; keep it for {some([h.name for h in asking if h not in idle]) or 'the phases that compute on one'}",
        engines,
    )


def _verb(group: TaskGroup) -> str:
    return "prepares" if phase(group) == "prepare" else "simulates"


def _asks(group: TaskGroup) -> bool:
    a = group.asked
    return any(v is not None for v in (a.cpus, a.gpus, a.memory, a.seconds)) or bool(a.other)


def overasked_tasks(engines: Fact[WorkflowRuns]) -> Verdict:
    if none := none_of_mine(engines):
        return none
    measured = [(r, g, *shares) for r in mine(engines) for g in r.groups if (shares := _share(g))]
    if not measured:
        if (spent := _too_little(mine(engines))) is not None:
            return not_applicable(
                f"{told(mine(engines)[0])}: its tasks asked for {spent:.3g} core-seconds in all: with less than {WORTH:.0f} start-up is all one sees",
                engines,
            )
        raise Unclear(
            f"{told(mine(engines)[0])} measured neither CPU nor memory of its tasks, or they did not say what they need"
        )
    run, g, what, share, said = min(measured, key=lambda m: m[3])
    text = f"{told(run)}: {g.name}: {said}"
    if share >= GOOD_SHARE:
        return passed(text, engines)
    return (failed if share < BAD_SHARE else weak)(text, _less(run, g, what), engines)


def _too_little(runs: list[WorkflowSeen]) -> float | None:
    """Core-seconds of the tasks for which all is known, where that is every task that was timed and too little to judge."""
    groups = [g for r in runs for g in r.groups]
    known, spent = sum(g.core_seconds_of for g in groups), sum(g.core_seconds_asked for g in groups)
    timed = sum(g.seconds * (g.asked.cpus or 1) for g in groups)
    return spent if known and timed < WORTH else None


def _share(g: TaskGroup) -> tuple[str, float, str] | None:
    """What is used least of it: `cores` or `memory`, its share, and the sentence; None where nothing was measured."""
    found = []
    if g.core_seconds_of and g.core_seconds_asked >= WORTH:
        share = g.core_seconds_used / g.core_seconds_asked
        found.append(
            ("cores", share, f"{g.core_seconds_used:.0f} of {g.core_seconds_asked:.0f} core-seconds used ({percent(share)})")
        )  # fmt: skip
    if g.memory_used is not None and g.asked.memory:
        share = g.memory_used / g.asked.memory
        little = share < GOOD_SHARE and g.asked.memory - g.memory_used < SMALL_MEMORY
        rest = f": less than {size(SMALL_MEMORY)} lay idle" if little else ""
        share = max(share, GOOD_SHARE) if little else share
        found.append(
            (
                "memory",
                share,
                f"{size(g.memory_used)} of {size(g.asked.memory)} used at the highest peak ({percent(g.memory_used / g.asked.memory)}){rest}",
            )
        )
    return min(found, key=lambda f: f[1]) if found else None


def _less(run: WorkflowSeen, g: TaskGroup, what: str) -> str:
    memory = memory_option(g.memory_used or 0)
    cpus = max(1, round(g.core_seconds_used / max(g.seconds, 1.0) + 0.5))
    if run.system == "snakemake":
        return f"rule {_word(g.name)}:\n    " + (f"resources: mem='{memory}B'" if what == "memory" else f"threads: {cpus}")
    if run.system == "nextflow":
        amount = f"memory = '{memory[:-1]} {memory[-1]}B'" if what == "memory" else f"cpus = {cpus}"
        return f"process {{ withName: '{_word(g.name)}' {{ {amount} }} }}   // in nextflow.config"
    return f"# {g.name}: {'--mem=' + memory if what == 'memory' else f'--cpus-per-task={cpus}'}"


def idle_gpu(accounting: Fact[JobAccounting], engines: Maybe[WorkflowRuns]) -> Verdict:
    """How busy GPUs were, where an engine's monitor measured it; no scheduler's record says so by itself."""
    a = accounting.value
    if a.asked_gpus is None and a.scheduler == "local":
        return not_applicable("no GPU was asked for: the local executor grants what the machine has", accounting)
    if a.asked_gpus is None:
        raise Unclear("the scheduler's record does not tell how many GPUs were asked for")
    if a.asked_gpus == 0:
        return not_applicable(f"no GPU was allocated ({accounting.source})", accounting)
    measured = (
        [(r, g, g.gpu_percent / 100) for r in mine(engines) for g in r.groups if g.gpu_percent is not None]
        if isinstance(engines, Fact)
        else []
    )
    if not measured:
        raise Unclear(f"{several(a.asked_gpus, 'GPU')} allocated, and nobody measured how busy")
    whole = sum(g.seconds for _, g, _ in measured) or float(len(measured))
    share = sum(part * (g.seconds or 1.0) for _, g, part in measured) / whole
    run, worst, part = min(measured, key=lambda m: m[2])
    said = f"{told(run)}: GPUs {percent(share)} busy over {several(len(measured), 'group')} of tasks, least in {worst.name} ({percent(part)})"
    if share >= GOOD_SHARE:
        return passed(said, accounting, engines) if isinstance(engines, Fact) else passed(said, accounting)
    return (failed if share < BAD_SHARE else weak)(
        said,
        f"#SBATCH --gres=gpu:1   # instead of {a.asked_gpus}, for {worst.name} or a larger batch: nvidia-smi dmon -s u says which",
    )


def _word(name: str) -> str:
    """As a rule or process may be called: nothing that ends a quotation."""
    return "".join(c if c.isalnum() or c in "_:-." else "_" for c in name)


def unfit_partition(accounting: Fact[JobAccounting]) -> Verdict:
    a = accounting.value
    if a.scheduler == "local":
        return not_applicable("run by the local executor, which has no partitions", accounting)
    if not a.partition:
        raise Unclear("the scheduler's record does not name the partition")
    if _ACCELERATED.search(a.partition):
        if a.asked_gpus is None:
            raise Unclear(f"on partition {a.partition}; how many GPUs were asked for is not known")
        if a.asked_gpus == 0:
            return failed(
                f"on partition {a.partition}, named after its accelerators, without asking for one",
                "sinfo -o '%P %G %c %m'   # choose one without GPUs: #SBATCH --partition=NAME",
                accounting,
            )
        return passed(f"{several(a.asked_gpus, 'GPU')} on partition {a.partition}", accounting)
    if _FAT.search(a.partition):
        if a.asked_memory is None:
            raise Unclear(f"on partition {a.partition}; how much memory was asked for is not known")
        if a.asked_memory < ORDINARY:
            return weak(
                f"{size(a.asked_memory)} asked for on partition {a.partition}, named after its memory",
                f"sinfo -o '%P %m'   # choose one whose nodes have {size(a.asked_memory)}: #SBATCH --partition=NAME",
                accounting,
            )
    gpus = f"{several(a.asked_gpus, 'GPU')} asked for" if a.asked_gpus else "no GPU asked for"
    return passed(f"on partition {a.partition}, {gpus}", accounting)
