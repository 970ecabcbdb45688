"""What becomes of raw traces? They go once their evidence is in the store, and not before. Real runs and sweeps."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor.home import Home, find
from auditor.store import Store, ingest_spool
from auditor.submit import traces
from auditor.submit.local import run
from auditor.submit.sweep import sweep
from probes.tracing import folder
from tests.needs import need


@pytest.fixture
def home() -> Home:
    need(*(tool for tool in ("strace", "cc") if not shutil.which(tool)))
    found = find()
    assert found is not None
    return found


def left(home: Home) -> list[str]:
    """The kinds of files in the folder of traces."""
    return sorted(p.suffix for p in Path(folder(home.root)).iterdir())


def touched(home: Home, run_id: str) -> list[tuple[str, list[str]]]:
    with Store.open(home.store) as store:
        found = [e for e in store.evidence(run_id) if e.probe == "touched"]
    return [(str(e.status), [os.path.basename(p) for p in (e.data or {}).get("outputs", ())]) for e in found]


@pytest.mark.parametrize(
    ("way", "kinds"), [("strace", [".inherited", ".strace"]), ("preload", [".inherited", ".preload", ".so"])]
)
def test_a_trace_goes_once_it_is_in_the_store(
    way: str, kinds: list[str], home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (done,) = run(["bash", "-c", "echo x >made; cat made >again"], home=home, trace=way).jobs
    assert left(home) == kinds
    sweep(home)
    assert (left(home), touched(home, done.run_id)) == ([".so"] if way == "preload" else [], [("ok", ["again", "made"])])


def test_what_is_not_in_the_store_stays_whatever_it_is(home: Home) -> None:
    where = Path(folder(home.root))
    where.mkdir(parents=True)
    for name in ("0123456789abcdef-7_3-0.strace", "0123456789abcdef.asked", "notes.txt", "trace-0.so"):
        (where / name).touch()
    sweep(home)
    assert left(home) == [".asked", ".so", ".strace", ".txt"]
    os.utime(where / "0123456789abcdef.asked", (0, 0))
    sweep(home)
    assert left(home) == [".so", ".strace", ".txt"]


def test_a_removal_that_was_cut_off_is_done_by_the_next(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(["bash", "-c", "echo x >made"], home=home, trace="strace")
    with Store.open(home.store) as store:
        ingest_spool(store, home)
        (rest,) = Path(folder(home.root)).glob("*.inherited")
        rest.unlink()  # as far as it came
        assert traces.clean(home, store.evidence, ()) > 0
    assert left(home) == []


def test_a_run_that_was_killed_with_its_executor_is_told_by_its_trace(home: Home, tmp_path: Path) -> None:
    command = f"echo x >{tmp_path}/made; touch {tmp_path}/up; exec sleep 1000"
    child = subprocess.Popen([sys.executable, "-P", "-m", "auditor", "run", "--trace", "strace", "--", "sh", "-c", command])
    end = time.monotonic() + 60
    while not (tmp_path / "up").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    (started,) = Path("/proc", str(child.pid), "task", str(child.pid), "children").read_text().split()
    child.kill()
    child.wait()
    os.kill(int(started), signal.SIGKILL)
    (done,) = sweep(home, wait=30).completed
    assert touched(home, done) == [("ok", ["made", "up"])]
    assert left(home) == []
