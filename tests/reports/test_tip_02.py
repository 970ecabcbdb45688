"""Tip 2 by example: is the work where the data is?"""

from __future__ import annotations

import pytest

from auditor.model import Evidence, Phase, Status
from auditor.verdict import Sameness
from probes.data import DataFile, DataManifest, Reference, Skipped
from probes.filesystem import Entry, FileSystems, Mount, family
from probes.kernel import KernelAccounting
from probes.pointers import DataPointers, Pointer
from probes.tracing import FileTrace
from probes.workflow import SystemsUsed, Use
from reports.judging.staging import staged
from tests.factory import file, manifest, seen, submission, unseen
from tests.reports.ask import (
    FAILED,
    NEVER,
    NOT_APPLICABLE,
    PASSED,
    UNKNOWN,
    WEAK,
    advised,
    ask,
    declared,
    end,
    later,
    replayed,
    said,
    start,
)

GIB = 1 << 30
TYPED = seen(submission("#!/bin/bash\nwget -q https://example.org/set.zip\npython train.py\n"))


def place(path: str, role: str, kind: str, family: str) -> Evidence:
    return start(FileSystems((Mount(path, role, path, kind, family),)))


def moved(read: int | None, cores: float | None) -> Evidence:
    return end(KernelAccounting("job", "/job", None, None, None, cores, read, 0))


def test_declared_inputs_are_named() -> None:
    assert said("undeclared-inputs", seen(submission(declared_inputs=("data/*.csv",)))) == (
        PASSED,
        "1 pattern declared: data/*.csv",
    )


def test_undeclared_inputs_fail_with_the_submission_to_type() -> None:
    assert said("undeclared-inputs", TYPED) == (FAILED, "no input is declared, so nobody can fetch or check the data")
    assert advised("undeclared-inputs", TYPED)[1] == "auditor sbatch --auditor-input='data/*' train.sh"


def test_an_adopted_job_tells_nothing_of_its_inputs() -> None:
    assert said("undeclared-inputs") == (UNKNOWN, "never captured: submission at submission")


def test_a_download_in_the_job_is_quoted_as_the_line_to_move() -> None:
    systems = declared(SystemsUsed((Use("wget", "download", "command", "train.sh:2"),), {}, (), (), ()))

    assert said("download-in-job", systems, TYPED) == (FAILED, "the job downloads while it holds its nodes: wget (train.sh:2)")
    assert "cd data && wget -q https://example.org/set.zip && sha256sum" in advised("download-in-job", systems, TYPED)[1]


def test_a_cache_that_the_job_filled_is_a_download_whatever_the_scripts_say() -> None:
    quiet = declared(SystemsUsed((), {}, (), (), ()))
    wrote = later(FileTrace("strace", (), True, (), ("/home/ada/.cache/huggingface/hub/m/model.safetensors",), (), 0, 9, 99))
    assert said("download-in-job", quiet, TYPED, wrote) == (
        FAILED,
        "the job filled a cache of downloads while it held its nodes: 1 file, /home/ada/.cache/huggingface/hub/m/model.safetensors",
    )
    here = later(manifest(file("hf/.cache/huggingface/a.bin", "output"), file("out/.cache/a.bin", "output")))
    assert said("download-in-job", quiet, TYPED, here)[1].endswith("1 file, /home/ada/train/hf/.cache/huggingface/a.bin")
    assert said("download-in-job", quiet, TYPED, later(manifest(file("result.csv", "output"))))[0] == PASSED


def test_no_download_passes_as_declared_by_the_scripts() -> None:
    found = ask("download-in-job", declared(SystemsUsed((), {}, (), (), ())), TYPED)

    assert (found.outcome, found.grade) == (PASSED, "declared")


def test_scripts_that_could_not_be_read_leave_downloads_unknown() -> None:
    broken = unseen(SystemsUsed, "TimeoutError: 2 s", status=Status.FAILED)

    assert said("download-in-job", broken, TYPED) == (UNKNOWN, "could not look: systems used at submission: TimeoutError: 2 s")


def test_inputs_on_lustre_are_near_and_on_nfs_far() -> None:
    assert said("far-inputs", place("/scratch", "workdir", "lustre", "parallel"), TYPED) == (
        PASSED,
        "inputs lie on /scratch (lustre, parallel)",
    )
    assert said("far-inputs", place("/home", "workdir", "nfs4", "network"), TYPED) == (
        FAILED,
        "/home (nfs4, network) is read over the network by every task",
    )


