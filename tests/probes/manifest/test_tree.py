"""What does a manifest of a tree say? Real trees in a temporary folder; the lines are written beside them."""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from auditor.model import AuditError
from auditor.world import RealWorld
from probes.manifest.ahead import Ahead
from probes.manifest.check import Difference, What, differences
from probes.manifest.cold import Cold
from probes.manifest.content import TREE, Content, Interrupted
from probes.manifest.descent import cut
from probes.manifest.journal import Journal
from probes.manifest.look import Wish
from probes.manifest.progress import Progress
from probes.manifest.read import Reader
from probes.manifest.rows import escaped, unescaped
from probes.manifest.task import Task
from probes.manifest.throttle import Throttle
from probes.manifest.tree import manifest
from probes.manifest.write import Total

ROOT = str(Path(__file__).parents[3])
ONE = Wish(workers=1)


class Later(RealWorld):
    """This machine an hour from now, on a file system that keeps honest times: what lies here has long been left alone."""

    def __init__(self, home: Path | None = None, cwd: str | None = None) -> None:
        super().__init__({"AUDITOR_HOME": str(home)} if home else {}, cwd)

    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)

    def text(self, path: str, limit: int = 8 << 20) -> str:
        return "1 1 255:255 / / rw - ext4 disk rw\n" if path == "/proc/self/mountinfo" else super().text(path, limit)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def made(*trees: Path | str, wish: Wish = ONE, world: RealWorld | None = None, **more: Any) -> tuple[Total, bytes]:
    out = BytesIO()
    total = manifest(world or RealWorld({}), [str(tree) for tree in trees], wish, out.write, **more)
    return total, out.getvalue()


def lines(raw: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in raw.splitlines()]


def fill(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def test_a_small_tree_in_full(tmp_path: Path) -> None:
    tree = fill(tmp_path / "t", b=b"bee", a__x=b"", a__deep__y=b"why", aa=b"2")
    (tree / "b").chmod(0o755)
    inner = sha(b'{"path":"y","size":3,"sha256":"%b"}\n' % sha(b"why").encode())
    outer = sha(
        b'{"path":"x","size":0,"sha256":"%b"}\n{"folder":"deep","digest":"sha256:%b"}\n' % (sha(b"").encode(), inner.encode())
    )
    total, raw = made(tree)
    assert lines(raw) == [
        {"auditor": "manifest", "version": 1, "algorithms": ["sha256"]},
        {"path": "aa", "size": 1, "sha256": sha(b"2")},
        {"path": "b", "size": 3, "sha256": sha(b"bee"), "executable": True},
        {"path": "a/x", "size": 0, "sha256": sha(b"")},
        {"path": "a/deep/y", "size": 3, "sha256": sha(b"why")},
        {"folder": "a/deep", "files": 1, "bytes": 3, "digest": f"sha256:{inner}"},
        {"folder": "a", "files": 2, "bytes": 3, "digest": f"sha256:{outer}"},
        {"folder": "", "files": 4, "bytes": 7, "digest": total.digest},
        {
            "total": {"files": 4, "bytes": 7, "folders": 3, "links": 0, "skipped": {}},
            "complete": True,
            "digest": total.digest,
        },
    ]


def test_a_copy_elsewhere_has_the_same_manifest_to_the_byte(tmp_path: Path) -> None:
    for place in ("here", "over/there"):
        fill(tmp_path / place, a=b"1", d__b=b"2", d__c__e=b"3")
        os.utime(tmp_path / place / "a", (len(place), 0))
    assert made(tmp_path / "here")[1] == made(tmp_path / "over/there")[1]


def test_links_sockets_pipes_and_unreadable_things_each_have_their_line(tmp_path: Path) -> None:
    tree = fill(tmp_path / "t", data=b"d", z__empty=b"")
    (tmp_path / "outside").write_bytes(b"o")
    for name, target in {
        "to-file": "data", "to-outside": "../outside", "to-nothing": "gone", "to-folder": "z", "loop": "loop", "to-pipe": "pipe",
        "z/up": "..",
    }.items():  # fmt: skip
        (tree / name).symlink_to(target)
    os.mkfifo(tree / "pipe")
    os.link(tree / "data", tree / "data-too")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(tree / "sock"))
    total, raw = made(tree)
    assert [line for line in lines(raw) if "path" in line] == [
        {"path": "data", "size": 1, "sha256": sha(b"d")},
        {"path": "data-too", "size": 1, "sha256": sha(b"d")},
        {"path": "loop", "link": "loop", "skipped": "dangling-link"},
        {"path": "pipe", "skipped": "special"},
        {"path": "sock", "skipped": "special"},
        {"path": "to-file", "link": "data", "size": 1, "sha256": sha(b"d")},
        {"path": "to-folder", "link": "z", "skipped": "link-to-folder"},
        {"path": "to-nothing", "link": "gone", "skipped": "dangling-link"},
        {"path": "to-outside", "link": "../outside", "size": 1, "sha256": sha(b"o")},
        {"path": "to-pipe", "link": "pipe", "skipped": "special"},
        {"path": "z/empty", "size": 0, "sha256": sha(b"")},
        {"path": "z/up", "link": "..", "skipped": "link-to-folder"},
    ]
    assert (total.files, total.links, total.complete) == (5, 2, False)
    assert total.skipped == {"dangling-link": 2, "link-to-folder": 2, "special": 3}


