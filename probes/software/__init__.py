"""Which software was there beside Python's packages? The family's one type; a probe per ecosystem beside this file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Component:
    """One piece of software, the same shape for every ecosystem, so that one list, one comparison and one query hold them all.

    ecosystem: `pypi`, `conda`, `spack`, `guix`, `cran`, `julia`, `deb`, `rpm`, `module`, `interpreter`, `compiler`, `mpi`, `blas`,
    `libc`, `kernel`, `driver`, `cuda`, `rocm`, `library`. digest: `sha256:<hex>` (or `md5:`) of what was installed, empty where
    nobody recorded one. origin: URL, channel, repository commit or path. detail: what else tells two apart (build string, full spec,
    architecture).
    """

    ecosystem: str
    name: str
    version: str
    digest: str = ""
    origin: str = ""
    detail: str = ""
