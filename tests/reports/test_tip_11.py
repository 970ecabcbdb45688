"""Tip 11 by example: few, large, packed files in a good place?"""

from __future__ import annotations

from auditor.model import Evidence, Phase, Status
from auditor.verdict import Sameness
from probes.data import DataManifest
from probes.filesystem import FileSystems, Mount
from probes.workflow import SystemsUsed, Use
from tests.factory import accounting, file, manifest, seen, submission, unseen
from tests.reports.ask import (
    FAILED,
    NEVER,
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

MIB = 1 << 20
TYPED = seen(submission())
BROKEN = unseen(DataManifest, "OSError: stale file handle", phase=Phase.LATER, status=Status.FAILED)


def files(count: int, size: int = 100, folder: str = "out/samples", role: str = "output") -> Evidence:
    return later(manifest(*(file(f"{folder}/{n}.txt", role, "x", size=size) for n in range(count))))


def systems(*uses: Use) -> Evidence:
    return declared(SystemsUsed(uses, {}, (), (), ()))


def places(kind: str, family: str) -> Evidence:
    return start(FileSystems((Mount("/home/ada", "workdir", "/home", kind, family),)))


def test_a_thousand_loose_files_want_a_packed_format() -> None:
    h5 = systems(Use("h5py", "format", "import", "train.py:2"))

    assert said("loose-format", files(1000), systems()) == (FAILED, "1,000 files, and no packed format in the scripts")
    assert advised("loose-format", files(1000), systems())[1].startswith(
        "tar -cf out-samples.tar -C out/samples . && rm -r out/samples"
    )
    assert said("loose-format", files(1000), h5) == (PASSED, "1,000 files, and a packed format is in use: h5py (train.py:2)")
    assert said("loose-format", files(3), systems()) == (PASSED, "3 files read or written: few enough to need no packing")
    assert said("loose-format", BROKEN, systems())[0] == UNKNOWN


def test_many_files_below_a_stripe_fail_and_large_ones_pass() -> None:
    assert said("small-files", files(1200)) == (
        FAILED,
        "1,200 files of 1,200 below 1.0 MiB (100 %), 1,200 of them in out/samples",
    )
    assert said("small-files", files(1200, size=2 * MIB)) == (PASSED, "0 files of 1,200 below 1.0 MiB (0 %)")
    assert said("small-files", files(999)) == (
        PASSED,
        "999 files of 999 below 1.0 MiB (100 %): fewer than 1,000 do no harm",
    )
    assert said("small-files", BROKEN) == (UNKNOWN, "could not look: data manifest after the run: OSError: stale file handle")


def test_a_folder_of_more_than_ten_thousand_is_crowded() -> None:
    assert said("crowded-folder", files(10_001)) == (FAILED, "at most 10,001 files in one folder (out/samples)")
    assert said("crowded-folder", files(12)) == (PASSED, "at most 12 files in one folder (out/samples)")
    assert said("crowded-folder")[0] == UNKNOWN


def test_many_outputs_straight_to_nfs_are_weak() -> None:
    assert said("far-writes", files(200), places("nfs4", "network"), TYPED) == (
        WEAK,
        "200 files, 19.5 KiB written straight to /home/ada (nfs4)",
    )
    assert said("far-writes", files(2), places("nfs4", "network"), TYPED)[0] == PASSED
    assert said("far-writes", files(200), places("lustre", "parallel"), TYPED) == (
        PASSED,
        "200 files, 19.5 KiB written to /home/ada (lustre)",
    )
    assert said("far-writes", files(200), start(FileSystems(())), TYPED) == (
        UNKNOWN,
        "on which file system the outputs lie is not known",
    )


def test_a_long_run_saves_its_state_on_the_way() -> None:
    long = later(accounting(used_seconds=7200.0))
    saved = later(manifest(file("out/epoch-3.ckpt", "output")))

    assert said("no-checkpoint", saved, long) == (PASSED, "ran 2.0 h; 1 checkpoint: out/epoch-3.ckpt")
    assert said("no-checkpoint", files(1), long) == (FAILED, "ran 2.0 h and left no checkpoint")
    assert said("no-checkpoint", files(1), later(accounting(used_seconds=300.0))) == (
        NOT_APPLICABLE,
        "ran 5 min (slurm): cheaper to repeat than to save on the way",
    )
    assert said("no-checkpoint", files(1), later(accounting(used_seconds=None))) == (UNKNOWN, "the run time is not known")


def test_a_replay_must_leave_the_same_set_of_outputs() -> None:
    assert said("lost-outputs", replayed(Sameness.DIFFERENT)) == (PASSED, "a replay wrote 1 output again, and none is missing")
    assert said("lost-outputs", replayed(Sameness.NOT_RUN, stopped_at="run"))[0] == FAILED
    assert said("lost-outputs") == (UNKNOWN, NEVER)
