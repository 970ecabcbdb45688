"""What is named as changed between submission and start, and what is not?"""

from __future__ import annotations

from auditor.model import Evidence, Phase, Status
from auditor.scorecard import Change
from probes.called import CalledFile, CalledFiles
from probes.containers import ContainerIdentities, ImageIdentity
from probes.data import DataManifest, Skipped
from probes.modules import LoadedModules
from reports.judging.drift import drift
from reports.judging.record import record
from tests.factory import called, environment, file, image, manifest, modules, seen, sha, unseen
from tests.reports.ask import start

NO_IMAGE = [unseen(ContainerIdentities, "no image is named", phase=p) for p in (Phase.SUBMIT, Phase.START)]
NO_MODULES = [unseen(LoadedModules, "no module system", phase=p) for p in (Phase.SUBMIT, Phase.START)]
NO_INPUTS = [unseen(DataManifest, "no inputs are declared", phase=p) for p in (Phase.SUBMIT, Phase.START)]
CODE = called({"train.py": "1", "model.py": "m"})
QUIET = [*NO_IMAGE, *NO_MODULES, *NO_INPUTS, seen(CODE), start(CODE)]


def changes(*evidence: Evidence, attempt: int = 0) -> list[tuple[str, str, str, str]]:
    return [(c.what, c.name, c.before, c.after) for c in drift(record(evidence, attempt))[0]]


def state(*evidence: Evidence) -> str:
    return drift(record(evidence, 0))[1]


def test_an_edited_script_is_named_and_its_neighbour_is_not() -> None:
    assert changes(seen(CODE), start(called({"train.py": "2", "model.py": "m"}))) == [
        ("called-file", "/home/ada/train/train.py", f"sha256:{sha('1')}", f"sha256:{sha('2')}")
    ]


def test_a_deleted_or_new_script_is_named() -> None:
    def one(state: str) -> CalledFiles:
        return CalledFiles((CalledFile("step.py", "run.sh", 3, sha("x") if state == "ok" else "", 1, state),), ())

    assert changes(seen(one("ok")), start(one("absent"))) == [
        ("called-file", "step.py", f"sha256:{sha('x')} size:1", "not there")
    ]
    assert changes(seen(one("absent")), start(one("ok")))[0][2:] == ("not there", f"sha256:{sha('x')} size:1")
    assert changes(seen(one("absent")), start(one("absent"))) == []


def test_a_retagged_image_is_named_by_its_reference() -> None:
    assert changes(seen(image("lab/torch:2", "monday")), start(image("lab/torch:2", "tuesday"))) == [
        ("image", "lab/torch:2", f"sha256:{sha('monday')}", f"sha256:{sha('tuesday')}")
    ]


def test_an_image_hashed_once_only_is_compared_by_id_size_and_time() -> None:
    def known(sha256: str, mtime: int) -> ContainerIdentities:
        return ContainerIdentities((ImageIdentity("img.sif", "ok", "", sha256, 5, "uuid:7d0e", "", mtime),))

    assert changes(seen(known(sha("a"), 1)), start(known("", 1))) == []
    assert changes(seen(known(sha("a"), 1)), start(known("", 2))) == [
        ("image", "img.sif", "uuid:7d0e size:5 mtime_ns:1", "uuid:7d0e size:5 mtime_ns:2")
    ]


def test_a_touched_file_with_the_same_content_did_not_change() -> None:
    before, after = file("a.csv", content="1", mtime_ns=1), file("a.csv", content="1", mtime_ns=2)

    assert changes(seen(manifest(before)), start(manifest(after))) == []


def test_a_changed_input_is_named_and_a_new_output_is_not() -> None:
    before = manifest(file("a.csv", content="1"), file("b.csv"))
    after = manifest(file("a.csv", content="2"), file("b.csv"), file("slurm.out", "output"))

    assert changes(seen(before), start(after)) == [("input", "a.csv", f"sha256:{sha('1')}", f"sha256:{sha('2')}")]


def test_an_input_that_is_gone_is_named() -> None:
    gone = manifest(skipped=(Skipped("a.csv", "input", "absent"),))

    assert [c[3] for c in changes(seen(manifest(file("a.csv"))), start(gone))] == ["not there"]


def test_an_edited_modulefile_and_a_moved_default_are_one_change_each() -> None:
    gcc = modules("gcc/12.2.0")
    edited = LoadedModules("Lmod", (gcc.modules[0].__class__("gcc/12.2.0", "/modules/gcc", sha("edited")),), ())

    assert [c[:2] for c in changes(seen(gcc), start(edited))] == [("module", "gcc")]
    assert changes(seen(gcc), start(modules("gcc/13.1.0"))) == [
        ("module", "gcc", f"gcc/12.2.0 sha256:{sha('gcc/12.2.0')}", f"gcc/13.1.0 sha256:{sha('gcc/13.1.0')}")
    ]


def test_only_variables_that_change_results_and_are_not_the_schedulers_are_named() -> None:
    before = environment(OMP_NUM_THREADS="8", SLURM_JOB_ID="", PATH="/bin", PYTHONPATH="/lib")
    after = environment(OMP_NUM_THREADS="4", SLURM_JOB_ID="123", PATH="/usr/bin:/bin", CUDA_VISIBLE_DEVICES="0")

    assert changes(seen(before), start(after)) == [("environment", "OMP_NUM_THREADS", "8", "4")]


def test_each_change_cites_both_sightings() -> None:
    before, after = seen(CODE), start(called({"train.py": "2", "model.py": "m"}))

    (change,) = drift(record([before, after], 0))[0]

    assert isinstance(change, Change)
    assert change.cites == (before.id, after.id)


def test_nothing_changed_is_said_only_when_both_snapshots_looked_at_everything() -> None:
    assert state(*QUIET) == "none"
    assert [state(*(e for e in QUIET if e is not hidden)) for hidden in QUIET] == ["unknown"] * len(QUIET)
    assert state(*QUIET[:-1], start(called({"train.py": "2"}))) == "found"
    assert state() == "unknown"


def test_a_start_snapshot_that_broke_leaves_it_open() -> None:
    broken = unseen(CalledFiles, "TimeoutError: 2 s", status=Status.FAILED, phase=Phase.START)

    assert state(*QUIET[:-1], broken) == "unknown"


def test_the_last_attempts_start_is_the_one_that_counts() -> None:
    first = start(called({"train.py": "2"}))
    second = seen(called({"train.py": "1"}), phase=Phase.START, attempt=1)

    assert changes(seen(CODE), first, second, attempt=1) == []
    assert changes(seen(CODE), first, attempt=1) == []
