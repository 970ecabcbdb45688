"""What does `auditor manifest` print, and how does it end? The real command on real trees."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.cli.bar import said
from auditor.cli.data import size_of
from auditor.model import AuditError
from probes.manifest.progress import Progress

ROOT = str(Path(__file__).parents[1])
AUDITOR = [sys.executable, "-m", "auditor", "manifest"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """a, b/c, and a name with a backslash and a line feed."""
    (tmp_path / "t" / "b").mkdir(parents=True)
    for name in ("a", "b/c", "odd\\\n%é"):
        (tmp_path / "t" / name).write_text(name)
    return tmp_path / "t"


def auditor(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*AUDITOR, *map(str, words)], capture_output=True, text=True, cwd=cwd)


def test_the_manifest_goes_to_stdout_and_what_it_came_to_to_stderr(tree: Path) -> None:
    ran = auditor(tree)
    total = json.loads(ran.stdout.splitlines()[-1])
    assert (ran.returncode, total["total"]["files"], total["complete"]) == (0, 3, True)
    assert ran.stderr == f"auditor: 3 files, 12 bytes (12 read), 2 folders, {total['digest']}\n"


def test_a_check_says_what_changed_and_tells_it_by_its_exit_status(tree: Path) -> None:
    made = tree.parent / "m"
    assert auditor(tree, "-o", made).returncode == 0
    same = auditor(tree, "--check", made)
    assert (same.returncode, same.stdout) == (0, "")
    (tree / "b/c").write_text("C/B")
    (tree / "a").unlink()
    (tree / "new").touch()
    ran = auditor(tree, "--check", made)
    assert (ran.returncode, ran.stdout) == (1, "missing  a\nnew      new\nchanged  b/c (content)\n")
    assert ran.stderr == "auditor: 1 changed, 1 missing, 1 new\n"
    assert json.loads(auditor(tree, "--check", made, "--json").stdout)["counts"] == {"changed": 1, "missing": 1, "new": 1}


@pytest.mark.parametrize(("algorithm", "tool"), [("sha256", "sha256sum"), ("md5", "md5sum"), ("sha512", "sha512sum")])
def test_the_coreutils_accept_our_sums(tree: Path, algorithm: str, tool: str) -> None:
    sums = tree.parent / "sums"
    assert auditor(tree, "--as", "sums", "--algorithm", algorithm, "-o", sums).returncode == 0
    assert subprocess.run([tool, "--check", "--strict", sums], cwd=tree, capture_output=True).returncode == 0
    assert len(sums.read_text().splitlines()) == 3


def test_bagit_accepts_our_payload_manifest(tree: Path) -> None:
    import bagit

    bag = tree.parent / "bag"
    bag.mkdir()
    (tree / "odd\\\n%é").rename(tree / "odd\né")  # RFC 8493 wants `%25`, which bagit.py 1.9 does not undo
    tree.rename(bag / "data")
    (bag / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    assert auditor(bag / "data", "--as", "bagit", "--algorithm", "sha512", "-o", bag / "manifest-sha512.txt").returncode == 0
    assert bagit.Bag(str(bag)).is_valid()


def test_dvc_would_write_the_same_folder_object(tmp_path: Path) -> None:
    (tmp_path / "data/sub").mkdir(parents=True)
    for name, content in (("a", "1"), ("sub/é b", "2"), ("sub.txt", "3")):
        (tmp_path / "data" / name).write_text(content)
    raw = auditor(tmp_path / "data", "--as", "dvc").stdout.encode()
    assert hashlib.md5(raw).hexdigest() == "063cb0554be0a971354ccbbed4a090d8"  # of data.dvc, written by DVC 3.67.1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gone",), "there is no gone"),
        (("t", "--algorithm", "crc32"), "no algorithm is called 'crc32'"),
        (("t", "--rate", "fast"), "--rate fast is no size"),
        (("t", "--check", "t/a"), "t/a is no manifest"),
        (("t", "--scheduler", "tcp://x:1"), "--scheduler and --slurm go with --engine dask"),
        (("t", "-o", "no/where"), "no/where cannot be written: there is no folder no"),
        (("t", "-o", "t/b"), "t/b is a folder"),
        (("t", "-o", "t/a/x"), "t/a/x cannot be written: t/a is no folder"),
        (("t", "-o", "/dev/full"), "No space left on device"),
    ],
)
def test_a_mistake_is_one_line_and_a_hint(tree: Path, words: tuple[str, ...], message: str) -> None:
    ran = auditor(*words, cwd=tree.parent)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert message in ran.stderr.splitlines()[0]
    assert "Traceback" not in ran.stderr
    assert [line[:8] for line in ran.stderr.splitlines()] == ["auditor:", "  hint: "]


def test_no_room_for_the_result_names_it_and_leaves_no_half_of_it(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from auditor.cli.output import whole; from auditor.model import AuditError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try:\n    with whole('m') as file: file.write(bytes(1 << 20))\n"
        "except AuditError as error: print(error.message)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": ROOT}, capture_output=True, text=True
    )
    assert (ran.stdout, list(tmp_path.iterdir())) == ("m cannot be written: File too large\n", []), ran.stderr


def test_what_a_killed_run_left_is_taken_over_by_the_next_one(tree: Path) -> None:
    (tree.parent / "m.part").write_bytes(b"half a manifest " * 1000)
    assert auditor(tree, "-o", tree.parent / "m").returncode == 0
    assert sorted(path.name for path in tree.parent.iterdir()) == ["m", "t"]
    assert auditor(tree, "--check", tree.parent / "m").returncode == 0


def test_two_runs_into_one_file_do_not_write_into_each_other(tree: Path) -> None:
    import fcntl

    with (tree.parent / "m.part").open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        other.write(b"its half")
        other.flush()
        assert auditor(tree, "-o", tree.parent / "m").returncode == 0
        assert (tree.parent / "m.part").read_bytes() == b"its half"
    assert auditor(tree, "--check", tree.parent / "m").returncode == 0


def test_the_file_that_is_written_is_no_part_of_its_own_tree(tree: Path) -> None:
    first = auditor(".", "-o", "m", cwd=tree)
    again = auditor(".", "-o", "m", cwd=tree)
    assert first.stderr == again.stderr
    assert "3 files" in again.stderr
    assert auditor(".", "--check", "m", cwd=tree).returncode == 0


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_so_leaves_no_half_a_file_and_goes_on(tmp_path: Path, signal_: signal.Signals) -> None:
    for folder in range(40):
        (tmp_path / "t" / f"{folder:02}").mkdir(parents=True)
        (tmp_path / "t" / f"{folder:02}" / "f").write_bytes(bytes(100_000))
    ours, theirs = pty.openpty()
    # whoever runs the tests in the background has SIGINT ignored, and children inherit that
    words = ["env", "--default-signal=INT", *AUDITOR, str(tmp_path / "t"), "-o", str(tmp_path / "m"), "--rate", "1M"]
    running = subprocess.Popen(words, stderr=theirs)
    os.close(theirs)
    shown = b""
    while b"files" not in shown:
        shown += os.read(ours, 1000)
    running.send_signal(signal_)
    while b"goes on from there" not in shown:
        shown += os.read(ours, 1000)
    assert running.wait() == 130
    os.close(ours)
    assert list(tmp_path.iterdir()) == [tmp_path / "t"]
    assert auditor(tmp_path / "t", "-o", tmp_path / "m").returncode == 0


def test_no_room_for_the_journal_is_a_clear_line_and_what_was_done_is_kept(tmp_path: Path) -> None:
    for folder in range(60):
        (tmp_path / "t" / f"{folder:02}").mkdir(parents=True)
        for n in range(200):
            (tmp_path / "t" / f"{folder:02}" / f"{n}").touch()
    ran = subprocess.run(
        [*AUDITOR, str(tmp_path / "t"), "-o", str(tmp_path / "m")],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000)),
    )
    assert (ran.returncode, "there is no room left for what is remembered" in ran.stderr) == (2, True), ran.stderr
    assert not (tmp_path / "m").exists()
    assert auditor(tmp_path / "t", "-o", tmp_path / "m").returncode == 0


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("100", 100), ("1k", 1000), ("1.5KiB", 1536), ("200M", 200_000_000), ("2TiB", 2 << 40), ("3 GB", 3 * 10**9)],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    if " " in text:
        with pytest.raises(AuditError):
            size_of(text, "--rate")
    else:
        assert size_of(text, "--rate") == size


def test_an_estimate_is_given_only_when_it_can_be_true() -> None:
    walking = Progress(files_known=100, files_done=50, bytes_read=5000, began=0.0)
    assert said(walking, 10.0) == "50 of at least 100 files, 5 kB read"
    assert walking.seconds_left(10.0) is None
    walking.files_done, walking.large_bytes = 98, 2_000_000
    walking.small_done(10.0)
    walking.bytes_read += 500_000
    assert said(walking, 15.0) == "98 of 100 files, 505 kB read, 15 s left"
    assert walking.share(15.0) == 0.5


def test_once_all_is_listed_small_files_are_estimated_by_their_number() -> None:
    listed = Progress(walking=False, files_known=1000, files_done=250, bytes_read=5000, began=0.0)
    assert said(listed, 10.0) == "250 of 1,000 files, 5 kB read, 30 s left"
    assert listed.share(10.0) == 0.25
    assert listed.seconds_left(0.1) is None


def test_large_files_that_were_met_so_far_stand_for_those_that_were_not() -> None:
    some = Progress(
        walking=False, files_known=1000, files_done=400, files_put_off=100, large_bytes=10**9, bytes_read=10**8, began=0.0
    )
    assert some.seconds_left(10.0) == 10 + 2 * 10**9 / 10**7
    some.bytes_read = 1000  # too little to know how fast they will come
    assert some.seconds_left(10.0) is None
