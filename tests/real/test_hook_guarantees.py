"""What does the in-job hook change for a real job? Nothing: the same scripts with and without it, and every trace compared."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import slurmlab
from sidebyside import blot, wait

from auditor import intake
from auditor.model import Phase
from auditor.submit.shim import install_shim

pytestmark = pytest.mark.slurm

LOOP = "echo up; sleep 60 & wait; wait"

ENDS = {
    "exit 0": "echo hi",
    "exit 3": "exit 3",
    "exit 137": "exit 137",
    "exit 255": "exit 255",
    "the last command fails": "false",
    "killed outright": "kill -9 $$",
    "killed by TERM": "kill -TERM $$; echo not here",
    "killed by SEGV": "ulimit -c 0; kill -SEGV $$; echo not here",
    "killed by PIPE": "kill -PIPE $$; echo not here",
    "set -e": "set -e; false; echo not here",
    "set -e in a function": "set -eE; trap 'echo err $LINENO' ERR; f() { false; }; f; echo not here",
    "set -u": "set -u; echo $nothing; echo not here",
    "set -o pipefail": "set -eo pipefail; false | true; echo not here",
    "a syntax error": "if true; then\n",
    "a command that is not there": "no-such-command",
    "exec": "exec /bin/sh -c 'echo $0; exit 5'",
    "set -x": "set -x; echo hi; f() { true; }; f; exit 4",
    "set -v": "set -v\necho hi\nexit 4",
    "set -n": "set -n\necho hi",
    "noclobber and noglob": "set -Cf; echo * ; exit 2",
    "posix": "set -o posix; echo hi; exit 2",
    "a locale that is not there": "export LC_ALL=xx_XX; echo hi; exit 2",
    "a broken PATH": "PATH=/nowhere; echo hi; exit 2",
    "no environment left": "for v in $(compgen -e); do unset $v; done; echo hi; exit 2",
    "functions named like commands": "mv() { echo mine; }; printf() { echo mine; }; trap - USR1; read() { echo mine; }; exit 2",
    "umask": "umask 000; touch file; stat -c %a file; umask",
    "another folder": "mkdir -p away; cd away; rmdir ../away; pwd; exit 2",
    "limits": "ulimit -f 0; exit 2",
    "many children": "for i in 1 2 3; do (exit $i) & done; wait; echo $?; wait -n; echo $?",
    "a job in the background": "sleep 0.3 & echo left; exit 2",
    "an EXIT trap": "trap 'echo bye $?' EXIT; exit 6",
    "a trap on 0": "trap 'echo bye $?; exit 9' 0; exit 6",
    "an EXIT trap from a sourced file": "echo \"trap 'echo bye' EXIT\" >t; . ./t; exit 6",
    "an EXIT trap in a subshell": "(trap 'echo sub' EXIT; exit 3); echo $?",
    "traps in a subshell": "(exit 4); echo $?; x=$(trap -p INT); echo \"<$x>\"",
    "a CHLD trap": "set -m; trap 'echo child' CHLD; /bin/true; exit 2",
    "a DEBUG trap": "trap 'echo debug' DEBUG; true; exit 2",
    "a RETURN trap": "set -T; trap 'echo return' RETURN; f() { :; }; f; exit 2",
    "an ERR trap": "trap 'echo err' ERR; false; exit 2",
    "xtrace somewhere else": "exec 5>trace; BASH_XTRACEFD=5; set -x; echo hi; exit 2",
    "closed files": "exec 0<&- 1>&- 2>&-; exit 2",
    "a child bash": "bash -c 'echo $0 ${BASH_ENV-none}; trap -p; exit 4'; echo $?; bash <<<'trap -p; echo in'",
    "a step": "srun -Q -n1 bash -c 'echo $SLURM_PROCID ${BASH_ENV-none}'; exit 2",
    "a submission from the job": "/usr/bin/sbatch -Q --wrap 'env | grep -c auditor' -o inner; exit 0",
    "RANDOM": "RANDOM=1; echo $RANDOM $RANDOM",
    "its own number": "[ $$ = $BASHPID ] && echo same; echo $PPID >/dev/null; echo ${#BASH_SOURCE[@]} $BASH_SUBSHELL $LINENO $SHLVL",
    "half a megabyte": "head -c 500000 /dev/zero | tr '\\\\0' x",
    "output without a line end": "printf 'no end'; printf 'err' >&2",
}  # fmt: skip


@dataclass(frozen=True)
class Way:
    """Where `sbatch` means the one or the other; state of a job as slurmctld has it."""

    folder: Path
    env: Mapping[str, str]

    def __call__(self, *argv: str, stdin: str | None = None) -> str:
        done = subprocess.run(argv, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=60, input=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def state(self, job: str) -> dict[str, str]:
        words = self("scontrol", "show", "job", job).split()
        return dict(w.split("=", 1) for w in words if "=" in w)

    def output(self, name: str) -> str:
        return blot((self.folder / name).read_text(errors="replace"))

    def records(self) -> list[str]:
        return sorted(p.name for p in (self.folder.parent / "home/.local/state/auditor/spool").glob("*.raw"))


@pytest.fixture(scope="module")
def ways(light_lab: slurmlab.Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[Way, Way]:
    """sbatch, and auditor's: with folders, homes and PATHs that read the same to a job but for one letter."""
    base = tmp_path_factory.mktemp("ways")
    found = []
    for letter in "ab":
        root = base / letter
        for name in ("work", "home", "bin"):
            (root / name).mkdir(parents=True)
        env = {"PATH": f"{root}/bin:/usr/bin:/bin", "HOME": f"{root}/home", "SLURM_CONF": light_lab.conf, "LANG": "C.UTF-8"}
        found.append(Way(root / "work", env))
    install_shim(str(base / "b/bin"))
    return found[0], found[1]


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def ended(ways: tuple[Way, Way]) -> list[dict[str, tuple[str, str, str]]]:
    """Each way a script can end: state, exit code, and all it wrote, both ways."""
    submitted = []
    for way in ways:
        jobs = {}
        for number, (name, text) in enumerate(ENDS.items()):
            folder = way.folder / str(number)
            folder.mkdir()
            (folder / "job.sh").write_text(f"#!/bin/bash\n{text}\n")
            jobs[name] = (
                way("sbatch", "--parsable", "-D", str(folder), "-o", "out", "-e", "err", str(folder / "job.sh"), "a b"),
                folder,
            )
        submitted.append(jobs)
    wait(ways[0].env)
    both = []
    for way, jobs in zip(ways, submitted, strict=True):
        found = {}
        for name, (job, folder) in jobs.items():
            state = way.state(job)
            files = {p.name: blot(p.read_text(errors="replace")) for p in sorted(folder.iterdir())}
            found[name] = (state["JobState"], state["ExitCode"], str(files).replace(str(folder.parents[1]), ""))
        both.append(found)
    return both