NAMES = [
    b"caf\xe9",
    b"caf\xc3\xa9",
    b"new\nline",
    b"tab\t",
    b"100%",
    b"%41",
    b'quo"te',
    b"back\\slash",
    b"\x7f",
    b" ",
    b"\xe2\x80\xa8",
    b"\xed\xb3\xa9",
]


def test_names_of_any_bytes_come_back_as_they_were_and_lines_are_text(tmp_path: Path) -> None:
    for name in NAMES:
        folder = os.path.join(os.fsencode(tmp_path), b"t", name)
        os.makedirs(folder)
        with open(os.path.join(folder, name), "wb") as file:
            file.write(name)
    _, raw = made(tmp_path / "t")
    raw.decode("utf-8")
    assert raw.count(b"\n") == len(raw.splitlines()) == 1 + 2 * len(NAMES) + 2
    found = [os.fsencode(row.path) for row in Reader(BytesIO(raw), "it").rows()]
    assert found == sorted(name + b"/" + name for name in NAMES)
    assert [line["path"] for line in lines(raw) if "path" in line][-1] == "%ED%B3%A9/%ED%B3%A9"


@pytest.mark.parametrize("name", [*map(os.fsdecode, NAMES), "plain", ""])
def test_escaping_is_undone_by_unescaping(name: str) -> None:
    assert unescaped(escaped(name)) == name


def test_all_algorithms_in_one_read_are_what_their_tools_say(tmp_path: Path) -> None:
    contents = {"small": b"x", "large": os.urandom(300_000)}
    tree = fill(tmp_path / "t", **contents)
    _, raw = made(tree, wish=Wish(("sha256", "md5", "sha512", "sha1"), workers=1))
    for line in lines(raw)[1:3]:
        for algorithm in ("sha256", "md5", "sha512", "sha1"):
            assert line[algorithm] == hashlib.new(algorithm, contents[line["path"]]).hexdigest()


def test_a_tree_hash_is_the_sha256_over_the_pieces_sha256s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.manifest.content.PIECE", 100_000)
    content = os.urandom(250_000)
    path = fill(tmp_path, f=content) / "f"
    reader = Content((TREE,))
    with path.open("rb") as file:
        pieces = [hashlib.sha256(content[at : at + 100_000]).digest() for at in (0, 100_000, 200_000)]
        assert reader.of_file(file.fileno(), 250_000) == (sha(b"".join(pieces)),)
    assert reader.of_bytes(b"x") == (sha(hashlib.sha256(b"x").digest()),)
    reader.close()


@pytest.mark.parametrize("size", [100_001, 200_000, 250_000, 1_000_000])
def test_pieces_that_are_read_side_by_side_give_the_same_tree_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr("probes.manifest.content.PIECE", 100_000)
    path = fill(tmp_path, f=os.urandom(size)) / "f"
    told: list[int] = []
    one, many = Content((TREE,)), Content((TREE,), heard=told.append, threads=3)
    with path.open("rb") as file:
        assert many.of_file(file.fileno(), size) == one.of_file(file.fileno(), size) != None  # noqa: E711
        assert (sum(told), many.told) == (size, size)
        assert many.of_file(file.fileno(), size - 1) is None
        assert many.of_file(file.fileno(), size + 1) is None
    late = Content((TREE,), deadline=0, threads=3)
    with path.open("rb") as file, pytest.raises(Interrupted):
        late.of_file(file.fileno(), size)


