"""Tip 3 by example: one phase an allocation?"""

from __future__ import annotations

from auditor.model import Evidence
from auditor.verdict import Sameness
from probes.data import Reference
from probes.schedulers import StepRecord
from probes.workflow import SystemsUsed
from tests.factory import accounting, attempt, file, manifest, seen, submission
from tests.reports.ask import (
    ANOTHER,
    FAILED,
    IDENTICAL,
    NEVER,
    NOT_APPLICABLE,
    PASSED,
    UNKNOWN,
    advised,
    declared,
    later,
    replayed,
    said,
)

GIB = 1 << 30
TYPED = seen(submission())


def phases(**signs: tuple[str, ...]) -> Evidence:
    return declared(SystemsUsed((), signs, (), (), ()))


def steps(*peaks: int | None) -> Evidence:
    made = tuple(StepRecord(str(n), "COMPLETED", 0, 0, peak, 60.0, 60.0, 1, f"step{n}.py") for n, peak in enumerate(peaks))
    return later(accounting("123", attempt(steps=made)))


def test_one_phase_passes_and_two_are_named_with_the_chain_to_type() -> None:
    one, two = phases(train=("train.sh:3 python train.py",)), phases(simulate=("a:1 sim",), train=("a:2 train",))

    assert said("mixed-phases", one, TYPED) == (PASSED, "one phase: train (train.sh:3 python train.py)")
    assert said("mixed-phases", two, TYPED) == (FAILED, "2 phases in train.sh: simulate (a:1 sim); train (a:2 train)")
    assert advised("mixed-phases", two, TYPED)[1] == (
        "jid=$(sbatch --parsable simulate.sh)\njid=$(sbatch --parsable --dependency=afterok:$jid train.sh)"
    )


def test_a_trainer_that_calls_its_own_prediction_is_still_one_phase() -> None:
    assert said("mixed-phases", phases(train=("train.sh:3 train.py",), infer=("train.py:62 predict()",)), TYPED)[0] == PASSED
    assert said("mixed-phases", phases(train=("main.py:9 fit()",), infer=("main.py:62 predict()",)), TYPED)[0] == FAILED


def test_a_script_without_a_telling_name_leaves_the_phase_open() -> None:
    assert said("mixed-phases", phases(), TYPED) == (UNKNOWN, "nothing in the scripts tells which phase this run is")


def test_a_gpu_is_for_training_and_not_for_preparing() -> None:
    gpu = later(accounting(asked_gpus=2))

    assert said("gpu-held-by-cpu-phase", phases(train=("x",)), gpu, TYPED) == (PASSED, "2 GPUs held by train only")
    assert said("gpu-held-by-cpu-phase", phases(train=("x",), prepare=("p:1 prepare.py",)), gpu, TYPED) == (
        FAILED,
        "2 GPUs held while prepare runs (p:1 prepare.py)",
    )


def test_without_a_gpu_nothing_is_held() -> None:
    assert said("gpu-held-by-cpu-phase", phases(simulate=("x",)), later(accounting()), TYPED) == (
        NOT_APPLICABLE,
        "no GPU was allocated (slurm)",
    )


def test_an_unknown_number_of_gpus_is_no_verdict() -> None:
    assert said("gpu-held-by-cpu-phase", phases(train=("x",)), later(accounting(asked_gpus=None)), TYPED)[0] == UNKNOWN
    assert (
        said("gpu-held-by-cpu-phase", phases(train=("x",)), later(accounting(asked_gpus=None, scheduler="local")), TYPED)[0]
        == NOT_APPLICABLE
    )


