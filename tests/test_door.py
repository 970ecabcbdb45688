"""The door outside: bounded in time and size, and honest about what was not recorded."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.world import NotRecorded, Ran, RealWorld, RecordedWorld, TooBig


def test_a_command_gives_code_stdout_and_stderr() -> None:
    assert RealWorld().run("sh", "-c", "echo out; echo err >&2; exit 3") == Ran(3, "out\n", "err\n")


def test_a_command_reads_what_it_is_given_and_else_nothing() -> None:
    assert RealWorld().run("cat", stdin=b"hello").out == "hello"
    assert RealWorld().run("cat").out == ""


def test_a_command_that_hangs_is_ended_with_its_children() -> None:
    with pytest.raises(TimeoutError, match=r"sh gave no answer in 0\.2 s"):
        RealWorld().run("sh", "-c", "sleep 100 & sleep 100", timeout=0.2)


def test_a_command_is_ended_when_we_are_interrupted(tmp_path: Path) -> None:
    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            RealWorld(cwd=str(tmp_path)).run("sh", "-c", "echo $$ >pid; sleep 100")
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_command_that_says_too_much_is_refused() -> None:
    with pytest.raises(TooBig, match="printed 1000000 bytes, more than 1000"):
        RealWorld().run("head", "-c", "1000000", "/dev/zero", limit=1000)


def test_a_program_that_is_not_there_is_file_not_found() -> None:
    with pytest.raises(FileNotFoundError):
        RealWorld().run("no-such-program-anywhere")


def test_an_endless_file_is_too_big_and_not_an_endless_read() -> None:
    with pytest.raises(TooBig):
        RealWorld().read("/dev/zero", limit=5000)


def test_bytes_that_are_not_text_survive(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\xfe")
    assert RealWorld(cwd=str(tmp_path)).text("x").encode("utf-8", "surrogateescape") == b"\xff\xfe"


def test_pieces_of_a_file_make_the_file(tmp_path: Path) -> None:
    data = bytes(range(256)) * 2000
    (tmp_path / "x").write_bytes(data)
    assert b"".join(bytes(p) for p in RealWorld(cwd=str(tmp_path)).chunks("x", 4096)) == data


@pytest.mark.parametrize(
    ("start", "length", "expected"), [(2, 3, b"234"), (-3, 10, b"789"), (8, 5, b"89"), (20, 5, b""), (-50, 2, b"01")]
)
def test_a_span_of_a_file_starts_at_either_end(tmp_path: Path, start: int, length: int, expected: bytes) -> None:
    (tmp_path / "x").write_bytes(b"0123456789")
    recorded = RecordedWorld({}, {"/x": b"0123456789"}, {}, frozenset(), datetime(2026, 11, 23, tzinfo=UTC), "n1", "/")
    assert RealWorld(cwd=str(tmp_path)).span("x", start, length) == expected
    assert recorded.span("/x", start, length) == expected


RECORDED = RecordedWorld(
    environment={"LANG": "C"},
    files={"/proc/version": b"Linux"},
    commands={("uname", "-m"): Ran(0, "x86_64\n", "")},
    missing=frozenset({"/etc/none", "sacct"}),
    taken=datetime(2026, 11, 23, tzinfo=UTC),
    node="n1",
    directory="/work",
)


def test_a_record_answers_what_was_saved() -> None:
    assert RECORDED.text("/proc/version") == "Linux"
    assert RECORDED.run("uname", "-m").out == "x86_64\n"
    assert RECORDED.exists("/etc/none") is False


def test_looked_and_not_there_differs_from_not_recorded() -> None:
    with pytest.raises(FileNotFoundError):
        RECORDED.read("/etc/none")
    with pytest.raises(FileNotFoundError):
        RECORDED.run("sacct", "-j", "1")
    with pytest.raises(NotRecorded, match="/proc/meminfo was not recorded"):
        RECORDED.read("/proc/meminfo")
    with pytest.raises(NotRecorded, match="`uname -r` was not recorded"):
        RECORDED.run("uname", "-r")
