"""Tip 8 by example: could one say later what was run?"""

from __future__ import annotations

from auditor.model import Evidence, Phase, Status
from auditor.verdict import Sameness
from probes.called import CalledFiles
from probes.data import DataManifest
from probes.folder import FolderState, SourceFile
from probes.git import GitState, Untracked
from probes.seeds import Determinism, Switch
from probes.workflow import SystemsUsed, Use
from tests.factory import called, file, git_state, manifest, seen, sha, submission, unseen
from tests.reports.ask import (
    DIFFERENT,
    FAILED,
    IDENTICAL,
    NEVER,
    NO_TRACKER,
    NOT_APPLICABLE,
    PASSED,
    UNKNOWN,
    WEAK,
    advised,
    declared,
    later,
    replayed,
    said,
    start,
)

TYPED = seen(submission())
NO_GIT = unseen(GitState, "the work directory does not lie in a git repository")


def seeds(*found: Switch, stochastic: tuple[str, ...] = ()) -> Evidence:
    return declared(Determinism(found, (), stochastic))


def test_what_was_typed_is_known_word_for_word() -> None:
    assert said("unknown-command", TYPED) == (
        PASSED,
        f"script of 57 bytes (sha256 {submission().script_sha256[:12]}), typed: train.sh",
    )
    assert said("unknown-command", seen(submission(script_sha256="")))[0] == FAILED
    assert said("unknown-command")[0] == UNKNOWN


def test_a_commit_is_version_control_and_a_kept_folder_is_half_of_it() -> None:
    folder = seen(FolderState("/home/ada/train", (SourceFile("train.py", 3, sha("x")),), sha("tree"), ()))

    assert said("unversioned-code", seen(git_state())) == (PASSED, "commit aaaaaaaaaaaa on main in /home/ada/train")
    assert said("unversioned-code", NO_GIT, folder) == (
        WEAK,
        "no commit is known of /home/ada/train; 1 source file kept by content",
    )
    assert advised("unversioned-code", NO_GIT, folder)[1] == (
        "cd /home/ada/train && git init && git add train.py && git commit -m 'State of the first recorded run'"
    )


def test_code_that_nobody_keeps_fails_and_code_that_nobody_saw_is_unknown() -> None:
    assert said("unversioned-code", NO_GIT, unseen(FolderState, "no source file in it")) == (
        FAILED,
        "the work directory does not lie in a git repository; no source file in it",
    )
    assert said("unversioned-code", seen(git_state("")))[0] == FAILED
    assert said("unversioned-code", unseen(GitState, "no git in PATH", status=Status.FAILED))[0] == UNKNOWN


def test_random_numbers_want_a_seed() -> None:
    assert said("unset-seed", seeds(Switch("--seed", "42", "argument", "train.sh:3")), TYPED) == (
        PASSED,
        "seeds set: --seed=42 (train.sh:3)",
    )
    assert said("unset-seed", seeds(stochastic=("train.py:4 random.random",)), TYPED) == (
        FAILED,
        "random numbers without a seed: train.py:4 random.random",
    )
    assert (
        advised("unset-seed", seeds(stochastic=("train.py:4 random.random",)), TYPED)[1]
        == "python train.py --epochs 10 --seed 42"
    )
    assert said("unset-seed", seeds(), TYPED) == (NOT_APPLICABLE, "no call that draws random numbers was found in the scripts")
    assert said("unset-seed", TYPED)[0] == UNKNOWN


