"""What does the hook do to a batch script's shell? Run by plain bash, with no scheduler: the same script with it and without."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor import intake, rawfile, redact, spool
from auditor.home import Home
from auditor.model import Phase, Status
from auditor.registry import probes
from auditor.submit import hook, injob
from auditor.submit.bashenv import value
from tests.needs import need

SLURM = {"SLURM_JOB_ID": "41", "SLURM_CLUSTER_NAME": "lab", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
SUBMISSION = "0123456789abcdef"


class Job:
    """A folder as slurmd makes it, and a home with the hook in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = Home(str(folder / "home"))
        self.hook = hook.install(self.home)
        self.script = folder / "slurm_script"

    def run(
        self, text: str, *argv: str, hooked: bool = True, extra: str = "nohash", env: dict[str, str] | None = None
    ) -> tuple[bytes, bytes, int]:
        self.script.write_text(text if text.startswith("#!") else f"#!/bin/bash\n{text}\n")
        self.script.chmod(0o700)
        given = {**SLURM, **(env or {})}
        if hooked:
            given["BASH_ENV"] = value(self.hook, SUBMISSION, given.get("BASH_ENV"), extra)
        done = subprocess.run(
            [str(self.script), *argv], env=given, cwd=self.folder, capture_output=True, stdin=subprocess.DEVNULL
        )
        return done.stdout, done.stderr, done.returncode

    def record(self, phase: str, job: str = "41-0") -> rawfile.Record:
        return rawfile.parse(Path(self.home.spool, f"{job}-{phase}-{SUBMISSION}.raw").read_bytes())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """For scripts that leave nothing another test could see."""
    return Job(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_the_start_and_the_end_of_a_script_are_told_apart_from_its_number(job: Job) -> None:
    assert job.run('echo "$@"; exit 137', "a b", "c") == (b"a b c\n", b"", 137)
    start, end = job.record("start"), job.record("end")
    assert (start.phase, end.phase, end.status) == (Phase.START, Phase.END, 137)
    assert start.job.run_id == end.job.run_id
    assert (start.job.job_id, start.job.submission, start.job.cluster, start.job.attempt) == ("41", SUBMISSION, "lab", 0)
    assert (start.job.started_at, start.job.ended_at) == (start.world.taken.isoformat(), "")
    assert (start.world.node, start.world.cwd) == (os.uname().nodename, str(job.folder))
    assert sorted(p.name for p in Path(job.home.spool).iterdir()) == [
        f"41-0-end-{SUBMISSION}.raw",
        f"41-0-start-{SUBMISSION}.raw",
    ]


@pytest.mark.parametrize("extra", ["nohash", ""])
def test_no_part_of_a_record_passes_for_the_whole(job: Job, extra: str) -> None:
    job.run("true", extra=extra)
    for phase in ("start", "end"):
        (path,) = Path(job.home.spool).glob(f"*-{phase}-*.raw")
        raw = path.read_bytes()
        assert raw.endswith(spool.END)
        guests = b"evidence\0" in raw  # then the file had another name until the last byte
        assert raw.count(spool.END) == (2 if guests else 1)
        assert guests == (phase == "start" and not extra)


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({"SLURM_ARRAY_JOB_ID": "40", "SLURM_ARRAY_TASK_ID": "3"}, "40_3-0"),
        ({"SLURM_RESTART_COUNT": "2"}, "41-2"),
        ({"SLURM_HET_SIZE": "2"}, "41+0-0"),
    ],
)
def test_a_task_an_attempt_and_a_heterogeneous_leader_have_names_of_their_own(job: Job, env: dict[str, str], name: str) -> None:
    job.run("true", env=env)
    assert job.record("end", name).job.job_id == name.rpartition("-")[0]


def test_values_are_kept_by_the_allow_list_and_of_all_others_the_name(job: Job) -> None:
    env = {
        "OMP_NUM_THREADS": "4\n5",
        "API_TOKEN": "canary-1",
        "SLURM_JOB_USER": "canary-2",
        "MINE": "canary-3",
        "LC_ALL": "C.UTF-8",
    }
    job.run("true", env=env)
    seen = job.record("start").world.env
    assert {n: seen[n] for n in env} == {
        "OMP_NUM_THREADS": "4\n5",
        "LC_ALL": "C.UTF-8",
        **dict.fromkeys(("API_TOKEN", "SLURM_JOB_USER", "MINE"), redact.MARK),
    }
    kept = [p for p in Path(job.home.root).rglob("*") if p.is_file()]
    assert [p for p in kept if b"canary-" in p.read_bytes()] == []


