"""Real parts, started by the tests themselves: Slurm in three variants. Missing: a failure in CI, elsewhere a skip that says what."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "ci"))
import slurmlab


def need(*lacking: str) -> None:
    """Fail in CI, skip elsewhere, naming what is not there."""
    if lacking:
        say = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        say(f"not on this machine: {', '.join(lacking)}")


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