def test_a_dirty_tree_is_weak_while_the_difference_is_kept_and_failed_when_it_is_cut() -> None:
    changed = git_state(dirty=True, changed=("train.py",), diff="-1\n+2")
    loose = git_state(untracked=(Untracked("new.py", 5, sha("new")), Untracked("notes.txt", 5, sha("notes"))))
    cut = git_state(dirty=True, changed=("train.py",), diff_cut=True)

    assert said("dirty-tree", seen(git_state()), TYPED) == (PASSED, "the tree was clean at aaaaaaaaaaaa")
    assert said("dirty-tree", seen(changed), TYPED) == (
        WEAK,
        "1 file changed (train.py) over aaaaaaaaaaaa; the difference is kept in full",
    )
    assert advised("dirty-tree", seen(changed), TYPED)[1] == "git add train.py && git commit -m 'State of train.sh'"
    assert said("dirty-tree", seen(loose), TYPED) == (
        WEAK,
        "1 source file not tracked (new.py) over aaaaaaaaaaaa; the difference is kept in full",
    )
    assert said("dirty-tree", seen(cut), TYPED)[0] == FAILED
    results = git_state(dirty=True, untracked=(Untracked("rmse.csv", 5, sha("rmse")),), untracked_count=1)
    assert said("dirty-tree", seen(results), TYPED) == (
        PASSED,
        "the tree was clean at aaaaaaaaaaaa; not tracked: 1 file, none of them code",
    )
    many = git_state(dirty=True, untracked=(Untracked("rmse.csv", 5, sha("rmse")),), untracked_count=90_000)
    assert said("dirty-tree", seen(many), TYPED) == (
        FAILED,
        "90,000 files not tracked, too many to look at over aaaaaaaaaaaa; the difference is too large to keep",
    )
    elsewhere = git_state(root="/home/ada", dirty=True, changed=("train/fit.py",))
    assert advised("dirty-tree", seen(elsewhere), TYPED)[1] == (
        "cd /home/ada && git add train/fit.py && git commit -m 'State of train.sh'"
    )
    assert said("dirty-tree", NO_GIT, TYPED) == (FAILED, "the work directory does not lie in a git repository")


def test_a_commit_belongs_on_a_remote() -> None:
    assert said("unpushed-commit", seen(git_state()))[0] == PASSED
    assert said("unpushed-commit", seen(git_state(pushed=False))) == (
        FAILED,
        "commit aaaaaaaaaaaa is not on https://example.org/ada/train.git",
    )
    assert advised("unpushed-commit", seen(git_state(pushed=False)))[1] == "git push origin main"
    assert (
        said("unpushed-commit", seen(git_state(pushed=None, remote="")))[1]
        == "commit aaaaaaaaaaaa lies in one folder only: no remote"
    )
    assert said("unpushed-commit")[0] == UNKNOWN


def test_an_edit_while_the_job_waited_is_named() -> None:
    old, new = called({"train.py": "1", "model.py": "m"}), called({"train.py": "2", "model.py": "m"})

    assert said("changed-while-queued", seen(old), start(new), TYPED) == (
        FAILED,
        "1 called file changed between submission and start: /home/ada/train/train.py",
    )
    assert said("changed-while-queued", seen(old), start(old), TYPED) == (
        PASSED,
        "2 called files the same at submission and at start",
    )


def test_without_the_start_snapshot_nothing_is_said_of_edits() -> None:
    assert said("changed-while-queued", seen(called({"train.py": "1"})), TYPED)[0] == UNKNOWN


def test_a_script_of_installed_programs_has_nothing_to_edit_unless_it_names_files_at_run_time() -> None:
    nothing, riddle = CalledFiles((), ()), CalledFiles((), ("$STEP.sh",))

    assert said("changed-while-queued", seen(nothing), start(nothing), TYPED)[0] == NOT_APPLICABLE
    assert said("changed-while-queued", seen(riddle), start(riddle), TYPED) == (
        UNKNOWN,
        "what the script calls is named only at run time: $STEP.sh",
    )


def test_metrics_in_a_file_pass_and_a_tracker_that_is_only_imported_is_not_yet_enacted() -> None:
    metrics = later(manifest(file("out/metrics.json", "output")))
    none = later(manifest(file("slurm-1.out", "output")))
    tracker = declared(SystemsUsed((Use("mlflow", "tracker", "import", "train.py:2"),), {}, (), (), ()))

    assert said("lost-metrics", metrics, TYPED) == (PASSED, "numbers that a machine can read: out/metrics.json")
    assert said("lost-metrics", none, TYPED)[0] == FAILED
    assert said("lost-metrics", none, tracker, TYPED) == (
        UNKNOWN,
        "a tracker is named, mlflow (train.py:2), and its record was not seen",
    )
    assert said("lost-metrics", none, tracker, TYPED, NO_TRACKER) == (
        WEAK,
        "a tracker is named, mlflow (train.py:2), and no metric of this run is in any record",
    )
    assert said("lost-metrics", unseen(DataManifest, "gone", phase=Phase.LATER), TYPED)[0] == UNKNOWN


def test_the_same_result_again_is_the_proof() -> None:
    assert said("unrepeated-result", replayed()) == (PASSED, IDENTICAL)
    assert said("unrepeated-result", replayed(Sameness.DIFFERENT)) == (FAILED, DIFFERENT)
    assert said("unrepeated-result") == (UNKNOWN, NEVER)
