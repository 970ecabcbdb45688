"""Does `auditor run --trace` write down what a command touched, and leave the command as it was? On real processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from auditor import codec, spool
from auditor.home import Home
from auditor.model import AuditError, Capture, Job
from auditor.submit import tracers, tracing
from auditor.submit.local import run
from auditor.world import RealWorld
from probes.tracing import blind
from probes.tracing.blind import blind_spots
from tests.needs import need

SCRIPT = """\
cp input.csv copy.csv
python3 -c "
import os
open('made.txt', 'w').write(open('copy.csv').read())
os.rename('made.txt', 'result.txt')
open('scratch', 'w').close(); os.unlink('scratch')
open('log', 'a').write('x')
"
cat < input.csv > /dev/null
(cat table.bin >> both.bin) & wait
"""
WAYS = ("strace", "preload")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "input.csv").write_text("1,2\n")
    (folder / "table.bin").write_bytes(b"\0\1")
    (folder / "job.sh").write_text("#!/bin/bash\n" + SCRIPT)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("AUDITOR_HOME", str(tmp_path / "home"))
    need(*(tool for tool in ("strace", "cc") if not shutil.which(tool)))
    return Home(str(tmp_path / "home"))


def trace(home: Home) -> Mapping[str, Any]:
    """Data of the newest run's `touched` evidence."""
    found = [e for path in spool.waiting(home.spool) for e in codec.loads(Path(path).read_bytes(), Capture).evidence]
    (one,) = [e for e in found if e.probe == "touched"]
    assert one.data is not None, one.reason
    return one.data


def names(paths: list[str], below: Path) -> list[str]:
    return [os.path.relpath(p, below) for p in paths]


@pytest.mark.parametrize("way", WAYS)
def test_a_trace_tells_inputs_and_outputs_and_no_scratch(way: str, work: Path, home: Home) -> None:
    assert run(["job.sh"], home=home, trace=way).exit_code == 0
    seen = trace(home)
    assert names(seen["inputs"], work) == ["input.csv", "job.sh", "table.bin"]
    assert names(seen["outputs"], work) == ["both.bin", "copy.csv", "log", "result.txt"]
    assert (seen["tracer"], seen["scratch"], seen["complete"]) == (way, 2, way == "strace")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("command", "status"), [("exit 3", 3), ("kill -TERM $$", 143), ("exec true", 0)])
def test_the_status_is_the_commands_own(way: str, command: str, status: int, work: Path, home: Home) -> None:
    assert run(["bash", "-c", command], home=home, trace=way).exit_code == status


@pytest.mark.parametrize("way", WAYS)
def test_the_command_prints_and_sees_what_it_would_without(
    way: str, work: Path, home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    look = ["bash", "-c", 'echo "$0 $*"; echo error >&2; ls /proc/self/fd | wc -l; ls', "name", "a b"]
    run(look, home=home)
    without = capfd.readouterr()
    run(look, home=home, trace=way)
    assert capfd.readouterr() == without


def test_a_process_that_outlives_the_command_is_left_alone_and_said_to_be_unseen(
    work: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "PATIENCE", 0.2)
    os.mkfifo("gate")
    run(["bash", "-c", "(cat gate > late) >/dev/null 2>&1 & true"], home=home, trace="strace")
    with open("gate", "w") as gate:  # opens only because somebody still reads: it was left alone
        gate.write("go on")
    assert trace(home)["blind"] == [
        "what processes did that outlived the command",
        "calls that the trace does not tell to their end: 1",  # its open() of the gate
    ]


def test_a_way_that_cannot_be_had_is_refused_before_anything_runs(
    work: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AuditError, match="there is no way of tracing called ebpf"):
        run(["touch", "ran"], home=home, trace="ebpf")
    monkeypatch.setenv("PATH", str(work))
    with pytest.raises(AuditError, match="strace cannot be used here: strace is not installed"):
        run(["/bin/touch", "ran"], home=home, trace="strace")
    with pytest.raises(AuditError, match="preload cannot be used here: the shim needs a C compiler once"):
        run(["/bin/touch", "ran"], home=home, trace="preload")
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("script", "way", "expected"),
    [
        ("python3 train.py", "strace", ()),
        ("srun ./sim", "strace", ("what srun starts on other nodes, or through the scheduler",)),
        ("docker run x", "preload", ("what runs in containers of docker: its daemon starts them",)),
        (
            "apptainer exec x.sif y",
            "preload",
            ("what runs in containers of apptainer: the shim does not go in",),
        ),
    ],
)
def test_blind_spots_are_named_beforehand(script: str, way: str, expected: tuple[str, ...]) -> None:
    assert blind_spots([way], script) == expected


def test_the_shim_is_compiled_once(home: Home, work: Path) -> None:
    first = tracers.shim(home, RealWorld())
    made = os.stat(first).st_mtime_ns
    assert (tracers.shim(home, RealWorld()), os.stat(first).st_mtime_ns) == (first, made)


def test_a_program_with_descriptors_of_its_own_keeps_them(work: Path, home: Home) -> None:
    closes = "import os; os.closerange(3, 64); fds = [os.open('input.csv', os.O_RDONLY) for _ in range(3)]; assert fds == [3, 4, 5], fds"
    assert run(["python3", "-c", closes], home=home, trace="preload").exit_code == 0


def test_files_that_were_open_already_are_told_too(work: Path, home: Home) -> None:
    Path("through").symlink_to("input.csv")
    command = f"{sys.executable} -P -m auditor run --trace strace -- sh -c 'cat; cat <&7 >&8' <through >told.txt 7<table.bin 8>>more.bin"
    subprocess.run(["bash", "-c", command], check=True, env={**os.environ, "PATH": "/usr/bin:/bin"})
    seen = trace(home)
    assert names(seen["inputs"], work) == ["input.csv", "table.bin"]
    assert names(seen["outputs"], work) == ["more.bin", "told.txt"]


def test_the_streams_of_a_script_are_its_outputs(work: Path, home: Home) -> None:
    Path("job.sh").write_text(
        "#!/bin/bash\n#SBATCH -o out.log\n#SBATCH -e err.log\n#AUDITOR trace=strace\necho hi; echo no >&2\n"
    )
    run(["job.sh"], home=home)
    assert names(trace(home)["outputs"], work) == ["err.log", "out.log"]


def test_a_called_file_that_gains_rights_is_found_before_anything_runs(work: Path) -> None:
    Path("inner.sh").write_text("sudo -n true\n")
    job = Job("local", "L1", workdir=str(work), script="#!/bin/bash\nbash inner.sh\n", script_path=str(work / "job.sh"))
    assert blind.names(blind.RIGHTS, tracers.code(job, RealWorld(cwd=str(work))))
