"""What does `auditor sbatch` leave behind? One record a submission, made while nobody waits; and when that fails, nothing but the job."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import slurmlab
from sidebyside import blot, wait

from auditor import intake
from auditor.model import Capture, Phase
from auditor.submit.shim import install_shim
from tests.needs import need

pytestmark = pytest.mark.slurm
ROOT = Path(__file__).parents[2]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)

QUICK = "#!/bin/bash\n#SBATCH -o out-%j.txt\n#AUDITOR label=paper input=in.csv output=out-*.txt\necho done $*\n"


@pytest.fixture
def work(tmp_path: Path, light_lab: slurmlab.Lab, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a script in it, `sbatch` meaning ours, and a fresh home."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "job.sh").write_text(QUICK)
    (tmp_path / "bin").mkdir()
    install_shim(str(tmp_path / "bin"))
    for name in ("AUDITOR_CONFIG", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLURM_CONF", light_lab.conf)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AUDITOR_HOME", str(tmp_path / "home/records"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.chdir(folder)
    return folder


def ours(*argv: str, **given: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sbatch", *argv], capture_output=True, text=True, timeout=60, **given)  # type: ignore[call-overload, no-any-return]


def until(found: Callable[[], object], seconds: float = 60) -> object:
    """What `found` gives once it gives something."""
    end = time.monotonic() + seconds
    while not (answer := found()):
        if time.monotonic() > end:
            raise AssertionError(f"it did not come in {seconds} s:\n{log()}")
        time.sleep(0.05)
    return answer


def log() -> str:
    path = Path(os.environ["AUDITOR_HOME"], "auditor.log")
    return path.read_text() if path.exists() else ""


def records(pattern: str = "*") -> list[Capture]:
    return [intake.read(str(p)) for p in sorted(Path(os.environ["AUDITOR_HOME"], "spool").glob(pattern))]


def record(pattern: str) -> Capture:
    until(lambda: len(records(pattern)) == 1)
    return records(pattern)[0]


def test_a_script_is_known_by_its_text_its_command_line_and_what_it_declares(work: Path) -> None:
    job = ours("--parsable", "-J", "x y", "job.sh", "two words", "").stdout.strip()
    found = record(f"{job}-0-submit-*.json").job
    assert found.script == QUICK
    assert found.script_path == str(work / "job.sh")
    assert found.argv == ("--parsable", "-J", "x y", "job.sh", "two words", "")
    assert (found.label, found.inputs, found.outputs) == ("paper", ("in.csv",), ("out-*.txt",))
    assert (found.workdir, found.cluster, found.hook, found.is_array) == (str(work), "lab", "installed", False)


def test_start_and_end_are_seen_in_the_job_and_belong_to_the_same_run(work: Path) -> None:
    job = ours("--parsable", "job.sh").stdout.strip()
    submitted, started, ended = (record(f"{job}-0-{phase}-*").job for phase in Phase if phase is not Phase.LATER)
    assert submitted.run_id == started.run_id == ended.run_id
    assert (work / f"out-{job}.txt").read_text() == "done\n"


def test_what_was_typed_before_the_options_of_sbatch_is_ours(work: Path) -> None:
    job = ours("--auditor-no-hook", "--auditor-label=mine", "--auditor-input=a b.csv", "--parsable", "job.sh").stdout.strip()
    found = record(f"{job}-0-submit-*.json").job
    assert (found.label, found.inputs, found.hook) == ("mine", ("a b.csv",), "switched off")
    assert found.argv == ("--parsable", "job.sh")


@pytest.mark.parametrize(
    ("argv", "stdin", "hook", "is_array"),
    [
        (("-a", "1-2", "job.sh"), None, "installed", True),
        ((), QUICK, "installed", False),
        (("--wrap", "echo"), None, "--wrap runs under /bin/sh", False),
        (("--export=NONE", "job.sh"), None, "--export=NONE leaves it out", False),
        (("--export=ALL,A=1", "job.sh"), None, "installed", False),
        ((), QUICK.replace("/bin/bash", "/bin/sh"), "interpreter /bin/sh", False),
        ((), QUICK.replace("/bin/bash", "/bin/bash -v"), "bash is started with -v", False),
    ],
)
def test_it_is_said_whether_the_hook_went_along_and_why_not(
    work: Path, argv: tuple[str, ...], stdin: str | None, hook: str, is_array: bool
) -> None:
    given = {"input": stdin} if stdin else {"stdin": subprocess.DEVNULL}
    job = ours("--parsable", *argv, **given).stdout.strip()
    found = record(f"{job}-0-submit-*.json").job
    assert (found.hook, found.is_array, found.job_id) == (hook, is_array, job)


def test_a_job_of_which_sbatch_prints_no_number_is_found_by_its_session(work: Path) -> None:
    done = ours("-Q", "-J", "unheard", "job.sh")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert record("*-submit-*.json").job.argv == ("-Q", "-J", "unheard", "job.sh")


def test_of_a_heterogeneous_job_the_leader_is_the_run(work: Path) -> None:
    job = ours("--parsable", "-n1", ":", "-n1", "job.sh").stdout.strip()
    assert record(f"{job}+0-0-submit-*.json").job.run_id == record(f"{job}+0-0-end-*").job.run_id


def test_a_secret_on_the_command_line_or_in_the_script_is_not_kept(work: Path) -> None:
    (work / "job.sh").write_text(QUICK + "export WANDB_API_KEY=canary1234567890\ncurl https://u:canary1234567890@example.org\n")
    job = ours("--parsable", "job.sh", "--token=canary1234567890").stdout.strip()
    record(f"{job}-0-submit-*.json")
    record(f"{job}-0-end-*")
    kept = [p for p in Path(os.environ["AUDITOR_HOME"]).rglob("*") if p.is_file()]
    assert [p.name for p in kept if b"canary1234567890" in p.read_bytes()] == []


def test_the_caller_reads_the_end_of_the_output_while_the_looking_still_goes_on(work: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    slow = tmp_path / "bin/scontrol"
    slow.write_text(f'#!/bin/sh\n: >{tmp_path}/asked\nread go <{tmp_path}/go\nexec /usr/bin/scontrol "$@"\n')
    slow.chmod(0o755)
    job = ours("--parsable", "job.sh").stdout.strip()  # returns at the end of stdout and stderr
    until((tmp_path / "asked").exists)
    assert records("*-submit-*.json") == []
    slow.unlink()
    (tmp_path / "go").write_text("go\n")
    assert record(f"{job}-0-submit-*.json").job.job_id == job


@pytest.fixture
def heard() -> Iterator[None]:
    """What is started hears signals, though `nohup` or a script's `&` made us ignore them: a handler does not survive exec."""
    before = {n: signal.signal(n, lambda *_: None) for n in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("to", ["process", "group"])
@pytest.mark.parametrize("number", SIGNALS, ids=lambda n: n.name)
def test_a_signal_ends_it_as_it_ends_sbatch(work: Path, heard: None, number: signal.Signals, to: str) -> None:
    def ended(program: str) -> tuple[str, str, int]:
        child = subprocess.Popen(
            [program, "-H", "--wait", "job.sh"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
        )
        assert child.stdout is not None
        line = child.stdout.readline()
        (os.killpg if to == "group" else os.kill)(child.pid, number)
        out, err = child.communicate(timeout=60)
        return blot(line + out), err, child.returncode

    assert ended("sbatch") == ended("/usr/bin/sbatch") == ("Submitted batch job N\n", "", -number)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "full"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]).returncode:
        need("root that may mount a small disk")
    (folder / "filler").write_bytes(b"x" * 65536)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _same_without(work: Path, home: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "AUDITOR_HOME"):
        monkeypatch.delenv(name)
    if home is not None:
        monkeypatch.setenv("AUDITOR_HOME", home)
    else:
        monkeypatch.setenv("HOME", "nowhere")  # unset, it would be the real one of whoever runs the tests
    done = ours("job.sh", "x")
    assert (blot(done.stdout), done.stderr, done.returncode) == ("Submitted batch job N\n", "", 0)
    wait(dict(os.environ))
    assert [p.read_text() for p in work.glob("out-*.txt")] == ["done x\n"]


