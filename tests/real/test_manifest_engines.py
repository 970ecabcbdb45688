"""Is a manifest the same to the byte whoever made it: this machine, a Dask cluster, a Slurm array? And when a worker dies?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import slurmlab

from auditor.engines import shard
from auditor.engines import slurm as arrays
from auditor.engines.dask import engine as dask_engine
from auditor.model import AuditError
from auditor.world import RealWorld
from probes.manifest.look import Engine, Wish
from probes.manifest.progress import Progress
from probes.manifest.tree import manifest
from tests.needs import need

WISH = Wish(("sha256", "md5"), workers=1)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A few of everything."""
    root = tmp_path / "tree"
    for folder in range(12):
        (root / f"{folder:02}").mkdir(parents=True)
        for n in range(25):
            (root / f"{folder:02}" / f"{n}").write_bytes(os.urandom(n * 300))
    (root / "link").symlink_to("00/1")
    (root / "gone").symlink_to("nowhere")
    os.mkfifo(root / "00" / "pipe")
    (root / os.fsdecode(b"caf\xe9\n")).write_bytes(b"name")
    with (root / "sparse").open("wb") as file:
        file.truncate(3_000_000)
    return root


def made(tree: Path, engine: Engine | None, tell: Callable[[Progress], None] = lambda _: None) -> bytes:
    out = BytesIO()
    manifest(RealWorld({}), [str(tree)], WISH, out.write, engine=engine, tell=tell)
    return out.getvalue()


@pytest.fixture
def needs_dask() -> None:
    for name in ("distributed", "cryptography"):
        try:
            __import__(name)
        except ImportError:
            need(f"the Python package {name}")


def workers() -> list[int]:
    """Processes of Dask workers that we started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes()
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if b"spawn_main" in words and parent == str(os.getpid()):
                found.append(int(entry.name))
    return found


@pytest.mark.usefixtures("needs_dask")
@pytest.mark.filterwarnings("ignore")
def test_dask_says_what_this_machine_says_and_a_killed_worker_loses_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.engines.dask.NAMES", 20)
    killed: list[int] = []

    def kill(progress: Progress) -> None:
        if not killed:
            killed.append(workers()[0])
            os.kill(killed[0], signal.SIGKILL)

    assert made(tree, dask_engine("", False, 2, ()), kill) == made(tree, None)
    assert killed


@pytest.mark.usefixtures("needs_dask")
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_runs_is_used_and_left_running(tree: Path) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        for _ in range(2):
            assert made(tree, dask_engine(address, False, 1, ())) == made(tree, None)


@pytest.mark.usefixtures("needs_dask")
@pytest.mark.filterwarnings("ignore")
def test_an_address_where_nobody_is_gives_one_clear_line(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.engines.dask.CONNECT", "1s")
    with pytest.raises(AuditError, match="no Dask cluster"):
        made(tree, dask_engine("tcp://127.0.0.1:1", False, 1, ()))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, slurm_light: slurmlab.Lab) -> slurmlab.Lab:
    """A Slurm, its commands, and a folder that its nodes share with us."""
    monkeypatch.setenv("PATH", slurm_light.env["PATH"])
    monkeypatch.setenv("AUDITOR_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(arrays, "EVERY", 0.2)
    return slurm_light


@pytest.mark.slurm
def test_a_slurm_array_says_what_this_machine_says(tree: Path, tmp_path: Path, quick: slurmlab.Lab) -> None:
    assert made(tree, arrays.engine(3, ())) == made(tree, None)
    assert list((tmp_path / "home/hashes").glob("array-*")) == []


@pytest.mark.slurm
def test_an_array_task_that_is_killed_goes_on_where_it_was(
    tree: Path, tmp_path: Path, quick: slurmlab.Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = tmp_path / "dying.py"
    dying.write_text(
        "import os, sys; sys.path.insert(0, os.environ['WHERE'])\n"
        "from auditor.engines import shard\n"
        "mark = os.path.join(sys.argv[1], 'died-' + sys.argv[2])\n"
        "if not os.path.exists(mark):\n"
        "    from probes.manifest.chunk import Looker\n"
        "    look, seen = Looker.look, []\n"
        "    def once(self, task):\n"
        "        seen.append(1)\n"
        "        if len(seen) == 3:\n"
        "            open(mark, 'w').close(); os.kill(os.getpid(), 9)\n"
        "        return look(self, task)\n"
        "    Looker.look = once\n"
        "shard.main(*sys.argv[1:])\n"
    )
    monkeypatch.setenv("WHERE", str(Path(__file__).parents[2]))
    monkeypatch.setattr(shard, "__file__", str(dying))
    assert made(tree, arrays.engine(2, ())) == made(tree, None)


@pytest.mark.slurm
def test_what_sbatch_refuses_is_said_in_its_words(tree: Path, quick: slurmlab.Lab) -> None:
    with pytest.raises(AuditError, match=r"sbatch refused the array: .*[Ii]nvalid partition"):
        made(tree, arrays.engine(2, ("--partition=nowhere",)))


@pytest.mark.slurm
@pytest.mark.usefixtures("needs_dask")
def test_dask_workers_can_be_slurm_jobs(tree: Path, tmp_path: Path, quick: slurmlab.Lab) -> None:
    verb = [sys.executable, "-m", "auditor", "manifest", str(tree), "--algorithm", "sha256,md5"]
    ran = subprocess.run([*verb, "--engine", "dask", "--slurm", "--jobs", "1"], capture_output=True, cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, made(tree, None)), ran.stderr
    assert [line.split()[0] for line in ran.stderr.splitlines()] == [b"auditor:"] * 2, (
        ran.stderr
    )  # what it came to, what has no digest
    assert list((tmp_path / "home/hashes").glob("dask-*")) == []


def test_a_shard_skips_what_was_answered_and_mends_what_was_torn(tmp_path: Path) -> None:
    from probes.manifest.task import Answer, Task

    (tmp_path / "f").write_bytes(b"x")
    (tmp_path / "wish.json").write_text('{"algorithms":["sha256"],"rate":0,"until":0,"sample_above":0}')
    tasks = [Task.of(n, str(tmp_path), "f", ("f",)).pack() for n in range(3)]
    (tmp_path / "tasks-0").write_bytes(b"".join(shard.LENGTH.pack(len(raw)) + raw for raw in tasks))
    argv = [sys.executable, "-I", "-S", shard.__file__, str(tmp_path), "0"]
    subprocess.run(argv, check=True)
    whole = (tmp_path / "answers-0").read_bytes()
    (tmp_path / "answers-0").write_bytes(whole[: len(whole) - 10])
    (tmp_path / "f").write_bytes(b"another")
    subprocess.run(argv, check=True)
    answers = [Answer.unpack(raw) for raw in shard.frames(str(tmp_path / "answers-0"))]
    assert [(a.number, b'"size":1' in a.lines) for a in answers] == [(0, True), (1, True), (2, False)]
