"""Tip 11 by example: few, large, packed files in a good place?"""

from __future__ import annotations

from auditor.model import Evidence, Phase, Status
from auditor.verdict import Sameness
from probes.data import DataManifest, Reference
from probes.filesystem import FileSystems, Mount
from probes.formats import FormatFile, FormatFiles, Part
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


def test_a_registered_data_set_of_many_small_files_is_no_better_for_being_registered() -> None:
    def known(size: int) -> Evidence:
        return later(manifest(datasets=(Reference("/data/iris", "iris", "", "sha256:" + "a" * 64, "unchanged", 5000, size),)))

    assert said("small-files", known(5000 << 10)) == (FAILED, "5,000 files in the data set iris, 1.0 KiB each on average")
    assert advised("small-files", known(5000 << 10))[1].startswith("mksquashfs /data/iris iris.sqsh")
    assert said("loose-format", known(5000 << 10), systems()) == (
        FAILED,
        "5,000 files in the data set iris, and no packed format in the scripts",
    )
    assert said("small-files", known(5000 * MIB))[0] == PASSED


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


def data(*found: FormatFile) -> Evidence:
    return later(FormatFiles(found, len(found), True))


def test_ten_thousand_chunks_of_eight_hundred_bytes_are_tiny_and_the_fix_has_their_own_shape() -> None:
    field = Part("field", (1000, 1000), "float64", (10, 10), 10_000, 8_000_000, 8_000_000)
    made = data(FormatFile("out.h5", "hdf5", "superblock 0", 8_400_000, role="output", parts=(field,), parts_total=1))
    assert said("tiny-pieces", made) == (FAILED, "out.h5:field (hdf5) is cut into 10,000 chunks of 800 bytes")
    assert advised("tiny-pieces", made)[1] == "h5repack -l field:CHUNK=640x320 out.h5 repacked.h5"


def test_a_zarr_store_of_many_small_files_wants_shards() -> None:
    field = Part("t", (4000, 4000), "float32", (40, 40), 10_000, 9_000_000, 64_000_000)
    made = data(FormatFile("out.zarr", "zarr", "3", 9_000_000, 10_002, role="output", parts=(field,), parts_total=1))
    assert said("tiny-pieces", made) == (FAILED, "out.zarr:t (zarr) is cut into 10,000 chunks of 6.2 KiB")
    assert advised("tiny-pieces", made)[1].startswith(
        "zarr.create_array(..., shape=(4000, 4000), chunks=(40, 40), shards=(640, 640))"
    )


def test_many_small_writes_of_adios2_are_tiny_and_few_large_ones_are_not() -> None:
    few = FormatFile(
        "run.bp", "adios2-bp5", "2.12.1", 9 * MIB, 5, role="output", steps=3, writers=1, calls=3, written=9 * MIB, closed=True
    )
    many = FormatFile(
        "run.bp", "adios2-bp5", "2.12.1", 9 * MIB, 5, role="output", steps=3000, calls=3000, written=9 * MIB, closed=True
    )
    assert said("tiny-pieces", data(few)) == (PASSED, "1 data file, none cut into 1,000 pieces below 64.0 KiB: run.bp")
    assert said("tiny-pieces", data(many)) == (FAILED, "run.bp (adios2-bp5) is cut into 3,000 write calls of 3.1 KiB")


def test_a_format_that_could_not_be_opened_is_unknown_and_not_good() -> None:
    closed = FormatFile("out.h5", "hdf5", "superblock 0", 8000, role="output", reason="h5py is not installed")
    assert said("tiny-pieces", data(closed)) == (UNKNOWN, "how they are cut was not told: out.h5 (h5py is not installed)")
    assert said("tiny-pieces", unseen(FormatFiles, "no data file of a known format", phase=Phase.LATER))[0] == NOT_APPLICABLE


def test_what_could_not_be_looked_at_keeps_the_rest_from_passing() -> None:
    field = Part("x", (10,), "<f8", stored=80, logical=80)
    small = FormatFile("a.npy", "npy", "", 208, role="output", parts=(field,), parts_total=1)
    closed = FormatFile("out.h5", "hdf5", "superblock 0", 8000, role="output", reason="h5py is not installed")
    assert said("tiny-pieces", data(small))[0] == PASSED
    assert said("tiny-pieces", data(small, closed)) == (UNKNOWN, "how they are cut was not told: out.h5 (h5py is not installed)")
    assert said("tiny-pieces", later(FormatFiles((small,), 3, False))) == (
        UNKNOWN,
        "how they are cut was not told: 2 more, what was not walked",
    )
    assert said("unfinished-output", data(closed)) == (
        UNKNOWN,
        "whether it was finished was not told: out.h5 (h5py is not installed)",
    )


def test_each_file_in_tiny_pieces_is_named_the_worst_first() -> None:
    one = FormatFile("a.h5", "hdf5", "", 1, parts=(Part("x", (3000,), "<i1", (1,), 3000, 3000, 3000),), parts_total=1)
    two = FormatFile("b.zarr", "zarr", "2", 1, parts=(Part("y", (9000,), "<i1", (1,), 9000, 9000, 9000),), parts_total=1)
    assert said("tiny-pieces", data(one, two))[1] == (
        "b.zarr:y (zarr) is cut into 9,000 chunks of 1 bytes, a.h5:x (hdf5) is cut into 3,000 chunks of 1 bytes"
    )


def test_an_output_that_its_writer_left_open_is_unfinished() -> None:
    dead = FormatFile("run.bp", "adios2-bp5", "2.12.1", 100, 5, role="output", closed=False)
    cut = FormatFile("t.parquet", "parquet", "", 100, role="output", reason="not read: does not end in PAR1")
    fine = FormatFile("m.safetensors", "safetensors", "", 100, role="output", closed=True)
    old = FormatFile("old.bp", "adios2-bp5", "2.12.1", 100, 5, role="present", closed=False)
    assert said("unfinished-output", data(dead, cut, fine, old)) == (
        FAILED,
        "not finished, or not what its name says: run.bp (its writer did not close it), t.parquet (does not end in PAR1)",
    )
    assert said("unfinished-output", data(fine, old)) == (PASSED, "1 output closed properly: m.safetensors")
    assert said("unfinished-output", data(old))[0] == NOT_APPLICABLE


def test_two_thousand_files_in_ten_seconds_are_a_storm() -> None:
    quick, slow = later(accounting(used_seconds=10.0)), later(accounting(used_seconds=3600.0))
    assert said("file-storm", files(2000), quick) == (WEAK, "2,000 files made in 10 s: 200 a second")
    assert said("file-storm", files(2000), slow) == (PASSED, "2,000 files made in 60 min: 1 a second")
    assert said("file-storm", files(12), slow) == (PASSED, "12 files made: no burden")


def test_twenty_checkpoints_are_a_pile() -> None:
    assert said("piled-checkpoints", files(20, MIB, "run/ckpt")) == (
        WEAK,
        "20 checkpoints, 20.0 MiB are kept, first run/ckpt/0.txt",
    )
    assert said("piled-checkpoints", files(3, MIB, "run/ckpt"))[0] == PASSED
    assert said("piled-checkpoints", files(3))[0] == NOT_APPLICABLE


def test_many_pieces_of_a_mebibyte_are_well_cut() -> None:
    whole = Part("t", (2000, 512), "<f8", (1, 512), 2000, logical=2000 * MIB)
    assert said("tiny-pieces", later(FormatFiles((FormatFile("out.h5", "hdf5", "", 1, parts=(whole,)),), 1, True))) == (
        PASSED,
        "1 data file, none cut into 1,000 pieces below 64.0 KiB: out.h5",
    )
