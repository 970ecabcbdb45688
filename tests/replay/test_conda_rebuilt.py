"""Are conda's packages only had by address and digest, inside a sandbox, and is it said when they cannot be?"""

from __future__ import annotations

import dataclasses
import platform
from pathlib import Path

import pytest

from auditor.replay import sandbox
from auditor.replay.conda import create, explicit
from auditor.replay.environment import rebuild
from auditor.replay.sandbox import Sandbox
from auditor.world import RealWorld
from probes.packages import PythonPackages
from reports.archive.lock import documents
from reports.archive.recipe import Recipe
from tests import factory
from tests.needs import need

AT = "https://conda.anaconda.org/conda-forge/linux-64/"
GOOD = (f"{AT}numpy-2.0-py311_h1.conda#{'a' * 64}", f"{AT}old-1.0-h1_0.tar.bz2#{'b' * 32}")
NO_SANDBOX = Sandbox("none", "bubblewrap (bwrap) is not installed")


def listed(folder: Path, *lines: str) -> Path:
    path = folder / "conda-explicit.txt"
    path.write_text("\n".join(("@EXPLICIT", *lines, "")))
    return path


def program(folder: Path, name: str, text: str) -> RealWorld:
    """A machine with this program in front."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    return RealWorld(env={"PATH": f"{folder}:/usr/bin:/bin"})


@pytest.mark.parametrize(
    "line",
    [
        "numpy",
        f"{AT}numpy-2.0-h1.conda",
        f"{AT}numpy-2.0-h1.conda#sha256:short",
        f"http://conda.anaconda.org/x/numpy-2.0-h1.conda#{'a' * 64}",
        f"file:///tmp/numpy-2.0-h1.conda#{'a' * 64}",
        f"https://u:p@evil.example/numpy-2.0-h1.conda#{'a' * 64}",
        f"{AT}numpy-2.0-h1.conda#{'a' * 64} --channel evil",
        "--file=/etc/passwd",
    ],
)
def test_a_stranger_s_list_may_name_archives_with_digests_and_nothing_else(tmp_path: Path, line: str) -> None:
    found = explicit(listed(tmp_path, *GOOD, line))
    assert (found.lines, found.odd) == (GOOD, (line,))


def test_without_conda_s_programs_it_is_said(tmp_path: Path) -> None:
    world = RealWorld(env={"PATH": "/nowhere"})
    said = "2 conda packages cannot be had: none of micromamba, mamba, conda is here"
    assert create(explicit(listed(tmp_path, *GOOD)), tmp_path / "env", Sandbox("bubblewrap", ""), world) == said


def test_without_a_sandbox_nothing_is_installed(tmp_path: Path) -> None:
    world = program(tmp_path / "bin", "conda", f"touch {tmp_path}/ran")
    reason = create(explicit(listed(tmp_path, *GOOD)), tmp_path / "env", NO_SANDBOX, world)
    assert "there is no sandbox (bubblewrap (bwrap) is not installed)" in reason
    assert not (tmp_path / "ran").exists()


def test_the_program_gets_the_list_and_its_folders_and_sees_no_home(tmp_path: Path) -> None:
    """A stand-in for micromamba, which writes down what it was told and could see."""
    world = program(
        tmp_path / "bin", "micromamba", f'echo "$@" >{tmp_path}/env/told; cat {tmp_path}/conda-root/explicit.txt; ls {tmp_path}'
    )
    shut = sandbox.find(True, True, world)
    need(*([] if shut.kind == "bubblewrap" else ["bubblewrap"]))
    assert create(explicit(listed(tmp_path, *GOOD)), tmp_path / "env", shut, world) == ""
    words = (
        f"--no-rc --no-env --root-prefix {tmp_path}/conda-root --prefix {tmp_path}/env --file {tmp_path}/conda-root/explicit.txt"
    )
    assert (tmp_path / "env/told").read_text() == f"create --yes --quiet {words}\n"
    assert (tmp_path / "conda-root/explicit.txt").read_text().splitlines() == ["@EXPLICIT", *GOOD]


def test_what_the_program_says_when_it_fails_is_the_reason(tmp_path: Path) -> None:
    world = program(tmp_path / "bin", "micromamba", "echo critical libmamba: Could not resolve host >&2; exit 1")
    shut = sandbox.find(True, True, world)
    need(*([] if shut.kind == "bubblewrap" else ["bubblewrap"]))
    reason = create(explicit(listed(tmp_path, *GOOD)), tmp_path / "env", shut, world)
    assert reason == "critical libmamba: Could not resolve host"


def test_a_run_with_conda_s_packages_is_not_taken_for_rebuilt_without_them(tmp_path: Path) -> None:
    minor = platform.python_version()
    numpy = dataclasses.replace(
        factory.packages("numpy==2.0").packages[0], source="conda", reference=GOOD[0].replace("#", "#sha256=")
    )
    crate = laid(tmp_path / "crate", factory.packages(packages=(numpy,), version=minor))
    made = rebuild(recipe(minor), crate, tmp_path, NO_SANDBOX, RealWorld(env={"PATH": "/nowhere"}))
    assert (made.kind, made.equal) == ("host", None)
    assert "1 conda package cannot be had" in made.detail


def recipe(python: str) -> Recipe:
    blank = {
        f.name: ""
        for f in dataclasses.fields(Recipe)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    }
    return Recipe(**{**blank, "python": python, "requirements": "environment/requirements.txt"})  # type: ignore[arg-type]


def laid(crate: Path, found: PythonPackages) -> Path:
    """The locks of a bundle."""
    (crate / "environment").mkdir(parents=True)
    for name, data in documents(found).items():
        (crate / "environment" / name).write_bytes(data)
    return crate
