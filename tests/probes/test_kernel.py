"""Are the kernel's counters read from what the hook saves at the job's end?"""

from __future__ import annotations

import pytest

from auditor.model import Absent, Job
from probes.kernel import IO, OWN, PROBE, STAT, KernelAccounting, locate, ticks
from tests.fakes import recorded

V1 = "9:name=systemd:/\n4:memory:/slurm/uid_1000/job_123/step_batch/task_0\n2:cpu,cpuacct:/slurm/uid_1000/job_123/step_batch\n0::/\n"
V2 = "0::/system.slice/slurmstepd.scope/job_123/step_batch/user/task_0\n"
JOB1, JOB2 = "/slurm/uid_1000/job_123", "/system.slice/slurmstepd.scope/job_123"
FS = "/sys/fs/cgroup"
IO_TEXT = "rchar: 100\nwchar: 200\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n"
STAT_TEXT = "77 (a) b) c) S 1 1 1 0 -1 4194304 1 2 3 4 150 50 200 100 20 0 1 0\n"
JOB = Job("slurm", "123")


def test_version_1_counters_of_the_whole_job() -> None:
    world = recorded(
        {
            OWN: V1,
            IO: IO_TEXT,
            STAT: STAT_TEXT,
            f"{FS}/memory{JOB1}/memory.max_usage_in_bytes": "1000\n",
            f"{FS}/memory{JOB1}/step_batch/task_0/memory.max_usage_in_bytes": "10\n",
            f"{FS}/memory{JOB1}/memory.limit_in_bytes": "9223372036854771712\n",
            f"{FS}/memory{JOB1}/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
            f"{FS}/cpu,cpuacct{JOB1}/cpuacct.usage": "1500000000\n",
        }
    )
    assert PROBE.collect(world, JOB) == KernelAccounting("job", JOB1, 1000, None, 2, 1.5, 4096, 8192, 100, 200, 3, 4)


def test_version_2_counters_of_the_whole_job() -> None:
    world = recorded(
        {
            OWN: V2,
            f"{FS}{JOB2}/memory.peak": "2000\n",
            f"{FS}{JOB2}/memory.max": "4000\n",
            f"{FS}{JOB2}/memory.events": "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\n",
            f"{FS}{JOB2}/cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
        }
    )
    assert PROBE.collect(world, JOB) == KernelAccounting("job", JOB2, 2000, 4000, 1, 2.5, None, None)


def test_without_a_group_the_shell_and_its_children_are_counted() -> None:
    world = recorded({OWN: "0::/\n", IO: IO_TEXT, STAT: STAT_TEXT})
    assert PROBE.collect(world, JOB) == KernelAccounting("process", "", None, None, None, 5.0, 4096, 8192, 100, 200, 3, 4)


@pytest.mark.parametrize(
    ("text", "scope", "name"),
    [
        (V1, "job", JOB1),
        (V2, "job", JOB2),
        ("0::/user.slice/user-1.slice/session-3.scope\n", "session", "/user.slice/user-1.slice/session-3.scope"),
        ("0::/\n", "process", ""),
        ("", "process", ""),
        ("garbage", "process", ""),
    ],
)
def test_the_group_tells_whose_counters_they_are(text: str, scope: str, name: str) -> None:
    assert (locate(text).scope, locate(text).name) == (scope, name)


def test_odd_numbers_are_not_guessed_at() -> None:
    world = recorded(
        {OWN: V2, f"{FS}{JOB2}/memory.peak": "many", f"{FS}{JOB2}/memory.max": "max\n", f"{FS}{JOB2}/cpu.stat": "usage_usec x"}
    )
    assert PROBE.collect(world, JOB) == KernelAccounting("process", "", None, None, None, None, None, None)
    assert ticks("1 (x) S") is None


def test_nothing_recorded_is_absent() -> None:
    assert PROBE.collect(recorded(), JOB) == Absent("neither a cgroup nor /proc counters of the job's shell")
