"""What do the tips read in the records of workflow engines? Small graphs of tasks, summed up as the probe does it, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.campaign import Campaign
from auditor.model import Evidence, Phase, Status
from probes.data import DataManifest
from probes.workflow import SystemsUsed, Use
from probes.workflows import Construct, Definition, Digest, Environment, Place, State
from probes.workflows.record import WorkflowRuns
from tests.calibration.made import engine, no_tracker, task
from tests.factory import accounting, file, git_state, manifest, seen, submission, unseen
from tests.reports.ask import (
    FAILED,
    NO_ENGINE,
    NOT_APPLICABLE,
    PASSED,
    UNKNOWN,
    WEAK,
    advised,
    declared,
    later,
    said,
)

GIB = 1 << 30
HERE = "9.1 in /home/ada/train"
TYPED = seen(submission())
OF_ENGINES = (
    "unlinked-ai", "staging-heavy", "gpu-for-cpu-task", "overasked-tasks", "unreached-width", "needless-barrier", "failing-tasks",
    "unfinished-workflow", "unresumable-workflow", "unkept-definition",
)  # fmt: skip


def systems(*uses: Use, **phases: tuple[str, ...]) -> Evidence:
    return declared(SystemsUsed(uses, phases, (), (), ()))


SNAKEMAKE = systems(Use("snakemake", "engine", "command", "run.sh:2"))


@pytest.mark.parametrize("check", OF_ENGINES)
def test_without_a_record_there_is_nothing_to_judge_and_without_a_look_nothing_is_known(check: str) -> None:
    assert said(check, NO_ENGINE) == (NOT_APPLICABLE, "no workflow engine left a record below the work directory")
    assert said(check) == (UNKNOWN, "never captured: workflow runs after the run")
    failed = unseen(WorkflowRuns, "OSError: stale file handle", status=Status.FAILED, phase=Phase.LATER, probe="workflow-runs")
    assert said(check, failed)[0] == UNKNOWN


@pytest.mark.parametrize("check", OF_ENGINES)
def test_a_record_of_another_time_is_of_another_run(check: str) -> None:
    other = engine("snakemake", task("train"), relation="folder", started="2026-11-22T09:00:00+00:00")
    timeless = engine("snakemake", task("train"), relation="folder", started="")

    assert said(check, other) == (
        NOT_APPLICABLE,
        "no engine's record is of this run: snakemake of 2026-11-22T09:00:00+00:00 began before or after it, and do not name its job",
    )
    assert said(check, timeless) == (
        UNKNOWN,
        "whether an engine's record is of this run cannot be told: snakemake in /home/ada/train does not say when it began",
    )


@pytest.mark.parametrize("check", OF_ENGINES)
def test_a_record_that_could_not_be_read_may_be_the_one_of_this_run(check: str) -> None:
    broken = later(WorkflowRuns((), 0, ("parsl runinfo: file is not a database",)))

    assert said(check, broken) == (UNKNOWN, "1 record of engines could not be read: parsl runinfo: file is not a database")


# tip 1


def test_training_that_reads_what_a_simulation_made_is_linked() -> None:
    simulate, train = task("simulate", makes=("t.csv",)), task("train", reads=("t.csv",))

    assert said("unlinked-ai", engine("snakemake", simulate, train)) == (
        PASSED,
        f"snakemake {HERE}: train reads what simulate made",
    )
    assert said("unlinked-ai", engine("snakemake", simulate, task("train"))) == (
        FAILED,
        f"snakemake {HERE}: nothing goes between train and simulate: neither a file nor an order",
    )
    assert advised("unlinked-ai", engine("snakemake", simulate, task("train", needs=("simulate-1",)))) == (
        WEAK,
        "# in rule train:\ninput: rules.simulate.output",
    )
    assert said("unlinked-ai", engine("snakemake", simulate))[0] == NOT_APPLICABLE


def test_the_engine_tells_which_step_trains_where_the_script_only_starts_it() -> None:
    assert said("hidden-ai", SNAKEMAKE, engine("snakemake", task("train"))) == (
        PASSED,
        f"snakemake {HERE} tells it: train (1 task)",
    )
    assert said("hidden-ai", SNAKEMAKE, engine("snakemake", task("simulate")))[0] == NOT_APPLICABLE
    assert said("hidden-ai", SNAKEMAKE, engine("snakemake", task("step_7"))) == (
        UNKNOWN,
        f"the names and commands in snakemake {HERE} do not tell whether a step trains or infers: step_7 (1 task)",
    )
    assert said("hidden-ai", SNAKEMAKE) == (UNKNOWN, "the scripts name snakemake (run.sh:2), whose record was not looked at")


def test_a_name_alone_is_no_training() -> None:
    timetable = systems(train=("run.sh:2 train.py",))

    assert said("hidden-ai", timetable) == (
        UNKNOWN,
        "only a name says so (train (run.sh:2 train.py)): no framework, no call, no model among the outputs and no tracked run bears it out",
    )


# tips 2 and 3


def test_moving_files_is_a_price_or_the_main_work() -> None:
    def moved(minutes: float) -> Evidence:
        return engine("pegasus", task("stage_in_local", 1, (0, minutes)), task("simulate", 1, (0, 10)))

    assert said("staging-heavy", moved(1)) == (
        PASSED,
        f"pegasus {HERE}: 60 s of 11 min of task time went into moving files (9 %): stage_in_local (60 s)",
    )
    assert said("staging-heavy", moved(5))[0] == WEAK
    assert said("staging-heavy", moved(10))[0] == FAILED
    assert said("staging-heavy", engine("pegasus", task("stage_in_local", 1, None), task("simulate")))[0] == UNKNOWN
    assert said("staging-heavy", engine("snakemake", task("stagewise_regression")))[0] == NOT_APPLICABLE


def test_a_gpu_is_not_for_preparing() -> None:
    prepare, train = task("prepare", gpus=1, command="python prepare.py"), task("train", gpus=1)

    assert said("gpu-for-cpu-task", engine("snakemake", prepare, train)) == (
        FAILED,
        "1 GPU asked for by each of 1 task prepare, which prepares: python prepare.py",
    )
    assert said("gpu-for-cpu-task", engine("snakemake", task("prepare", cpus=1), train)) == (
        PASSED,
        "GPUs are asked for by train (1)",
    )
    assert said("gpu-for-cpu-task", engine("snakemake", task("prepare"), task("train"))) == (
        UNKNOWN,
        f"snakemake {HERE} does not say what its tasks asked for",
    )
    assert said("gpu-for-cpu-task", engine("snakemake", task("simulate", gpus=1)))[0] == UNKNOWN


def test_phases_that_are_tasks_of_an_engine_are_apart_and_may_share_an_allocation() -> None:
    """A Parsl program calls simulate() and train(); its record says that both were tasks."""
    calls = systems(simulate=("flow.py:7 simulate()",), train=("flow.py:8 train()",))
    inside = engine("parsl", task("simulate"), task("train"))
    as_jobs = engine("parsl", task("simulate", native="81"), task("train", native="82"))

    assert said("mixed-phases", calls, TYPED, inside) == (
        WEAK,
        f"parsl {HERE} keeps 2 phases apart as tasks, and all of them in one allocation: simulate: simulate (1 task); train: train (1 task)",
    )
    assert said("mixed-phases", calls, TYPED, as_jobs)[0] == PASSED
    assert said("mixed-phases", calls, TYPED, engine("parsl", task("simulate")))[0] == FAILED
    assert said("mixed-phases", calls, TYPED)[0] == FAILED


# tip 4


def test_what_tasks_used_least_of_is_named() -> None:
    cores = task("simulate", 1, (1, 11), cpus=8, cpu_seconds=480.0)
    memory = task("train", 1, (1, 11), memory=32 * GIB, peak=8 * GIB)

    assert said("overasked-tasks", engine("nextflow", cores, memory)) == (
        FAILED,
        f"nextflow {HERE}: simulate: 480 of 4800 core-seconds used (10 %)",
    )
    assert advised("overasked-tasks", engine("nextflow", memory)) == (
        WEAK,
        "process { withName: 'train' { memory = '10 GB' } }   // in nextflow.config",
    )
    assert said("overasked-tasks", engine("nextflow", memory)) == (
        WEAK,
        f"nextflow {HERE}: train: 8.0 GiB of 32.0 GiB used at the highest peak (25 %)",
    )
    assert said("overasked-tasks", engine("nextflow", task("simulate", cpus=8)))[0] == UNKNOWN


def test_how_busy_gpus_were_is_known_where_a_monitor_counted() -> None:
    one = later(accounting(asked_gpus=1))
    busy = task("train", 1, (1, 11))

    def measured(percent: float) -> Evidence:
        return engine("ray", replace(busy, used=replace(busy.used, gpu_percent=percent)))

    assert said("idle-gpu", one, measured(80.0)) == (
        PASSED,
        f"ray {HERE}: GPUs 80 % busy over 1 group of tasks, least in train (80 %)",
    )
    assert said("idle-gpu", one, measured(30.0))[0] == WEAK
    assert said("idle-gpu", one, measured(5.0))[0] == FAILED
    assert said("idle-gpu", one, NO_ENGINE) == (UNKNOWN, "1 GPU allocated, and nobody measured how busy")
    assert said("idle-gpu", later(accounting()))[0] == NOT_APPLICABLE


@pytest.mark.parametrize(
    ("partition", "gpus", "outcome"),
    [
        ("gpu", 0, FAILED),
        ("gpu", 1, PASSED),
        ("a100-80", 0, FAILED),
        ("gpu", None, UNKNOWN),
        ("cpu", 0, PASSED),
        ("", 0, UNKNOWN),
        ("bigmem", 0, WEAK),
    ],
)
def test_a_partition_is_for_what_its_name_says(partition: str, gpus: int | None, outcome: str) -> None:
    assert said("unfit-partition", later(accounting(partition=partition, asked_gpus=gpus)))[0] == outcome


# tips 5 and 6


def test_a_wide_graph_wants_as_many_at_once_as_there_are_places() -> None:
    def sims(at_once: int, **run: object) -> Evidence:
        return engine("parsl", *(task("simulate", n, (1 + n // at_once, 2 + n // at_once)) for n in range(8)), **run)

    assert said("unreached-width", sims(4, workers=4)) == (
        PASSED,
        f"parsl {HERE}: 8 tasks, up to 8 independent, 4 places to work, at most 4 at the same time",
    )
    assert said("unreached-width", sims(2))[0] == WEAK
    assert advised("unreached-width", sims(1, workers=8)) == (
        FAILED,
        "max_workers_per_node=8   # in Config(executors=[HighThroughputExecutor(...)]), or max_blocks",
    )
    assert said("unreached-width", sims(1, workers=1))[0] == FAILED
    assert said("unreached-width", engine("parsl", task("a"), task("b"))) == (
        NOT_APPLICABLE,
        f"parsl {HERE}: 2 tasks, at most 2 of them independent; from 3 on there is something to overlap",
    )


def test_places_are_cores_of_which_a_task_may_take_several() -> None:
    def sims(cores: int, **asked: int) -> Evidence:
        return engine("snakemake", *(task("sim", n, (1 + n // 2, 2 + n // 2), **asked) for n in range(8)), workers=cores)

    assert said("unreached-width", sims(16, cpus=8)) == (
        PASSED,
        f"snakemake {HERE}: 8 tasks, up to 8 independent, 16 places to work, tasks of 8 cores, at most 2 at the same time",
    )
    assert advised("unreached-width", sims(64, cpus=8)) == (WEAK, "snakemake --cores 64   # or --jobs 8 with --executor slurm")
    assert said("unreached-width", sims(16))[0] == WEAK


# tip 7


def test_an_environment_that_the_engine_left_aside_was_not_used() -> None:
    def declares(**seen_: Place) -> Evidence:
        conda = Environment("conda", "envs/md.yaml", Place("rules.smk", "line 3"), **seen_)
        return engine("snakemake", task("train"), environments=(conda,))

    refused = declares(refused=Place("log", "line 31"))
    assert said("unused-environment", refused) == (
        FAILED,
        f"snakemake {HERE}: conda envs/md.yaml is declared in rules.smk line 3, and was not used: log line 31",
    )
    assert advised("unused-environment", refused)[1] == "snakemake --software-deployment-method conda"
    assert said("unused-environment", declares(enacted=Place("log", "line 9"))) == (
        PASSED,
        f"snakemake {HERE}: conda envs/md.yaml (log line 9)",
    )
    assert said("unused-environment", declares())[0] == UNKNOWN
    assert said("unused-environment", engine("snakemake", task("train")))[0] == NOT_APPLICABLE


def test_all_for_all_is_a_barrier_where_no_file_asks_for_it() -> None:
    slow = [task("simulate", n, (1, 9 if n == 0 else 2), makes=(f"s{n}",)) for n in range(4)]
    ids = tuple(t.id for t in slow)
    after = [task("train", n, (9, 10), needs=ids) for n in range(4)]
    reading = [task("train", n, (9, 10), needs=ids, reads=tuple(f"s{n}" for n in range(4))) for n in range(4)]

    assert said("needless-barrier", engine("parsl", *slow, *after)) == (
        WEAK,
        f"parsl {HERE}: each of 4 tasks train waits for all 4 simulate, reading none of their files; the middle one took 60 s, the slowest 8 min",
    )
    assert said("needless-barrier", engine("parsl", *slow, *reading))[0] == NOT_APPLICABLE


# tip 10


def test_tries_that_came_to_nothing_are_counted_with_their_reason() -> None:
    good = [task("simulate", n) for n in range(9)]

    assert said("failing-tasks", engine("snakemake", *good, task("train"))) == (
        PASSED,
        f"snakemake {HERE}: 0 of 10 tries came to nothing (0 %)",
    )
    assert said("failing-tasks", engine("snakemake", *good, task("train", tries=2, reason="exit 137"))) == (
        WEAK,
        f"snakemake {HERE}: 1 of 11 tries came to nothing (9 %); most of train: exit 137",
    )
    assert said("failing-tasks", engine("snakemake", *good[:1], task("train", state=State.FAILED)))[0] == FAILED


def test_a_result_from_memory_hides_no_try_of_another_task() -> None:
    """Seen with a real Parsl: eight tasks in nine tries, and a ninth that was never tried."""
    memoised = replace(task("prepare"), state=State.CACHED, attempts=())
    good = [task("simulate", n) for n in range(7)]

    assert said("failing-tasks", engine("parsl", *good, task("predict", tries=2), memoised)) == (
        WEAK,
        f"parsl {HERE}: 1 of 9 tries came to nothing (11 %); most of predict",
    )


def test_tasks_inside_of_an_allocation_fill_it_or_do_not() -> None:
    one = later(accounting(used_cpus=4))
    tasks = [task("simulate", n, (1, 11), cpus=1) for n in range(4)]

    assert said("unfilled-allocation", engine("snakemake", *tasks), one) == (
        PASSED,
        f"snakemake {HERE}: 4 tasks held 2400 of 2400 core-seconds of the allocation (100 %), at most 4 at the same time on 4 cores",
    )
    assert advised("unfilled-allocation", engine("snakemake", tasks[0]), one) == (
        WEAK,
        "#SBATCH --cpus-per-task=1   # or let the engine use what is held: 4 places to work",
    )
    jobs = engine("snakemake", task("simulate", native="77"), relation="inside")
    assert said("unfilled-allocation", jobs, one) == (
        NOT_APPLICABLE,
        f"snakemake {HERE} ran its tasks as jobs of their own (77), not in this allocation",
    )


# tip 12


def test_an_engine_that_is_named_and_left_no_record_is_not_enacted() -> None:
    assert said("unseen-engine", SNAKEMAKE, engine("snakemake", task("train")), TYPED) == (
        PASSED,
        f"seen at work: snakemake {HERE}: all jobs finished (log line 80)",
    )
    assert said("unseen-engine", SNAKEMAKE, NO_ENGINE, TYPED) == (
        WEAK,
        "snakemake (run.sh:2): named, and no workflow engine left a record below the work directory",
    )
    assert said("unseen-engine", SNAKEMAKE, TYPED)[0] == UNKNOWN
    assert said("unseen-engine", systems(), NO_ENGINE, TYPED)[0] == NOT_APPLICABLE


def test_a_run_that_was_cut_off_is_unfinished_and_one_that_goes_on_is_not_known() -> None:
    cut = engine("nextflow", task("train", state=State.KILLED), state=State.KILLED, proof="history holds no status")

    assert said("unfinished-workflow", cut) == (
        FAILED,
        f"nextflow {HERE} killed: history holds no status; tasks: 1 killed",
    )
    assert advised("unfinished-workflow", cut)[1] == "# goes on where it ended:\nnextflow run main.nf -resume"
    assert said("unfinished-workflow", engine("nextflow", task("train"), state=State.RUNNING))[0] == UNKNOWN


def test_an_engine_can_go_on_or_try_again_or_both_or_neither() -> None:
    retries, resume = Construct("retries", "maxRetries 2"), Construct("resume", "-resume")

    def of(*told: Construct, system: str = "nextflow") -> Evidence:
        return engine(system, task("train"), constructs=told)

    assert said("unresumable-workflow", of(retries, resume)) == (
        PASSED,
        f"nextflow {HERE}: can go on and tries again: maxRetries 2, -resume",
    )
    assert said("unresumable-workflow", of(resume))[0] == WEAK
    assert said("unresumable-workflow", of(retries))[0] == WEAK
    assert said("unresumable-workflow", of())[0] == FAILED
    assert advised("unresumable-workflow", of(system="snakemake")) == (WEAK, "snakemake --retries 2 --rerun-incomplete")


def test_a_definition_is_kept_by_content_or_by_a_commit() -> None:
    def of(*digests: Digest) -> Evidence:
        return engine("snakemake", task("train"), definitions=(Definition("Snakefile", "workflow", digests),))

    git = seen(git_state())
    assert said("unkept-definition", of(Digest("sha256", "c0ffee" * 10)), git) == (
        PASSED,
        f"snakemake {HERE}: Snakefile (sha256 c0ffeec0ffee)",
    )
    assert said("unkept-definition", of(), git) == (PASSED, f"snakemake {HERE}: Snakefile in commit aaaaaaaaaaaa")
    assert said("unkept-definition", of(), seen(git_state(changed=("Snakefile",))))[0] == WEAK
    assert said("unkept-definition", of(Digest("nextflow", "ab12", "state")))[0] == UNKNOWN
    assert said("unkept-definition", engine("dask", task("train")), git) == (
        UNKNOWN,
        f"dask {HERE} does not say which file described it",
    )


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("b=$(sbatch --parsable --dependency=afterok:$a train.sh)", FAILED),
        ("sbatch -d afterok:$a train.sh", FAILED),
        ("while squeue -u $USER | grep -q sim; do sleep 60; done", FAILED),
        ("sbatch next.sh", PASSED),
        ("# sbatch --dependency=afterok:$a train.sh", PASSED),
        ("echo sbatch --dependency=afterok:$a train.sh", PASSED),
        ("srun --dependency=afterok:$a ./solve", PASSED),
    ],
)
def test_jobs_tied_by_a_script_are_a_workflow_in_shell(line: str, outcome: str) -> None:
    assert said("shell-dag", seen(submission(f"#!/bin/bash\na=$(hostname)\n{line}\n")))[0] == outcome


def test_a_shell_workflow_gets_its_snakefile() -> None:
    driver = seen(submission("#!/bin/bash\na=$(sbatch --parsable sim.sh)\nsbatch --dependency=afterok:$a train.sh\n"))

    assert said("shell-dag", driver) == (
        FAILED,
        "a workflow is kept in shell: train.sh:3 sbatch --dependency=afterok:$a train.sh",
    )
    assert advised("shell-dag", driver)[1] == (
        "# Snakefile; then: snakemake --executor slurm --jobs 10 train.done\n"
        "rule sim:\n    output: touch('sim.done')\n    shell: 'bash sim.sh'\n"
        "rule train:\n    input: 'sim.done'\n    output: touch('train.done')\n    shell: 'bash train.sh'"
    )


def test_names_of_tasks_step_out_of_no_line_and_no_command() -> None:
    """A firework may be called anything; what is to be pasted must stay one harmless word of it."""
    nasty = "train\nrm -rf $HOME; `x` 'y'"
    record = engine("fireworks", task(nasty, tries=2, reason="a\nb"), task("simulate"))

    for check in OF_ENGINES:
        assert "\nrm" not in said(check, record)[1] + advised(check, record)[1]
    assert advised("failing-tasks", record)[1] == "lpad get_fws -n 'train rm -rf $HOME; `x` '\"'\"'y'\"'\"'' -s FIZZLED -d all"


def alone() -> Campaign:
    return Campaign("me", (), (), (), 0, 0, 0, (), ())


# what an engine's record says where nobody declared anything


NOBODY = seen(submission(declared_inputs=(), cwd="/home/ada/train"))
READS = engine("snakemake", task("train", reads=("data/a.csv",), makes=("m.bin",), command="python train.py"))
READS_NOTHING = engine("snakemake", task("simulate", makes=("t.csv",)), task("train", reads=("t.csv",), makes=("m.bin",)))


def test_inputs_that_the_engine_names_are_proposed_by_name() -> None:
    assert said("undeclared-inputs", NOBODY, READS) == (
        WEAK,
        f"no input is declared; snakemake {HERE} names 1 input of its 1 task: data/a.csv",
    )
    assert advised("undeclared-inputs", NOBODY, READS)[1] == "auditor sbatch --auditor-input=data/a.csv train.sh"
    assert said("undeclared-inputs", NOBODY, READS_NOTHING) == (
        UNKNOWN,
        f"no input is declared, and snakemake {HERE} names 0 inputs of its 2 tasks; only a trace tells whether a task reads one that no rule names",
    )
    assert said("undeclared-inputs", NOBODY, engine("snakemake", task("train")))[0] == FAILED


def test_inputs_that_the_engine_names_are_known_since_the_run_is_over_only() -> None:
    undeclared = unseen(DataManifest, "no inputs are declared", phase=Phase.START)
    after = later(manifest(file("data/a.csv"), file("m.bin", "output")))

    assert said("unhashed-inputs", undeclared, NOBODY, READS, after) == (
        WEAK,
        f"snakemake {HERE} names 1 input of its 1 task: data/a.csv; 1 input known by sha256, and only since the run is over",
    )
    assert said("unhashed-inputs", undeclared, NOBODY, READS_NOTHING)[0] == UNKNOWN
    assert advised("unhashed-inputs", undeclared, NOBODY) == (FAILED, "auditor sbatch --auditor-input='data/*' train.sh")


def test_the_boundary_of_a_phase_is_what_the_engine_names() -> None:
    made = later(manifest(file("m.bin", "output")))

    assert said("open-boundary", made, NOBODY, READS) == (
        WEAK,
        f"0 inputs and 1 output known by sha256, though snakemake {HERE} names 1 input of its 1 task: data/a.csv",
    )
    assert said("open-boundary", made, NOBODY, READS_NOTHING)[0] == UNKNOWN
    assert said("open-boundary", later(manifest()), NOBODY, READS_NOTHING)[0] == FAILED


def test_what_takes_no_time_or_was_never_asked_for_is_not_judged() -> None:
    quick = engine("snakemake", task("train", 1, (1, 1.01), cpus=2, cpu_seconds=0.0))
    little = engine("snakemake", task("train", 1, memory=GIB, peak=GIB // 8))
    local = later(accounting(scheduler="local", asked_cpus=None, used_cpus=None))

    assert said("overasked-tasks", quick) == (
        NOT_APPLICABLE,
        f"snakemake {HERE}: its tasks asked for 2 core-seconds in all: with less than 60 start-up is all one sees",
    )
    assert said("overasked-tasks", little) == (
        PASSED,
        f"snakemake {HERE}: train: 128.0 MiB of 1.0 GiB used at the highest peak (12 %): less than 2.0 GiB lay idle",
    )
    assert said("idle-cores", local)[0] == NOT_APPLICABLE
    assert said("unfilled-allocation", quick, local) == (NOT_APPLICABLE, "run by the local executor, which allocates nothing")


def test_what_a_rule_trains_is_a_model_whatever_it_is_called() -> None:
    made = later(manifest(file("m.bin", "output")))

    assert said("loose-model", SNAKEMAKE, made, NOBODY, READS) == (
        UNKNOWN,
        f"train of snakemake {HERE} made 1 file, none named like a model (.pt, .pth, .ckpt, .safetensors and 9 more): which one it is, is not told",
    )
    assert advised("unvalidated-model", SNAKEMAKE, made, NOBODY, READS, no_tracker())[1].startswith(
        "# at the end of what train of snakemake runs, on data"
    )
    assert said("unscaled-training", SNAKEMAKE, READS, later(accounting()), NOBODY, later(alone()))[0] == NOT_APPLICABLE


def test_outputs_that_are_seen_and_cannot_be_read_need_another_form_and_not_another_declaration() -> None:
    fix = advised("lost-results", later(manifest(file("log.out", "output"))), TYPED)[1]

    assert fix == (
        "# let the step write what the next one reads as a table, an array or a model (.csv, .npz, .h5, .safetensors), not as *.out"
    )
    assert advised("lost-results", later(manifest()), TYPED)[1] == "auditor sbatch --auditor-output='results/*' train.sh"


def test_a_download_is_a_task_of_its_own_or_a_price_that_each_task_pays() -> None:
    get = task("get", command="set -e; wget -q https://example.org/a.csv", makes=("a.csv",))
    many = [task("clean", n, command="curl -O https://example.org/a.csv && sort a.csv") for n in range(3)]
    train = task("train", command="wget -q https://example.org/a.csv; python train.py")

    assert said("fetching-tasks", engine("snakemake", get)) == (
        PASSED,
        f"snakemake {HERE}: get downloads once, in a task of its own: wget -q https://example.org/a.csv",
    )
    assert said("fetching-tasks", engine("snakemake", *many)) == (
        WEAK,
        f"snakemake {HERE}: each of 3 tasks clean downloads: curl -O https://example.org/a.csv",
    )
    assert said("fetching-tasks", engine("snakemake", train))[0] == FAILED
    assert said("fetching-tasks", engine("parsl", task("train")))[0] == UNKNOWN