def test_a_file_system_of_unknown_kind_is_no_verdict() -> None:
    assert said("far-inputs", place("/odd", "input", "odd", "unknown"), TYPED) == (
        UNKNOWN,
        "the file system of /odd is of a kind that we do not know",
    )


def test_hashed_inputs_are_known() -> None:
    assert said("unhashed-inputs", start(manifest(file("a.csv", size=2048), file("b.csv", size=1024))), TYPED) == (
        PASSED,
        "2 inputs, 3.0 KiB, each known by sha256 as the job started",
    )


def test_an_input_over_the_budget_of_the_job_is_known_when_it_did_not_move_since_submission() -> None:
    a = file("big.h5", size=48 * GIB)
    left = Skipped("big.h5", "input", "budget", a.size, a.mtime_ns)
    touched = Skipped("big.h5", "input", "budget", a.size, a.mtime_ns + 1)

    assert said("unhashed-inputs", seen(manifest(a)), start(manifest(skipped=(left,))), TYPED)[0] == PASSED
    assert said("unhashed-inputs", seen(manifest(a)), start(manifest(skipped=(touched,))), TYPED) == (
        WEAK,
        "1 input of 1 not known by content: big.h5 (budget)",
    )


def referred(state: str, *differences: str) -> DataManifest:
    known = Reference(
        "/data/iris", "iris", "", f"sha256:{'a' * 64}", state, 150, 3 * GIB, "3", "10.5281/zenodo.1", "", "", "2026-01-02T00:00:00+00:00",
        differences=differences,
    )  # fmt: skip
    return manifest(datasets=(known,))


def test_a_registered_data_set_is_known_without_being_read() -> None:
    assert said("unhashed-inputs", start(referred("unchanged")), TYPED) == (
        PASSED,
        "known data set: iris 3 (doi:10.5281/zenodo.1), 150 files, 3.0 GiB, none of its files touched since 2026-01-02",
    )


def test_a_data_set_too_large_for_a_look_in_the_job_is_known_when_all_of_it_was_looked_at_before() -> None:
    assert said("unhashed-inputs", start(referred("partly")), TYPED) == (
        WEAK,
        "1 known data set not looked at as a whole as the job started: /data/iris (iris)",
    )
    assert said("unhashed-inputs", seen(referred("unchanged")), start(referred("partly")), TYPED)[0] == PASSED
    assert said("unhashed-inputs", seen(referred("unchanged")), start(referred("changed", "new x")), TYPED)[0] == FAILED


def pointers(*found: Pointer) -> DataPointers:
    counts = {f"{p.system} {p.state}": 1 for p in found}
    return DataPointers("/home/ada/train", found, counts, True, 0)


def pointer(
    state: str, system: str = "dvc", path: str = "data/set.csv", by: str = "data/set.csv.dvc", role: str = "input"
) -> Pointer:
    return Pointer(path, system, by, role, "md5", "a" * 32, 5, state, reason="a reason" if state == "present" else "")


def test_a_pointer_whose_content_was_never_fetched_fails_with_the_line_that_fetches_it() -> None:
    found = pointers(pointer("absent"), pointer("absent", "git-lfs", "w.bin", "w.bin"), pointer("equal", path="x", by="x.dvc"))
    assert said("dangling-pointers", later(found)) == (
        FAILED,
        "only the pointer is there, not the content: data/set.csv (DVC), w.bin (git-LFS)",
    )
    assert advised("dangling-pointers", later(found))[1] == (
        "# on the login node, before the job:\ndvc pull data/set.csv.dvc\ngit lfs pull --include=w.bin"
    )


def test_a_content_that_is_not_the_declared_one_fails() -> None:
    found = later(pointers(pointer("different", "git-annex", "a.bin", "a.bin")))
    assert said("dangling-pointers", found) == (FAILED, "the content is not what its pointer declares: a.bin (git-annex)")
    assert advised("dangling-pointers", found)[1] == "git annex fsck a.bin"


def test_a_stale_output_of_a_pipeline_is_no_fault_of_the_inputs() -> None:
    found = pointers(pointer("equal"), pointer("different", path="model.pt", by="dvc.lock", role="output"))
    assert said("dangling-pointers", later(found)) == (
        PASSED,
        "every declared content is there and has the declared digest: 1 of DVC",
    )


def test_a_content_that_the_job_fetched_itself_is_weak_and_one_not_compared_too() -> None:
    assert said("dangling-pointers", seen(pointers(pointer("absent"))), later(pointers(pointer("equal")))) == (
        WEAK,
        "the content came only while the job ran: data/set.csv (DVC)",
    )
    assert said("dangling-pointers", later(pointers(pointer("present")))) == (
        WEAK,
        "1 content not compared with what is declared (data/set.csv: a reason)",
    )


