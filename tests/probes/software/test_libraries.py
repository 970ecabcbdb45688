"""Is the BLAS that a process loads told by name, build and digest? This machine's own libraries, and what real processes map."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import codec
from auditor.model import Absent, Found, Grade, Job
from auditor.world import RealWorld
from probes.software import Component, elf
from probes.software.identify import Budget, Library, components, identify, named
from probes.software.libnames import rule, version
from probes.software.libraries import PROBE, RECORD, LoadedLibraries, look, mapped
from probes.software.resolve import follow
from tests.fakes import EmptyWorld, recorded
from tests.needs import need

WORLD = RealWorld()
LOADED = sorted(mapped(Path("/proc/self/maps").read_text()))
"""What this very interpreter has loaded."""


@pytest.mark.parametrize(
    ("file", "role", "name", "number"),
    [
        ("/v/numpy.libs/libscipy_openblas64_-32a4b2a6.so", "blas", "openblas", ""),
        ("/v/numpy.libs/libopenblas64_p-r0-0cf96a72.3.23.dev.so", "blas", "openblas", "3.23.dev"),
        ("/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so", "blas", "openblas", "0.3.21"),
        ("/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3", "blas", "openblas", "3"),
        ("/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0", "blas", "netlib", "3.11.0"),
        ("/opt/intel/oneapi/mkl/2024.1/lib/libmkl_rt.so.2", "blas", "mkl", "2"),
        ("/c/lib/libtatlas.so.3", "blas", "atlas", "3"),
        ("/c/lib/libblis.so.4.0.0", "blas", "blis", "4.0.0"),
        ("/opt/cray/pe/libsci/23/lib/libsci_gnu_mpi.so.6", "blas", "cray-libsci", "6"),
        ("/usr/lib/libmpi.so.40.30.4", "mpi", "mpi", "40.30.4"),
        ("/opt/cray/lib/libmpi_gnu_123.so.12", "mpi", "cray-mpich", "12"),
        ("/usr/lib/libgomp.so.1.0.0", "openmp", "gnu", "1.0.0"),
        ("/c/lib/libiomp5.so", "openmp", "intel", ""),
        ("/v/torch/lib/libgomp-a34b3233.so.1", "openmp", "gnu", "1"),
        ("/v/nvidia/cublas/lib/libcublasLt.so.12.4.5.8", "cuda", "cublasLt", "12.4.5.8"),
        ("/v/nvidia/cudnn/lib/libcudnn.so.9", "cuda", "cudnn", "9"),
        ("/usr/lib64/libcuda.so.550.54.15", "driver", "cuda", "550.54.15"),
        ("/opt/rocm/lib/libamdhip64.so.6.0.60002", "rocm", "amdhip64", "6.0.60002"),
        ("/lib/x86_64-linux-gnu/libc-2.31.so", "libc", "glibc", "2.31"),
        ("/v/numpy.libs/libgfortran-040039e1-0352e75f.so.5.0.0", "runtime", "gfortran", "5.0.0"),
    ],
)
def test_a_library_s_name_tells_what_it_is_for(file: str, role: str, name: str, number: str) -> None:
    assert named(file) == Library(file, role, name, number)


@pytest.mark.parametrize(
    "file", ["/v/numpy/linalg/lapack_lite.cpython-311.so", "/lib/libz.so.1", "/data/libblas.txt", "/x/libcudart", ""]
)
def test_what_decides_nothing_is_passed_over(file: str) -> None:
    assert (rule(file), named(file)) == (None, None)


def test_an_interface_number_is_all_that_some_names_have() -> None:
    assert [version(p) for p in ("/l/libm.so.6", "/l/libx.so", "/l/libfoo-1.2.so", "")] == ["6", "", "1.2", ""]


def test_the_c_library_that_runs_us_is_identified_by_sentence_build_id_and_digest() -> None:
    (path,) = [p for p in LOADED if "/libc.so.6" in p or "/libc-2" in p] or [""]
    need(*([] if path else ["glibc"]))
    found = identify(WORLD, path, Budget())

    assert found is not None
    assert f"{found.name} {found.version}" == os.confstr("CS_GNU_LIBC_VERSION")
    assert (found.soname, found.sha256) == ("libc.so.6", hashlib.sha256(Path(path).read_bytes()).hexdigest())
    need(*([] if shutil.which("readelf") else ["readelf"]))
    notes = subprocess.run(["readelf", "-n", path], capture_output=True, text=True).stdout
    assert f"Build ID: {found.build_id}\n" in notes


def test_over_the_budget_a_file_is_known_by_its_headers() -> None:
    path = next(p for p in LOADED if "/libc.so.6" in p or "/libc-2" in p)
    found = identify(WORLD, path, Budget(left=100))
    assert found is not None
    assert (found.soname, found.sha256, found.build, bool(found.size)) == ("libc.so.6", "", "", True)


def numpy_blas() -> str:
    import numpy

    libs = Path(numpy.__file__).parent.parent / "numpy.libs"
    return next((str(p) for p in libs.glob("*openblas*")), "")


def test_numpy_s_openblas_says_its_version_and_how_it_was_built() -> None:
    need(*([] if (path := numpy_blas()) else ["numpy's own OpenBLAS"]))
    import numpy

    found = identify(WORLD, path, Budget())
    told: Any = numpy.show_config(mode="dicts")
    assert found is not None
    assert (found.role, found.name, found.version) == ("blas", "openblas", told["Build Dependencies"]["blas"]["version"])
    assert found.build.startswith(f"OpenBLAS {found.version} ")
    assert "DYNAMIC_ARCH" in found.build


@pytest.mark.parametrize("program", [sys.executable, "/bin/bash", "/usr/bin/env"])
def test_headers_are_followed_to_the_files_that_ld_so_loads(program: str) -> None:
    need(*([] if shutil.which("ldd") and os.path.exists(program) else ["ldd"]))
    rows = subprocess.run(["ldd", program], capture_output=True, text=True, env={"PATH": os.environ["PATH"]}).stdout.splitlines()
    expected = {os.path.realpath(row.split("=> ")[1].split(" (")[0]) for row in rows if "=> /" in row}
    multiarch = [line for f in Path("/etc/ld.so.conf.d").glob("*.conf") for line in f.read_text().split() if line.startswith("/")]
    found = follow(WORLD, program, (), (*multiarch, "/lib", "/usr/lib", "/lib64", "/usr/lib64"))

    assert expected - {os.path.realpath(p) for p in found} == set()


def test_the_job_s_python_would_load_numpy_s_own_blas(tmp_path: Path) -> None:
    need(*([] if (path := numpy_blas()) else ["numpy's own OpenBLAS"]))
    prefix = sys.prefix
    script = f"#!/bin/bash\nsource {prefix}/bin/activate\npython train.py\n"
    seen = PROBE.collect(RealWorld(cwd=str(tmp_path)), Job("slurm", "1", script=script, workdir=str(tmp_path)))

    assert isinstance(seen, Found)
    assert (seen.grade, seen.value.how, "numpy" in seen.value.programs) == (Grade.DECLARED, "resolved", True)
    blas = [(c.name, c.digest) for c in seen.value.components if c.ecosystem == "blas"]
    assert blas == [("openblas", f"sha256:{hashlib.sha256(Path(path).read_bytes()).hexdigest()}")]


def test_a_program_of_the_job_s_is_followed_through_its_launcher(tmp_path: Path) -> None:
    need(*([] if shutil.which("gcc") else ["gcc"]))
    for name, code, extra in (
        ("libblas.so.3", "int dgemm_(){return 0;}", ["-shared", "-fPIC", "-Wl,-soname,libblas.so.3"]),
        ("model", "int dgemm_();int main(){return dgemm_();}", ["./libblas.so.3", "-Wl,-rpath,$ORIGIN"]),
    ):
        (tmp_path / f"{name}.c").write_text(code)
        subprocess.run(["gcc", f"{name}.c", *extra, "-o", name], cwd=tmp_path, check=True)
    seen = PROBE.collect(
        RealWorld(cwd=str(tmp_path)), Job("slurm", "1", script="#!/bin/bash\nsrun -n 4 ./model\n", workdir=str(tmp_path))
    )

    assert isinstance(seen, Found)
    assert seen.value.programs == (f"{tmp_path}/model",)
    assert [(lib.name, lib.path) for lib in seen.value.libraries if lib.role == "blas"] == [
        ("netlib", f"{tmp_path}/libblas.so.3")
    ]


END = Job("slurm", "1", started_at="2026-11-23T12:00:00+00:00", ended_at="2026-11-23T12:10:00+00:00")
MAPS = """55d0a0000000-55d0a0002000 r--p 00000000 08:01 131 /usr/bin/python3.11
7f0000000000-7f0000001000 r-xp 00000000 08:01 132 /opt/openblas/lib/libopenblasp-r0.3.21.so
7f0000002000-7f0000003000 r--p 00001000 08:01 132 /opt/openblas/lib/libopenblasp-r0.3.21.so
7f0000004000-7f0000005000 r-xp 00000000 08:01 133 /v/my lib/_ext.cpython-311-x86_64-linux-gnu.so
7f0000006000-7f0000007000 r-xp 00000000 08:01 134 /gone/libmpi.so.40 (deleted)
7f0000008000-7f0000009000 rw-p 00000000 00:00 0
7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0 [vdso]
"""


def test_what_the_hook_saved_of_processes_alive_at_the_end_is_told_by_name() -> None:
    found = PROBE.collect(recorded({"/proc/77/maps": MAPS}, missing=(RECORD,)), END)
    openblas = Library("/opt/openblas/lib/libopenblasp-r0.3.21.so", "blas", "openblas", "0.3.21")
    assert found == Found(LoadedLibraries("alive-at-end", (), (openblas,), components([openblas]), 1, 1), "/proc/PID/maps")


def test_what_was_sampled_comes_back_whole() -> None:
    value = look("sampled", ("python train.py",), {p for p in LOADED if "libc" in p} | {"/v/x.so"}, WORLD, 4)
    told = codec.dumps(value).decode()
    assert PROBE.collect(recorded({RECORD: told}), END) == Found(value, "/proc/PID/maps of the job's processes, now and then")


def test_strangers_processes_are_never_looked_at() -> None:
    reason = "no process of the job's was alive at its end, and nobody looked while it ran"
    assert PROBE.collect(RealWorld({}, "/"), END) == Absent(reason)
    assert PROBE.collect(EmptyWorld(), END) == Absent(reason)


def test_a_component_of_openmp_is_a_library_and_of_the_c_library_there_is_one() -> None:
    told = [
        Library("/l/libgomp.so.1", "openmp", "gnu", "1", build_id="ab"),
        Library("/l/libc.so.6", "libc", "glibc", "2.36", build="stable release version 2.36", sha256="cd"),
        Library("/l/libm.so.6", "libc", "glibc", "6"),
    ]
    assert components(told) == (
        Component("library", "openmp-gnu", "1", "", "/l/libgomp.so.1", "build-id ab"),
        Component("libc", "glibc", "2.36", "sha256:cd", "/l/libc.so.6", "stable release version 2.36"),
    )


def test_a_file_that_is_no_elf_says_so(tmp_path: Path) -> None:
    for content in (b"", b"\x7fELF", b"#!/bin/sh\n" * 20, b"\x7fELF\x02\x01" + b"\xff" * 200, b"\x7fELF\x02\x01" + b"\0" * 200):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(elf.NotElf):
            elf.read(WORLD, str(tmp_path / "x"))


@given(st.data())
def test_damaged_headers_never_do_worse_than_say_so(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    real = Path(next(p for p in LOADED if "libc" in p or "libm" in p)).read_bytes()[:65536]
    damaged = bytearray(real)
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, 2000))
        damaged[at : at + 4] = struct.pack("<I", data.draw(st.integers(0, 2**32 - 1)))
    path = tmp_path_factory.mktemp("elf") / "x"
    path.write_bytes(damaged)
    try:
        told = elf.read(WORLD, str(path))
    except elf.NotElf:
        return
    assert len(told.needed) <= elf.MAX_NEEDED
