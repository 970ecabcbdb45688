"""Are the differences of two environments told in the order in which they matter, with one line for each sort, and folded where many?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from auditor.model import Evidence, Phase
from probes.containers import ContainerReferences, ImageFacts, RanImage, RanImages
from probes.dispatch import CpuDispatch
from probes.packages import PythonPackages
from probes.software import Component
from probes.software.system_packages import SystemPackages
from probes.software.toolchain import Toolchain
from probes.workflow import SystemsUsed, Use
from reports.diff import explained
from reports.environments import Group
from reports.versions import size
from tests.factory import at, hardware, image, modules, packages, seen, sha, unseen


def run(*values: Any, phase: Phase = Phase.START) -> tuple[Evidence, ...]:
    return tuple(seen(v, phase=phase) for v in values)


def groups(before: tuple[Evidence, ...], after: tuple[Evidence, ...]) -> dict[str, Group]:
    return {g.name: g for g in explained(before, after).groups}


def requested(found: PythonPackages, *names: str) -> PythonPackages:
    return replace(found, packages=tuple(replace(p, requested=p.name in names) for p in found.packages))


def deb(*pinned: str) -> SystemPackages:
    parts = tuple(Component("deb", p.split("==")[0], p.split("==")[1], detail="amd64") for p in pinned)
    return SystemPackages("dpkg", "debian 12", at(0), sha("l"), "", len(parts), parts)


def ran(text: str, **facts: Any) -> RanImages:
    return RanImages((RanImage("apptainer", "cache", text, ImageFacts(text, **facts), "x"),))


def toolchain(*pinned: str) -> Toolchain:
    return Toolchain(tuple(Component(*p.split()) for p in pinned))


def test_what_decides_more_is_told_first() -> None:
    before = run(
        image("img.sif", "a"), packages("numpy==1.26.4"), deb("bash==5.1"), toolchain("mpi openmpi 4.1.4", "compiler gcc 12"),
        modules("cuda/12.2"), hardware(gpu_driver="550"), CpuDispatch((), "x86-64-v3", ()),
    )  # fmt: skip
    after = run(
        image("img.sif", "b"), packages("numpy==1.26.5", version="3.12.1"), deb("bash==5.2"), toolchain("mpi openmpi 5.0.1", "compiler gcc 12"),
        modules("cuda/12.4"), hardware(gpu_driver="570"), CpuDispatch((), "x86-64-v4", ()),
    )  # fmt: skip

    assert {name: g.summary for name, g in groups(before, after).items()} == {
        "image": "img.sif: same name only (one name, but image files differ: whether the files do was not looked at)",
        "interpreter": "CPython 3.11.7 → CPython 3.12.1 (minor)",
        "library": "1 native library: mpi openmpi 4.1.4 → 5.0.1",
        "package": "1 package: numpy 1.26.4 → 1.26.5",
        "other-package": "1 other package: 1 minor",
        "module": "1 module: cuda cuda/12.2 → cuda/12.4",
        "driver": "1 driver or kernel: driver nvidia 550 → 570",
        "dispatch": "the processor's code paths: processor level x86-64-v3 → x86-64-v4",
    }
    assert list(groups(before, after)) == [
        "image",
        "interpreter",
        "library",
        "package",
        "other-package",
        "module",
        "driver",
        "dispatch",
    ]


def test_the_rung_of_the_ladder_says_how_much_an_image_differs() -> None:
    layers = ("sha256:" + sha("layer"),)
    one = run(ran("docker://lab/x:1", manifest="sha256:" + sha("m1"), diff_ids=layers))
    two = run(ran("docker://lab/x:1", manifest="sha256:" + sha("m2"), diff_ids=layers))

    told = groups(one, two)["image"]
    assert told.summary == "docker://lab/x:1: same layers (the same 1 layer; the settings they run with were not compared)"
    assert groups(one, one) == {}


def test_two_runs_with_one_image_each_compare_these_whatever_they_are_called() -> None:
    one, two = (
        run(ran("docker://lab/x:1", manifest="sha256:" + sha("m"))),
        run(ran("docker://lab/x:2", manifest="sha256:" + sha("n"))),
    )

    (change,) = groups(one, two)["image"].changes
    assert (change.name, change.before) == ("docker://lab/x:1 / docker://lab/x:2", "sha256:" + sha("m"))
    assert groups(one, run(ran("lab/other:9", manifest="sha256:" + sha("m")))) == {}


def test_digests_of_two_kinds_call_no_image_another_one() -> None:
    one, two = run(ran("model.sif", file="sha256:" + sha("f"))), run(ran("docker://lab/x:1", manifest="sha256:" + sha("m")))

    assert groups(one, two)["image"].summary == (
        "model.sif / docker://lab/x:1: not known whether it is the same (nothing that identifies an image is known of both)"
    )


def test_a_run_in_an_image_differs_from_one_in_none() -> None:
    one = run(ran("model.sif", file="sha256:" + sha("f")))
    none = (unseen(ContainerReferences, "no image is named", phase=Phase.SUBMIT),)

    assert groups(one, none)["image"].summary == "model.sif in one run only, the other ran in no image"
    (change,) = groups(none, one)["image"].changes
    assert (change.name, change.before, change.after) == ("model.sif", "not there", "sha256:" + sha("f"))
    assert groups(one, ()) == {}


def test_a_digest_that_only_one_run_has_is_no_difference() -> None:
    digest = "sha256:" + sha("libc")
    one, two = (run(Toolchain((Component("libc", "glibc", v, digest=d),))) for v, d in (("2.36", ""), ("2.36", digest)))

    assert groups(one, two) == {}
    assert groups(two, run(Toolchain((Component("libc", "glibc", "2.36", digest="sha256:" + sha("other")),)))).keys() == {
        "library"
    }


def test_one_version_with_other_files_is_told_as_that() -> None:
    one = packages("numpy==1.26.4")
    edited = replace(one, packages=(replace(one.packages[0], modified=("numpy/core.py",)),))

    assert groups(run(one), run(edited))["package"].summary == "1 package: numpy 1.26.4 with other files"


def test_packages_that_the_code_imports_come_first_and_larger_steps_before_smaller_ones() -> None:
    names = ("attrs", "numpy", "scipy", "torch", "zict")
    before = packages(*(f"{n}==1.2.3" for n in names))
    after = packages("attrs==2.0.0", "numpy==1.2.4", "scipy==1.3.0", "torch==2.0.0", "zict==1.2.4")
    uses = SystemsUsed((Use("torch", "framework", "import", "train.py:1"),), {}, (), (), ())

    def one(found: PythonPackages) -> tuple[Evidence, ...]:
        return (*run(requested(found, "numpy", "scipy")), *run(uses, phase=Phase.SUBMIT))

    told = groups(one(before), one(after))
    assert [c.name for c in told["package"].changes] == ["torch", "scipy", "numpy"]
    assert [c.name for c in told["other-package"].changes] == ["attrs", "zict"]
    assert told["other-package"].summary == "2 other packages: 1 major, 1 patch"


def test_a_long_tail_is_counted_and_not_listed() -> None:
    one, two = (run(deb(*(f"lib{n:04d}=={v}" for n in range(1000)))) for v in ("1.0", "1.1"))

    told = groups(one, two)["other-package"]
    assert (len(told.changes), told.more, told.summary) == (200, 800, "1,000 other packages: 1,000 minor")
    assert explained(one, two).changes[-1].name == "and 800 more"


def test_what_one_run_never_looked_for_is_no_difference() -> None:
    assert groups(run(toolchain("mpi openmpi 4.1")), run(hardware())) == {}
    told = groups(run(toolchain("mpi openmpi 4.1", "libc glibc 2.36")), run(toolchain("libc glibc 2.36")))
    assert [(c.name, c.before, c.after) for c in told["library"].changes] == [("mpi openmpi", "4.1", "not there")]


def test_each_change_rests_on_the_evidence_of_both_runs() -> None:
    one, two = run(toolchain("mpi openmpi 4.1")), run(toolchain("mpi openmpi 5.0"))
    (change,) = groups(one, two)["library"].changes
    assert change.cites == (one[0].id, two[0].id)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("1.26.4", "2.0.0", "major"),
        ("1.26.4", "1.27.0", "minor"),
        ("1.26.4", "1.26.5", "patch"),
        ("1.26", "1.26.1", "patch"),
        ("1.26.4 (RECORD sha256:ab)", "1.26.4 (RECORD sha256:cd)", "build"),
        ("CPython 3.11.7", "CPython 3.12.1", "minor"),
        ("1!2.0", "1!3.0", "major"),
        ("not there", "1.0", "major"),
        ("unversioned", "unversioned too", "build"),
        ("5.2.15-2", "5.2.15-3", "build"),
    ],
)
def test_the_size_of_a_step_is_that_of_the_first_number_that_changed(before: str, after: str, expected: str) -> None:
    assert size(before, after) == expected
