"""When is a digest remembered, and when must the file be read again? Real files; only the clock is moved."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.manifest.remember import WORTH, Changed, Hashed, facts, sha256
from probes.manifest.slots import Slots
from probes.manifest.volumes import NEVER, Volume, volume
from tests.fakes import recorded

ROOT = str(Path(__file__).parents[3])


class Later(RealWorld):
    """This machine, as its clock would show it some time from now, with this kind of file system under everything. Counts readings."""

    def __init__(self, home: Path, *, after: float = 3600, kind: str = "ext4") -> None:
        home.mkdir(exist_ok=True)
        super().__init__({"AUDITOR_HOME": str(home)})
        self.after, self.kind, self.readings = after, kind, 0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.after)

    def text(self, path: str, limit: int = 8 << 20) -> str:
        if path == "/proc/self/mountinfo":
            return f"22 1 255:255 / / rw - {self.kind} server:/data rw\n"
        return super().text(path, limit)

    def chunks(self, path: str, size: int = 1 << 18) -> Iterator[memoryview]:
        self.readings += 1
        return super().chunks(path, size)


def big(path: Path, letter: bytes = b"a") -> str:
    content = letter * (WORTH + 7)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def test_a_file_that_was_left_alone_is_read_once(tmp_path: Path) -> None:
    digest, world = big(tmp_path / "f"), Later(tmp_path / "home")
    assert sha256(world, str(tmp_path / "f")) == Hashed(digest, WORTH + 7, cached=False)
    assert sha256(world, str(tmp_path / "f")) == Hashed(digest, WORTH + 7, cached=True)
    assert world.readings == 1


def test_another_process_remembers_too(tmp_path: Path) -> None:
    digest, path = big(tmp_path / "f"), str(tmp_path / "f")
    sha256(Later(tmp_path / "home"), path)
    assert sha256(Later(tmp_path / "home"), path) == Hashed(digest, WORTH + 7, cached=True)


def test_a_rewrite_of_the_same_size_with_its_old_mtime_restored_is_seen(tmp_path: Path) -> None:
    path, world = tmp_path / "f", Later(tmp_path / "home")
    big(path, b"a")
    before = path.stat()
    sha256(world, str(path))
    digest = big(path, b"b")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (before.st_mtime_ns, before.st_size)
    assert sha256(world, str(path)) == Hashed(digest, WORTH + 7, cached=False)


@pytest.mark.parametrize(
    ("after", "kind", "remembered"),
    [
        (59, "ext4", False),  # a second write within the clock's grain, or one through a mapping, could still hide
        (-3600, "ext4", False),  # its time lies in our future: the clocks differ
        (200, "ext4", True),
        (200, "nfs4", False),
        (700, "nfs4", True),
        (10**9, "tmpfs", False),  # never writes back: stores through a mapping move no time
        (10**9, "vfat", False),  # its ctime is not one
        (10**9, "fuse.sshfs", False),
        (10**9, "somethingnew", False),
    ],
)
def test_only_what_its_file_system_can_tell_apart_is_remembered(
    tmp_path: Path, after: float, kind: str, remembered: bool
) -> None:
    big(tmp_path / "f")
    world = Later(tmp_path / "home", after=after, kind=kind)
    sha256(world, str(tmp_path / "f"))
    assert sha256(world, str(tmp_path / "f")).cached is remembered


def test_fresh_reads_again_and_mends_what_was_remembered(tmp_path: Path) -> None:
    digest, path, world = big(tmp_path / "f"), str(tmp_path / "f"), Later(tmp_path / "home")
    sha256(world, path)
    assert sha256(world, path, fresh=True) == Hashed(digest, WORTH + 7, cached=False)
    assert world.readings == 2


def test_every_damaged_byte_of_the_table_costs_a_reading_and_never_a_wrong_digest(tmp_path: Path) -> None:
    digest, path, world = big(tmp_path / "f"), str(tmp_path / "f"), Later(tmp_path / "home")
    sha256(world, path)
    [table] = (tmp_path / "home" / "hashes").iterdir()
    whole = table.read_bytes()
    written = [at for at, byte in enumerate(whole) if byte]
    for at in written:
        table.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        assert sha256(world, path).sha256 == digest
    for rubbish in (b"", b"\xff" * 100, whole[: len(whole) - 20], b"\xff" * len(whole)):
        table.write_bytes(rubbish)
        assert sha256(world, path) == Hashed(digest, WORTH + 7, cached=False)
        assert sha256(world, path) == Hashed(digest, WORTH + 7, cached=True)


@pytest.mark.parametrize("trouble", ["no home", "no variable", "a file", "a link", "a folder"])
def test_without_a_usable_place_files_are_simply_read(tmp_path: Path, trouble: str) -> None:
    digest, home = big(tmp_path / "f"), tmp_path / "home"
    world = Later(home)
    if trouble == "no home":
        home.rmdir()
    elif trouble == "no variable":
        world._env.clear()
    elif trouble == "a file":
        (home / "hashes").write_text("")
    else:
        (home / "hashes").mkdir()
        elsewhere, table = tmp_path / "elsewhere", home / "hashes" / "sha256.1"
        elsewhere.write_text("keep")
        table.symlink_to(elsewhere) if trouble == "a link" else table.mkdir()
    for _ in range(2):
        assert sha256(world, str(tmp_path / "f")) == Hashed(digest, WORTH + 7, cached=False)
    if trouble == "a link":
        assert (tmp_path / "elsewhere").read_text() == "keep"


def test_a_small_file_is_read_and_not_remembered(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    world = Later(tmp_path / "home")
    assert sha256(world, str(tmp_path / "f")) == Hashed(hashlib.sha256(b"x").hexdigest(), 1, cached=False)
    assert not (tmp_path / "home" / "hashes").exists()


def test_a_recorded_world_is_read_and_nothing_is_kept_of_it() -> None:
    world = recorded({"/work/f": "text"}, env={"AUDITOR_HOME": "/nowhere"})
    assert sha256(world, "f") == Hashed(hashlib.sha256(b"text").hexdigest(), 4, cached=False)
    assert facts(world, "f", "length/1", lambda: {"length": "4"}) == {"length": "4"}


def test_a_file_that_changes_while_it_is_read_has_no_digest(tmp_path: Path) -> None:
    path = tmp_path / "f"
    big(path)

    class Busy(Later):
        def chunks(self, path: str, size: int = 1 << 18) -> Iterator[memoryview]:
            for piece in super().chunks(path, size):
                with open(path, "ab") as file:
                    file.write(b"more") if file.tell() < WORTH + 100 else None
                yield piece

    with pytest.raises(Changed):
        sha256(Busy(tmp_path / "home"), str(path))


def test_a_fact_is_computed_once_for_each_kind_and_content(tmp_path: Path) -> None:
    path, world = tmp_path / "f", Later(tmp_path / "home")
    path.write_text("one")
    asked: list[str] = []

    def compute() -> Mapping[str, str]:
        asked.append(path.read_text())
        return {"text": path.read_text()}

    for kind in ("text/1", "text/1", "text/2"):
        assert facts(world, str(path), kind, compute) == {"text": "one"}
    assert asked == ["one", "one"]
    assert facts(world, str(path), "text/1", compute, fresh=True) == {"text": "one"}
    path.write_text("two")
    assert facts(world, str(path), "text/1", compute) == {"text": "two"}
    assert asked == ["one", "one", "one", "two"]


def test_facts_too_long_to_keep_are_computed_each_time(tmp_path: Path) -> None:
    path, world = tmp_path / "f", Later(tmp_path / "home")
    path.write_text("x")
    long = {"text": "é\udce9" * 2000}
    assert [facts(world, str(path), "long/1", lambda: long) for _ in range(2)] == [long, long]


def test_a_full_set_gives_up_its_oldest_slot_and_the_table_stays_within_its_size(tmp_path: Path) -> None:
    slots = Slots(str(tmp_path / "t"), size=64, ways=2, sets=4)
    keys = [n.to_bytes(16, "little") for n in range(200)]
    for key in keys:
        slots.put(key, key * 2)
    assert (tmp_path / "t").stat().st_size == 64 * 2 * 4
    kept = [key for key in keys if slots.get(key) is not None]
    assert len(kept) == 8
    assert all(slots.get(key) == key * 2 for key in kept)


def test_processes_that_write_at_once_leave_only_whole_values(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {ROOT!r}); from probes.manifest.slots import Slots\n"
        f"slots = Slots({str(tmp_path / 't')!r}, 64, 2, 4)\n"
        "for n in range(3000):\n"
        "    key = (n % 40).to_bytes(16, 'little'); slots.put(key, key * 2)\n"
        "    got = slots.get(key); assert got is None or got == key * 2, got"
    )
    children = [subprocess.Popen([sys.executable, "-I", "-S", "-c", code]) for _ in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]


def test_nodes_that_share_a_volume_share_its_name_and_others_do_not() -> None:
    stat = recorded({"/work/f": ""}).stat("f")
    shared = recorded({"/proc/self/mountinfo": "1 0 0:0 / /work rw - nfs4 fs:/x rw\n", "/work/f": ""})
    own = recorded({"/proc/self/mountinfo": "1 0 0:0 / /work rw - ext4 /dev/sda rw\n", "/work/f": ""})
    assert volume(shared, "/work/f", stat) == Volume("nfs4:fs:/x", True, NEVER)  # nothing recorded of write-back
    assert volume(own, "/work/f", stat).name == "node1:0"
    assert volume(recorded(), "/work/f", stat).seconds == NEVER


def test_a_guest_in_a_job_loads_next_to_nothing() -> None:
    code = (
        f"import sys; sys.path.insert(0, {ROOT!r}); before = set(sys.modules); import probes.manifest.remember\n"
        "print(*sorted(m for m in {'json', 'sqlite3', 'subprocess', 'pathlib', 'tempfile', 'msgspec'} & (set(sys.modules) - before)))"
    )
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "\n"
