"""Real parts, started by the tests themselves: Slurm in three variants, Docker, Podman, a registry, Apptainer.

Missing: a failure in CI, elsewhere a skip that says what.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import containers_lab
import pytest

from tests.needs import need

sys.path.insert(0, str(Path(__file__).parents[2] / "ci"))
import slurmlab


def _lab(variant: str) -> Iterator[slurmlab.Lab]:
    need(*slurmlab.missing(variant))
    with slurmlab.running(variant) as lab:
        yield lab


@pytest.fixture(scope="session")
def full_lab() -> Iterator[slurmlab.Lab]:
    yield from _lab("full")


@pytest.fixture(scope="session")
def light_lab() -> Iterator[slurmlab.Lab]:
    yield from _lab("light")


@pytest.fixture(scope="session")
def cgroup_lab() -> Iterator[slurmlab.Lab]:
    yield from _lab("cgroup")


@pytest.fixture
def slurm(full_lab: slurmlab.Lab, monkeypatch: pytest.MonkeyPatch) -> slurmlab.Lab:
    """Slurm with slurmdbd and MariaDB; SLURM_CONF points at it."""
    monkeypatch.setenv("SLURM_CONF", full_lab.conf)
    return full_lab


@pytest.fixture
def slurm_light(light_lab: slurmlab.Lab, monkeypatch: pytest.MonkeyPatch) -> slurmlab.Lab:
    """Slurm without accounting: no sacct, a job completion file."""
    monkeypatch.setenv("SLURM_CONF", light_lab.conf)
    return light_lab


@pytest.fixture
def slurm_cgroup(cgroup_lab: slurmlab.Lab, monkeypatch: pytest.MonkeyPatch) -> slurmlab.Lab:
    """Slurm with memory limits that the kernel enforces."""
    monkeypatch.setenv("SLURM_CONF", cgroup_lab.conf)
    return cgroup_lab


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[containers_lab.Engine]:
    """A Docker engine of our own; nothing of it touches the machine's."""
    need(*containers_lab.missing_docker())
    with containers_lab.docker_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture(scope="session")
def podman_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[containers_lab.Engine]:
    """Podman's service of our own, as root, on its own socket."""
    need(*containers_lab.missing_podman())
    with containers_lab.podman_engine(tmp_path_factory.mktemp("podman")) as engine:
        yield engine


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry on loopback: `host:port`."""
    need(*containers_lab.missing_docker())
    with containers_lab.registry(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="session")
def apptainer() -> str:
    """The version of the Apptainer that is there."""
    need(*containers_lab.missing_apptainer())
    return subprocess.run(["apptainer", "version"], capture_output=True, text=True, check=True).stdout.strip()