def test_the_shell_and_python_agree_on_every_name(job: Job) -> None:
    names = {
        *redact.NAMES,
        *(f"{prefix}{rest}" for prefix in redact.PREFIXES for rest in ("X", "API_KEY", "APIKEY", "A_USER", "USERS", "TOKENS", "JOB_UID", "ACCOUNT")),
        *("SLURM_CONF", "SLURM_JOB_ACCOUNT", "SLURMD_NODENAME", "OMP", "XOMP_A", "HOME", "A_DOCKER_B", "SLURM_DOCKER_X", "SEEDS", "I_MPI_X", "I_X"),
    }  # fmt: skip
    names -= {"PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "PWD", "SLURM_HET_SIZE", "LC_ALL"}
    job.run("true", env=dict.fromkeys(names, "v"))
    seen = job.record("start").world.env
    assert {n for n in names if seen[n] == "v"} == {n for n in names if redact.allowed(n)}


def test_the_end_has_the_environment_that_the_script_made(job: Job) -> None:
    job.run(
        "export LOADEDMODULES=gcc/12 VIRTUAL_ENV=/v; OMP_PROC_BIND=close; unset LANG; cd /; umask 007; export SECRET_KEY=canary"
    )
    start, end = job.record("start").world, job.record("end").world
    assert "LOADEDMODULES" not in start.env
    assert (end.env["LOADEDMODULES"], end.env["VIRTUAL_ENV"], end.env["SECRET_KEY"]) == ("gcc/12", "/v", redact.MARK)
    assert "OMP_PROC_BIND" not in end.env  # set, not exported: no program of the job's saw it
    assert ("LANG" in start.env, "LANG" in end.env) == (True, False)
    assert (end.cwd, end.run("umask").out) == ("/", "0007\n")
    assert "open files" in end.run("ulimit", "-a").out


def test_files_that_probes_ask_for_are_there_or_said_to_be_missing(job: Job) -> None:
    job.run("true")
    for phase in (Phase.START, Phase.END):
        world = job.record(phase).world
        for path in hook.records(phase):
            if "*" not in path:
                assert world.exists(path) == os.path.exists(path)
    assert job.record("end").world.text("/proc/self/cgroup") == Path("/proc/self/cgroup").read_text()


def test_the_counters_of_the_shell_are_its_own(job: Job) -> None:
    job.run("head -c 3000000 /dev/zero >zeros")
    counters = dict(line.split(": ") for line in job.record("end").world.text("/proc/self/io").splitlines())
    assert int(counters["wchar"]) > 3_000_000


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("exit 3", True),
        ("set -eu; false", True),
        ("kill -TERM $$", True),
        ("trap 'echo mine $?' EXIT; exit 3", False),
        ("kill -9 $$", False),
        ("exec true", False),
        ("set -v; true", False),
    ],
)
def test_the_end_is_seen_unless_the_script_has_a_better_claim(job: Job, text: str, ends: bool) -> None:
    assert job.run(text) == job.run(text, hooked=False)
    assert Path(job.home.spool, f"41-0-end-{SUBMISSION}.raw").exists() == ends
    assert Path(job.home.spool, f"41-0-start-{SUBMISSION}.raw").exists()


@pytest.mark.parametrize("prior", ["own.sh", "./own.sh", "$PWD/own.sh", "`pwd`/own.sh", "/no/such/file", ""])
def test_the_users_own_bash_env_is_read_as_before(shared: Job, prior: str) -> None:
    (shared.folder / "own.sh").write_text("echo own $0 $# ${BASH_ENV}; shopt -s extglob; own=1; set -- changed; false\n")
    text = "echo $? $own $* $-; shopt extglob; bash -c 'echo ${BASH_ENV-none}'"
    assert shared.run(text, "a", env={"BASH_ENV": prior}) == shared.run(text, "a", env={"BASH_ENV": prior}, hooked=False)


