from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from auditor.codec import dumps
from auditor.model import Absent, AuditError, Job
from auditor.world import RecordedWorld
from probes.schedulers.local_executor import PROBE, VARIABLE, ExecutorRecord, accounting

RUNNING = ExecutorRecord(
    job_id="L00c0ffee",
    version="0.1.0",
    name="train.sh",
    user="ada",
    workdir="/home/ada/work",
    command="train.sh 3",
    stdout="",
    stderr="",
    host="desk",
    submitted="2026-11-23T15:00:00+00:00",
    started="2026-11-23T15:00:01+00:00",
    executor=(42, 77),
    asked_memory=1 << 30,
)
ENDED = replace(
    RUNNING, ended="2026-11-23T15:01:01+00:00", exit_code=0, signal=0, max_rss=5 << 20, cpu_seconds=3.5, wall_seconds=60.0
)
PATH = "/home/ada/records/executor/L00c0ffee.json"


def world(record: bytes | None, executor_born: int = 77) -> RecordedWorld:
    stat = f"42 (auditor (x)) S {' '.join(str(n) for n in range(1, 19))} {executor_born} 0".encode()
    files = {"/proc/42/stat": stat} | ({PATH: record} if record is not None else {})
    return RecordedWorld(
        {VARIABLE: PATH}, files, {}, frozenset({PATH}), datetime(2026, 11, 23, tzinfo=UTC), "desk", "/home/ada/work"
    )


@pytest.mark.parametrize(
    ("changes", "state", "succeeded"),
    [
        ({}, "COMPLETED", True),
        ({"exit_code": 3}, "FAILED", False),
        ({"exit_code": 0, "signal": 11}, "FAILED", False),
        ({"exit_code": 0, "signal": 2}, "CANCELLED", False),
        ({"exit_code": 0, "signal": 15, "timed_out": True}, "TIMEOUT", False),
    ],
)
def test_how_a_command_ended_is_told_in_slurms_words(changes: dict[str, object], state: str, succeeded: bool) -> None:
    record = accounting(replace(ENDED, **changes), running=False)  # type: ignore[arg-type]
    assert (record.attempts[0].state, record.attempts[0].succeeded, record.final) == (state, succeeded, True)


def test_memory_and_cpu_time_are_the_kernels_word_and_the_rest_the_executors() -> None:
    record = accounting(ENDED, running=False)
    assert (record.used_memory, record.used_cpu_seconds, record.used_seconds) == (5 << 20, 3.5, 60.0)
    assert (record.rungs["used_memory"], record.rungs["used_cpu_seconds"], record.rungs["exit_code"]) == (
        "kernel",
        "kernel",
        "executor",
    )


def test_a_run_whose_executor_is_alive_is_running() -> None:
    record = PROBE.collect(world(dumps(RUNNING)), Job("local", "L00c0ffee"))
    assert not isinstance(record, Absent)
    assert (record.attempts[0].state, record.final) == ("RUNNING", False)  # type: ignore[union-attr]


def test_a_run_whose_executor_was_killed_is_lost_even_if_its_process_id_lives_again() -> None:
    record = PROBE.collect(world(dumps(RUNNING), executor_born=99), Job("local", "L00c0ffee"))
    assert (record.attempts[0].state, record.attempts[0].succeeded, record.final) == ("LOST", None, True)  # type: ignore[union-attr]
    assert record.gaps == ("the executor was killed before the command ended; how it ended is not known",)  # type: ignore[union-attr]


def test_no_record_is_absent_and_a_broken_one_an_error() -> None:
    job = Job("local", "L00c0ffee")
    assert PROBE.collect(world(None), job) == Absent("the executor left no record")
    with pytest.raises(AuditError, match="is not JSON"):
        PROBE.collect(world(b'{"job_id":'), job)


def test_a_slurm_job_has_no_such_record() -> None:
    assert PROBE.collect(world(dumps(ENDED)), Job("slurm", "4")) == Absent("a slurm job has no record of our executor")
