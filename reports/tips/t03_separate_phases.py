"""Tip 3: does one allocation hold one phase, or training, inference and simulation mixed?"""

from __future__ import annotations

from auditor.model import Check, Fact, Need, Phase, Tip, Verdict
from auditor.verdict import ReplayVerdict
from probes.data import DataManifest
from probes.schedulers import JobAccounting, StepRecord
from probes.submission import Submission
from probes.workflow import SystemsUsed
from probes.workflows.record import WorkflowRuns, WorkflowSeen
from reports.judging.again import again, script
from reports.judging.amounts import GIB, line, memory_option, several, size, some
from reports.judging.campaignwork import RECORD, mixed_runs
from reports.judging.campaignwork import SETTLES as CAMPAIGN_SETTLES
from reports.judging.engineinputs import taken
from reports.judging.engineruns import ENGINES, GPU, MAYBE_ENGINES, SWEEP, by_phase, mine, names, told
from reports.judging.proofs import REPLAY, SETTLES, same, summary
from reports.judging.sightings import held
from reports.judging.taskrules import gpu_for_cpu_task
from reports.judging.verdicts import Maybe, Unclear, failed, not_applicable, passed, weak

PHASES = ("prepare", "simulate", "train", "infer")
CPU_PHASES = ("prepare", "simulate")
# steps this far apart in memory do not belong in one request: the small one holds what the large one needs
UNLIKE = 4.0
# below this nobody misses the difference
SMALL = GIB

SYSTEMS = Need(SystemsUsed, (Phase.SUBMIT,))
SUBMISSION = Need(Submission, (Phase.SUBMIT,))
ACCOUNTING = Need(JobAccounting, (Phase.LATER,))
FILES = Need(DataManifest, (Phase.LATER,))


def found_phases(seen: SystemsUsed) -> list[str]:
    """In the order of work; an analysis beside another phase does not count.

    A program that is started tells more than a function it calls: every trainer also predicts.
    """
    started = [p for p in PHASES if any(not sign.endswith("()") for sign in seen.phases.get(p, ()))]
    named = started or [p for p in PHASES if seen.phases.get(p)]
    return named or [p for p in seen.phases if seen.phases[p]][:1]


def _chain(phases: list[str]) -> str:
    first, *rest = phases
    lines = [f"jid=$(sbatch --parsable {first}.sh)"]
    lines += [f"jid=$(sbatch --parsable --dependency=afterok:$jid {phase}.sh)" for phase in rest]
    return "\n".join(lines)


def mixed_phases(systems: Fact[SystemsUsed], submission: Fact[Submission], engines: Maybe[WorkflowRuns]) -> Verdict:
    phases = found_phases(systems.value)
    several_tasks = len(phases) > 1 and isinstance(engines, Fact) and _tasks_of(engines, phases)
    if isinstance(engines, Fact) and mine(engines) and (not phases or several_tasks):
        return _in_an_engine(mine(engines)[0], engines)
    if not phases:
        raise Unclear("nothing in the scripts tells which phase this run is")
    if len(phases) == 1:
        return passed(f"one phase: {phases[0]} ({some(systems.value.phases[phases[0]])})", systems)
    signs = "; ".join(f"{p} ({some(systems.value.phases[p], 2)})" for p in phases)
    return failed(f"{len(phases)} phases in {script(submission.value)}: {signs}", _chain(phases), systems)


def _tasks_of(engines: Fact[WorkflowRuns], phases: list[str]) -> bool:
    """Are the phases that the scripts show tasks of the engine? What prepares may stand beside it."""
    return any(set(phases) - {"prepare"} <= set(by_phase(run.groups)) for run in mine(engines))