def test_holes_are_not_read_and_count_as_zeros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(b"head")
        file.seek(3_000_001)
        file.write(b"middle")
        file.truncate(5_000_003)
    read: list[int] = []
    preadv = os.preadv

    def counted(fd: int, buffers: Any, at: int) -> int:
        read.append(preadv(fd, buffers, at))
        return read[-1]

    monkeypatch.setattr(os, "preadv", counted)
    _, raw = made(path)
    assert lines(raw)[1]["sha256"] == sha(path.read_bytes())
    assert sum(read) < 1_000_000


def test_two_processes_say_what_one_says_whatever_the_tree(tmp_path: Path) -> None:
    for folder in range(30):
        fill(tmp_path / "t", **{f"{folder:02}__{n}": os.urandom(n * 700) for n in range(40)})
    (tmp_path / "t" / "odd\n").symlink_to("00/1")
    assert made(tmp_path / "t", wish=Wish(workers=3))[1] == made(tmp_path / "t")[1]


def test_a_folder_of_many_names_is_cut_into_tasks_that_a_new_name_does_not_move() -> None:
    names = [f"{n:05}" for n in range(20_000)]
    before, after = list(cut(names)), list(cut(sorted([*names, "10000-new"])))
    assert sum(map(len, before)) == 20_000
    assert max(map(len, before)) <= 4000
    assert len(set(before) - set(after)) == 1


def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    for folder in range(40):
        fill(tmp_path / "t", **{f"{folder:02}__{n}": os.urandom(2000) for n in range(30)})
    killed: list[int] = []

    def kill(progress: Progress) -> None:
        if not killed and progress.files_done > 100:
            children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
            killed.append(int(children[0]))
            os.kill(killed[0], signal.SIGKILL)

    raw = made(tmp_path / "t", wish=Wish(workers=2), tell=kill)[1]
    assert killed
    assert raw == made(tmp_path / "t")[1]


def test_the_second_time_only_what_changed_is_read(tmp_path: Path) -> None:
    tree = fill(tmp_path / "t", a=b"aa", d__b=b"bbb", d__c=b"cccc", big=os.urandom(70_000))
    world = Later(tmp_path / "home")
    first, raw = made(tree, world=world)
    again, same = made(tree, world=world)
    assert (first.read, again.read, again.files, same) == (9 + 70_000, 0, 4, raw)
    before = (tree / "d/b").stat()
    fill(tree, d__b=b"BBB", d__new=b"n")
    os.utime(tree / "d/b", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tree / "d/c").unlink()
    third, changed = made(tree, world=world)
    assert third.read == 4
    assert changed == made(tree)[1]


def test_a_large_file_that_is_known_from_another_tree_is_not_read(tmp_path: Path) -> None:
    fill(tmp_path / "t", deep__big=b"x" * 2_000_000, deep__small=b"s")
    world = Later(tmp_path / "home")
    (tmp_path / "home").mkdir()
    assert made(tmp_path / "t", world=world)[0].read == 2_000_001
    assert made(tmp_path / "t/deep", world=world)[0].read == 1
    assert made(tmp_path / "t/deep", world=world, wish=Wish(workers=1, verify=True))[0].read == 2_000_001


def test_verify_reads_every_byte_again(tmp_path: Path) -> None:
    tree, world = fill(tmp_path / "t", a=b"aa"), Later(tmp_path / "home")
    made(tree, world=world)
    assert made(tree, world=world, wish=Wish(workers=1, verify=True))[0].read == 2


def test_what_was_just_written_is_read_again(tmp_path: Path) -> None:
    tree, world = fill(tmp_path / "t", a=b"aa"), RealWorld({"AUDITOR_HOME": str(tmp_path / "home")})
    assert [made(tree, world=world)[0].read for _ in range(2)] == [2, 2]


def journal(home: Path) -> Path:
    [found] = (home / "hashes/trees").glob("*.rows")
    return found


def test_a_damaged_journal_costs_a_reading_and_never_a_wrong_line(tmp_path: Path) -> None:
    tree, world = (
        fill(tmp_path / "t", **{f"{d}__{n}": f"{d}{n}".encode() for d in "abc" for n in range(5)}),
        Later(tmp_path / "home"),
    )
    raw = made(tree, world=world)[1]
    whole = journal(tmp_path / "home").read_bytes()
    for at in range(0, len(whole), 7):
        path = tmp_path / "home" / "hashes/trees" / journal(tmp_path / "home").name
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        assert made(tree, world=world)[1] == raw
        path.write_bytes(whole[:at])
        assert made(tree, world=world)[1] == raw
    assert made(tree, world=world)[0].read == 0


