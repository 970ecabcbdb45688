"""How does the wrapper stay out of the way? What it reads, what it loads, and what it says when there is no sbatch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor import home as full_home
from auditor.submit import along, bashenv, peek, shim, wrapper
from tests.needs import need

ROOT = Path(__file__).parents[2]
HEAVY = {
    "typer",
    "duckdb",
    "jinja2",
    "docker",
    "spython",
    "git",
    "msgspec",
    "json",
    "re",
    "dataclasses",
    "subprocess",
    "signal",
    "enum",
    "logging",
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose sbatch answers at once, a home, and nothing else."""
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin/sbatch"
    fake.write_text('#!/bin/sh\necho "Submitted batch job 7"\n')
    fake.chmod(0o755)
    (tmp_path / "job.sh").write_text("#!/bin/bash\ntrue\n")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AUDITOR_HOME", str(tmp_path / "home"))
    for name in ("AUDITOR_CONFIG", "BASH_ENV", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ours(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-P", "-m", "auditor", "sbatch", *argv], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("line", "job"),
    [
        (b"Submitted batch job 123\n", ("123", "")),
        (b"Submitted batch job 123 on cluster big\n", ("123", "big")),
        (b"123\n", ("123", "")),
        (b"123;big\n", ("123", "big")),
        (b"sbatch: 123\n", ("", "")),
        (b"Submitted batch job\n", ("", "")),
        (b"123 jobs\n", ("", "")),
        (b"", ("", "")),
    ],
)
def test_the_job_is_picked_out_of_what_sbatch_prints(line: bytes, job: tuple[str, str]) -> None:
    assert wrapper.job_of(line) == job


@pytest.mark.parametrize(
    ("argv", "quiet"),
    [(["-Q"], True), (["-HQ"], True), (["--quiet"], True), (["--qui"], True), (["job.sh"], False), (["--qos=a"], False)],
)
def test_a_quiet_submission_is_recognised(argv: list[str], quiet: bool) -> None:
    assert wrapper.is_quiet(argv) == quiet


def test_our_switches_come_first_and_the_rest_is_not_looked_at() -> None:
    argv = ["--auditor-no-hook", "--auditor-label=a", "-n1", "--auditor-input=b"]
    assert wrapper.split(argv) == (["--auditor-no-hook", "--auditor-label=a"], ["-n1", "--auditor-input=b"])


@pytest.mark.parametrize(
    "environ", [{"AUDITOR_HOME": "/a"}, {"XDG_STATE_HOME": "/b"}, {"HOME": "/c"}, {"HOME": "/c", "XDG_STATE_HOME": ""}]
)
def test_home_is_where_the_other_rooms_look_for_it(environ: dict[str, str]) -> None:
    found = full_home.find(environ)
    assert found is not None
    assert along.home(environ) == found.root


def test_without_sbatch_one_line_and_a_hint_say_so(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    done = ours("job.sh")
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr.splitlines()[0] == "auditor: sbatch is not in PATH"
    assert len(done.stderr.splitlines()) == 2


def test_a_switch_of_ours_that_does_not_exist_is_not_handed_to_sbatch(place: Path) -> None:
    done = ours("--auditor-lable=x", "job.sh")
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr.splitlines()[0] == "auditor: there is no switch --auditor-lable=x"


def test_the_shim_finds_the_real_sbatch_and_not_itself_or_another_shim(place: Path) -> None:
    (place / "also").mkdir()
    (place / "first").mkdir()
    mine = shim.install_shim(str(place / "first"))
    shim.install_shim(str(place / "also"))
    assert wrapper.real_sbatch(f"{place}/first:{place}/also:{place}/bin", mine) == f"{place}/bin/sbatch"
    assert wrapper.real_sbatch(f"{place}/first:{place}/also", mine) == ""
    env = {**os.environ, "PATH": f"{place}/first:{place}/also:{place}/bin:/usr/bin:/bin"}
    done = subprocess.run(["sbatch", "job.sh"], env=env, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("Submitted batch job 7\n", "", 0)


def test_nothing_heavy_is_loaded_before_the_prompt_is_back(place: Path) -> None:
    code = (
        "import sys; bare = set(sys.modules); sys.argv = ['auditor', 'sbatch', 'job.sh']\n"
        "from auditor.entry import main; main(); print(sorted(set(sys.modules) - bare), file=sys.stderr)"
    )
    assert ours("job.sh").returncode == 0  # makes the hook, once
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    loaded = set(eval(done.stderr))  # a list our own line printed
    assert loaded & HEAVY == set()
    assert {m for m in loaded if m.startswith("auditor.")} == {
        *("auditor.entry", "auditor.submit", "auditor.submit.wrapper", "auditor.submit.peek"),
        *("auditor.submit.along", "auditor.submit.bashenv", "auditor.submit.detach"),
    }


def test_no_more_than_sixty_files_are_opened_before_the_prompt_is_back(place: Path) -> None:
    need(*([] if shutil.which("strace") else ["strace"]))
    assert ours("job.sh").returncode == 0
    argv = ["strace", "-e", "trace=open,openat", "-o", str(place / "trace"), sys.executable, "-P", "-c"]
    subprocess.run(
        [*argv, "import sys; sys.argv = ['auditor', 'sbatch', 'job.sh']\nfrom auditor.entry import main; main()"], check=True
    )
    opened = [line for line in (place / "trace").read_text().splitlines() if "ENOENT" not in line and line.startswith("open")]
    assert len(opened) <= 60


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("#!/bin/bash\n", ""),
        ("#!/bin/bash -eu\n", ""),
        ("#!/bin/bash -l\n", ""),
        ("#! /usr/bin/env bash\n", ""),
        ("#!/usr/bin/env -S bash -e\n", ""),
        ("#!/bin/bash -v\n", "bash is started with -v"),
        ("#!/bin/bash -p\n", "bash is started with -p"),
        ("#!/bin/bash --norc\n", "bash is started with --norc"),
        ("#!/bin/sh\n", "interpreter /bin/sh"),
        ("#!/usr/bin/env python3\n", "interpreter python3"),
        ("echo no mark\n", "the script could not be seen before it was submitted"),
    ],
)
def test_the_hook_goes_along_with_bash_scripts_alone(place: Path, head: str, why: str) -> None:
    (place / "job.sh").write_text(head)
    assert peek.why_not(["-n", "1", "job.sh", "arg"], None) == why


def test_xtrace_and_an_older_bash_env_are_left_alone(place: Path) -> None:
    (place / "job.sh").write_text("#!/bin/bash -x\n")
    assert peek.why_not(["job.sh"], None) == ""
    assert peek.why_not(["job.sh"], "/some/file") == "bash is started with -x, and BASH_ENV is set already"


@pytest.fixture
def stdin() -> Iterator[int]:
    """Our own stdin, put back afterwards; what a test does with it stays in the test."""
    kept = os.dup(0)
    yield kept
    os.dup2(kept, 0)
    os.close(kept)


def test_a_script_on_stdin_is_looked_at_and_not_a_byte_is_taken(place: Path, stdin: int) -> None:
    read, write = os.pipe()
    os.write(write, b"#!/bin/bash\necho piped\n")
    os.dup2(read, 0)
    os.close(read)
    assert peek.first_line([]) == b"#!/bin/bash"
    assert os.read(0, 100) == b"#!/bin/bash\necho piped\n"
    with open(place / "job.sh", "rb") as file:
        os.dup2(file.fileno(), 0)
        assert peek.first_line([]) == b"#!/bin/bash"
        assert os.read(0, 100) == b"#!/bin/bash\ntrue\n"
    os.close(write)


@pytest.mark.parametrize("prior", [None, "", "/a/file", "$HOME/x", "a b'c}d$(e)`f`\\g", "ü\udcff"])
def test_bash_expands_the_variable_to_the_file_and_the_file_finds_the_rest(tmp_path: Path, prior: str | None) -> None:
    hook = tmp_path / "a $b`c\\d.sh" if not prior else tmp_path / "a b.sh"
    hook.write_text(
        'w=${BASH_ENV#*__auditor+:}; p=${w#*:}; printf "%b" "${p%%:*}|${w%%:*}"; q=${p#*:}; printf "|%b" "${q%%:*}"\n'
    )
    value = bashenv.value(str(hook), "00ff", prior, "input=a:b}c\nx")
    env = {"BASH_ENV": value, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["/bin/bash", "-c", ":"], env=env, capture_output=True)
    told = b"" if prior is None else b"=" + os.fsencode(prior)
    assert (done.stdout, done.stderr) == (told + b"|00ff|input=a:b}c\nx", b"")


def test_where_the_hook_is_not_mounted_the_users_own_file_is_still_read(tmp_path: Path) -> None:
    (tmp_path / "own.sh").write_text("echo own\n")
    value = bashenv.value("/not/mounted/hook.sh", "00ff", "$D/own.sh")
    done = subprocess.run(["/bin/bash", "-c", ":"], env={"BASH_ENV": value, "D": str(tmp_path)}, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("own\n", "")


def test_what_cannot_be_carried_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="quotation mark"):
        bashenv.value("/h", "00", 'a"b')
    with pytest.raises(ValueError, match="too long"):
        bashenv.value("/h", "00", None, "x" * 40000)
