"""Does one list name every piece of software that a run was made of, whatever the order of the evidence?"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from auditor.model import Fact, Grade, Phase
from probes.dispatch import CpuDispatch, DispatchSwitch
from probes.packages import Package
from probes.software import Component
from probes.software.conda import CondaPackages
from probes.software.final_modules import FinalModules
from probes.software.libraries import LoadedLibraries
from probes.software.node import NodeSystem
from probes.software.spack import SpackSpecs
from probes.software.system_packages import SystemPackages
from reports.judging.software import choose, components, switches
from tests import factory


def fact(value: Any, phase: Phase = Phase.SUBMIT, attempt: int = 0) -> Fact[Any]:
    return Fact(value, "id", Grade.OBSERVED, phase, attempt, "")


def test_packages_modules_and_the_machine_become_one_sorted_list() -> None:
    seen = [
        fact(factory.hardware(gpu_driver="550.54.15"), Phase.START),
        fact(factory.packages("Torch_Geometric==2.6.0")),
        fact(factory.modules("gcc/12.2.0", "cuda/toolkit/12.4", "anaconda"), Phase.START),
    ]
    record = f"record {factory.sha('Torch_Geometric==2.6.0')}"

    assert components(seen) == (
        Component("driver", "nvidia", "550.54.15"),
        Component("interpreter", "cpython", "3.11.7", origin="/venv/bin/python"),
        Component("kernel", "linux", "6.1.0", detail="x86_64"),
        Component("libc", "glibc", "2.36"),
        Component("module", "anaconda", "", f"sha256:{factory.sha('anaconda')}", "/modules/anaconda.lua", "Lmod"),
        Component("module", "cuda/toolkit", "12.4", f"sha256:{factory.sha('cuda/toolkit/12.4')}", "/modules/cuda/toolkit/12.4.lua", "Lmod"),
        Component("module", "gcc", "12.2.0", f"sha256:{factory.sha('gcc/12.2.0')}", "/modules/gcc/12.2.0.lua", "Lmod"),
        Component("pypi", "torch-geometric", "2.6.0", "", "/venv/lib/python3.11/site-packages", record),
    )  # fmt: skip
    assert {components(order) for order in itertools.permutations(seen)} == {components(seen)}


def test_a_wheel_and_a_conda_package_have_the_hash_that_their_installer_was_given() -> None:
    wheel = Package("x", "1", "/v", "wheel", "https://e.org/x-1.whl#sha256=ab12", "pip", "")
    conda = Package("openssl", "3.0", "/c", "conda", "https://e.org/openssl-3.0-h1.conda#md5=cd34", "conda", "")
    seen = components([fact(factory.packages(packages=(wheel, conda)))])

    assert seen[:1] + seen[2:] == (
        Component("conda", "openssl", "3.0", "md5:cd34", "https://e.org/openssl-3.0-h1.conda"),
        Component("pypi", "x", "1", "sha256:ab12", "https://e.org/x-1.whl"),
    )


def test_what_was_seen_in_the_job_counts_and_of_two_attempts_the_last() -> None:
    looks = [
        fact(factory.modules("gcc/11"), Phase.SUBMIT),
        fact(factory.modules("gcc/12"), Phase.START),
        fact(factory.modules("gcc/13"), Phase.START, attempt=1),
    ]

    assert [c.version for c in components(looks[:2])] == ["12"]
    assert [c.version for c in components(looks)] == ["13"]


def test_what_conda_told_of_its_own_package_is_not_said_twice() -> None:
    package = Package("numpy", "2.4", "/c", "conda", "https://e.org/numpy-2.4-py312.conda#sha256=ab12", "conda", "")
    numpy = Component("conda", "numpy", "2.4", "sha256:ab12", "https://e.org/numpy-2.4-py312.conda", "py312")
    seen = components([fact(factory.packages(packages=(package,))), fact(CondaPackages("/c", "PATH", (), (), "", (numpy,)))])

    assert [c for c in seen if c.ecosystem == "conda"] == [numpy]


@pytest.mark.parametrize(
    ("database", "release", "expected"),
    [("d1", "debian 12", ["bash"]), ("d2", "debian 12", []), ("", "debian 12", ["bash"]), ("", "rocky 9", [])],
)
def test_the_submitting_machine_s_packages_count_only_where_the_node_has_them_too(
    database: str, release: str, expected: list[str]
) -> None:
    bash = Component("deb", "bash", "5.2", detail="amd64")
    here = SystemPackages("dpkg", "debian 12", "", "l", "d1", 1, (bash,))
    node = NodeSystem(release, "dpkg", database, (Component("libc", "glibc", "2.36"),))

    seen = components([fact(here), fact(node, Phase.START)])

    assert [c.name for c in seen] == [*expected, "glibc"]


def test_the_c_library_is_the_node_s_where_the_node_tells_it() -> None:
    machine, node = factory.hardware(libc="glibc 2.31"), NodeSystem("", "", "", (Component("libc", "glibc", "2.36"),))

    def libc(*facts: Fact[Any]) -> list[str]:
        return [c.version for c in components(facts) if c.ecosystem == "libc"]

    assert libc(fact(machine)) == ["2.31"]
    assert libc(fact(machine), fact(node, Phase.START)) == ["2.36"]


def test_evidence_about_anything_else_is_passed_over() -> None:
    assert components([fact(factory.environment(OMP_NUM_THREADS="1")), fact(factory.git_state())]) == ()


def test_modules_at_the_end_have_the_digest_that_was_taken_before() -> None:
    end = FinalModules(
        "Lmod",
        (Component("module", "gcc", "12.2.0", "", "/modules/gcc/12.2.0.lua"), Component("module", "mpi", "5", "", "/m/mpi/5")),
    )
    seen = components(
        [fact(factory.modules("gcc/12.2.0")), fact(factory.modules("slurm"), Phase.START), fact(end, Phase.END)]
    )  # fmt: skip

    assert [(c.name, c.version, c.digest) for c in seen] == [
        ("gcc", "12.2.0", f"sha256:{factory.sha('gcc/12.2.0')}"),
        ("mpi", "5", ""),
        ("slurm", "", f"sha256:{factory.sha('slurm')}"),
    ]


def test_switches_are_compared_with_the_level_of_the_processor() -> None:
    seen = CpuDispatch((DispatchSwitch("MKL_CBWR", "AVX2", "mkl", "environment"),), "x86-64-v3", ("avx2",))
    assert switches(seen) == {"MKL_CBWR": "AVX2", "processor level": "x86-64-v3"}


def test_the_end_s_switches_are_told_on_the_processor_of_the_start() -> None:
    def cpu(level: str, *names: str) -> CpuDispatch:
        return CpuDispatch(tuple(DispatchSwitch(n, "x", "mkl", "environment") for n in names), level, ())

    start, end = fact(cpu("x86-64-v4"), Phase.START), fact(cpu("", "MKL_CBWR"), Phase.END)
    elsewhere = fact(cpu("x86-64-v2"), Phase.SUBMIT)

    assert choose([elsewhere, start, end])["CpuDispatch"].value == cpu("x86-64-v4", "MKL_CBWR")
    assert choose([elsewhere, end])["CpuDispatch"].value == cpu("", "MKL_CBWR")


def test_where_no_end_was_seen_the_script_s_own_switches_count_beside_the_start_s() -> None:
    def switch(name: str, value: str, where: str) -> DispatchSwitch:
        return DispatchSwitch(name, value, "mkl", where)

    submit = CpuDispatch((switch("MKL_CBWR", "AVX2", "script"), switch("FLEXIBLAS", "x", "environment")), "x86-64-v2", ())
    start = CpuDispatch((switch("MKL_CBWR", "AUTO", "environment"),), "x86-64-v4", ())
    seen = choose([fact(submit), fact(start, Phase.START)])["CpuDispatch"].value

    assert seen == CpuDispatch((switch("MKL_CBWR", "AVX2", "script"),), "x86-64-v4", ())


def test_libraries_that_were_seen_come_before_those_of_headers_and_both_before_what_was_left_behind() -> None:
    looks = {
        how: fact(LoadedLibraries(how, (), (), (Component("blas", how, "1"),)), phase)
        for how, phase in (("resolved", Phase.SUBMIT), ("alive-at-end", Phase.END), ("sampled", Phase.END))
    }

    def chosen(*hows: str) -> list[str]:
        return [c.name for c in components(looks[h] for h in hows)]

    assert chosen("resolved", "alive-at-end", "sampled") == ["sampled"]
    assert chosen("alive-at-end", "resolved") == ["resolved"]
    assert chosen("alive-at-end") == ["alive-at-end"]


def test_what_spack_locked_and_what_modules_loaded_from_spack_are_both_of_the_run() -> None:
    def spack(name: str) -> SpackSpecs:
        return SpackSpecs("", "", "", "", "", (), (), (Component("spack", name, "1", detail="/h"),))

    seen = [fact(spack("zlib")), fact(spack("openmpi"), Phase.END, attempt=1), fact(spack("old"), Phase.END)]
    assert [c.name for c in components(seen)] == ["openmpi", "zlib"]
