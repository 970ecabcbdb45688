"""Which rung is earned by which proof, and what is said of those that are not?"""

from __future__ import annotations

from dataclasses import replace

from auditor import codec
from auditor.model import Evidence, Phase
from auditor.scorecard import Rung
from auditor.verdict import ImageVerdict, ReplayVerdict, Sameness
from probes.called import CalledFiles
from probes.containers import ContainerIdentities, ContainerReferences, ImageFacts, RanImage, RanImages, Reference
from probes.data import Skipped
from probes.git import GitState
from probes.packages import PythonPackages
from reports.judging.record import record
from reports.judging.rungs import rungs
from tests.factory import accounting, called, file, git_state, image, manifest, packages, seen, submission, unseen
from tests.reports.ask import ANOTHER, IDENTICAL, later, replayed, start

CAPTURED = [
    seen(submission()),
    start(called({"train.py": "1"})),
    later(accounting()),
    later(manifest(file("model.pt", "output"))),
]
NO_IMAGE = [unseen(ContainerReferences, "no image is named"), unseen(ContainerIdentities, "no image is named", phase=Phase.START)]
PINNED = [*CAPTURED, seen(git_state()), seen(packages("numpy==2.3.0")), start(manifest(file("a.csv"))), *NO_IMAGE]


def rung(name: str, *evidence: Evidence) -> Rung:
    (found,) = [r for r in rungs(record(evidence, 0)) if r.name == name]
    return found


def without(kind: type, evidence: list[Evidence]) -> list[Evidence]:
    return [e for e in evidence if e.kind != kind.__name__]


def test_the_ladder_has_five_rungs_from_captured_to_replayed_elsewhere() -> None:
    assert [r.name for r in rungs(record([], 0))] == ["captured", "pinned", "rebuildable", "repeatable", "replayed-elsewhere"]
    assert not any(r.reached for r in rungs(record([], 0)))


def test_captured_takes_submission_start_accounting_and_outputs() -> None:
    found = rung("captured", *CAPTURED)

    assert (found.reached, found.reason) == (True, "submission, start, accounting and outputs were all seen")
    assert found.cites == tuple(e.id for e in CAPTURED)
    assert rung("captured", *without(CalledFiles, CAPTURED)).reason == "the called files as the job started: not known"


def test_a_record_that_is_not_final_is_not_captured() -> None:
    assert not rung("captured", *CAPTURED[:2], later(accounting(final=False)), CAPTURED[3]).reached


def test_pinned_takes_code_environment_and_inputs_by_digest() -> None:
    assert rung("pinned", *PINNED).reached
    assert rung("pinned", *without(GitState, PINNED)).reason == "code: neither a commit nor a complete folder is known by digest"


def test_a_dirty_tree_is_pinned_while_its_difference_is_kept_in_full() -> None:
    clean = without(GitState, PINNED)

    assert rung("pinned", *clean, seen(git_state(dirty=True, diff="-1\n+2"))).reached
    assert not rung("pinned", *clean, seen(git_state(dirty=True, diff_cut=True))).reached


def test_a_named_image_that_was_not_identified_is_not_replaced_by_packages() -> None:
    named = seen(ContainerReferences((Reference("apptainer", "img.sif", "img.sif", "file", "", "img.sif", "", "", 2),)))
    others = [e for e in PINNED if e not in NO_IMAGE]

    assert rung("pinned", *others, named).reason == "environment: an image is named and was not identified as the job started"
    assert rung("pinned", *others, named, start(image("img.sif"))).reached


def test_inputs_over_the_jobs_budget_are_pinned_when_they_did_not_move() -> None:
    big = file("big.h5", size=1 << 40)
    left = start(manifest(skipped=(Skipped("big.h5", "input", "budget", big.size, big.mtime_ns),)))
    others = [e for e in PINNED if (e.kind, e.phase) != ("DataManifest", Phase.START)]

    assert rung("pinned", *others, left, seen(manifest(big))).reached
    assert rung("pinned", *others, left).reason == "data: 1 input without a digest, first big.h5"


