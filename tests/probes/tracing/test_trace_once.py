"""Is a trace, which may be gigabytes, read once for all who ask? Two probes of one capture over a real folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auditor.capture import capture
from auditor.model import Job, Phase, Status
from auditor.world import RealWorld
from probes.data import DataManifest
from probes.data.data import PROBE as DATA
from probes.data.data import collect as manifest
from probes.tracing import FileTrace
from probes.tracing.touched import PROBE as TOUCHED
from probes.tracing.touched import collect


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


def seen(tmp_path: Path, job: Job) -> FileTrace:
    found = collect(RealWorld({"AUDITOR_HOME": str(tmp_path / "home")}, "/"), job)
    assert isinstance(found, FileTrace)
    return found


def test_a_call_that_makes_or_opens_is_told_apart_by_the_birth_of_the_file(tmp_path: Path) -> None:
    """SQLite and HDF5 open so: O_RDWR|O_CREAT."""
    (tmp_path / "results.db").write_text("x")
    text = f'1  openat(AT_FDCWD<{tmp_path}>, "results.db", O_RDWR|O_CREAT, 0644) = 3<{tmp_path}/results.db>\n'
    before, after = ((datetime.now(UTC) + timedelta(hours=h)).isoformat(timespec="seconds") for h in (-1, 1))
    made = seen(tmp_path, replace(traced(tmp_path, text), started_at=before))
    assert (made.inputs, made.outputs) == ((), (f"{tmp_path}/results.db",))
    was_there = seen(tmp_path, replace(traced(tmp_path, text), started_at=after))
    assert (was_there.inputs, was_there.outputs) == ((f"{tmp_path}/results.db",), ())


def test_what_the_run_before_wrote_in_the_second_of_the_start_is_an_input_where_a_trace_saw_who_wrote(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("x")
    job = traced(tmp_path, line(tmp_path, "in.csv"))
    start = int(datetime.fromisoformat(job.started_at).timestamp())
    world = RealWorld({"AUDITOR_HOME": str(tmp_path / "home")}, "/")
    for after, role in ((0.4, "input"), (1.4, "")):
        os.utime(tmp_path / "in.csv", (start + after, start + after))
        found = manifest(world, job)
        assert isinstance(found, DataManifest)
        assert [f.role for f in found.files] == ([role] if role else [])