def test_a_full_disk_changes_nothing_for_the_job(work: Path, full_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _same_without(work, str(full_disk / "records"), monkeypatch)


def test_a_home_that_is_a_file_changes_nothing_for_the_job(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    _same_without(work, str(tmp_path / "file/records"), monkeypatch)


def test_no_home_at_all_changes_nothing_for_the_job(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _same_without(work, None, monkeypatch)


def test_a_disk_that_fills_up_while_the_job_waits_changes_nothing(
    work: Path, full_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (full_disk / "filler").unlink()
    monkeypatch.setenv("AUDITOR_HOME", str(full_disk))
    job = ours("-H", "--parsable", "job.sh").stdout.strip()
    until(lambda: list((full_disk / "hook").glob("hook-*.sh")))
    (full_disk / "filler").write_bytes(b"x" * 20000)
    with open(full_disk / "filler", "ab", buffering=0) as file:
        while True:
            try:
                file.write(b"x" * 512)
            except OSError:
                break
    subprocess.run(["scontrol", "release", job], check=True)
    wait(dict(os.environ))
    assert (work / f"out-{job}.txt").read_text() == "done\n"
    assert list((full_disk / "spool").glob("*.raw")) == []


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user may enter: pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="plain-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def test_a_plain_user_with_the_systems_python_is_served_as_well(light_lab: slurmlab.Lab, open_folder: Path) -> None:
    python = "/usr/bin/python3"
    say = [python, "-c", "import sys; print(sys.version_info >= (3, 11))"]
    if os.geteuid() != 0 or not os.path.exists(python) or subprocess.run(say, capture_output=True).stdout != b"True\n":
        need("root, to become somebody else, and a /usr/bin/python3 of 3.11 or later")
    for name in ("bin", "home", "work"):
        (open_folder / name).mkdir()
    code = "import sys; sys.path.append(sys.argv[1]); from auditor.submit.shim import install_shim; install_shim(sys.argv[2])"
    package = open_folder / "lib"
    for part in ("auditor", "probes", "reports"):
        shutil.copytree(ROOT / part, package / part, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([python, "-c", code, str(package), f"{open_folder}/bin"], check=True)
    (open_folder / "work/job.sh").write_text(QUICK)
    for path in open_folder.rglob("*"):
        shutil.chown(path, "nobody")
    env = {"HOME": f"{open_folder}/home", "PATH": f"{open_folder}/bin:/usr/bin:/bin", "SLURM_CONF": light_lab.conf}
    given = {
        "env": env,
        "cwd": open_folder / "work",
        "user": "nobody",
        "group": pwd.getpwnam("nobody").pw_gid,
        "extra_groups": [],
    }
    done = ours("job.sh", "mine", **given)
    assert (blot(done.stdout), done.stderr, done.returncode) == ("Submitted batch job N\n", "", 0)
    spool = open_folder / "home/.local/state/auditor/spool"
    until(lambda: spool.exists() and len(list(spool.glob("[0-9]*"))) == 3)
    found = [intake.read(str(p)).job for p in spool.glob("[0-9]*")]
    assert len({j.run_id for j in found}) == 1
    assert {j.user for j in found} == {"nobody", ""}
    assert [p.read_text() for p in (open_folder / "work").glob("out-*")] == ["done mine\n"]
