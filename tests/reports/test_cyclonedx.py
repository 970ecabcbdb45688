"""Is the parts list one that others' programs accept, the same every time, with names that they understand?"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from auditor.model import AuditError, Evidence, Phase, Status
from auditor.registry import formats
from probes.containers import (
    ContainerIdentities,
    ContainerReferences,
    ImageFacts,
    ImageIdentity,
    RanImage,
    RanImages,
    Reference,
    SifImage,
    SifImages,
    SifSbom,
)
from probes.packages import Package
from probes.software import Component
from probes.software.system_packages import SystemPackages
from probes.software.toolchain import Toolchain
from reports.formats.cyclonedx import sbom
from reports.formats.purl import image, purl
from reports.score import score
from tests.factory import at, hardware, job, modules, packages, seen, sha, unseen
from tests.worlds.make import WORLDS

DIGEST = "sha256:" + "c" * 64
TORCH = RanImage(
    "docker", "engine", "lab/torch:2", ImageFacts("docker.io/lab/torch:2", manifest=DIGEST, platform="linux/amd64"), "x"
)
DEB = SystemPackages(
    "dpkg", "debian 12", at(0), sha("l"), sha("d"), 1, (Component("deb", "libssl3", "3.0.15-1~deb12u1", "", "", "amd64"),)
)
WHEEL = Package("PyYAML", "6.0", "/v", "index", f"https://e.org/pyyaml.whl#sha256={sha('wheel')}", "pip", "", requested=True)
NEEDED = Package("six", "1.17", "/v", "index", "", "pip", "", requested=False)
RUN: tuple[Evidence, ...] = (
    seen(RanImages((TORCH,)), phase=Phase.LATER),
    seen(DEB),
    seen(packages(packages=(WHEEL, NEEDED))),
    seen(modules("gcc/12.2.0"), phase=Phase.START),
    seen(hardware(gpu_driver="550.54"), phase=Phase.START),
    seen(Toolchain((Component("compiler", "gcc", "12.2.0", "", "/usr/bin/gcc"),))),
)


def read(*evidence: Evidence) -> Any:
    raw = sbom(job(), evidence)
    complaint = JsonStrictValidator(SchemaVersion.V1_6).validate_str(raw.decode())
    assert complaint is None, str(complaint)
    return json.loads(raw)


def by_name(document: Any, name: str) -> Any:
    (found,) = [c for c in document["components"] if c["name"] == name]
    return found


@pytest.mark.parametrize("world", WORLDS)
def test_a_whole_run_gives_a_document_that_the_official_schema_accepts_twice_the_same(world: str) -> None:
    its_job, evidence = WORLDS[world]()

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom(its_job, evidence).decode()) is None
    assert sbom(its_job, evidence) == sbom(its_job, tuple(reversed(evidence)))


def test_parts_of_every_kind_have_their_type_their_hash_and_a_name_that_others_read() -> None:
    document = read(*RUN)

    torch, yaml, ssl = (by_name(document, name) for name in ("lab/torch:2", "pyyaml", "libssl3"))
    assert (torch["type"], torch["hashes"]) == ("container", [{"alg": "SHA-256", "content": "c" * 64}])
    assert torch["purl"] == f"pkg:oci/torch@sha256%3A{'c' * 64}?repository_url=docker.io/lab/torch&tag=2"
    assert (yaml["purl"], yaml["hashes"]) == ("pkg:pypi/pyyaml@6.0", [{"alg": "SHA-256", "content": sha("wheel")}])
    assert ssl["purl"] == "pkg:deb/debian/libssl3@3.0.15-1~deb12u1?arch=amd64&distro=debian-12"
    assert {c["type"] for c in document["components"]} == {
        "container", "operating-system", "library", "platform", "application", "device-driver",
    }  # fmt: skip


def test_where_the_work_is_done_in_an_image_the_machine_s_software_is_the_host_s_and_not_the_run_s() -> None:
    document = read(*RUN)
    host = {"name": "auditor:scope", "value": "host"}
    depends = {row["ref"]: row["dependsOn"] for row in document["dependencies"]}

    assert {c["name"] for c in document["components"] if host in c.get("properties", ())} >= {
        "gcc",
        "libssl3",
        "debian",
        "nvidia",
    }
    assert host not in by_name(document, "pyyaml")["properties"]
    assert "compiler:gcc@12.2.0" in depends["system:debian 12"]
    assert "compiler:gcc@12.2.0" not in depends[document["metadata"]["component"]["bom-ref"]]
    assert "driver:nvidia@550.54" in depends[document["metadata"]["component"]["bom-ref"]]


def test_without_an_image_the_machine_s_software_is_the_run_s() -> None:
    document = read(*(e for e in RUN if e.kind != "RanImages"))

    assert "auditor:scope" not in json.dumps(document)
    assert "compiler:gcc@12.2.0" in document["dependencies"][0]["dependsOn"]


def test_a_list_of_parts_inside_an_image_is_referred_to_by_its_digest() -> None:
    inside = SifSbom("syft.json", "syft-json", sha("list"), 4096)
    file = SifImage(
        "/data/my torch.sif", 900, sha("img"), "7d0e", "amd64", "", "", "squashfs", "", "", "", "", False, {}, (), (), sboms=(inside,)
    )  # fmt: skip
    there = ContainerIdentities((ImageIdentity("/data/my torch.sif", "ok", "", sha("img"), 900),))

    torch = by_name(read(seen(SifImages((file,))), seen(there, phase=Phase.START)), "/data/my torch.sif")
    assert torch["externalReferences"] == [
        {
            "type": "bom",
            "url": "/data/my%20torch.sif#syft.json",
            "comment": "kept inside the image as syft.json, syft-json, 4096 bytes; not compared with the image",
            "hashes": [{"alg": "SHA-256", "content": sha("list")}],
        }
    ]


def test_a_run_stands_on_its_images_and_what_was_asked_for_and_the_system_on_its_packages() -> None:
    depends = {row["ref"]: row["dependsOn"] for row in read(*RUN)["dependencies"]}

    own = depends[f"run:{job().run_id}"]
    assert {"image:lab/torch:2", "pypi:pyyaml@6.0", "system:debian 12"} <= set(own)
    assert not {"pypi:six@1.17", "deb:libssl3@3.0.15-1~deb12u1"} & set(own)
    assert depends["system:debian 12"] == ["compiler:gcc@12.2.0", "deb:libssl3@3.0.15-1~deb12u1", "libc:glibc@2.36"]


def test_a_look_that_failed_makes_the_list_incomplete_and_none_makes_it_complete() -> None:
    broken = unseen(SystemPackages, "OSError: I/O error", status=Status.FAILED)

    assert read(*RUN)["compositions"][0]["aggregate"] == "unknown"
    assert read(*RUN, replace(broken, phase=Phase.LATER))["compositions"][0]["aggregate"] == "incomplete"


def test_names_from_outside_cannot_break_the_document() -> None:
    hostile = Component("spack", 'a"\x1b[31m\udc80\n/../', "1\x00", "sha256:zz", "javascript:alert(1)", "x" * 9000)
    document = read(seen(Toolchain((hostile, hostile))))

    (part,) = document["components"]
    assert part["name"] == 'a"\\x1b[31m\\x80\\n/../'
    assert "hashes" not in part


def test_nothing_known_is_an_empty_list() -> None:
    assert read()["components"] == []


def test_a_scorecard_is_no_source_for_it() -> None:
    with pytest.raises(AuditError, match="only the beginning"):
        formats()["cyclonedx"].render(score(job(), ()))
    assert formats()["cyclonedx"].of_evidence is sbom


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Component("pypi", "zope_interface", "7.0"), "pkg:pypi/zope-interface@7.0"),
        (
            Component("conda", "numpy", "2.3.0", "", "https://conda.anaconda.org/conda-forge/linux-64/numpy-2.3.0-py312h1.conda", "py312h1"),
            "pkg:conda/numpy@2.3.0?build=py312h1&channel=conda-forge&subdir=linux-64&type=conda",
        ),
        (Component("rpm", "glibc", "1:2.34-100.el9", "", "", "x86_64"), "pkg:rpm/rocky/glibc@2.34-100.el9?arch=x86_64&distro=rocky-9.4&epoch=1"),
        (Component("cran", "Rcpp", "1.0.13"), "pkg:cran/Rcpp@1.0.13"),
        (
            Component("julia", "Dates", "1.9.0", "", "", "ade2ca70-3891-5945-98fb-dc099432e06a"),
            "pkg:julia/Dates@1.9.0?uuid=ade2ca70-3891-5945-98fb-dc099432e06a",
        ),
        (Component("julia", "Dates", "1.9.0"), "pkg:generic/julia/Dates@1.9.0"),
        (Component("spack", "openblas", "0.3.27"), "pkg:generic/spack/openblas@0.3.27"),
        (Component("module", "cuda/toolkit", "12.4"), "pkg:generic/module/cuda/toolkit@12.4"),
    ],
)  # fmt: skip
def test_each_ecosystem_has_its_package_url(part: Component, expected: str) -> None:
    written = purl(part, "rocky 9.4" if part.ecosystem == "rpm" else "")

    assert written == expected
    assert PackageURL.from_string(written).to_string() == expected


def test_an_image_has_a_package_url_only_by_digest() -> None:
    assert (
        image("docker://python:3.12", DIGEST)
        == f"pkg:oci/python@sha256%3A{'c' * 64}?repository_url=docker.io/library/python&tag=3.12"
    )
    assert image("ghcr.io:443/a/b@sha256:1", DIGEST) == f"pkg:oci/b@sha256%3A{'c' * 64}?repository_url=ghcr.io:443/a/b"
    assert image("python:3.12", "") == ""


def test_an_image_that_is_only_named_is_told_as_such() -> None:
    named = ContainerReferences((Reference("docker", "lab/x:1", "lab/x:1", "docker", "docker.io", "lab/x", "1", "", 3),))
    (part,) = read(seen(named))["components"]

    assert {"name": "auditor:seen", "value": "named"} in part["properties"]