def _in_an_engine(run: WorkflowSeen, engines: Fact[WorkflowRuns]) -> Verdict:
    """A script that only starts an engine: its tasks are apart from each other, and share an allocation where they are no jobs of their own."""
    every = {p: names(groups) for p, groups in by_phase(run.groups).items() if p}
    found = {p: said for p, said in every.items() if p in PHASES} or every
    if not found:
        raise Unclear(f"neither the scripts nor the names and commands in {told(run)} tell which phases there are")
    signs = "; ".join(f"{p}: {said}" for p, said in sorted(found.items(), key=lambda f: (*PHASES, f[0]).index(f[0])))
    if run.native_ids:
        return passed(f"{told(run)} runs each task as a job of its own: {signs}", engines)
    if len(found) == 1:
        return passed(f"one phase in {told(run)}: {signs}", engines)
    fix = {
        "snakemake": "snakemake --executor slurm --jobs 20   # each rule a job with its own request",
        "nextflow": "process.executor = 'slurm'   // in nextflow.config, and cpus, memory, accelerator for each process",
        "parsl": "Config(executors=[HighThroughputExecutor(label='cpu'), HighThroughputExecutor(label='gpu')])   # and @python_app(executors=['gpu'])",
    }.get(run.system, _chain([p for p in PHASES if p in found]))
    return weak(f"{told(run)} keeps {len(found)} phases apart as tasks, and all of them in one allocation: {signs}", fix, engines)


def gpu_held_by_cpu_phase(systems: Fact[SystemsUsed], accounting: Fact[JobAccounting], submission: Fact[Submission]) -> Verdict:
    gpus = accounting.value.asked_gpus
    if gpus is None and accounting.value.scheduler == "local":
        return not_applicable("no GPU was asked for: the local executor grants what the machine has", accounting)
    if gpus is None:
        raise Unclear("the scheduler's record does not tell how many GPUs were asked for")
    if gpus == 0:
        return not_applicable(f"no GPU was allocated ({accounting.source})", accounting)
    idle = [p for p in found_phases(systems.value) if p in CPU_PHASES]
    if idle == ["simulate"] and found_phases(systems.value) == idle:
        return _simulated(gpus, systems.value, submission)
    if idle:
        return failed(
            f"{several(gpus, 'GPU')} held while {' and '.join(idle)} runs ({some(systems.value.phases[idle[0]], 2)})",
            f"{_chain(found_phases(systems.value))}\n# and in {idle[0]}.sh no --gres or --gpus line",
        )
    if not found_phases(systems.value):
        raise Unclear(f"{several(gpus, 'GPU')} allocated, and nothing in the scripts tells for which phase")
    return passed(f"{several(gpus, 'GPU')} held by {' and '.join(found_phases(systems.value))} only")


def _simulated(gpus: int, seen: SystemsUsed, submission: Fact[Submission]) -> Verdict:
    """Many simulations run on GPUs; a simulation alone is a CPU phase only where nothing says otherwise, which nobody can prove from here."""
    text = "\n".join(line for line in submission.value.script_text.splitlines() if not line.lstrip().startswith("#"))
    uses = [u for u in seen.uses if u.family in ("simulation", "framework") and GPU.search(u.system)]
    said = f"{several(gpus, 'GPU')} held by a simulation ({some(seen.phases['simulate'], 2)})"
    if found := GPU.search(text):
        shown = next(line.strip() for line in text.splitlines() if found[0] in line)
        return passed(f"{said}, which is told to use one: {line(shown, 120)}")
    if uses:
        return passed(f"{said}, and {uses[0].system} computes on one ({uses[0].place})")
    raise Unclear(f"{said}, and nothing in the script says whether it uses one")


def unlike_steps(accounting: Fact[JobAccounting]) -> Verdict:
    last = accounting.value.attempts[-1] if accounting.value.attempts else None
    if last is None or not accounting.value.final:
        raise Unclear("the scheduler's record is not final")
    steps = [s for s in last.steps if s.name not in ("extern", "batch")]
    if len(steps) < 2:
        return not_applicable(
            f"{several(len(steps), 'srun step')} beside the batch script ({accounting.source}): nothing to keep apart", accounting
        )
    sized = sorted((s for s in steps if s.max_rss), key=lambda s: s.max_rss or 0)
    if len(sized) < 2:
        raise Unclear("the steps' memory was not sampled (they were too short)")
    small, large = sized[0], sized[-1]
    said = f"step {small.name} peaked at {size(small.max_rss or 0)}, step {large.name} at {size(large.max_rss or 0)}"
    if (large.max_rss or 0) > SMALL and (large.max_rss or 0) > UNLIKE * (small.max_rss or 0):
        return failed(said, f"{_ask(small)}\n{_ask(large)}\n# one job each, joined by --dependency=afterok:JOBID")
    return passed(said)


