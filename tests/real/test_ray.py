"""Is what a real Ray did known afterwards? The demo campaign, attached by `auditor run`: half a minute each, so marked slow."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import called

from auditor.world import RealWorld
from probes.workflows import State, WorkflowRun, ray

pytestmark = [pytest.mark.engine, pytest.mark.slow]
CAMPAIGN = Path(__file__).parent / "campaigns/ray/campaign.py"
SECONDS = 250


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    """Where Ray keeps its sessions: a short path, since it holds sockets."""
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield folder


def ran(folder: Path, node: str, *words: str, code: int = 0, **extra: str) -> subprocess.CompletedProcess[str]:
    """`auditor run` of the campaign, or the bare campaign where it has no home."""
    folder.mkdir(parents=True, exist_ok=True)
    ours = (sys.executable, "-P", "-m", "auditor", "run", "--") if "AUDITOR_HOME" in extra else ()
    env = {
        **called("ray"),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_TMPDIR": node,
        **extra,
    }
    done = subprocess.run(
        (*ours, "python", CAMPAIGN, *words), cwd=folder, env=env, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == code, done.stderr[-3000:]
    return done


def read(folder: Path) -> WorkflowRun:
    (run,) = ray.READER.read(RealWorld(), str(folder))
    return run


@pytest.fixture(scope="module")
def attached(tmp_path_factory: pytest.TempPathFactory, node: str) -> tuple[Path, Path, subprocess.CompletedProcess[str]]:
    """The work folder, the copied logs of the session, and what was printed."""
    base = tmp_path_factory.mktemp("ray")
    done = ran(base / "work", node, "tune", "fails", code=1, AUDITOR_HOME=str(base / "home"))
    (logs,) = (base / "home/attached").glob("*/ray/session_*/logs")
    return base / "work", logs, done


def test_the_copied_events_tell_of_every_task_and_try(attached: tuple[Path, Path, object]) -> None:
    run = read(attached[1])

    assert (run.system, run.version, run.workers) == ("ray", "2.60.0", 2)
    assert run.state is State.FAILED
    assert [t.state for t in run.tasks if t.name == "simulate"] == [State.SUCCEEDED] * 4
    flaky, fails = (next(t for t in run.tasks if t.name == name) for name in ("flaky", "fails"))
    assert [a.state for a in flaky.attempts] == [State.FAILED, State.SUCCEEDED]
    assert fails.attempts[0].reason == "ValueError: this task always fails"


def test_the_search_is_read_from_its_results(attached: tuple[Path, Path, object]) -> None:
    run = read(attached[0] / "results/search")

    assert (run.state, run.proof) == (State.SUCCEEDED, "all 2 trials are TERMINATED")
    assert [t.parameters for t in run.tasks] == [{"x": "1.0"}, {"x": "2.0"}]
    assert [m.value for m in run.metrics] == [0.5, 2.0]


def test_what_was_copied_is_its_owners_only_and_holds_no_link(attached: tuple[Path, Path, object]) -> None:
    for path in attached[1].rglob("*"):
        assert not path.is_symlink()
        assert path.stat().st_mode & 0o077 == 0


def test_output_and_files_are_the_same_with_and_without(tmp_path: Path, node: str) -> None:
    bare = ran(tmp_path / "a", node)
    ours = ran(tmp_path / "b", node, AUDITOR_HOME=str(tmp_path / "home"))

    def blot(text: str) -> str:
        return re.sub(r"\x1b\[\d*m|\d+", "#", text)

    assert (blot(ours.stdout), blot(ours.stderr)) == (blot(bare.stdout), blot(bare.stderr))
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(p.name for p in (tmp_path / "b").iterdir())