def test_only_a_reader_that_waits_asks_ahead_a_busy_machine_is_no_slow_disk() -> None:
    cold = Cold()
    began = time.monotonic()
    assert not cold.begin(began)
    while time.monotonic() - began < 0.01:
        pass
    cold.end(8)
    assert not cold.begin(time.monotonic())
    for _ in range(8):
        select.select([], [], [], 0.001)
    cold.end(8)
    assert cold.begin(time.monotonic())


class Stop(Exception):
    pass


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    tree = fill(tmp_path / "t", **{f"{d:02}__f": b"x" * 1000 for d in range(20)})
    world = Later(tmp_path / "home")

    def stop(progress: Progress) -> None:
        if progress.files_done >= 12:
            raise Stop

    with pytest.raises(Stop):
        made(tree, world=world, tell=stop)
    total, raw = made(tree, world=world)
    assert (total.read, total.files) == (8_000, 20)
    assert raw == made(tree)[1]


def test_after_kill_9_nothing_of_what_was_done_is_done_again(tmp_path: Path) -> None:
    tree = fill(tmp_path / "t", **{f"{d:02}__f": b"x" * 60_000 for d in range(20)})
    code = (
        f"import os, sys; sys.path[:0] = [{ROOT!r}, {str(Path(__file__).parent)!r}]; import test_tree as t; from pathlib import Path\n"
        "def tell(p):\n    if p.files_done >= 12: os.kill(os.getpid(), 9)\n"
        f"t.made({str(tree)!r}, world=t.Later(Path({str(tmp_path / 'home')!r})), tell=tell)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    total, raw = made(tree, world=Later(tmp_path / "home"))
    assert total.read < 20 * 60_000
    assert raw == made(tree)[1]


def test_two_runs_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    tree, world = fill(tmp_path / "t", a=b"aa", b=b"b"), Later(tmp_path / "home")
    inner: list[bytes] = []

    def again(progress: Progress) -> None:
        if not inner:
            inner.append(made(tree, world=world)[1])

    assert made(tree, world=world, tell=again)[1] == inner[0]
    assert made(tree, world=world)[0].read == 0


def test_a_journal_that_another_run_writes_is_left_to_it(tmp_path: Path) -> None:
    first, second = Journal(str(tmp_path), "k"), Journal(str(tmp_path), "k")
    assert (first.path, second.path) == (str(tmp_path / "k.rows"), "")
    for one in (first, second):
        one.close(True)


def test_a_journal_does_not_grow_with_every_change(tmp_path: Path) -> None:
    tree, world, sizes = tmp_path / "t", Later(tmp_path / "home"), []
    for turn in range(9):
        fill(tree, **{f"{n:03}": b"%d" % (10 + turn) for n in range(50)})
        made(tree, world=world)
        sizes.append(journal(tmp_path / "home").stat().st_size)
    assert max(sizes) < 3 * sizes[0]


def test_a_budget_goes_to_the_smallest_files_and_names_the_others(tmp_path: Path) -> None:
    tree = fill(tmp_path / "t", a=b"x" * 50, b__c=b"x" * 5, d=b"x" * 20, e=b"x" * 40)
    for workers in (1, 2):
        total, raw = made(tree, wish=Wish(budget=30, workers=workers))
        assert [(line["path"], line.get("skipped", ""), line["size"]) for line in lines(raw) if "path" in line] == [
            ("a", "budget", 50),
            ("d", "", 20),
            ("e", "budget", 40),
            ("b/c", "", 5),
        ]
        assert (total.read, total.files, total.skipped, total.complete) == (25, 2, {"budget": 2}, False)


def test_a_budget_is_not_spent_on_one_large_file(tmp_path: Path) -> None:
    tree = fill(tmp_path / "t", a=b"x" * 20, b=b"x" * 15, c=b"x" * 10)
    total, raw = made(tree, wish=Wish(budget=25, workers=1))
    assert [line["path"] for line in lines(raw) if line.get("skipped")] == ["a"]
    assert total.read == 25


def test_without_time_every_folder_or_file_is_named(tmp_path: Path) -> None:
    total, raw = made(fill(tmp_path / "t", a=b"1", b__c=b"2"), wish=Wish(seconds=-1, workers=1))
    assert lines(raw)[1:] == [
        {"folder": "", "skipped": "time"},
        {"total": {"files": 0, "bytes": 0, "folders": 0, "links": 0, "skipped": {"time": 1}}, "complete": False, "digest": ""},
    ]
    assert not total.complete


def test_large_files_come_last_and_stand_in_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.manifest.putoff.ALONE", 1000)
    tree = fill(tmp_path / "t", a=b"x" * 5000, b=b"x", c=b"x" * 2000, d__e=b"x" * 9000)
    seen: list[int] = []
    _, raw = made(tree, world=Later(tmp_path / "home"), tell=lambda p: seen.append(p.bytes_read))
    assert [line["path"] for line in lines(raw) if "path" in line] == ["a", "b", "c", "d/e"]
    assert seen == [1, 1, 9001, 14001, 16001, 16001]
    monkeypatch.undo()
    assert raw == made(tree)[1]
    monkeypatch.setattr("probes.manifest.putoff.ALONE", 1000)
    assert made(tree, world=Later(tmp_path / "home"))[0].read == 0


def test_a_sample_is_called_one_and_is_no_digest(tmp_path: Path) -> None:
    tree = fill(tmp_path / "t", big=os.urandom(3_000_000), small=b"s")
    total, raw = made(tree, wish=Wish(sample_above=1_000_000, workers=1))
    big = lines(raw)[1]
    assert (big["skipped"], big["size"], big["sample"].split(":")[:2]) == ("sampled", 3_000_000, ["sampled", "sha256-16x64KiB"])
    assert "sha256" not in big
    assert (total.files, total.complete) == (1, False)


def test_excluded_paths_and_names_are_left_out_and_folders_are_named(tmp_path: Path) -> None:
    tree = fill(tmp_path / "t", a__keep=b"", a__x_tmp=b"", cache__y=b"", b__cache__z=b"", b__only=b"")
    total, raw = made(tree, wish=Wish(exclude=("*_tmp", "cache", "b/only"), workers=1))
    assert [line.get("path", line.get("folder")) for line in lines(raw)[1:-1]] == ["a/keep", "a", "b/cache", "b", "cache", ""]
    assert total.complete


def test_several_trees_keep_their_names(tmp_path: Path) -> None:
    fill(tmp_path, in__a=b"1", out__deep__b=b"2", c=b"3", d=b"4")
    world = RealWorld({}, str(tmp_path))
    _, raw = made("out/deep", "in", "c", "d", world=world)
    assert [line["path"] for line in lines(raw) if "path" in line] == ["./c", "./d", "in/a", "out/deep/b"]


@pytest.mark.parametrize(
    ("trees", "problem"),
    [
        (("gone",), "there is no gone"),
        (("in", "in"), "in is named twice"),
        (("in", "in/deep"), "in/deep lies in in"),
    ],
)
def test_trees_that_make_no_sense_are_refused(tmp_path: Path, trees: tuple[str, ...], problem: str) -> None:
    (tmp_path / "in/deep").mkdir(parents=True)
    with pytest.raises(AuditError, match=problem):
        made(*trees, world=RealWorld({}, str(tmp_path)))


def changing(tree: Path, change: Callable[[], None]) -> Callable[..., None]:
    """An engine that changes the tree after it was listed and before it is looked at."""

    def engine(wish: Wish, seconds: float, tasks: Iterator[Task], done: Any, heard: Any) -> None:
        from probes.manifest.look import local

        listed = list(tasks)
        if listed:
            change()
        local()(wish, seconds, iter(listed), done, heard)

    return engine


def test_what_vanishes_or_turns_into_something_else_after_it_was_listed_is_said(tmp_path: Path) -> None:
    tree = fill(tmp_path / "t", a=b"1", b=b"2", c=b"3", gone__d=b"4")

    def change() -> None:
        (tree / "a").unlink()
        (tree / "b").unlink()
        (tree / "b").symlink_to("c")
        (tree / "c").unlink()
        (tree / "c").mkdir()
        (tree / "gone/d").unlink()
        (tree / "gone").rmdir()

    _, raw = made(tree, engine=changing(tree, change))
    assert [line for line in lines(raw) if "path" in line] == [
        {"path": "a", "skipped": "vanished"},
        {"path": "b", "link": "c", "skipped": "link-to-folder"},
        {"path": "c", "skipped": "special"},
        {"path": "gone/d", "skipped": "vanished"},
    ]


def test_a_file_that_grows_while_it_is_read_has_no_digest(tmp_path: Path) -> None:
    _, raw = made("/proc/self/status", world=RealWorld({}))  # a kernel file says size 0 and gives bytes
    assert lines(raw)[1] == {"path": "status", "skipped": "changed-while-read"}


@pytest.mark.parametrize("size", [2_000_000, 100])
def test_a_file_that_is_rewritten_while_it_is_read_has_no_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    path = fill(tmp_path / "t", f=b"x" * size) / "f"
    readv, read = os.readv, os.read

    def rewritten() -> None:
        with path.open("r+b") as file:
            file.write(b"y" * size)

    monkeypatch.setattr(os, "readv", lambda fd, buffers: (readv(fd, buffers), rewritten())[0])
    monkeypatch.setattr(os, "read", lambda fd, count: (read(fd, count), rewritten())[0])
    total, raw = made(tmp_path / "t")
    assert lines(raw)[1] == {"path": "f", "skipped": "changed-while-read"}
    assert not total.complete


def test_a_file_nobody_may_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, open_ = fill(tmp_path / "t", a=b"1", secret=b"2"), os.open

    def refusing(path: Any, flags: int, *mode: int, **more: Any) -> int:
        if path == "secret":
            raise PermissionError(13, "Permission denied", path)
        return open_(path, flags, *mode, **more)

    monkeypatch.setattr(os, "open", refusing)  # root may read any
    total, raw = made(tree)
    assert lines(raw)[2] == {"path": "secret", "skipped": "unreadable"}
    assert (total.files, total.skipped, total.complete) == (1, {"unreadable": 1}, False)


def test_a_tree_that_could_not_be_read_whole_has_another_digest(tmp_path: Path) -> None:
    tree = fill(tmp_path / "t", a=b"1", b__c=b"2")
    without = fill(tmp_path / "u", a=b"1")
    left_out = made(tree, wish=Wish(exclude=("b",), workers=1))[0]
    assert len({made(tree)[0].digest, left_out.digest, made(without)[0].digest}) == 3


def test_what_was_asked_for_before_is_no_answer_to_another_algorithm(tmp_path: Path) -> None:
    tree, world = fill(tmp_path / "t", a=b"x"), Later(tmp_path / "home")
    made(tree, world=world)
    raw = made(tree, world=world, wish=Wish(("md5",), workers=1))[1]
    assert lines(raw)[1] == {"path": "a", "size": 1, "md5": hashlib.md5(b"x").hexdigest()}


def test_the_clock_is_looked_at_within_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.manifest.content.CHECK_EVERY", 1 << 18)
    path = fill(tmp_path, f=b"x" * (1 << 20)) / "f"
    with path.open("rb") as file, pytest.raises(Interrupted):
        Content(deadline=time.monotonic() - 1).of_file(file.fileno(), 1 << 20)


def test_a_pipe_behind_a_link_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, open_ = fill(tmp_path / "t", a=b"1"), os.open
    os.mkfifo(tmp_path / "pipe")
    (tree / "l").symlink_to(tmp_path / "pipe")
    opened: list[Any] = []

    def noted(path: Any, flags: int, *mode: int, **more: Any) -> int:
        opened.append(path)
        return open_(path, flags, *mode, **more)

    monkeypatch.setattr(os, "open", noted)
    _, raw = made(tree)
    assert lines(raw)[2] == {"path": "l", "link": str(tmp_path / "pipe"), "skipped": "special"}
    assert ("a" in opened, "l" in opened) == (True, False)


def test_time_that_is_over_in_the_middle_of_a_file_or_folder_is_said(tmp_path: Path) -> None:
    tree = fill(tmp_path / "t", **{f"{n:03}": b"x" * 1000 for n in range(300)}, z__big=b"x" * 300_000)
    total, raw = made(tree, wish=Wish(rate=100_000, seconds=0.3, workers=1))
    skipped = [line["path"] for line in lines(raw) if line.get("skipped") == "time" and "path" in line]
    assert len(skipped) == total.skipped["time"] > 100
    assert skipped[-1] == "z/big"
    assert not total.complete


def test_a_folder_nobody_may_enter_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, scandir = fill(tmp_path / "t", a=b"1", closed__b=b"2"), os.scandir

    def refusing(path: str) -> Any:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)  # root may enter any
    total, raw = made(tree)
    assert {"folder": "closed", "skipped": "unreadable"} in lines(raw)
    assert (total.skipped, total.complete) == ({"unreadable": 1}, False)


