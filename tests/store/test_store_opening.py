"""What if the store is held, newer, broken, or its disk is full? One line and a hint, and nothing lost."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor import spool
from auditor.home import Home
from auditor.model import AuditError, Phase
from auditor.store import Store, ingest_spool
from auditor.store.database import shared_file_system
from tests.factory import capture, hardware, job, packages, seen

HOLD = """
import sys
from auditor.store import Store
with Store.open(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.readline()
"""
FILL = """
import resource, signal, sys
from auditor.home import Home
from auditor.model import AuditError
from auditor.store import Store, ingest_spool
home = Home(sys.argv[1])
with Store.open(home.store) as store:
    pass
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    with Store.open(home.store) as store:
        print(ingest_spool(store, home))
except AuditError as error:
    print(error.message, "/", error.hint)
    sys.exit(2)
"""


def test_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "home" / "store.duckdb"
    with Store.open(str(path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_importing_the_store_does_not_load_duckdb() -> None:
    code = "import sys, auditor.store; sys.exit(sum(m in sys.modules for m in ('duckdb', 'msgspec', 'probes')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_who_holds_the_store_is_named_and_waited_for(tmp_path: Path) -> None:
    path = str(tmp_path / "store.duckdb")
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdin
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(AuditError, match=f"the store is busy: process {other.pid} holds it"):
            Store.open(path, wait=0.1)
        other.stdin.close()
        with Store.open(path, wait=60) as store:
            assert store.runs() == ()


def test_a_store_from_a_newer_auditor_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "store.duckdb")
    with Store.open(path) as store, store.transaction() as con:
        con.execute("insert into migration values ('9999_future.sql', '2030-01-01T00:00:00+00:00')")
    with pytest.raises(AuditError, match=r"written by a newer auditor \(9999_future.sql\)") as error:
        Store.open(path)
    assert "upgrade auditor" in error.value.hint


def test_a_file_from_a_newer_duckdb_is_told_apart_from_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    Store.open(str(path)).close()
    raw = bytearray(path.read_bytes())
    assert raw[8:12] == b"DUCK"  # main header: checksum, magic, then the storage version
    raw[12:20] = (9999).to_bytes(8, "little")
    path.write_bytes(raw)
    with pytest.raises(AuditError) as error:
        Store.open(str(path))
    assert error.value.hint


@pytest.mark.parametrize("content", [b"", b"x" * 20_000, b"\x00" * 20_000, b"SQLite format 3\x00" + b"\x00" * 5000])
def test_a_file_that_is_no_store_is_called_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.duckdb"
    path.write_bytes(content)
    with pytest.raises(AuditError, match="is damaged") as error:
        Store.open(str(path))
    assert "auditor sweep --rebuild" in error.value.hint
    assert path.read_bytes() == content


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99])
def test_a_truncated_store_is_called_damaged(tmp_path: Path, share: float) -> None:
    path = tmp_path / "store.duckdb"
    with Store.open(str(path)) as store:
        store.ingest([capture(job(), Phase.START, seen(packages(*(f"p{i}==1" for i in range(500)))))])
        tables = [name for (name,) in store.query("select table_name from duckdb_tables()")]
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(AuditError, match="is damaged"), Store.open(str(path)) as store:
        for table in tables:
            store.query(f"from {table}")


def test_a_folder_that_cannot_be_made_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AuditError, match="no folder for the store"):
        Store.open(str(tmp_path / "file" / "store.duckdb"))


def sixty(home: Home) -> None:
    """Sixty runs whose package lists have nothing in common."""
    for n in range(60):
        lists = seen(packages(*(f"p{i}=={n}.{i * 7919 % 1009}" for i in range(200))))
        spool.save(home.spool, capture(job(str(n)), Phase.START, lists))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own with six MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_under_the_store_loses_nothing(tmp_path: Path, small_disk: Path) -> None:
    home = Home(str(small_disk))
    for name in ("spool", "archive"):
        (tmp_path / name).mkdir()
        (small_disk / name).symlink_to(tmp_path / name)
    sixty(home)
    before = sorted(os.listdir(home.spool))
    with Store.open(home.store):
        filler = small_disk / "filler"
        filler.write_bytes(b"x" * (os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize - 300_000))
    with pytest.raises(AuditError, match=r"could not be written|ran out of") as error, Store.open(home.store) as store:
        ingest_spool(store, home)
    assert "make room" in error.value.hint
    assert sorted(os.listdir(home.spool)) == before
    filler.unlink()
    with Store.open(home.store) as store:
        assert ingest_spool(store, home).runs == 60


@pytest.mark.parametrize("room", [1 << 12, 1 << 20])
def test_a_limit_on_file_sizes_loses_nothing(tmp_path: Path, room: int) -> None:
    home = Home(str(tmp_path))
    sixty(home)
    before = sorted(os.listdir(home.spool))
    full = subprocess.run([sys.executable, "-c", FILL, home.root, str(room)], capture_output=True, text=True)
    assert (full.returncode, full.stderr) == (2, "")
    assert "make room" in full.stdout
    assert sorted(os.listdir(home.spool)) == before
    with Store.open(home.store) as store:
        assert ingest_spool(store, home).runs == 60
        assert len(store.runs(limit=0)) == 60


MOUNTS = r"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
31 22 0:27 / /home rw shared:5 - nfs4 server:/home rw,vers=4.2
32 31 0:28 / /home/ada/local\040disk rw - xfs /dev/sdb rw
33 22 0:29 / /scratch rw - lustre 10.0.0.1@o2ib:/work rw,flock
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/auditor", ""),
        ("/home/ada/.local/state/auditor", "nfs4"),
        ("/home/ada/local disk/auditor", ""),
        ("/homework", ""),
        ("/scratch/ada", "lustre"),
    ],
)
def test_a_shared_file_system_is_noticed(path: str, kind: str) -> None:
    assert shared_file_system(path, MOUNTS) == kind


def test_the_hardware_of_a_run_survives_closing(tmp_path: Path) -> None:
    path = str(tmp_path / "store.duckdb")
    with Store.open(path) as store:
        store.ingest([capture(job(), Phase.START, seen(hardware()))])
    with Store.open(path) as store:
        assert store.evidence(job().run_id) == capture(job(), Phase.START, seen(hardware())).evidence
