"""Are compilers, MPI and GPU toolkits told from their files and their own answers? Answers as the tools print them."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from auditor.model import Absent, Found, Grade, Job
from auditor.world import RealWorld
from probes.software import Component
from probes.software.toolchain import COMPILERS, PROBE, cuda, first, mpi
from tests.fakes import EmptyWorld
from tests.needs import need

ANSWERS = {
    "gcc": ("gcc (Debian 12.2.0-14+deb12u1) 12.2.0\nCopyright (C) 2022 Free Software Foundation, Inc.\n", "12.2.0"),
    "g++": ("g++ (GCC) 11.4.1 20231218 (Red Hat 11.4.1-3)\n", "11.4.1"),
    "gfortran": ("GNU Fortran (Spack GCC) 13.2.0\n", "13.2.0"),
    "clang": ("Debian clang version 14.0.6\nTarget: x86_64-pc-linux-gnu\n", "14.0.6"),
    "icx": ("Intel(R) oneAPI DPC++/C++ Compiler 2024.1.0 (2024.1.0.20240308)\n", "2024.1.0"),
    "icc": ("icc (ICC) 2021.10.0 20230609\n", "2021.10.0"),
    "ifx": ("ifx (IFX) 2024.1.0 20240308\n", "2024.1.0"),
    "ifort": ("ifort (IFORT) 2021.12.0 20240222\n", "2021.12.0"),
    "nvc": ("\nnvc 24.3-0 64-bit target on x86-64 Linux -tp zen3\n", "24.3-0"),
    "hipcc": ("HIP version: 6.0.32830-d62f6a171\nAMD clang version 17.0.0\n", "6.0.32830-d62f6a171"),
    "amdclang": ("AMD clang version 17.0.0 (https://github.com/RadeonOpenCompute/llvm-project roc-6.0.0)\n", "17.0.0"),
}


@pytest.mark.parametrize("program", COMPILERS)
def test_a_compiler_s_answer_has_its_version(program: str) -> None:
    answer, version = ANSWERS[program]
    assert first(COMPILERS[program][1], answer) == version


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("mpirun (Open MPI) 4.1.4\n\nReport bugs to http://www.open-mpi.org/community/help/\n", ("openmpi", "4.1.4")),
        ("HYDRA build details:\n    Version:                                 4.0.2\n", ("mpich", "4.0.2")),
        ("Intel(R) MPI Library for Linux* OS, Version 2021.9 Build 20230307\n", ("intel-mpi", "2021.9")),
    ],
)
def test_mpirun_says_which_mpi_it_is(answer: str, expected: tuple[str, str]) -> None:
    assert [(c.name, c.version) for c in mpi(answer, "/usr/bin/mpirun")] == [expected]


def test_cuda_writes_its_version_down_in_two_ways() -> None:
    assert cuda('{"cuda": {"name": "CUDA SDK", "version": "12.4.1"}}', "") == "12.4.1"
    assert cuda("", "CUDA Version 10.2.89\n") == "10.2.89"
    assert cuda('{"cuda": 3}', "nothing") == ""


def tool(path: Path, answer: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ncat <<'X'\n{answer}X\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def collect(workdir: Path, **env: str) -> Any:
    return PROBE.collect(RealWorld(env, str(workdir)), Job("slurm", "1", workdir=str(workdir)))


def test_programs_on_the_path_and_files_beside_them_make_the_list(tmp_path: Path) -> None:
    gcc = tool(tmp_path / "gcc12/bin/gcc", ANSWERS["gcc"][0])
    tool(tmp_path / "mpi/bin/mpirun", "never asked, the file tells\n")
    pc = tmp_path / "mpi/lib/pkgconfig/ompi.pc"
    pc.parent.mkdir(parents=True)
    pc.write_text("Name: Open MPI\nVersion: 5.0.3\n")
    for name, file, text in (
        ("cuda", "version.json", '{"cuda": {"version": "12.4.1"}}'),
        ("rocm", ".info/version", "6.0.2-115\n"),
    ):
        (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name / file).write_text(text)
    work = tmp_path / "work"
    work.mkdir()
    seen = collect(
        work, PATH=f"{gcc.parent}:{tmp_path}/mpi/bin:/usr/bin:/bin", CUDA_HOME=f"{tmp_path}/cuda/", ROCM_PATH=f"{tmp_path}/rocm"
    )  # fmt: skip
    parts = {c for c in seen.value.components if c.origin.startswith(str(tmp_path))}

    assert parts == {
        Component("compiler", "gcc", "12.2.0", origin=str(gcc)),
        Component("mpi", "openmpi", "5.0.3", origin=str(pc)),
        Component("cuda", "toolkit", "12.4.1", origin=f"{tmp_path}/cuda"),
        Component("rocm", "rocm", "6.0.2-115", origin=f"{tmp_path}/rocm"),
    }
    assert seen.grade is Grade.DECLARED


def test_a_program_inside_the_work_directory_is_not_run(tmp_path: Path) -> None:
    tool(tmp_path / "bin/gcc", 'gcc (mine) 1.0.0\nX\ntouch "$0.ran"\ncat <<X\n')
    collect(tmp_path, PATH=f"{tmp_path}/bin:/usr/bin:/bin")
    assert not (tmp_path / "bin/gcc.ran").exists()


def test_this_machine_s_gcc_is_told_as_it_tells_itself(tmp_path: Path) -> None:
    need(*([] if shutil.which("gcc") else ["gcc"]))
    version = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    seen = PROBE.collect(RealWorld(cwd=str(tmp_path)), Job("slurm", "1", workdir=str(tmp_path)))

    assert isinstance(seen, Found)
    assert [c.version for c in seen.value.components if c.name == "gcc"] == [version]


def test_a_machine_without_any_is_absent() -> None:
    assert PROBE.collect(EmptyWorld(), Job("slurm", "1")) == Absent("no compiler, MPI, CUDA or ROCm on the job's PATH")