def test_the_rate_holds_back_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    made(fill(tmp_path / "t", a=b"x" * 1_000_000, b=b"x" * 100), wish=Wish(rate=100_000, workers=1))
    assert 9 < max(slept) < 11


def test_an_idle_process_leaves_its_pace_to_the_others() -> None:
    throttle = Throttle(rate=1000)
    now = time.monotonic()
    if not (child := os.fork()):
        throttle._book(500, now)
        os._exit(0)
    os.waitpid(child, 0)
    assert throttle._book(1500, now) == pytest.approx(now - 0.1 + 2.0)
    throttle.close()


def test_two_processes_together_read_as_fast_as_was_asked(tmp_path: Path) -> None:
    fill(tmp_path / "t", a__f=b"x" * 150_000, b__f=b"x" * 150_000)
    began = time.monotonic()
    made(tmp_path / "t", wish=Wish(rate=1_000_000, workers=2))
    assert time.monotonic() - began > 0.15  # 300 kB, of which 100 kB may come at once


def test_all_files_are_known_long_before_all_are_read(tmp_path: Path) -> None:
    for folder in range(40):
        fill(tmp_path / "t", **{f"{folder:02}__{n}": b"" for n in range(5)})
    seen: list[tuple[bool, int, int]] = []
    made(tmp_path / "t", tell=lambda p: seen.append((p.walking, p.files_known, p.files_done)))
    assert seen[0] == (False, 200, 5)