def _ask(step: StepRecord) -> str:
    return (
        f"#SBATCH --mem={memory_option(step.max_rss or 0)}   # step {line(step.name)}: {line(step.command) or 'its own script'}"
    )


def open_boundary(files: Fact[DataManifest], submission: Fact[Submission], engines: Maybe[WorkflowRuns]) -> Verdict:
    inputs, outputs = ([f for f in files.value.files if f.role == role and f.sha256] for role in ("input", "output"))
    sets = held(files.value)
    said = f"{several(len(inputs), 'input')} and {several(len(outputs), 'output')} known by sha256"
    said += f", and {several(len(sets), 'registered data set')}" if sets else ""
    if (inputs or sets) and outputs:
        return passed(said, files)
    found = taken(engines) if outputs else None
    if found and not found.inputs:
        raise Unclear(f"{said}; {found.said}: whether a task reads one that no rule names, only a trace tells")
    if found:
        return weak(f"{said}, though {found.said}", found.asked(submission.value))
    missing = "--auditor-input=data/*" if not (inputs or sets) else "--auditor-output=results/*"
    return failed(f"{said}: the phase cannot be cut out of the whole", again(submission.value, missing), files)


def entangled_phase(replay: Fact[ReplayVerdict]) -> Verdict:
    if same(replay.value):
        return passed(f"the phase ran alone: {summary(replay.value)}")
    return failed(summary(replay.value), f"auditor bundle --payload all {replay.value.run_id} && auditor replay BUNDLE")


TIP = Tip(
    number=3,
    slug="separate-phases",
    title="Separate training, inference, and simulation phases",
    why=(
        "Phases want different machines and fail in different ways. Mixed in one job, the dearest resource is held all "
        "the time and a failure costs every phase."
    ),
    advice="One phase a job, each with its own request, joined by files and dependencies.",
    checks=(
        Check(
            "mixed-phases",
            1,
            "Does the job hold one phase only?",
            (SYSTEMS, SUBMISSION, MAYBE_ENGINES),
            mixed_phases,
            "call each phase's program by its own name",
        ),
        Check(
            "gpu-held-by-cpu-phase",
            1,
            "Are GPUs held only by phases that use them?",
            (SYSTEMS, ACCOUNTING, SUBMISSION),
            gpu_held_by_cpu_phase,
            "auditor sweep, once the scheduler's record is final",
        ),
        Check(
            "unlike-steps",
            2,
            "Did the job's steps need alike amounts of memory?",
            (ACCOUNTING,),
            unlike_steps,
            "auditor sweep, once the scheduler's record is final",
            "sacct(1) MaxRSS; the factor of 4 is ours",
        ),
        Check(
            "gpu-for-cpu-task",
            2,
            "Do only those tasks of the engine ask for GPUs that use them?",
            (ENGINES,),
            gpu_for_cpu_task,
            SWEEP,
            "arXiv 2606.07491, tip 3; options by which simulation codes use GPUs: their manuals",
        ),
        Check(
            "open-boundary",
            2,
            "Is what goes into and comes out of the phase known by content?",
            (FILES, SUBMISSION, MAYBE_ENGINES),
            open_boundary,
            "auditor sweep, once the run is finished",
        ),
        Check("entangled-phase", 3, "Could the phase be run alone, with the same result?", (REPLAY,), entangled_phase, SETTLES),
    ),
    campaign=(
        Check(
            "mixed-runs",
            2,
            "Does each run of the campaign hold one phase?",
            (RECORD,),
            mixed_runs,
            CAMPAIGN_SETTLES,
            "arXiv 2606.07491, tip 3",
        ),
    ),
)