def _default_signals() -> None:
    """Whoever started the tests in the background had HUP, INT or QUIT ignored, and `trap -p` tells of it."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def test_a_bash_that_is_not_the_batch_script_is_passed_by(job: Job) -> None:
    (job.folder / "own.sh").write_text("echo own\n")
    env = {**SLURM, "BASH_ENV": value(job.hook, SUBMISSION, str(job.folder / "own.sh"))}
    done = subprocess.run(
        ["/bin/bash", "-c", "echo task prolog; compgen -v __auditor; trap -p"],
        env=env,
        capture_output=True,
        text=True,
        preexec_fn=_default_signals,
    )
    assert (done.stdout, done.stderr) == ("own\ntask prolog\n", "")
    assert os.listdir(job.home.spool) == []


def test_no_name_of_ours_is_left(shared: Job) -> None:
    out, err, code = shared.run(
        "compgen -v auditor_; compgen -v __auditor; compgen -A function; compgen -e | grep -i -e audit -e BASH_ENV; true"
    )
    assert (out, err, code) == (b"", b"", 0)


SETTINGS = ("set -e", "set -u", "set -o pipefail", "set -x", "set -f", "set -C", "set -a", "set -E", "set -o posix", "shopt -s nullglob",
            "shopt -s failglob extglob", "shopt -s nocasematch", "IFS=:", "umask 027", "LC_ALL=C", "unset PATH", "trap 'echo got $?' ERR",
            "trap '' TERM", "exec 7>/dev/null", "cd /", "PS4='%'", "set -m", "export POSIXLY_CORRECT=1", "readonly out=1 text=2 job=3")  # fmt: skip
COMMANDS = ('echo "$# $1 $? $_ $-"', "false", "echo a:b $IFS", "(exit 4)", "echo ${nothing}", "umask", "x=$(exit 6); echo $?", "echo err >&2", "pwd",
            "kill -TERM $$", "exit 5", "exit 255", "return 3", "nosuch", "set -o", "f() { false; }; f", "echo /etc/host*", "{ exit 9; }", "wait",
            ":", "echo $LINENO $BASH_SUBSHELL ${#FUNCNAME[@]} ${BASH_SOURCE[0]##*/}", "trap", "unset SLURM_JOB_ID", "((0))")  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    flags=st.sampled_from(["", " -e", " -u", " -x", " -eu", " -f", " -a", " -l"]),
    lines=st.lists(st.sampled_from([*SETTINGS, *COMMANDS[:-4], *COMMANDS[-3:]]), min_size=1, max_size=6),
    argument=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
)
def test_any_script_writes_the_same_bytes_and_ends_the_same(shared: Job, flags: str, lines: list[str], argument: str) -> None:
    text = "\n".join([f"#!/bin/bash{flags}", *(line for line in lines if line != "trap"), ""])
    assert without_pids(shared.run(text, argument)) == without_pids(shared.run(text, argument, hooked=False))


def without_pids(seen: tuple[bytes, bytes, int]) -> tuple[bytes, bytes, int]:
    return re.sub(rb"\d{3,}", b"N", seen[0]), re.sub(rb"\d{3,}", b"N", seen[1]), seen[2]


def traced(job: Job, calls: str, extra: str) -> list[list[str]]:
    """What a job with the hook asks of the kernel, its own bash and all that the hook starts: process number, call."""
    need(*([] if shutil.which("strace") else ["strace"]))
    job.run("true", extra=extra)  # the interpreter has compiled what it needs
    env = {**SLURM, "BASH_ENV": value(job.hook, SUBMISSION, None, extra)}
    argv = ["strace", "-f", "-qq", "-e", f"trace={calls}", "-e", "signal=none", "-o", str(job.folder / "trace"), str(job.script)]
    subprocess.run(argv, env=env, cwd=job.folder, check=True)
    return [line.split(None, 1) for line in (job.folder / "trace").read_text().splitlines()]


def test_a_look_starts_no_process_but_its_own_shell(job: Job) -> None:
    started = [call.split('"')[1] for _, call in traced(job, "execve", "nohash") if call.endswith(" = 0")]
    assert started == [str(job.script), "/bin/bash", "/bin/bash"]


def test_the_guests_open_no_more_files_than_a_shared_file_system_can_bear(job: Job) -> None:
    opened = [(pid, call) for pid, call in traced(job, "open,openat", "") if re.search(r" = \d+$", call)]
    (guests,) = {pid for pid, call in opened if injob.__file__ in call}
    assert job.record("start").evidence
    assert len([pid for pid, _ in opened if pid == guests]) <= 135


def test_what_the_script_itself_declares_is_hashed_as_the_job_starts_and_a_typed_input_counts_instead(job: Job) -> None:
    for name in ("a.csv", "b.csv"):
        (job.folder / name).write_text(name)
    for extra, expected in (("", "a.csv"), ("input=b.csv", "b.csv")):
        assert job.run("#!/bin/bash\n#AUDITOR input=a.csv\ntrue\n", extra=extra)[2] == 0
        (data,) = [e["data"] for e in job.record("start").evidence or () if e["probe"] == "data"]
        assert [(f["path"], f["role"], f["sha256"]) for f in data["files"]] == [
            (expected, "input", hashlib.sha256(expected.encode()).hexdigest())
        ]


def test_guests_look_inside_the_job_with_the_standard_library_alone(job: Job) -> None:
    (job.folder / "step.sh").write_text("echo step\n")
    assert job.run("bash step.sh", extra="") == (b"step\n", b"", 0)
    names = {e["probe"] for e in job.record("start").evidence or ()}
    assert names == {p.name for p in probes().values() if p.guest and Phase.START in p.phases}
    code = (
        f"import sys; sys.path.append({str(Path(injob.__file__).parents[2])!r})\nfrom auditor.submit import injob\n"
        f"injob.main([{str(job.folder / 'record')!r}, {str(job.folder / 'final')!r}, {str(job.script)!r}, '', *{list(hook.guests())!r}])\n"
        "print(*sorted(m for m in sys.modules))"
    )
    (job.folder / "record").write_bytes(Path(job.home.spool, f"41-0-start-{SUBMISSION}.raw").read_bytes())
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=job.folder, env=SLURM, capture_output=True, text=True)
    assert done.stderr == ""
    assert {m.partition(".")[0] for m in done.stdout.split()} - set(sys.stdlib_module_names) == {"__main__", "auditor", "probes"}


def test_without_the_interpreter_the_record_is_whole_and_the_guests_are_known_to_be_missing(job: Job) -> None:
    snapshot = next(Path(job.home.root, "hook").glob("snapshot-*.sh"))
    snapshot.write_text(snapshot.read_text().replace(sys.executable, "/no/such/python"))
    job.run("true", extra="")
    found = intake.read(str(Path(job.home.spool, f"41-0-start-{SUBMISSION}.raw")))
    guests = {p.name for p in probes().values() if p.guest and Phase.START in p.phases}
    assert {e.probe for e in found.evidence if e.status is Status.FAILED} >= guests


def test_an_interpreter_that_breaks_costs_nothing_but_its_evidence(job: Job) -> None:
    snapshot = next(Path(job.home.root, "hook").glob("snapshot-*.sh"))
    snapshot.write_text(snapshot.read_text().replace(sys.executable, "/bin/false"))
    assert job.run("echo out", extra="") == (b"out\n", b"", 0)
    assert job.record("start").evidence is None


@pytest.mark.parametrize("spoil", ["rmtree", "file", "readonly"])
def test_where_nothing_can_be_written_the_script_runs_as_ever(job: Job, spoil: str) -> None:
    os.rmdir(job.home.spool)
    if spoil == "file":
        Path(job.home.spool).write_text("")
    elif spoil == "readonly":
        os.symlink("/proc/nowhere", job.home.spool)
    else:
        for path in Path(job.home.root, "hook").iterdir():
            path.unlink()
    text = "echo out; exit 4"
    assert job.run(text) == job.run(text, hooked=False) if spoil != "rmtree" else job.run(text)[0] == b"out\n"


def test_the_hook_is_written_once_and_found_again(tmp_path: Path) -> None:
    home = Home(str(tmp_path / "home"))
    first = hook.install(home)
    assert hook.install(home) == first
    assert os.readlink(tmp_path / "home/hook" / hook.pointer(sys.executable)) == os.path.basename(first)
    assert sorted(p.suffix for p in (tmp_path / "home/hook").iterdir() if not p.is_symlink()) == [".sh", ".sh"]
    assert "@" not in Path(first).read_text().replace('"$@"', "").replace("[@]", "")
    assert [oct(p.stat().st_mode & 0o777) for p in (tmp_path / "home", tmp_path / "home/spool")] == ["0o700", "0o700"]


def test_a_pattern_that_a_shell_cannot_say_is_refused() -> None:
    assert hook.globs("TOKEN|API_?KEY|_USER$") == "*TOKEN* | *API_KEY* | *APIKEY* | *_USER"
    with pytest.raises(ValueError, match="cannot be said"):
        hook.globs("A[BC]")


def test_what_the_wrapper_wrote_the_guest_reads() -> None:
    assert injob.unescape(r"input=a\x20b\x0ainput=\xc3\xbc") == "input=a b\ninput=ü"