def test_files_are_found_while_others_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.manifest.look.AT_FIRST", 0)
    for folder in range(40):
        fill(tmp_path / "t", **{f"{folder:02}__{n}": b"" for n in range(5)})
    ahead: list[int] = []
    made(tmp_path / "t", tell=lambda p: ahead.append(p.files_known - p.files_done))
    assert ahead[0] > 5


def test_tasks_that_wait_are_bounded_and_come_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.manifest.ahead.ROOM", 10)
    made_: list[int] = []

    def tasks() -> Iterator[Task]:
        for n in range(50):
            made_.append(n)
            yield Task.of(n, "/", "f", ("name",))

    ahead = Ahead(tasks())
    ahead.find(10)
    assert (made_, ahead.ended) == ([0, 1], False)
    assert [task.number for task in ahead] == list(range(50))


def test_a_folder_of_many_large_files_is_measured_first_and_read_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.manifest.putoff.ALONE", 3 << 20)
    tree = fill(tmp_path / "t", **{f"f{n}": bytes([n]) * (1 << 20) for n in range(9)}, small=b"s")
    seen: list[tuple[int, int]] = []
    world = Later(tmp_path / "home")
    total, raw = made(tree, world=world, tell=lambda p: seen.append((p.bytes_read, p.large_bytes)))
    assert seen[0] == ((3 << 20) + 1, 6 << 20)
    monkeypatch.undo()
    assert raw == made(tree)[1]
    monkeypatch.setattr("probes.manifest.putoff.ALONE", 3 << 20)
    assert made(tree, world=world)[0].read == 0
    fill(tree, f1=b"changed")
    assert (made(tree, world=world)[0].read, total.read) == (7, (9 << 20) + 1)