def test_a_simulation_may_hold_a_gpu_that_it_is_told_to_use() -> None:
    """GROMACS computes on one; `simulate.py` may or may not, and nobody can tell from here."""
    gpu = later(accounting(asked_gpus=1))
    told = seen(submission("#!/bin/bash\n#SBATCH --gres=gpu:1\ngmx mdrun -nb gpu\n"))

    assert said("gpu-held-by-cpu-phase", phases(simulate=("md.sh:3 gmx mdrun",)), gpu, told) == (
        PASSED,
        "1 GPU held by a simulation (md.sh:3 gmx mdrun), which is told to use one: gmx mdrun -nb gpu",
    )
    assert said(
        "gpu-held-by-cpu-phase", phases(simulate=("run.sh:2 simulate.py",)), gpu, seen(submission("python simulate.py\n"))
    ) == (
        UNKNOWN,
        "1 GPU held by a simulation (run.sh:2 simulate.py), and nothing in the script says whether it uses one",
    )


def test_steps_of_like_size_belong_together_and_unlike_ones_do_not() -> None:
    assert said("unlike-steps", steps(GIB, 2 * GIB)) == (PASSED, "step 0 peaked at 1.0 GiB, step 1 at 2.0 GiB")
    assert said("unlike-steps", steps(GIB, 30 * GIB)) == (FAILED, "step 0 peaked at 1.0 GiB, step 1 at 30.0 GiB")
    assert advised("unlike-steps", steps(GIB, 30 * GIB))[1].splitlines()[:2] == [
        "#SBATCH --mem=2G   # step 0: step0.py",
        "#SBATCH --mem=36G   # step 1: step1.py",
    ]


def test_a_job_of_one_step_has_nothing_to_keep_apart() -> None:
    assert said("unlike-steps", steps(GIB)) == (
        NOT_APPLICABLE,
        "1 srun step beside the batch script (slurm): nothing to keep apart",
    )


def test_the_order_of_the_steps_does_not_matter() -> None:
    assert said("unlike-steps", steps(30 * GIB, GIB, None)) == (FAILED, "step 1 peaked at 1.0 GiB, step 0 at 30.0 GiB")


def test_a_steps_command_cannot_step_out_of_the_comment_it_is_shown_in() -> None:
    evil = tuple(
        StepRecord(str(n), "COMPLETED", 0, 0, peak, 60.0, 60.0, 1, "x\nrm -rf ~") for n, peak in enumerate((GIB, 30 * GIB))
    )

    fix = advised("unlike-steps", later(accounting("123", attempt(steps=evil))))[1]

    assert [text for text in fix.splitlines() if not text.startswith("#")] == []


def test_steps_too_short_to_be_sampled_are_no_verdict() -> None:
    assert said("unlike-steps", steps(None, None)) == (UNKNOWN, "the steps' memory was not sampled (they were too short)")
    assert said("unlike-steps", later(accounting(final=False))) == (UNKNOWN, "the scheduler's record is not final")


def test_a_phase_is_cut_out_by_known_inputs_and_outputs() -> None:
    both = later(manifest(file("a.csv"), file("model.pt", "output")))

    assert said("open-boundary", both, TYPED) == (PASSED, "1 input and 1 output known by sha256")
    assert said("open-boundary", later(manifest(file("model.pt", "output"))), TYPED) == (
        FAILED,
        "0 inputs and 1 output known by sha256: the phase cannot be cut out of the whole",
    )
    known = Reference("/data/iris", "iris", "", f"sha256:{'a' * 64}", "unchanged", 150, 1)
    assert said("open-boundary", later(manifest(file("model.pt", "output"), datasets=(known,))), TYPED) == (
        PASSED,
        "0 inputs and 1 output known by sha256, and 1 registered data set",
    )
    assert said("open-boundary", TYPED) == (UNKNOWN, "never captured: data manifest after the run")


def test_a_replay_of_the_phase_alone_proves_that_it_stands_alone() -> None:
    assert said("entangled-phase", replayed()) == (PASSED, f"the phase ran alone: {IDENTICAL}")
    assert said("entangled-phase", replayed(Sameness.NOT_RUN, stopped_at="run")) == (FAILED, f"{ANOTHER} did not run: it stopped")
    assert said("entangled-phase") == (UNKNOWN, NEVER)
