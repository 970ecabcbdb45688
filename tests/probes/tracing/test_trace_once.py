"""Is a trace, which may be gigabytes, read once for all who ask? Two probes of one capture over a real folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from auditor.capture import capture
from auditor.model import Job, Phase, Status
from auditor.world import RealWorld
from probes.data.data import PROBE as DATA
from probes.tracing.touched import PROBE as TOUCHED


class Counting(RealWorld):
    """This machine, and how often each file was streamed."""

    def __init__(self, home: Path) -> None:
        super().__init__({"AUDITOR_HOME": str(home)}, "/")
        self.streamed: Counter[str] = Counter()

    def chunks(self, path: str, size: int = 1 << 18) -> Iterator[memoryview]:
        self.streamed[path.rpartition(".")[2]] += 1
        return super().chunks(path, size)


def traced(tmp_path: Path, text: str) -> Job:
    (tmp_path / "home/traces").mkdir(parents=True, exist_ok=True)
    (tmp_path / "home/traces/s1-7-0.node1.strace").write_text(text)
    start, end = "2026-11-23T12:00:00+00:00", "2026-11-23T12:01:00+00:00"
    return Job("local", "7", submission="s1", workdir=str(tmp_path), started_at=start, ended_at=end)


def line(tmp_path: Path, name: str) -> str:
    return f'1  openat(AT_FDCWD<{tmp_path}>, "{name}", O_RDONLY) = 3<{tmp_path}/{name}>\n'


def test_two_probes_read_one_trace_once(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("x")
    job, world = traced(tmp_path, line(tmp_path, "in.csv")), Counting(tmp_path / "home")
    found = capture(world, job, Phase.LATER, (DATA, TOUCHED)).evidence
    assert [e.status for e in found] == [Status.OK, Status.OK], [e.reason for e in found]
    assert world.streamed == {"strace": 1}


def test_a_trace_that_grew_is_read_again(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x")
    world, seen = Counting(tmp_path / "home"), []
    text = ""
    for name in ("a.csv", "b.csv"):
        text += line(tmp_path, name)
        (found,) = capture(world, traced(tmp_path, text), Phase.LATER, (TOUCHED,)).evidence
        assert found.data is not None
        seen.append(found.data["inputs"])
    assert seen == [[f"{tmp_path}/a.csv"], [f"{tmp_path}/a.csv", f"{tmp_path}/b.csv"]]
    assert world.streamed == {"strace": 2}