def test_without_pointers_there_is_nothing_to_ask_and_without_a_look_nothing_is_known() -> None:
    none = unseen(DataPointers, "no pointer of DVC, git-annex or git-LFS", phase=Phase.LATER)
    assert said("dangling-pointers", none) == (NOT_APPLICABLE, "no pointer of DVC, git-annex or git-LFS")
    assert said("dangling-pointers")[0] == UNKNOWN


def test_no_declared_input_fails_the_digest_question_too() -> None:
    none = unseen(DataManifest, "no inputs are declared", phase=Phase.START)

    assert said("unhashed-inputs", none, TYPED) == (FAILED, "no inputs are declared")


def test_a_pattern_that_matched_nothing_is_no_input() -> None:
    assert said("unhashed-inputs", start(manifest()), TYPED) == (FAILED, "no input file was seen as the job started")


def test_inputs_seen_only_at_submission_are_not_known_at_start() -> None:
    assert said("unhashed-inputs", seen(manifest(file("a.csv"))), TYPED)[0] == UNKNOWN


def test_a_job_that_reads_a_tebibyte_for_a_minute_of_work_mostly_copies() -> None:
    assert said("data-dragging", moved(1024 * GIB, 60.0), TYPED) == (
        FAILED,
        "1.0 TiB moved for 60 core-seconds of work; over which file systems is not known: the job mostly copies",
    )
    assert said("data-dragging", moved(1024 * GIB, 90_000.0), TYPED)[0] == PASSED
    assert said("data-dragging", moved(GIB // 2, 1.0), TYPED)[0] == PASSED


def test_counters_that_were_not_readable_are_no_verdict() -> None:
    assert said("data-dragging", moved(None, 60.0), TYPED) == (
        UNKNOWN,
        "the kernel's counters of bytes or CPU time were not readable (scope job)",
    )


def test_where_the_known_bytes_came_from_and_went_to_is_said_beside_what_was_moved() -> None:
    known = later(manifest(file("/data/a", size=3 * GIB), file("out/b", "output", size=GIB), file("/odd/c", size=1024)))
    assert said("data-dragging", moved(5 * GIB, 90_000.0), TYPED, known, node()) == (
        PASSED,
        "5.0 GiB moved for 90000 core-seconds of work (known files: read 3.0 GiB from /data (nfs4, network), "
        "1.0 KiB from / (ext4, local); wrote 1.0 GiB to /home (lustre, parallel); not covered: 2.0 GiB read)",
    )


def test_a_file_that_was_not_hashed_counts_with_its_size() -> None:
    left = later(manifest(skipped=(Skipped("/data/big", "input", "budget", 4 * GIB), Skipped("/data/none", "input", "absent"))))
    assert said("data-dragging", moved(4 * GIB, 90_000.0), TYPED, left, node())[1].endswith(
        "(known files: read 4.0 GiB from /data (nfs4, network))"
    )


def test_bytes_of_no_known_file_are_told_and_a_little_is_not() -> None:
    known = later(manifest(file("/data/a", size=9 * GIB), file("out/b", "output", size=GIB)))

    def of(read: int, written: int) -> str:
        kernel = end(KernelAccounting("job", "/job", None, None, None, 90_000.0, read, written))
        return said("data-dragging", kernel, TYPED, known, node())[1].rpartition("; ")[2]

    assert of(20 * GIB, 3 * GIB) == "not covered: 11.0 GiB read and 2.0 GiB written)"
    assert of(9 * GIB, 3 * GIB) == "not covered: 2.0 GiB written)"
    assert of(9 * GIB + GIB // 2, GIB) == "wrote 1.0 GiB to /home (lustre, parallel))"  # programs and libraries
    assert of(0, 0) == "wrote 1.0 GiB to /home (lustre, parallel))"  # all of it came from memory


@pytest.mark.parametrize("known", [file("a.csv", size=2 << 20), file("/etc/a.csv", size=2 << 20)])
def test_where_little_of_what_was_read_is_known_it_is_said(known: DataFile) -> None:
    of, rest = later(manifest(known)), "; 50.0 GiB more were read, of files that we do not know"
    for evidence, ends in (([moved(2 << 20, 9.0)], False), ([moved(50 * GIB, 9.0)], True)):
        outcome, message, *_ = said("unstaged-inputs", of, node(), TYPED, *evidence)
        assert (outcome, message.endswith(rest)) == (PASSED, ends)
    trace = later(FileTrace("strace", (), True, (), (), (), 0, 0, 1))
    assert not said("unstaged-inputs", of, node(), TYPED, moved(50 * GIB, 9.0), trace)[1].endswith(rest)


def test_where_only_system_calls_were_counted_little_is_little_and_much_is_no_verdict() -> None:
    def calls(count: int) -> Evidence:
        return end(KernelAccounting("job", "/job", None, None, None, 10.0, None, None, count, 0))

    assert said("data-dragging", calls(GIB // 2), TYPED) == (
        PASSED,
        "at most 512.0 MiB moved for 10 core-seconds of work; over which file systems is not known",
    )
    assert said("data-dragging", calls(90 * GIB), TYPED) == (
        UNKNOWN,
        "at most 90.0 GiB moved for 10 core-seconds of work; over which file systems is not known: through system calls, "
        "and what of it the storage delivered was not counted",
    )


def node(scratch: str = "ext4", home: str = "lustre") -> Evidence:
    """/data on NFS, /home as given, / a disk of the node, $TMPDIR /tmp/job on a disk of this kind."""
    table = (Entry("/data", "nfs4"), Entry("/home", home), Entry("/", "ext4"), Entry("/tmp", scratch))
    mounts = (
        Mount("/home/ada/train", "workdir", "/home", home, family(home)),
        Mount("/tmp/job", "tmp", "/tmp", scratch, family(scratch)),
    )
    return start(FileSystems(mounts, table))


IMAGES = later(manifest(*(file(f"/data/img/{n}.png", size=100 << 10) for n in range(2000))))
LARGE = later(manifest(file("big.h5", size=50 * GIB)))


def test_many_small_inputs_on_a_shared_file_system_are_to_be_staged() -> None:
    found = ask("unstaged-inputs", IMAGES, node(), TYPED)
    assert (found.outcome, found.message) == (
        FAILED,
        "2,000 inputs, 195.3 MiB, on /data (nfs4, network): 100.0 KiB each, opened one by one where they lie, while /tmp/job (ext4) is near",
    )
    assert found.fix.splitlines()[1].startswith('tar -C /data/img -cf - . | tar -C "$TMPDIR" -xf -')


def test_without_node_local_scratch_there_is_nothing_to_stage_to() -> None:
    assert said("unstaged-inputs", IMAGES, node(scratch="lustre"), TYPED) == (
        NOT_APPLICABLE,
        "no node-local scratch was seen (/tmp/job is on lustre, parallel)",
    )


def test_a_script_that_unpacks_to_scratch_stages_as_far_as_it_says() -> None:
    script = seen(submission('#!/bin/bash\ntar -xf /data/img.tar -C "$TMPDIR"\npython train.py\n'))
    assert said("unstaged-inputs", IMAGES, node(), script) == (
        PASSED,
        'staged to node-local scratch by train.sh:2: tar -xf /data/img.tar -C "$TMPDIR"',
    )


def test_a_trace_shows_the_copies() -> None:
    copies = later(FileTrace("strace", (), True, ("/data/img/1.png",), ("/tmp/job/img/1.png", "/tmp/job/model.pt"), (), 0, 9, 99))
    assert said("unstaged-inputs", IMAGES, node(), TYPED, copies) == (
        PASSED,
        "staged to /tmp/job (ext4), as a trace saw: 1 file, /tmp/job/img/1.png",
    )


def test_a_large_input_that_is_read_four_times_is_to_be_staged_and_one_read_once_is_not() -> None:
    assert said("unstaged-inputs", LARGE, node(), TYPED, moved(200 * GIB, 9e5)) == (
        FAILED,
        "1 input, 50.0 GiB, on /home (lustre, parallel): the storage delivered 200.0 GiB, 4.0 times as much, while /tmp/job (ext4) is near",
    )
    assert said("unstaged-inputs", LARGE, node(), TYPED, moved(50 * GIB, 9e5)) == (
        PASSED,
        "1 input, 50.0 GiB, on /home (lustre, parallel): the storage delivered 50.0 GiB, 1.0 times as much",
    )


def test_how_often_a_large_input_was_read_is_not_guessed() -> None:
    assert said("unstaged-inputs", LARGE, node(), TYPED) == (
        UNKNOWN,
        "1 input, 50.0 GiB, on /home (lustre, parallel): how often they were read is not known, as the kernel's count of bytes is not there",
    )


def test_inputs_on_the_node_itself_need_no_staging() -> None:
    assert said("unstaged-inputs", later(manifest(file("big.h5", size=50 * GIB))), node(home="xfs"), TYPED) == (
        PASSED,
        "read 50.0 GiB from /home (xfs, local): on the node itself",
    )


def test_a_few_small_inputs_are_not_worth_it() -> None:
    assert said("unstaged-inputs", later(manifest(file("a.csv", size=2 << 20))), node(), TYPED) == (
        PASSED,
        "1 input, 2.0 MiB, on /home (lustre, parallel): too little to stage",
    )


def test_a_registered_data_set_counts_with_all_its_files() -> None:
    known = Reference("/data/iris", "iris", "", f"sha256:{'a' * 64}", "unchanged", 150_000, GIB)
    assert said("unstaged-inputs", later(manifest(datasets=(known,))), node(), TYPED)[:2] == (
        FAILED,
        "150,000 inputs, 1.0 GiB, on /data (nfs4, network): 7.0 KiB each, opened one by one where they lie, while /tmp/job (ext4) is near",
    )


def test_inputs_on_a_file_system_of_unknown_kind_are_no_verdict_and_neither_are_none() -> None:
    odd = later(manifest(file("big.h5", size=50 * GIB)))
    assert said("unstaged-inputs", odd, node(home="oddfs"), TYPED) == (
        UNKNOWN,
        "1 input lie on /home (oddfs, unknown): near or shared is not known",
    )
    assert said("unstaged-inputs", later(manifest()), node(), TYPED) == (
        UNKNOWN,
        "no input is known: declare inputs, or trace the job",
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('cp -r data "$TMPDIR"/', True),
        ("srun --ntasks-per-node=1 cp big.h5 ${TMPDIR}/", True),
        ("sbcast big.h5 /tmp/big.h5", True),
        ("rsync -a data/ /local/scratch/ada/", True),
        ("cd $TMPDIR && unzip /data/img.zip", True),
        ("cd $TMPDIR; cp /data/x .", True),
        ('cp -r "$TMPDIR"/out results/', False),
        ("cd $TMPDIR && cp model.pt /home/ada/", False),
        ("tar -cf $TMPDIR/out.tar out", False),
        ("# cp data $TMPDIR", False),
        ("cp a b", False),
        ("echo 'unfinished", False),
    ],
)
def test_which_lines_bring_data_to_the_node(line: str, expected: bool) -> None:
    assert (staged(f"#!/bin/bash\n{line}\n", "/local/scratch/ada") is not None) is expected


def test_a_replay_that_found_its_inputs_proves_them_fetchable() -> None:
    assert said("unfetchable-inputs", replayed()) == (PASSED, "the replay found its inputs by digest: inputs went well")
    assert said("unfetchable-inputs", replayed(Sameness.NOT_RUN, stopped_at="inputs")) == (
        FAILED,
        "the replay stopped before its inputs were there: inputs failed: it stopped here",
    )
    assert said("unfetchable-inputs") == (UNKNOWN, NEVER)


def traced(*inputs: str) -> Evidence:
    return later(FileTrace("strace", (), True, inputs, (), (), 0, 100, 5000))


def test_a_trace_names_the_inputs_that_nobody_declared() -> None:
    script = submission("#!/bin/bash\npython train.py\n", declared_inputs=("data/*.csv",))
    seen_by_it = traced("/home/ada/train/data/a.csv", "/home/ada/train/train.py", "/scratch/ref/genome.fa")
    assert said("undeclared-inputs", seen(script), seen_by_it) == (
        FAILED,
        "2 data files read (strace), 1 of them not declared: /scratch/ref/genome.fa",
    )
    assert advised("undeclared-inputs", seen(script), seen_by_it)[1] == (
        "auditor sbatch --auditor-input='data/*.csv' --auditor-input=/scratch/ref/genome.fa train.sh"
    )


def test_a_trace_whose_inputs_are_all_declared_passes() -> None:
    script = submission("#!/bin/bash\npython train.py\n", declared_inputs=("data",))
    assert said("undeclared-inputs", seen(script), traced("/home/ada/train/data/a.csv", "/home/ada/train/train.sh")) == (
        PASSED,
        "1 data file read (strace), each of them declared: data/a.csv",
    )


def test_many_undeclared_files_of_a_folder_become_one_pattern() -> None:
    many = traced(*(f"/home/ada/train/img/{n}.png" for n in range(9)))
    assert advised("undeclared-inputs", TYPED, many)[1] == "auditor sbatch --auditor-input='img/*.png' train.sh"
