"""Which library is this, by its name and by what its build wrote into it?

Only those that decide what numbers come out, or how fast: BLAS, MPI, OpenMP, CUDA, ROCm, the C library, compilers' run time.
"""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass

SHARED = re.compile(r"\.so(?:\.[\w.+-]+)?$")


@dataclass(frozen=True)
class Rule:
    """role: `blas`, `mpi`, `openmp`, `cuda`, `rocm`, `driver`, `libc`, `runtime`; name: empty, the library's own."""

    role: str
    name: str
    pattern: re.Pattern[str]


def _rule(role: str, name: str, pattern: str) -> Rule:
    return Rule(role, name, re.compile(pattern))


RULES = (
    _rule("blas", "openblas", r"lib(?:scipy_)?openblas"),
    _rule("blas", "mkl", r"libmkl_"),
    _rule("blas", "blis", r"libblis"),
    _rule("blas", "flexiblas", r"libflexiblas"),
    _rule("blas", "atlas", r"lib(?:[ts]atlas|atlas|ptf?(?:77)?c?blas)"),
    _rule("blas", "nvpl", r"libnvpl_(?:blas|lapack)"),
    _rule("blas", "armpl", r"libarmpl"),
    _rule("blas", "cray-libsci", r"libsci_"),
    _rule("blas", "essl", r"libessl"),
    _rule("blas", "netlib", r"lib(?:c|f77|gsl)?blas\.|liblapacke?\."),
    _rule("mpi", "cray-mpich", r"libmpi(?:fort)?_(?:cray|gnu|intel|nvidia|amd)"),
    _rule("mpi", "mpich", r"libmpich"),
    _rule("mpi", "mpi", r"libmpi(?:_mpifh|_cxx|cxx|fort)?\."),
    _rule("mpi", "", r"lib(?:fabric|ucp|psm2|nccl-net|pmix)[.-]"),
    _rule("openmp", "gnu", r"libgomp[.-]"),
    _rule("openmp", "intel", r"libiomp5"),
    _rule("openmp", "llvm", r"libomp[.-]"),
    _rule("driver", "", r"lib(?:cuda|nvidia-ml)\."),
    _rule("cuda", "", r"lib(?:cudart|cublas|cudnn|cufft|curand|cusolver|cusparse|cutensor|nccl|nvrtc|nvJitLink|nvshmem)"),
    _rule("rocm", "", r"lib(?:amdhip64|hsa-runtime64|rocblas|rocfft|rocsolver|rocsparse|rocrand|hipblas|hipfft|MIOpen|rccl)"),
    _rule("libc", "glibc", r"(?:libc|libm)(?:-\d\.\d+)?\.so|ld-linux"),
    _rule("libc", "musl", r"(?:ld-|libc\.)musl"),
    _rule("runtime", "", r"lib(?:stdc\+\+|gfortran|gcc_s|quadmath|imf|svml|irng|ifcore|flang|nvf|pgf90)[\w+]*[.-]"),
)
ECOSYSTEM = {"openmp": "library", "runtime": "library"}
"""Roles whose components go by another ecosystem's name."""

# what a build leaves in the file itself; every repetition is bounded
SIGNS = {
    "blas": (
        ("openblas", re.compile(rb"OpenBLAS (?P<version>\d+\.\d+\.\d+[\w.]{0,20})[ \w=]{0,200}")),
        ("mkl", re.compile(rb"(?:oneAPI )?Math Kernel Library Version (?P<version>[\d.]{1,20})[ \w()-]{0,120}")),
        ("aocl-blis", re.compile(rb"AOCL-BLIS (?P<version>\d[\d.]{1,20})[ \w-]{0,80}")),
    ),
    "mpi": (
        ("openmpi", re.compile(rb"Open MPI v(?P<version>\d+\.\d+\.\d+\w{0,10})[^\0\n]{0,80}")),
        ("intel-mpi", re.compile(rb"Intel\(R\) MPI Library (?P<version>\d{4}[\d.]{0,20})[^\0\n]{0,80}")),
        ("mpich", re.compile(rb"MPICH Version:\s{1,8}(?P<version>\d[\w.]{0,20})")),
        ("cray-mpich", re.compile(rb"CRAY MPICH version (?P<version>\d[\d.]{0,20})[^\0\n]{0,60}")),
    ),
    "libc": (("glibc", re.compile(rb"stable release version (?P<version>\d\.\d+(?:\.\d+)?)")),),
}
"""Role -> (implementation, the sentence in the file)."""
_VERSION = re.compile(
    r"\.so\.(?P<a>\d[\d.]*)$|-r(?P<b>\d+(?:\.\d+)+)\.so|-[0-9a-f]{8}\.(?P<c>\d+\.\d+[\w.]*)\.so|-(?P<d>\d+(?:\.\d+)+)\.so"
)


def rule(path: str) -> Rule | None:
    """None for a library that none of this is about, and for what is no shared library."""
    base = os.path.basename(path)
    if not SHARED.search(base):
        return None
    found = next((r for r in RULES if r.pattern.match(base)), None)
    if found and found.name == "netlib":  # Debian's alternatives keep the name and say in the folder who it is
        told = next((n for n in ("openblas", "blis", "atlas", "mkl") if f"/{n}" in os.path.dirname(path)), "netlib")
        return Rule("blas", told, found.pattern)
    return found


def own_name(path: str) -> str:
    """`libcublasLt.so.12.4.5.8` -> `cublasLt`, `libgfortran-040039e1.so.5.0.0` -> `gfortran`."""
    base = SHARED.sub("", os.path.basename(path))
    return re.sub(r"(?:-[0-9a-f]{8})+(?:\.[\w.]+)?$", "", base).removeprefix("lib")


def version(path: str) -> str:
    """The version that the file's name carries; of a library's interface (`.so.40`), where it has no other."""
    match = _VERSION.search(os.path.basename(path))
    return next((g for g in match.groups() if g), "") if match else ""
