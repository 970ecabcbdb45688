"""Tip 1 by example: is the AI step a part of the workflow?"""

from __future__ import annotations

from auditor.campaign import Campaign, Link
from auditor.model import Evidence
from auditor.verdict import Sameness
from probes.data import DataManifest
from probes.workflow import SystemsUsed, Use
from tests.factory import file, manifest, seen, sha, submission, unseen
from tests.reports.ask import (
    DIFFERENT,
    FAILED,
    IDENTICAL,
    NEVER,
    NO_TRACKER,
    NOT_APPLICABLE,
    PASSED,
    UNKNOWN,
    advised,
    declared,
    later,
    replayed,
    said,
)

ME, OTHER = "1111111111111111", "2222222222222222"


def systems(*uses: Use, **phases: tuple[str, ...]) -> Evidence:
    return declared(SystemsUsed(uses, phases, (), (), ()))


def campaign(*links: Link) -> Evidence:
    return later(Campaign(ME, ("data",), (), links, 0, 0, 0, (), ()))


def test_a_training_command_makes_the_ai_step_visible() -> None:
    evidence = systems(Use("torch", "framework", "import", "train.py:1"), train=("train.sh:3 python train.py",))

    assert said("hidden-ai", evidence) == (PASSED, "the scripts show it: train (train.sh:3 python train.py), torch (train.py:1)")


def test_a_pure_simulation_has_no_ai_step_to_show() -> None:
    assert said("hidden-ai", systems(simulate=("run.sh:2 python simulate.py",))) == (
        NOT_APPLICABLE,
        "this run holds no AI step; its scripts show simulate (run.sh:2 python simulate.py)",
    )


def test_a_tracked_job_whose_step_has_no_telling_name_hides_its_ai() -> None:
    mlflow = systems(Use("mlflow", "tracker", "import", "main.py:1"))

    assert said("hidden-ai", mlflow)[0] == UNKNOWN
    assert said("hidden-ai", mlflow, NO_TRACKER) == (
        FAILED,
        "no step is recognised as training or inference, though the scripts use mlflow",
    )


def test_a_script_that_shows_nothing_leaves_the_question_open() -> None:
    assert said("hidden-ai", systems()) == (UNKNOWN, "nothing in the scripts tells whether this run trains, infers or simulates")


NO_SIGN = declared(SystemsUsed((), {}, (), (), ()))


def test_a_run_fed_by_another_is_part_of_a_workflow() -> None:
    assert said("isolated-run", campaign(Link(OTHER, ME, "data.csv", sha("data"))), seen(submission()), NO_SIGN) == (
        PASSED,
        "1 input came from other runs and 0 outputs went into others",
    )


def test_a_run_with_no_link_is_isolated_and_told_how_to_declare() -> None:
    assert said("isolated-run", campaign(), seen(submission()), NO_SIGN) == (
        FAILED,
        "it stands alone: no other run that is known made an input of this one or read an output",
    )
    assert advised("isolated-run", campaign(), seen(submission()), NO_SIGN)[1] == (
        "auditor sbatch --auditor-label=CAMPAIGN --auditor-input=FILES_FROM_THE_STEP_BEFORE train.sh"
    )


def test_a_run_without_an_ai_step_has_none_that_could_be_apart() -> None:
    simulates = declared(SystemsUsed((), {"simulate": ("run.sh:2 gmx mdrun",)}, (), (), ()))
    trains = declared(SystemsUsed((), {"simulate": ("run.sh:2 gmx mdrun",), "train": ("run.sh:3 train.py",)}, (), (), ()))

    assert said("isolated-run", campaign(), seen(submission()), simulates) == (
        NOT_APPLICABLE,
        "this run holds no AI step that could be apart; its scripts show simulate (run.sh:2 gmx mdrun)",
    )
    assert said("isolated-run", campaign(), seen(submission()), trains)[0] == FAILED


def test_links_between_other_runs_do_not_count() -> None:
    stranger = Link(OTHER, "3333333333333333", "data.csv", sha("data"))

    assert said("isolated-run", campaign(stranger), seen(submission()), NO_SIGN)[0] == FAILED


def test_without_a_campaign_isolation_is_not_known() -> None:
    assert said("isolated-run", seen(submission()), NO_SIGN) == (UNKNOWN, "never captured: campaign after the run")


def test_a_saved_model_is_a_result_a_next_step_can_read() -> None:
    files = later(manifest(file("out/model.pt", "output"), file("log.txt", "output")))

    assert said("lost-results", files, seen(submission())) == (PASSED, "1 result recorded with digest: out/model.pt")


def test_a_log_alone_is_no_result() -> None:
    files = later(manifest(file("slurm-123.out", "output"), file("data.csv", "input")))

    assert said("lost-results", files, seen(submission())) == (
        FAILED,
        "1 output seen, none of them a model, a table or an array that a next step could read",
    )


def test_outputs_that_nobody_could_list_are_not_known() -> None:
    assert said("lost-results", unseen(DataManifest, "the work directory is not there: /gone"), seen(submission()))[0] == UNKNOWN


def test_a_replay_proves_or_disproves_the_result() -> None:
    assert said("unproved-results", replayed()) == (PASSED, IDENTICAL)
    assert said("unproved-results", replayed(Sameness.DIFFERENT)) == (FAILED, DIFFERENT)
    assert said("unproved-results") == (UNKNOWN, NEVER)