def test_lines_are_given_out_while_others_are_still_awaited(tmp_path: Path) -> None:
    tree = fill(tmp_path / "t", **{f"{folder:02}__f": b"x" for folder in range(30)})
    out = BytesIO()
    at_half: list[int] = []
    manifest(RealWorld({}), [str(tree)], ONE, out.write, tell=lambda p: at_half.append(out.getvalue().count(b"\n")))
    assert at_half[15] == 1 + 2 * 15  # the head, and of 15 folders their file and their digest


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda t: None, []),
        (lambda t: (t / "a/b").write_bytes(b"B"), [Difference(What.CHANGED, "a/b", "content")]),
        (lambda t: (t / "a/b").write_bytes(b"bb"), [Difference(What.CHANGED, "a/b", "size")]),
        (lambda t: (t / "a/b").chmod(0o755), [Difference(What.CHANGED, "a/b", "executable")]),
        (lambda t: (t / "a/b").unlink(), [Difference(What.MISSING, "a/b")]),
        (lambda t: (t / "a/new").write_bytes(b""), [Difference(What.NEW, "a/new")]),
        (lambda t: (t / "l").unlink() or (t / "l").symlink_to("nowhere"), [Difference(What.CHANGED, "l", "link")]),
        (lambda t: (t / "a").rename(t / "z"), [Difference(What.MISSING, "a/b"), Difference(What.NEW, "z/b")]),
    ],
)
def test_a_check_says_what_is_not_as_it_was(tmp_path: Path, change: Callable[[Path], object], expected: list[Difference]) -> None:
    tree = fill(tmp_path / "t", a__b=b"b", c=b"c")
    (tree / "l").symlink_to("c")
    before = made(tree)[1]
    change(tree)
    now = made(tree)[1]
    assert list(differences(Reader(BytesIO(before), "before"), Reader(BytesIO(now), "now"))) == expected


