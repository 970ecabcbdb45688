"""What a real Slurm tells of jobs that end in every way there is: with accounting and without, as root and as a plain user.

All jobs of a cluster are submitted first and waited for together, so that the slowest one sets the time.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import slurmlab

from auditor.model import Found
from auditor.world import Ran, RealWorld
from probes.schedulers import Attempt, JobAccounting, sacct, sacct_json
from probes.schedulers.slurm import Answer, accounting
from tests.needs import need

pytestmark = pytest.mark.slurm

VARIANTS = ("full", "light")
NOBODY = 65534
HUNGRY = 'python3 -c "import time; x = bytearray(100_000_000); time.sleep(2.5)"'
JOBS: dict[str, tuple[str, ...]] = {
    "fine": ("--wrap", HUNGRY),
    "exit 17": ("--wrap", "exit 17"),
    "exit 137": ("--wrap", "exit 137"),
    "exit 255": ("--wrap", "exit 255"),
    "segmentation fault": ("--wrap", "ulimit -c 0; kill -SEGV $$"),
    "failed step": ("--wrap", "srun -J s1 true; srun -J s2 false; srun -J s3 true; exit 0"),
    "time limit": ("-t", "5", "--wrap", "sleep 300"),
    "cancelled": ("--wrap", "sleep 300"),
    "requeued": ("--requeue", "--wrap", 'if [ "${SLURM_RESTART_COUNT:-0}" = 0 ]; then sleep 300; else exit 4; fi'),
    "node failure": ("-p", "highmem", "--no-requeue", "--wrap", "sleep 300"),
    "strange name": ("-J", "weird|na\nme", "--comment", "c|1 ExitCode=9:9", "--wrap", "true"),
    "gpus": ("-p", "gpu", "--gpus=a100:2", "--mem=100M", "-t", "10", "--wrap", "true"),
    "array": ("--array=0-3%2", "--wrap", "exit $SLURM_ARRAY_TASK_ID"),
    "components": ("-n1", ":", "-n1", "--wrap", "srun true"),
}


class CountingWorld(RealWorld):
    """This machine, which remembers what was run on it; as another user, or without a command, if wanted."""

    def __init__(self, lab: slurmlab.Lab, user: int = 0, without: str = "") -> None:
        super().__init__(lab.env, "/")
        self.user, self.without = user, without
        self.ran: list[tuple[str, ...]] = []

    def run(self, *argv: str, **options: Any) -> Ran:
        if argv[0] == self.without:
            raise FileNotFoundError(2, "No such file or directory", argv[0])
        self.ran.append(argv)
        who = ("setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups") if self.user else ()
        return super().run(*who, *argv, **options)


@dataclass(frozen=True)
class Ended:
    """A cluster whose jobs have all ended, and what accounting told of them in one go."""

    lab: slurmlab.Lab
    ids: Mapping[str, str]
    answers: Mapping[str, Answer]
    asked: int
    """Commands that one question for all of them took."""

    def record(self, name: str, part: str = "") -> JobAccounting:
        answer = self.answers[self.ids[name] + part]
        assert isinstance(answer, Found), answer
        return answer.value

    def last(self, name: str) -> Attempt:
        return self.record(name).attempts[-1]

    @property
    def full(self) -> bool:
        return self.lab.variant == "full"


def say(lab: slurmlab.Lab, *argv: str, user: int | None = None) -> str:
    done = subprocess.run(argv, env=lab.env, capture_output=True, text=True, timeout=60, cwd="/", user=user, group=user)
    assert not done.returncode, done.stderr
    return done.stdout.strip()


def submit(lab: slurmlab.Lab, *args: str, folder: Path | str = "/tmp", user: int | None = None) -> str:
    return say(lab, "sbatch", "--parsable", "-D", str(folder), "-o", "/dev/null", *args, user=user)


def until(done: Callable[[], bool], what: str, seconds: float = 150) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def state(lab: slurmlab.Lab, job: str) -> str:
    return next(w for w in say(lab, "scontrol", "show", "job", job).split() if w.startswith("JobState=")).removeprefix(
        "JobState="
    )


def push(lab: slurmlab.Lab, ids: Mapping[str, str]) -> None:
    """Bring about the ends that do not come by themselves."""
    for name in ("time limit", "cancelled", "requeued", "node failure"):
        until(lambda name=name: state(lab, ids[name]) == "RUNNING", name)  # type: ignore[misc]
    say(lab, "scontrol", "update", f"job={ids['time limit']}", "EndTime=now")  # noticed within half a minute
    say(lab, "scancel", ids["cancelled"])
    say(lab, "scontrol", "update", "node=mem1", "state=down", "reason=test")
    say(lab, "scontrol", "requeue", ids["requeued"])
    until(lambda: state(lab, ids["requeued"]) == "PENDING", "requeued")
    say(
        lab, "scontrol", "update", f"job={ids['requeued']}", "starttime=now+2"
    )  # not two minutes, nor the second slurmd forgot it in
    until(lambda: state(lab, ids["node failure"]) == "NODE_FAIL", "node failure")
    until(lambda: say(lab, "sinfo", "-hn", "mem1", "-o", "%t") == "idle", "the node comes back by itself")


@pytest.fixture(scope="module")
def submitted(request: pytest.FixtureRequest) -> Mapping[str, Mapping[str, str]]:
    """The jobs of every cluster that can run here, on their way at once: a time limit takes half a minute."""
    found: dict[str, Mapping[str, str]] = {}
    for variant in VARIANTS:
        if not slurmlab.missing(variant):
            lab: slurmlab.Lab = request.getfixturevalue(f"{variant}_lab")
            found[variant] = submit_all(lab)
            push(lab, found[variant])
    return found


def submit_all(lab: slurmlab.Lab) -> Mapping[str, str]:
    ids = {name: submit(lab, *args) for name, args in JOBS.items()}
    ids["impossible"] = submit(lab, "--kill-on-invalid-dep=yes", "-d", f"afterok:{ids['exit 17']}", "--wrap", "true")
    ids["stuck"] = submit(lab, "-d", f"afterok:{ids['exit 17']}", "--wrap", "true")
    if os.geteuid() == 0:
        ids["plain user"] = submit(lab, "--wrap", "exit 200", user=NOBODY)
    return ids


@pytest.fixture(scope="module", params=VARIANTS)
def ended(request: pytest.FixtureRequest, submitted: Mapping[str, Mapping[str, str]]) -> Iterator[Ended]:
    lab: slurmlab.Lab = request.getfixturevalue(f"{request.param}_lab")
    ids = submitted[request.param]
    answers: Mapping[str, Answer] = {}
    world = CountingWorld(lab)

    def over() -> bool:
        nonlocal answers
        world.ran.clear()
        answers = accounting(world, ids.values())
        return all(isinstance(a, Found) and a.value.final for job, a in answers.items() if job != ids["stuck"])

    until(over, "some job is not final")
    yield Ended(lab, ids, answers, len(world.ran))
    say(lab, "scancel", ids["stuck"])


@pytest.mark.parametrize(
    ("name", "state", "code", "signal", "succeeded"),
    [
        ("fine", "COMPLETED", 0, 0, True),
        ("exit 17", "FAILED", 17, 0, False),
        ("exit 137", "FAILED", 137, 0, False),
        ("exit 255", "FAILED", 255, 0, False),
        ("segmentation fault", "FAILED", 0, 11, False),
        ("failed step", "COMPLETED", 0, 0, False),
        ("node failure", "NODE_FAIL", 0, None, False),
        ("requeued", "FAILED", 4, 0, False),
        ("strange name", "COMPLETED", 0, 0, True),
        ("impossible", "CANCELLED", 0, 0, False),
    ],
)
def test_each_end_has_its_state_its_exact_exit_code_and_its_verdict(
    ended: Ended, name: str, state: str, code: int, signal: int | None, succeeded: bool
) -> None:
    last = ended.last(name)
    assert (last.state, last.exit_code, last.succeeded, last.exit_exact) == (state, code, succeeded, True)
    assert signal in (None, last.signal)


def test_a_time_limit_and_a_cancellation_are_what_they_are(ended: Ended) -> None:
    assert (ended.last("time limit").state, ended.last("time limit").succeeded) == ("TIMEOUT", False)
    cancelled = ended.last("cancelled")
    assert (cancelled.state, cancelled.succeeded) == ("CANCELLED", False)
    assert cancelled.state_text == (f"CANCELLED by {os.geteuid()}" if ended.full else "CANCELLED")


def test_a_requeued_job_has_both_attempts(ended: Ended) -> None:
    attempts = ended.record("requeued").attempts
    assert [(a.number, a.state) for a in attempts] == [(0, "REQUEUED"), (1, "FAILED")]
    assert attempts[0].started <= attempts[1].started


def test_steps_are_known_where_there_is_accounting_and_missed_aloud_elsewhere(ended: Ended) -> None:
    record = ended.record("failed step")
    steps = [(s.name, s.state, s.exit_code) for s in record.attempts[-1].steps]
    if ended.full:
        assert steps == [("batch", "COMPLETED", 0), ("0", "COMPLETED", 0), ("1", "FAILED", 1), ("2", "COMPLETED", 0)]
        assert record.gaps == ()
    else:
        assert steps == []
        assert record.gaps == ("accounting is disabled on this cluster: steps and memory use are not recorded",)
    assert record.attempts[-1].derived_exit_code == 1


def test_memory_and_time_carry_the_rung_they_came_from(ended: Ended) -> None:
    record = ended.record("fine")
    assert record.used_seconds is not None and 2 <= record.used_seconds <= 60
    if ended.full:
        assert record.used_memory is not None and 100_000_000 < record.used_memory < 200_000_000
        assert (record.rungs["used_memory"], record.rungs["attempts"]) == ("sacct", "sacct")
    else:
        assert (record.used_memory, record.rungs["attempts"]) == (None, "jobcomp")
    assert (record.rungs["exit_code"], record.rungs["stdout"]) == ("scontrol", "scontrol")


def test_a_name_with_a_bar_and_a_newline_is_one_name(ended: Ended) -> None:
    assert ended.record("strange name").name == "weird|na\nme"


def test_gpus_memory_and_time_are_recorded_as_asked(ended: Ended) -> None:
    record = ended.record("gpus")
    assert (record.asked_gpus, record.gpu_type, record.asked_memory, record.asked_seconds) == (2, "a100", 100 << 20, 600)


def test_an_array_is_told_task_by_task(ended: Ended) -> None:
    tasks = [ended.record("array", f"_{n}") for n in range(4)]
    assert [t.attempts[-1].exit_code for t in tasks] == [0, 1, 2, 3]
    assert [(t.array_task_id, t.array_throttle) for t in tasks] == [(str(n), 2) for n in range(4)]
    whole = ended.record("array")
    assert (whole.final, whole.array_job_id, whole.attempts[-1].succeeded) == (True, ended.ids["array"], False)


def test_a_heterogeneous_job_is_told_by_components(ended: Ended) -> None:
    assert [ended.record("components", part).attempts[-1].state for part in ("", "+0", "+1")] == ["COMPLETED"] * 3


def test_a_job_that_can_never_start_is_pending_with_the_reason(ended: Ended) -> None:
    stuck = ended.record("stuck")
    assert (stuck.attempts[-1].state, stuck.attempts[-1].reason, stuck.final) == ("PENDING", "DependencyNeverSatisfied", False)
    never = ended.record("impossible")
    assert (never.attempts[-1].started, never.used_seconds) == ("", None)


def test_all_of_them_took_a_handful_of_commands(ended: Ended) -> None:
    assert len(ended.ids) >= 16
    assert ended.asked <= 5


def test_without_scontrol_sacct_alone_says_what_may_be_wrong(ended: Ended) -> None:
    job = ended.ids["exit 137"]
    answer = accounting(CountingWorld(ended.lab, without="scontrol"), [job])[job]
    if not ended.full:  # and where the completion file lies only scontrol could tell
        assert "accounting is disabled" in str(answer)
        return
    assert isinstance(answer, Found)
    last = answer.value.attempts[-1]
    exact = sacct.release(answer.value.version) >= sacct_json.SINCE
    assert (last.exit_code, last.exit_exact) == ((137, True) if exact else (9, False))
    assert "scontrol is not installed here" in answer.value.gaps


def test_without_any_command_nothing_is_known_and_each_is_named(ended: Ended) -> None:
    answer = accounting(RealWorld({"PATH": "/nowhere"}, "/"), ["1"])["1"]
    assert "scontrol is not installed here; sacct is not installed here" in str(answer)


def test_a_number_nobody_gave_is_absent(ended: Ended) -> None:
    reason = str(accounting(CountingWorld(ended.lab), ["4000000"])["4000000"])
    second = "accounting" if ended.full else "the completion file"
    assert f"the controller and {second} know no job 4000000" in reason


def test_a_plain_user_learns_the_same_of_the_own_job(ended: Ended) -> None:
    need(*([] if os.geteuid() == 0 else ["root, to become a plain user"]))
    job = ended.ids["plain user"]
    answer = accounting(CountingWorld(ended.lab, user=NOBODY), [job])[job]
    assert isinstance(answer, Found)
    last = answer.value.attempts[-1]
    assert (last.state, last.exit_code, last.exit_exact, answer.value.final) == ("FAILED", 200, True, True)
    assert answer.value.rungs["attempts"] == ("sacct" if ended.full else "jobcomp")


@pytest.fixture(scope="module")
def hungry(cgroup_lab: slurmlab.Lab) -> Mapping[str, JobAccounting]:
    """Jobs that wanted more memory than they had asked for, where the kernel minds."""
    greedy = 'python3 -c "x = bytearray(300_000_000)"'
    ids = {
        "step": submit(cgroup_lab, "--mem=50M", "--wrap", f"srun {greedy}; exit 0"),
        "script": submit(cgroup_lab, "--mem=50M", "--wrap", greedy),
    }
    world = CountingWorld(cgroup_lab)
    known: dict[str, JobAccounting] = {}

    def over() -> bool:
        known.update({j: a.value for j, a in accounting(world, ids.values()).items() if isinstance(a, Found)})
        return all(known[job].final for job in ids.values())

    until(over, "out of memory")
    return {name: known[job] for name, job in ids.items()}


def test_a_job_out_of_memory_is_called_so(hungry: Mapping[str, JobAccounting]) -> None:
    last = hungry["script"].attempts[-1]
    assert (last.state, last.exit_code, last.signal, last.succeeded) == ("OUT_OF_MEMORY", 0, 125, False)


def test_a_step_out_of_memory_fails_a_job_that_slurm_calls_completed(hungry: Mapping[str, JobAccounting]) -> None:
    last = hungry["step"].attempts[-1]
    assert (last.state, last.exit_code, last.derived_exit_code, last.succeeded) == ("COMPLETED", 0, 253, False)