def test_without_a_declared_input_the_data_is_not_pinned() -> None:
    others = [e for e in PINNED if (e.kind, e.phase) != ("DataManifest", Phase.START)]

    assert rung("pinned", *others, start(manifest())).reason == "data: no input is declared"


def test_a_replay_earns_the_upper_rungs() -> None:
    again = replayed()

    assert rung("rebuildable", again).reason == "environment: image-by-digest, done (environment went well)"
    assert rung("repeatable", again) == Rung("repeatable", True, IDENTICAL, (again.id,))
    assert rung("replayed-elsewhere", again).reached


def test_a_later_replay_that_could_not_run_takes_nothing_away() -> None:
    proof = replayed()
    idle = replace(replayed(Sameness.NOT_RUN, stopped_at="inputs"), taken_at="2030-01-01T00:00:00+00:00")
    assert rung("repeatable", *PINNED, proof, idle) == rung("repeatable", *PINNED, proof)
    assert not rung("repeatable", *PINNED, idle).reached
    worse = replace(replayed(Sameness.DIFFERENT), taken_at="2030-01-01T00:00:00+00:00")
    told = rung("repeatable", *PINNED, proof, worse)
    assert told.reached
    assert told.reason.endswith("; but a replay on another machine (local) gave something else: model.pt")


def test_the_same_machine_does_not_count_as_elsewhere_and_the_host_not_as_rebuilt() -> None:
    again = replayed(same_machine=True, environment="host")

    assert [rung(name, again).reached for name in ("rebuildable", "repeatable", "replayed-elsewhere")] == [False, True, False]


def test_an_environment_from_a_lock_counts_as_rebuilt_where_it_was_compared_package_by_package() -> None:
    def rebuilt(equal: bool | None) -> Rung:
        return rung("rebuildable", replayed(environment="rebuilt-from-lock", environment_equal=equal))

    assert [rebuilt(equal).reached for equal in (True, False, None)] == [True, False, False]
    assert "not every package of it could be compared with the run's, file by file" in rebuilt(None).reason
    assert rung("rebuildable", replayed(environment="bare-python")).reached  # nothing is installed: there is nothing to compare


def test_modules_of_no_package_have_no_digest() -> None:
    others = without(PythonPackages, PINNED)

    assert rung("pinned", *others, seen(packages("numpy==2.3.0", unowned=("/venv/helper.py",)))).reason == (
        "environment: /venv/helper.py: of no package, so no digest is known"
    )


def test_a_different_result_and_no_replay_say_why() -> None:
    assert rung("repeatable", replayed(Sameness.DIFFERENT)).reason == f"{ANOTHER} gave something else: model.pt"
    assert rung("repeatable").reason == "never replayed"


def ran(digest: str) -> Evidence:
    return later(RanImages((RanImage("docker", "engine", "lab/x:1", ImageFacts("lab/x:1", manifest=digest), "x"),)))


def test_an_image_that_ran_is_pinned_by_its_digest_and_not_by_its_tag() -> None:
    others = [e for e in PINNED if e not in NO_IMAGE]

    assert rung("pinned", *others, ran("sha256:" + "c" * 64)).reached
    assert rung("pinned", *others, ran("")).reason == "environment: no digest of lab/x:1, which ran"


def test_before_any_replay_the_best_way_to_rebuild_is_told() -> None:
    assert rung("rebuildable", *PINNED).reason == (
        "never replayed; the best way to have the environment again: lock without hashes, partial"
    )
    assert rung("rebuildable", ran("sha256:" + "c" * 64)).reason.endswith("image by digest, recorded")


def test_an_image_that_was_built_again_counts_where_the_ladder_says_it_holds_the_same_files() -> None:
    def again(level: str) -> Evidence:
        one = replayed(environment="image-rebuilt")
        verdict = codec.build(one.data, ReplayVerdict, "a verdict")
        return replace(one, data=codec.plain(replace(verdict, images=(ImageVerdict("lab/x:1", "rebuilt", level, "tree hash"),))))

    assert rung("rebuildable", again("same-files")).reached
    assert not rung("rebuildable", again("unknown")).reached
    assert "lab/x:1: different" in rung("rebuildable", again("different")).reason