def test_a_manifest_without_its_last_line_or_with_more_behind_it_is_not_taken_for_whole(tmp_path: Path) -> None:
    raw = made(fill(tmp_path / "t", a=b"1"))[1]
    with pytest.raises(AuditError, match="was cut"):
        list(Reader(BytesIO(b"".join(raw.splitlines(keepends=True)[:-1])), "it").rows())
    with pytest.raises(AuditError, match="it:5 goes on after its last line"):
        list(Reader(BytesIO(raw + b"\n"), "it").rows())


@pytest.mark.parametrize("cut_at", [0, 10, 60, 100, 200, -2])
def test_a_manifest_that_was_cut_is_not_taken_for_whole(tmp_path: Path, cut_at: int) -> None:
    raw = made(fill(tmp_path / "t", a=b"1", b__c=b"2"))[1]
    with pytest.raises(AuditError):
        list(Reader(BytesIO(raw[:cut_at]), "it").rows())


def test_a_manifest_reads_as_it_was_written_whatever_is_in_it(tmp_path: Path) -> None:
    tree = fill(tmp_path / "t", **{'quo"te__x\n': b"1", "a__é__%": b"2", "a__b__c__d": b"3", "top": b"4"})
    (tree / "empty/in/empty").mkdir(parents=True)
    for trees in ((tree,), (tree / "a/b", tree / "top", tree / "empty")):
        total, raw = made(*map(str, trees), world=RealWorld({}, str(tmp_path)))
        reader = Reader(BytesIO(raw), "it")
        assert len(list(reader.rows())) == total.files
        assert (reader.digest, reader.complete) == (total.digest, True)


@pytest.mark.parametrize(
    ("old", "new"), [(b'"size":1', b'"size":2'), (b'"path":"a/b', b'"path":"a/x'), (b'"folder":"a"', b'"folder":"z"')]
)
def test_a_manifest_that_was_altered_is_not_believed(tmp_path: Path, old: bytes, new: bytes) -> None:
    raw = made(fill(tmp_path / "t", a__b=b"1", c=b"22"))[1]
    assert raw.count(old) == 1
    with pytest.raises(AuditError, match="does not fit its lines"):
        list(Reader(BytesIO(raw.replace(old, new)), "it").rows())


def test_memory_does_not_grow_with_the_number_of_files(tmp_path: Path) -> None:
    for folder in range(50):
        (tmp_path / "t" / f"{folder}").mkdir(parents=True)
        for n in range(400):
            os.close(os.open(tmp_path / "t" / f"{folder}" / f"{n}", os.O_CREAT))
    code = (
        f"import sys, resource; sys.path.insert(0, {ROOT!r}); from auditor.world import RealWorld\n"
        "from probes.manifest.tree import manifest; from probes.manifest.look import Wish\n"
        "for tree in sys.argv[1:]: manifest(RealWorld({}), [tree], Wish(workers=2), lambda raw: None)\n"
        "print(max(resource.getrusage(who).ru_maxrss for who in (0, -1)))"
    )
    few, many = (
        int(subprocess.run([sys.executable, "-I", "-S", "-c", code, str(tree)], capture_output=True, check=True).stdout)
        for tree in (tmp_path / "t/0", tmp_path / "t")
    )
    assert many < few + 12_000  # 20,000 more files in KiB: a list of them would take more
