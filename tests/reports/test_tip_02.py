"""Tip 2 by example: is the work where the data is?"""

from __future__ import annotations

from auditor.model import Evidence, Phase, Status
from auditor.verdict import Sameness
from probes.data import DataManifest, Skipped
from probes.datasets import Reference
from probes.filesystem import FileSystems, Mount
from probes.kernel import KernelAccounting
from probes.pointers import DataPointers, Pointer
from probes.tracing import FileTrace
from probes.workflow import SystemsUsed, Use
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
        "1.0 TiB moved for 60 core-seconds of work: the job mostly copies",
    )
    assert said("data-dragging", moved(1024 * GIB, 90_000.0), TYPED)[0] == PASSED
    assert said("data-dragging", moved(GIB // 2, 1.0), TYPED)[0] == PASSED


def test_counters_that_were_not_readable_are_no_verdict() -> None:
    assert said("data-dragging", moved(None, 60.0), TYPED) == (
        UNKNOWN,
        "the kernel's counters of bytes or CPU time were not readable (scope job)",
    )


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