@pytest.mark.parametrize("name", ENDS)
def test_a_script_ends_and_writes_as_it_would_without_us(ended: list[dict[str, tuple[str, str, str]]], name: str) -> None:
    without, with_us = ended
    assert with_us[name] == without[name]


UNSEEN = {
    *("killed outright", "exec", "set -n"),  # no shell is left to tell
    *("an EXIT trap", "a trap on 0", "an EXIT trap from a sourced file"),  # the script's own comes instead
    *("set -v", "a DEBUG trap", "xtrace somewhere else"),  # the output would show it
    *("no environment left", "limits"),  # the job's number, the right to write a file
}


def test_every_start_was_seen_and_every_end_a_shell_could_tell(
    ended: list[dict[str, tuple[str, str, str]]], ways: tuple[Way, Way]
) -> None:
    names = ways[1].records()
    jobs = sorted({int(n.split("-")[0]) for n in names if "-start-" in n})
    assert len(jobs) == len(ended[1])
    seen = {int(n.split("-")[0]) for n in names if "-end-" in n}
    assert {name for name, job in zip(ENDS, jobs, strict=True) if job not in seen} == UNSEEN
    assert ways[0].records() == []


def _submitted(way: Way, text: str, *argv: str) -> str:
    (way.folder / "job.sh").write_text(f"#!/bin/bash\n{text}\n")
    return way("sbatch", "--parsable", "-o", "out-%j", *argv, "job.sh")


def _after(ways: tuple[Way, Way], text: str, act: Callable[[Way, str], None], *argv: str) -> list[tuple[str, str, str]]:
    """A job each way that is acted upon once it runs: its state, exit code and output."""
    jobs = [(way, _submitted(way, text, *argv)) for way in ways]
    for way, job in jobs:
        until(lambda way=way, job=job: (way.folder / f"out-{job}").exists() and "up\n" in way.output(f"out-{job}"))  # type: ignore[misc]
        act(way, job)
    wait(ways[0].env)
    return [_ended(way, job) for way, job in jobs]


