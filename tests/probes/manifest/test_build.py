"""What does a listing hold when there is more than the budget allows, or when several processes share it?"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.manifest.answers import SMALL, Answer, Batch, records
from probes.manifest.build import Entry, Left, Limits, listing
from probes.manifest.hashing import Hasher

PLENTY = Limits(bytes=1 << 40, seconds=300)


def tree(root: Path, folders: int, files: int) -> list[Entry]:
    """`folders` x `files` small files, each of its own content, and what a listing of them has to say."""
    expected = []
    for f in range(folders):
        (root / f"{f:03}").mkdir(parents=True)
        for n in range(files):
            path = root / f"{f:03}" / f"{n:03}.txt"
            path.write_bytes(content := f"{f}/{n}".encode())
            expected.append(Entry(str(path), "file", len(content), path.stat().st_mtime_ns, hashlib.sha256(content).hexdigest()))
    return expected


def test_several_processes_say_what_one_says(tmp_path: Path) -> None:
    expected = tuple(tree(tmp_path, folders=20, files=30))
    for workers in (1, 3):
        found = listing((str(tmp_path),), limits=Limits(bytes=1 << 20, seconds=60, workers=workers))
        assert found.entries == expected
        assert (found.left, found.directories) == ((), 21)


def test_no_process_is_left_behind(tmp_path: Path) -> None:
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[2]); from probes.manifest.build import Limits, listing\n"
        "listing((sys.argv[1],), limits=Limits(1 << 20, 60, workers=3))\n"
        "try: os.waitpid(-1, os.WNOHANG)\nexcept ChildProcessError: print('none')"
    )
    tree(tmp_path, folders=5, files=5)
    root = str(Path(__file__).parents[3])
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(tmp_path), root], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "none\n"


def test_a_caller_with_threads_is_not_forked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = tuple(tree(tmp_path, folders=3, files=3))
    monkeypatch.delattr(os, "fork")
    wait = threading.Event()
    thread = threading.Thread(target=wait.wait)
    thread.start()
    try:
        found = listing((str(tmp_path),), limits=Limits(bytes=1 << 20, seconds=60, workers=3))
    finally:
        wait.set()
        thread.join()
    assert found.entries == expected


def test_a_link_that_took_a_file_s_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("elsewhere")
    (tmp_path / "file").symlink_to("secret")
    hasher = Hasher(1 << 20, 1e18)
    [found] = records(hasher.batch(Batch(str(tmp_path), ("file",))))
    hasher.close()
    assert Answer(found.answer) is Answer.UNREADABLE


def test_a_large_file_is_read_through_the_buffer_to_its_last_byte(tmp_path: Path) -> None:
    content = os.urandom(SMALL + 12_345)
    (tmp_path / "large").write_bytes(content)
    [found] = listing((), (str(tmp_path / "large"),), limits=PLENTY).entries
    assert (found.size, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_budget_goes_to_small_files_first_and_names_what_it_left(tmp_path: Path) -> None:
    for name, size in (("a-huge", 3 * SMALL), ("b-large", 2 * SMALL), ("c-small", 10)):
        (tmp_path / name).write_bytes(bytes(size))
    found = listing((str(tmp_path),), limits=Limits(bytes=2 * SMALL + 10, seconds=60))
    assert [Path(e.path).name for e in found.entries] == ["b-large", "c-small"]
    assert [(Path(e.path).name, e.reason, e.size) for e in found.left] == [("a-huge", "budget", 3 * SMALL)]
    assert found.bytes_hashed == 2 * SMALL + 10


def test_large_files_within_the_budget_are_all_read_however_many_processes_share_them(tmp_path: Path) -> None:
    for name, size in (("large", 4 * SMALL), ("small", 2 * SMALL)):
        (tmp_path / name).write_bytes(os.urandom(size))
    found = listing((str(tmp_path),), limits=Limits(bytes=6 * SMALL, seconds=60, workers=2))
    assert ([Path(e.path).name for e in found.entries], found.left) == (["large", "small"], ())


def test_a_sparse_file_beyond_the_budget_is_called_so(tmp_path: Path) -> None:
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(1 << 40)
    [left] = listing((str(tmp_path),), limits=Limits(bytes=1 << 20, seconds=60)).left
    assert (left.reason, left.size) == ("budget-sparse", 1 << 40)


def test_no_time_leaves_every_file_named_or_its_folder(tmp_path: Path) -> None:
    tree(tmp_path, folders=2, files=2)
    found = listing((str(tmp_path),), limits=Limits(bytes=1 << 20, seconds=-1))
    assert (found.entries, found.left) == ((), (Left(str(tmp_path), "time"),))


def test_more_files_than_may_be_listed_are_counted_by_folder(tmp_path: Path) -> None:
    tree(tmp_path, folders=3, files=4)
    found = listing((str(tmp_path),), limits=Limits(bytes=1 << 20, seconds=60, files=9))
    assert len(found.entries) == 8
    assert found.left == (Left(f"{tmp_path}/002", "too-many-files"),)


def test_a_file_that_grows_while_it_is_read_has_no_digest(tmp_path: Path) -> None:
    # a kernel file says size 0 and gives bytes: what a reader sees of a file that grows
    hasher = Hasher(1 << 20, 1e18)
    [found] = records(hasher.batch(Batch("/proc/self", ("status",))))
    hasher.close()
    assert Answer(found.answer) is Answer.CHANGED


def test_a_folder_nobody_may_read_is_named(tmp_path: Path) -> None:
    found = listing((str(tmp_path / "gone"),), (str(tmp_path / "no/file"),), limits=PLENTY)
    assert [(e.path, e.reason) for e in found.left] == [(f"{tmp_path}/gone", "unreadable"), (f"{tmp_path}/no/file", "vanished")]


class Later(RealWorld):
    """This machine an hour from now, on a file system that keeps honest times."""

    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)

    def text(self, path: str, limit: int = 8 << 20) -> str:
        return "1 1 255:255 / / rw - ext4 disk rw\n" if path == "/proc/self/mountinfo" else super().text(path, limit)


def test_a_large_file_that_has_not_changed_is_not_read_again_and_costs_no_budget(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(os.urandom(2 * SMALL))
    (tmp_path / "home").mkdir()
    world = Later({"AUDITOR_HOME": str(tmp_path / "home")})
    both = [str(tmp_path / name) for name in ("a", "b")]
    first = listing((), both, limits=PLENTY, world=world)
    again = listing((), both, limits=Limits(bytes=0, seconds=60), world=world)
    assert (first.bytes_hashed, again.bytes_hashed) == (4 * SMALL, 0)
    assert (again.entries, again.left) == (first.entries, ())


@pytest.mark.parametrize("workers", [1, 2])
def test_who_waits_for_large_files_hears_how_far_they_are(tmp_path: Path, workers: int) -> None:
    for name in ("a", "b"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(200 << 20)
    heard: list[tuple[int, int]] = []
    limits = Limits(bytes=1 << 40, seconds=300, workers=workers)
    listing((str(tmp_path),), limits=limits, tell=lambda done, whole: heard.append((done, whole)))
    assert {whole for _, whole in heard} == {400 << 20}
    assert max(heard)[0] >> 20 in {192 + 192, 200 + 192}


def test_a_process_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(200 << 20)
    killed: list[int] = []

    def kill(done: int, whole: int) -> None:
        if not killed:
            children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
            killed.append(int(children[0]))
            os.kill(killed[0], signal.SIGKILL)

    found = listing((str(tmp_path),), limits=Limits(bytes=1 << 40, seconds=300, workers=2), tell=kill)
    assert ([Path(e.path).name for e in found.entries], found.left, len(killed)) == (["a", "b"], (), 1)
