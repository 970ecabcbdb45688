"""What does a definition file say of where an image came from? Texts as Apptainer's handbook has them, and traps."""

from __future__ import annotations

import pytest

from probes.containers import SifStage
from probes.containers.sifrecipe import stages

DIGEST = "sha256:" + "a" * 64
TWO = f"""# built for the paper
Bootstrap: docker
From: golang@{DIGEST}
Stage: devel

%post
  export PATH=$PATH
  Bootstrap: this is no header
  From: nor is this

%files
  hello.go /root/
  data/table.csv

# final
Bootstrap: library
From: alpine:3.17   # small
Stage: final

%files from devel
  /root/hello /bin/hello
%labels
  From: me
%runscript
  exec hello
"""


def test_each_stage_has_its_base_and_what_it_takes_from_the_building_machine() -> None:
    assert stages(TWO) == (
        SifStage("devel", "docker", f"golang@{DIGEST}", True, False, ("hello.go", "data/table.csv")),
        SifStage("final", "library", "alpine:3.17", False, False, ()),
    )


@pytest.mark.parametrize(
    ("head", "local"),
    [
        ("Bootstrap: localimage\nFrom: base.sif", True),
        ("bootstrap:docker-daemon\nfrom:app:1", True),
        ("BootStrap: docker-archive\nFrom: x.tar", True),
        ("Bootstrap: oci\nFrom: layout:1", True),
        ("Bootstrap: docker\nFrom: debian:13", False),
        ("Bootstrap: shub\nFrom: a/b", False),
        ("Bootstrap: scratch", False),
        ("Bootstrap: debootstrap\nOSVersion: bookworm\nMirrorURL: http://deb.debian.org/debian/", False),
    ],
)
def test_a_base_on_one_machine_only_is_said_to_be(head: str, local: bool) -> None:
    [stage] = stages(f"{head}\n\n%post\n  true\n")
    assert stage.local is local


@pytest.mark.parametrize(
    ("base", "pinned"),
    [
        (f"python@{DIGEST}", True),
        (f"python:3.11@{DIGEST}", True),
        ("lib/x:sha256." + "a" * 64, True),
        ("python:3.11", False),
        ("python@sha256:abc", False),
        ("python:{{ VERSION }}", False),
        (f"python:3.11 # @{DIGEST}", False),
        ("", False),
    ],
)
def test_a_base_is_pinned_by_a_whole_digest_and_by_nothing_less(base: str, pinned: bool) -> None:
    [stage] = stages(f"Bootstrap: docker\nFrom: {base}\n")
    assert stage.pinned is pinned


@pytest.mark.parametrize(
    "text", ["", "\n\n", "%post\n  Bootstrap: docker\n", "From: x\n", "\0\0", "FROM python:3.11\nRUN true\n"]
)
def test_what_is_no_definition_has_no_stage(text: str) -> None:
    assert stages(text) == ()


def test_a_first_value_counts_and_thousands_of_stages_are_not_kept() -> None:
    assert stages("Bootstrap: docker\nFrom: a\nFrom: b\n")[0].base == "a"
    assert len(stages("Bootstrap: docker\nFrom: a\n" * 5000)) == 50