def _ended(way: Way, job: str) -> tuple[str, str, str]:
    state = way.state(job)
    # slurmctld may hear of the end of a cancelled script before or after it closes the job's books
    code = "" if state["JobState"] == "CANCELLED" else state["ExitCode"]
    return state["JobState"], code, way.output(f"out-{job}")


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        (f"trap 'echo got; exit 7' USR1; {LOOP}", ("scancel", "-b", "-s", "USR1")),
        (f"trap 'echo got' USR1; {LOOP}", ("scancel", "-b", "-s", "USR1")),
        (LOOP, ("scancel", "-b", "-s", "USR1")),
        (LOOP, ("scancel", "-b", "-s", "INT")),
        (LOOP, ("scancel", "-f", "-s", "TERM")),
        (f"trap 'echo term; exit 8' TERM; {LOOP}", ("scancel",)),
        (LOOP, ("scancel",)),
        (f"trap 'echo bye' EXIT; {LOOP}", ("scancel", "-f", "-s", "TERM")),
    ],
)  # fmt: skip
def test_a_signal_finds_the_script_and_nothing_else(ways: tuple[Way, Way], text: str, argv: tuple[str, ...]) -> None:
    def act(way: Way, job: str) -> None:
        way(*argv, job)
        if "echo got'" in text:
            until(lambda: "got" in way.output(f"out-{job}"))
            way("scancel", job)

    without, with_us = _after(ways, text, act)
    assert with_us == without


def test_a_requeued_job_is_seen_once_more_as_its_second_attempt(ways: tuple[Way, Way]) -> None:
    text = 'echo up $SLURM_RESTART_COUNT; [ "$SLURM_RESTART_COUNT" ] || { echo up; sleep 60; }; exit 3'

    def act(way: Way, job: str) -> None:
        way("scontrol", "requeue", job)
        until(lambda: way.state(job)["JobState"] == "PENDING" and not way("sinfo", "-hN", "-t", "completing"))
        way("scontrol", "update", f"job={job}", "starttime=now+2")  # in the same second slurmd says "Job credential revoked"

    without, with_us = _after(ways, text, act, "--requeue", "--open-mode=append")
    assert with_us == without
    job = max(int(n.split("-")[0]) for n in ways[1].records())
    assert [n.rsplit("-", 1)[0] for n in ways[1].records() if n.startswith(f"{job}-")] == [
        f"{job}-0-end",
        f"{job}-0-start",
        f"{job}-1-end",
        f"{job}-1-start",
    ]


def test_two_hundred_tasks_leave_two_records_each_and_nothing_else(ways: tuple[Way, Way]) -> None:
    way = ways[1]
    job = _submitted(way, "echo task $SLURM_ARRAY_TASK_ID", "-a", "1-200", "-o", "task-%a")
    wait(way.env, 240)
    assert [way.output(f"task-{n}") for n in range(1, 201)] == [f"task {n}\n" for n in range(1, 201)]
    spool = way.folder.parent / "home/.local/state/auditor/spool"
    found = [p for p in spool.iterdir() if p.name.startswith(f"{job}_")]
    assert len(found) == 400
    started = intake.read(str(next(p for p in found if p.name.startswith(f"{job}_17-0-start-"))))
    ended = intake.read(str(next(p for p in found if p.name.startswith(f"{job}_17-0-end-"))))
    assert started.job.run_id == ended.job.run_id
    assert (started.phase, ended.phase) == (Phase.START, Phase.END)
    assert [p.name for p in spool.iterdir() if p.name.startswith(".")] == []


def test_a_line_in_a_script_does_the_same_where_no_wrapper_was_used(ways: tuple[Way, Way]) -> None:
    bare, wrapped = ways
    hook = wrapped.folder.parent / "home/.local/state/auditor/hook/hook.sh"
    for shell in ("/bin/bash", "/bin/sh"):
        (bare.folder / "job.sh").write_text(f"#!{shell}\n. {hook}\necho ran $* $-\nexit 4\n")
        job = bare("sbatch", "--parsable", "-o", "out-%j", "job.sh", "x y")
        wait(bare.env)
        assert (bare.state(job)["ExitCode"], bare.output(f"out-{job}").split()[:3]) == ("4:0", ["ran", "x", "y"])
        phases = [n.removeprefix(f"{job}-0-") for n in wrapped.records() if n.startswith(f"{job}-")]
        assert phases == (["end.raw", "start.raw"] if shell == "/bin/bash" else ["start.raw"])


def test_a_line_in_a_wrapped_script_does_not_look_twice(ways: tuple[Way, Way]) -> None:
    way = ways[1]
    hook = way.folder.parent / "home/.local/state/auditor/hook/hook.sh"
    job = _submitted(way, f". {hook}\necho ran")
    wait(way.env)
    assert way.output(f"out-{job}") == "ran\n"
    assert len([n for n in way.records() if n.startswith(f"{job}-")]) == 2


@pytest.mark.slow
def test_the_time_limit_is_felt_as_without_us(ways: tuple[Way, Way]) -> None:
    text = "trap 'echo got' USR1; trap 'echo term; exit 8' TERM; echo up; for i in $(seq 6000); do sleep 0.1; done"
    jobs = [(way, _submitted(way, text, "-t", "1", "--signal=B:USR1@50")) for way in ways]
    wait(ways[0].env, 240)
    without, with_us = ((way.state(j)["JobState"], way.state(j)["ExitCode"], way.output(f"out-{j}")) for way, j in jobs)
    assert with_us == without
