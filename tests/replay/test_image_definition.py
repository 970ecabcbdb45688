"""Which definition files are built by a replay? Only those that stay inside the container and the work directory."""

from __future__ import annotations

import pytest

from auditor.replay.images.definition import bases, refused

BASE = "Bootstrap: docker\nFrom: debian:12\n"


@pytest.mark.parametrize(
    "text",
    [
        BASE,
        BASE + "%post\n  apt-get update\n%labels\n  A b\n",
        BASE + "%files\n  requirements.txt /opt/\n  data/in.csv\n",
        f"{BASE}Stage: one\n\n{BASE}\n%files from one\n  /opt/built /opt/built\n",
        BASE + "# %setup would run outside\n",
        "BOOTSTRAP: library\nFROM: lab/x@sha256.00\n",
    ],
)
def test_a_recipe_that_stays_inside_is_built(text: str) -> None:
    assert refused(text) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BASE + "%setup\n  touch /owned\n", "its recipe runs commands outside of the container (%setup)"),
        (BASE + "%pre\n  touch /owned\n", "its recipe runs commands outside of the container (%pre)"),
        (BASE + "%SETUP\n  x\n", "its recipe runs commands outside of the container (%setup)"),
        (BASE + "%files\n  /etc/shadow /s\n", "its recipe copies '/etc/shadow', which is not in the work directory"),
        (BASE + "%files\n  ../../.ssh /s\n", "its recipe copies '../../.ssh', which is not in the work directory"),
        (BASE + "%files\n  $HOME/.ssh /s\n", "its recipe copies '$HOME/.ssh', which is not in the work directory"),
        (BASE + "%files\n  '~/.ssh' /s\n", "its recipe copies '~/.ssh', which is not in the work directory"),
        ("Bootstrap: localimage\nFrom: /x.sif\n", "its recipe starts from localimage: not from an image of a registry"),
        ("Bootstrap: debootstrap\n", "its recipe starts from debootstrap: not from an image of a registry"),
        (BASE + "Bootstrap: yum\n", "its recipe starts from yum: not from an image of a registry"),
        ("", "its recipe starts from nothing that it names: not from an image of a registry"),
    ],
)
def test_a_recipe_that_reaches_out_is_not(text: str, reason: str) -> None:
    assert refused(text) == reason


def test_the_bases_are_all_its_stages_start_from() -> None:
    assert bases("bootstrap: docker\n from: a:1\n\nBootstrap: docker\nFrom: b@sha256:00\n") == ("a:1", "b@sha256:00")
