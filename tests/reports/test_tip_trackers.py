"""What do the tips read in the records of trackers, and in the runs around one? What a tracker says is held against what was seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditor.campaign import Campaign, Link, Sibling
from auditor.model import Evidence
from probes.git import GitState
from probes.pointers import DataPointers, Pointer
from probes.tracking import DataSet, Metric, Model, TrackedRun
from probes.tracking.record import Experiments
from probes.workflow import SystemsUsed, Use
from probes.workflows import Digest, State
from tests.calibration.made import campaign, engine, link, run, task, tracked
from tests.factory import accounting, at, attempt, file, git_state, manifest, seen, sha, submission, unseen
from tests.reports.ask import (
    FAILED,
    NO_ENGINE,
    NO_TRACKER,
    NOT_APPLICABLE,
    PASSED,
    UNKNOWN,
    WEAK,
    advised,
    declared,
    later,
    said,
)

TYPED = seen(submission("#!/bin/bash\npython train.py --lr 0.1\n"))
TRAINS = declared(
    SystemsUsed((Use("torch", "framework", "import", "train.py:1"),), {"train": ("train.py:2 model.fit()",)}, (), (), ())
)
SIMULATES = declared(SystemsUsed((), {"simulate": ("run.sh:2 simulate.py",)}, (), (), ()))
NAMED = declared(SystemsUsed((Use("mlflow", "tracker", "import", "train.py:1"),), {}, (), (), ()))


def record(**changes: Any) -> TrackedRun:
    base = TrackedRun(
        "mlflow", "1f", "/w/mlruns", State.SUCCEEDED, "FINISHED", experiment="net", started=at(1), commit="a" * 40,
        parameters={"lr": "0.1"}, metrics=(Metric("val_loss", 0.2, 9),),
    )  # fmt: skip
    return replace(base, **changes)


def files(*found: Any) -> Evidence:
    return later(manifest(*found))


# tip 1


def test_a_model_is_known_by_its_maker_its_hub_commit_its_pointer_or_its_registry() -> None:
    model = files(file("model.pt"))
    content = sha("model.pt")

    assert said("unpinned-model", model, campaign(run("a"), links=(link("a", "me"),)), TYPED) == (
        PASSED,
        f"model.pt: made by run a (sha256 {content[:12]})",
    )
    hub = "cache/models--org--net/snapshots/0123456789abcdef0123456789abcdef01234567/m.safetensors"
    assert said("unpinned-model", files(file(hub)), campaign(), TYPED) == (
        PASSED,
        f"{hub}: org/net at commit 0123456789ab of the hub",
    )
    pointer = later(
        DataPointers(
            "/home/ada/train",
            (Pointer("model.pt", "dvc", "model.pt.dvc", "input", "md5", "ab" * 16, 9, "equal"),),
            {"dvc equal": 1},
            True,
            0,
        )
    )
    assert said("unpinned-model", model, campaign(), TYPED, pointer)[0] == PASSED
    used = tracked(record(models=(Model("net", "used", "", "pytorch", "net/3"),)))
    assert said("unpinned-model", model, campaign(), TYPED, used) == (PASSED, "model.pt: net/3 in mlflow run 1f")


def test_a_model_from_nowhere_is_weak_and_no_model_needs_no_source() -> None:
    assert said("unpinned-model", files(file("model.pt")), campaign(), TYPED) == (
        WEAK,
        "model.pt: known by content only; no run is known that made it, and no source is pinned",
    )
    assert said("unpinned-model", files(file("data.csv")), campaign(), TYPED) == (
        NOT_APPLICABLE,
        "no model is among the 1 input of this run",
    )
    cut = later(manifest(file("data.csv"), complete=False))
    assert said("unpinned-model", cut, campaign(), TYPED)[0] == UNKNOWN


def test_validation_is_a_number_on_held_out_data_and_not_the_training_loss() -> None:
    none = files(file("model.pt", "output"))

    assert said("unvalidated-model", TRAINS, none, TYPED, tracked(record())) == (
        PASSED,
        "recorded by mlflow run 1f: val_loss=0.2",
    )
    assert said("unvalidated-model", TRAINS, none, TYPED, tracked(record(metrics=(Metric("test/auc", 0.9, 1),))))[0] == PASSED
    loss = tracked(record(metrics=(Metric("train_loss", 0.1, 9), Metric("evaluated_steps", 9, 1))))
    assert said("unvalidated-model", TRAINS, none, TYPED, loss)[0] == WEAK
    assert said("unvalidated-model", TRAINS, files(file("out/test_scores.csv", "output")), TYPED, NO_TRACKER) == (
        PASSED,
        "written to out/test_scores.csv",
    )
    assert said("unvalidated-model", TRAINS, none, TYPED, NO_TRACKER)[0] == FAILED
    assert said("unvalidated-model", TRAINS, none, TYPED)[0] == UNKNOWN
    assert said("unvalidated-model", SIMULATES, none, TYPED)[0] == NOT_APPLICABLE


# tip 2


def test_a_download_by_many_runs_fetches_the_same_many_times() -> None:
    script = seen(submission("#!/bin/bash\nwget https://example.org/x.tar\n"))
    wget = declared(SystemsUsed((Use("wget", "download", "command", "train.sh:2"),), {}, (), (), ()))
    one, array = later(accounting()), later(accounting("7_3"))
    data = files(file("data.csv"))

    assert said("fetched-again", wget, campaign(array_size=50), array, data, script) == (
        FAILED,
        "wget (train.sh:2) in an array of 50 tasks: the same data is fetched up to 50 times",
    )
    twice = later(accounting("123", attempt(0, "NODE_FAIL"), attempt(1)))
    assert said("fetched-again", wget, campaign(), twice, data, script) == (
        FAILED,
        "wget (train.sh:2) in 2 attempts: the same data is fetched up to 2 times",
    )
    assert said("fetched-again", wget, campaign(), one, data, script)[0] == PASSED
    spared = seen(submission("#!/bin/bash\n[ -e x.tar ] || wget https://example.org/x.tar\n"))
    assert said("fetched-again", wget, campaign(array_size=50), array, data, spared)[0] == WEAK
    assert said("fetched-again", SIMULATES, campaign(), one, data, script)[0] == NOT_APPLICABLE
    assert "sha256sum * > ../data.sha256" in advised("fetched-again", wget, campaign(array_size=50), array, data, script)[1]


# tip 6


def test_ranks_that_each_keep_a_record_are_duplicates_and_trials_are_not() -> None:
    ranks = [record(id=f"r{n}", started=at(1, n)) for n in range(4)]
    trials = [record(id=f"t{n}", started=at(1, n), parameters={"lr": str(n)}) for n in range(4)]
    seeds = [record(id=f"s{n}", started=at(1 + 5 * n)) for n in range(4)]
    nested = [record(id="p"), *(record(id=f"c{n}", started=at(1, n), parent="p") for n in range(4))]

    assert said("rank-duplicates", tracked(*ranks)) == (
        FAILED,
        "4 runs of mlflow with the same 1 parameter (lr=0.1) began within 60 s from 2026-11-23T12:01:00+00:00: "
        "each rank keeps a record of its own",
    )
    for good in (trials, seeds, nested):
        assert said("rank-duplicates", tracked(*good))[0] == PASSED
    assert said("rank-duplicates", NO_TRACKER)[0] == NOT_APPLICABLE


def test_efficiency_is_the_narrow_core_hours_over_the_wide_ones() -> None:
    wide = later(accounting(used_cpus=8, used_seconds=3600.0))

    def narrow(minutes: int, **changes: Any) -> Evidence:
        return campaign(run("a", -minutes, 0, core_hours=minutes / 60, **changes), lookalikes=("a",))

    assert said("unscaled-training", TRAINS, narrow(360), wide, TYPED) == (
        PASSED,
        "1 core: 6.0 h; 8 cores: 60 min (this run and 9a, alike but for numbers): efficiency 75 %, if the work was the same",
    )
    assert said("unscaled-training", TRAINS, narrow(80), wide, TYPED)[0] == WEAK
    assert said("unscaled-training", TRAINS, narrow(80, state="FAILED"), wide, TYPED)[0] == NOT_APPLICABLE
    assert said("unscaled-training", SIMULATES, narrow(80), wide, TYPED)[0] == NOT_APPLICABLE
    assert said("unscaled-training", TRAINS, narrow(80), later(accounting(used_cpus=None)), TYPED)[0] == UNKNOWN


def test_tries_after_failures_are_no_sweep() -> None:
    def alike(state: str) -> Evidence:
        return campaign(*(run(str(n), 5 * n, 5 * n + 2, state=state) for n in range(3)), lookalikes=("0", "1", "2"))

    assert said("lookalike-submissions", alike("COMPLETED"), TYPED)[0] == FAILED
    assert said("lookalike-submissions", alike("FAILED"), TYPED) == (
        PASSED,
        "0 look-alikes of this submission, and 3 that failed and were submitted again",
    )


# tip 8


def test_a_tracker_that_is_named_must_have_left_parameters_and_metrics() -> None:
    assert said("untracked-run", NAMED, tracked(record()), TYPED) == (
        PASSED,
        "mlflow run 1f: 1 parameter (lr), 1 metric (val_loss=0.2), succeeded",
    )
    assert said("untracked-run", NAMED, tracked(record(metrics=())), TYPED) == (
        WEAK,
        "mlflow run 1f (succeeded: FINISHED) holds no metrics",
    )
    assert said("untracked-run", NAMED, NO_TRACKER, TYPED) == (
        WEAK,
        "mlflow (train.py:1): named, and no tracker left a record below the work directory",
    )
    assert said("untracked-run", NAMED, TYPED)[0] == UNKNOWN
    assert said("untracked-run", SIMULATES, NO_TRACKER, TYPED)[0] == NOT_APPLICABLE


def test_a_tracker_on_a_server_that_is_not_asked_may_hold_it() -> None:
    server = later(Experiments((), 0, elsewhere=("https://mlflow.example.org",)))

    assert said("untracked-run", NAMED, server, TYPED) == (
        UNKNOWN,
        "a tracker on https://mlflow.example.org is named, and servers are not asked",
    )


def test_a_commit_tag_counts_on_a_clean_tree_at_that_commit_only() -> None:
    clean, dirty = seen(git_state()), seen(git_state(dirty=True, changed=("train.py",)))

    assert said("wrong-commit", tracked(record()), clean) == (
        PASSED,
        "mlflow run 1f names commit aaaaaaaaaaaa, which the tree was at, unchanged",
    )
    assert said("wrong-commit", tracked(record()), dirty) == (
        FAILED,
        "mlflow run 1f names commit aaaaaaaaaaaa, and the tree was not that commit: 1 file changed (train.py)",
    )
    assert said("wrong-commit", tracked(record(commit="b" * 40)), clean)[0] == FAILED
    assert said("wrong-commit", tracked(record(commit="")), clean)[0] == WEAK
    assert said("wrong-commit", tracked(record()))[0] == UNKNOWN
    assert said("wrong-commit", tracked(record()), unseen(GitState, "no git repository"))[0] == FAILED
    assert (
        said("wrong-commit", tracked(record(started="2026-11-20T00:00:00+00:00"), relation="folder"), clean)[0] == NOT_APPLICABLE
    )


def test_data_is_tied_by_the_tracker_or_by_the_manifest() -> None:
    versions = tracked(record(datasets=(DataSet("train", "s3://b/x", "train", (Digest("md5", "ab" * 16),)),)))
    loose = tracked(record(datasets=(DataSet("train", "s3://b/x"),)))

    assert said("unidentified-data", files(), versions, TYPED) == (PASSED, "mlflow run 1f: train md5:abababababab")
    assert said("unidentified-data", files(file("data.csv")), loose, TYPED)[0] == PASSED
    assert said("unidentified-data", files(), loose, TYPED) == (WEAK, "train (s3://b/x): named without a digest")


def test_a_trained_model_is_an_output_or_a_version() -> None:
    assert said("loose-model", TRAINS, files(file("net.pt", "output")), TYPED) == (
        PASSED,
        f"net.pt (sha256 {sha('net.pt')[:12]})",
    )
    kept = tracked(record(models=(Model("net", "made", "model", "pytorch", "net/3"),)))
    assert said("loose-model", TRAINS, files(), kept, TYPED) == (PASSED, "net/3 (mlflow run 1f)")
    bare = tracked(record(models=(Model("net", "made", "model", "pytorch"),)))
    assert said("loose-model", TRAINS, files(), bare, TYPED) == (
        WEAK,
        "net in mlflow run 1f: neither a version in a registry nor a digest",
    )
    assert said("loose-model", TRAINS, files(), NO_TRACKER, TYPED)[0] == FAILED
    assert said("loose-model", TRAINS, files(), TYPED)[0] == UNKNOWN
    assert said("loose-model", SIMULATES, files(), TYPED)[0] == NOT_APPLICABLE


# tip 9


def rounds(*runs: Sibling, links: tuple[Link, ...]) -> Evidence:
    return later(Campaign("me", ("data",), runs, links, 0, 0, 0, (), tuple(s.run_id for s in runs)))


def test_rounds_that_feed_each_other_are_a_loop_in_somebodys_hands() -> None:
    a, b = run("a", -40, -30), run("b", -20, -10)
    loop = rounds(a, b, links=(link("a", "b"), link("b", "me")))

    assert said("handmade-rounds", loop, TYPED, NO_ENGINE) == (
        FAILED,
        "3 rounds as separate submissions, each submitted after the one before had ended: 9a (2026-11-23T11:20), 9b (2026-11-23T11:40); "
        "no program that is recorded holds them together",
    )
    sweep = rounds(a, b, links=())
    assert said("handmade-rounds", sweep, TYPED, NO_ENGINE)[0] == NOT_APPLICABLE
    assert said("handmade-rounds", sweep, TYPED)[0] == UNKNOWN


def test_a_loop_that_an_engine_holds_is_nobodys_hands() -> None:
    ring = engine(
        "parsl",
        task("simulate", 1, makes=("a",)),
        task("train", 1, reads=("a",), makes=("b",)),
        task("simulate", 2, reads=("b",)),
    )
    loop = rounds(run("a", -40, -30), run("b", -20, -10), links=(link("a", "b"), link("b", "me")))

    assert said("handmade-rounds", loop, TYPED, ring)[0] == PASSED
    assert said("uncounted-iterations", SIMULATES, campaign(), TYPED, ring) == (
        PASSED,
        "counted in an engine's record: simulate -> train -> simulate in parsl 9.1 in /home/ada/train, 2 rounds",
    )


# tip 10


def test_core_hours_of_failures_are_waste_unless_somebody_went_on_from_them() -> None:
    mine = later(accounting(used_cpus=6, used_seconds=600.0))
    runs = (run("a", 0, 60, core_hours=1.0, state="TIMEOUT"), run("b", 0, 60, core_hours=2.0))

    assert said("wasted-campaign", campaign(*runs), mine) == (
        FAILED,
        "3 of 4 core-hours (75 %) went into the 2 runs of 3 that ended well or were gone on from: 0.5 such runs a core-hour; lost: 9a TIMEOUT",
    )
    assert said("wasted-campaign", campaign(*runs, links=(link("a", "b"),)), mine)[0] == PASSED
    assert said("wasted-campaign", campaign(runs[0]), mine)[0] == NOT_APPLICABLE
    unknown = tuple(replace(r, core_seconds=None) for r in runs)
    assert said("wasted-campaign", campaign(*unknown), mine)[0] == UNKNOWN


def test_waiting_for_the_queue_counts_and_waiting_for_each_other_does_not() -> None:
    free = tuple(run(str(n), 60 + n, 65 + n, submitted=n) for n in range(3))

    assert said("queue-bound", campaign(*free), TYPED) == (FAILED, "the middle one of 3 runs waited 60 min and ran 5 min")
    tied = tuple(replace(r, dependency="afterok:1") for r in free)
    assert said("queue-bound", campaign(*tied), TYPED)[0] == NOT_APPLICABLE
    assert said("queue-bound", campaign(*free, array_throttle=2), TYPED)[0] == NOT_APPLICABLE
    assert advised("queue-bound", campaign(*free), TYPED)[1].splitlines()[1] == "#SBATCH --time=01:30:00"
