"""Tip 12 by example: is the order of the steps kept by an engine?"""

from __future__ import annotations

from dataclasses import replace

from auditor.campaign import Campaign, Link, Sibling
from auditor.model import Evidence
from auditor.verdict import Sameness
from probes.git import GitState, Untracked
from probes.workflow import SystemsUsed, Use
from tests.calibration.made import engine, task
from tests.factory import accounting, at, git_state, seen, sha, submission, unseen
from tests.reports.ask import (
    ANOTHER,
    FAILED,
    IDENTICAL,
    NEVER,
    NO_ENGINE,
    NOT_APPLICABLE,
    PASSED,
    UNKNOWN,
    WEAK,
    advised,
    declared,
    later,
    replayed,
    said,
)

TYPED = seen(submission(declared_inputs=("data/*.csv",), declared_outputs=("model.pt",)))
SNAKEFILE = Use("snakemake", "engine", "file", "Snakefile")
OTHER = Sibling("2222222222222222", "122", "simulate", "COMPLETED", "s122", "simulate.sh", at(0), at(1), at(2))


def systems(*uses: Use) -> Evidence:
    return declared(SystemsUsed(uses, {}, (), (), ()))


def campaign(*runs: Sibling, links: tuple[Link, ...] = ()) -> Evidence:
    return later(Campaign("1111111111111111", ("label",), runs, links, 0, 0, 0, (), ()))


def test_runs_that_belong_together_want_an_engine_and_get_a_first_rule() -> None:
    tied = replace(OTHER, dependency="afterok:121")

    assert said("no-engine", systems(), campaign(tied), TYPED, NO_ENGINE) == (
        FAILED,
        "2 runs belong together, and no engine is named in the scripts",
    )
    assert advised("no-engine", systems(), campaign(tied), TYPED, NO_ENGINE)[1] == (
        '# Snakefile\nrule train:\n    input: "data"\n    output: "model.pt"\n    shell: \'bash train.sh\''
    )


def test_runs_that_only_share_a_label_have_no_order_to_keep() -> None:
    assert said("no-engine", systems(), campaign(OTHER), TYPED, NO_ENGINE) == (
        NOT_APPLICABLE,
        "2 runs belong together (label); none waits for another or reads its files",
    )
    bare = seen(submission(declared_inputs=(), declared_outputs=()))
    assert advised("no-engine", systems(), campaign(replace(OTHER, dependency="afterok:1")), bare, NO_ENGINE)[1] == (
        "# Snakefile\nrule train:\n    output: touch('train.done')\n    shell: 'bash train.sh'"
    )


def test_an_engine_in_the_scripts_passes_and_a_single_run_needs_none() -> None:
    at_work = engine("snakemake", task("train"))

    assert said("no-engine", systems(SNAKEFILE), campaign(OTHER), TYPED, at_work) == (
        PASSED,
        "snakemake 9.1 in /home/ada/train was seen at work, named in Snakefile",
    )
    assert said("no-engine", systems(SNAKEFILE), campaign(OTHER), TYPED, NO_ENGINE) == (
        WEAK,
        "snakemake (Snakefile): named, and not seen at work: no workflow engine left a record below the work directory",
    )
    assert said("no-engine", systems(SNAKEFILE), campaign(OTHER), TYPED)[0] == UNKNOWN
    assert said("no-engine", systems(), campaign(), TYPED, NO_ENGINE)[0] == NOT_APPLICABLE
    assert said("no-engine", systems(), TYPED) == (UNKNOWN, "never captured: campaign after the run")


def test_an_engines_mark_in_the_submission_is_an_enacted_engine() -> None:
    by_engine = later(accounting(name="snakejob.train.3.sh", dependency=""))

    assert said("handmade-chain", systems(), campaign(), by_engine, TYPED) == (
        PASSED,
        "an engine submitted this run: “snakejob” in snakejob.train.3.sh",
    )


def test_an_engine_that_is_only_imported_did_not_submit_the_run() -> None:
    by_hand = later(accounting(dependency="afterok:122"))

    assert said("handmade-chain", systems(SNAKEFILE), campaign(OTHER), by_hand, TYPED) == (
        FAILED,
        "dependency afterok:122, and no sign of an engine in the submission: the order is kept by hand",
    )


def test_shared_data_is_a_chain_too() -> None:
    link = Link(OTHER.run_id, "1111111111111111", "data.csv", sha("data"))

    assert said("handmade-chain", systems(), campaign(OTHER, links=(link,)), later(accounting()), TYPED) == (
        FAILED,
        "tied to 1 other run by data or a dependency, and no sign of an engine in the submission: the order is kept by hand",
    )


def test_a_run_that_waits_for_nobody_has_no_chain() -> None:
    assert said("handmade-chain", systems(), campaign(), later(accounting()), TYPED) == (
        NOT_APPLICABLE,
        "no dependency (slurm) and no data shared with other runs: nothing to chain",
    )
    assert said("handmade-chain", systems(), campaign(), TYPED)[0] == UNKNOWN


def test_the_description_belongs_into_the_commit() -> None:
    untracked = git_state(untracked=(Untracked("Snakefile", 40, sha("rules")),))

    assert said("unversioned-definition", systems(SNAKEFILE), seen(git_state())) == (
        PASSED,
        "Snakefile as in commit aaaaaaaaaaaa",
    )
    assert said("unversioned-definition", systems(SNAKEFILE), seen(untracked)) == (
        FAILED,
        "not in commit aaaaaaaaaaaa: Snakefile",
    )
    assert said("unversioned-definition", systems(SNAKEFILE), unseen(GitState, "no repository"))[0] == FAILED
    assert said("unversioned-definition", systems(SNAKEFILE))[0] == UNKNOWN
    assert said("unversioned-definition", systems())[0] == NOT_APPLICABLE


def test_a_replay_without_a_hand_proves_the_description() -> None:
    assert said("never-rerun", replayed()) == (PASSED, f"every stage from verifying to comparing ran by itself: {IDENTICAL}")
    assert said("never-rerun", replayed(Sameness.NOT_RUN, stopped_at="inputs")) == (
        FAILED,
        "not run from start to end without a hand: inputs failed (it stopped here)",
    )
    assert said("never-rerun", replayed(Sameness.DIFFERENT)) == (
        FAILED,
        f"not run from start to end without a hand: {ANOTHER} gave something else: model.pt",
    )
    assert said("never-rerun") == (UNKNOWN, NEVER)
