"""Is the manifest found where Julia would look, and read in both forms? Texts in the documented forms; Julia is not on this machine."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from auditor.model import Absent, Found, Grade, Job
from auditor.world import RealWorld
from probes.software import Component
from probes.software.julia import PROBE, JuliaPackages, parse

TWO = """# This file is machine-generated - editing it directly is not advised
julia_version = "1.10.4"
manifest_format = "2.0"
project_hash = "f65b9de676a27ce78ee011db2d477b3d44d1b7c2"

[[deps.Dates]]
deps = ["Printf"]
uuid = "ade2ca70-3891-5945-98fb-dc099432e06a"

[[deps.JSON]]
git-tree-sha1 = "b34d7cef7b337321e97d22242c3c2b91f476748e"
uuid = "682c06a0-de6a-54ab-a142-c8b1cf79cde6"
version = "0.21.0"

[[deps.Mine]]
git-tree-sha1 = "1234567890123456789012345678901234567890"
repo-rev = "main"
repo-url = "https://ada:pw@example.org/Mine.jl.git"
uuid = "11111111-0000-0000-0000-000000000000"
version = "0.1.0"

[[deps.Local]]
path = "../Local"
uuid = "22222222-0000-0000-0000-000000000000"
version = "0.2.0"
"""
ONE = """[[JSON]]
git-tree-sha1 = "b34d7cef7b337321e97d22242c3c2b91f476748e"
uuid = "682c06a0-de6a-54ab-a142-c8b1cf79cde6"
version = "0.21.0"
"""
JSON = Component(
    "julia", "JSON", "0.21.0", "", "", "uuid 682c06a0-de6a-54ab-a142-c8b1cf79cde6 tree b34d7cef7b337321e97d22242c3c2b91f476748e"
)


def collect(workdir: Path, script: str = "#!/bin/bash\njulia run.jl\n", **env: str) -> Any:
    return PROBE.collect(RealWorld(env, str(workdir)), Job("slurm", "1", workdir=str(workdir), script=script))


def write(folder: Path, text: str = ONE, name: str = "Manifest.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder


def test_packages_have_the_tree_that_fixes_their_content_and_where_they_come_from() -> None:
    assert parse(TWO) == (
        "1.10.4",
        (
            Component("julia", "Dates", "", "", "part of Julia", "uuid ade2ca70-3891-5945-98fb-dc099432e06a"),
            JSON,
            Component("julia", "Local", "0.2.0", "", "../Local", "uuid 22222222-0000-0000-0000-000000000000"),
            Component("julia", "Mine", "0.1.0", "", "https://example.org/Mine.jl.git@main",
                      "uuid 11111111-0000-0000-0000-000000000000 tree 1234567890123456789012345678901234567890"),
        ),
    )  # fmt: skip
    assert parse(ONE) == ("", (JSON,))


def test_the_project_of_the_command_line_is_the_active_one(tmp_path: Path) -> None:
    project = write(tmp_path / "sub")
    write(tmp_path)
    seen = collect(tmp_path, "#!/bin/bash\nsrun julia --project=sub run.jl\n", JULIA_PROJECT="/elsewhere")

    expected = JuliaPackages(str(project), "--project", "", "", hashlib.sha256(ONE.encode()).hexdigest(), (JSON,))
    assert seen == Found(expected, f"{project}/Manifest.toml", Grade.OBSERVED)


def test_julia_project_may_be_a_folder_above_or_a_shared_environment(tmp_path: Path) -> None:
    write(tmp_path, TWO)
    write(tmp_path / ".julia/environments/shared")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    seen = [collect(deep, HOME=str(tmp_path), JULIA_PROJECT=p).value.project for p in ("@.", "@shared", str(tmp_path))]

    assert seen == [str(tmp_path), f"{tmp_path}/.julia/environments/shared", str(tmp_path)]


def test_a_manifest_for_one_julia_version_comes_first(tmp_path: Path) -> None:
    write(tmp_path, TWO)
    write(tmp_path, ONE, "Manifest-v1.11.toml")
    assert collect(tmp_path, JULIA_PROJECT=str(tmp_path)).source == f"{tmp_path}/Manifest-v1.11.toml"


def test_without_a_project_the_default_environment_counts(tmp_path: Path) -> None:
    write(tmp_path / "depot/environments/v1.10")
    seen = collect(tmp_path, JULIA_DEPOT_PATH=f"{tmp_path}/depot", HOME="/nowhere")
    assert (seen.value.chosen_by, seen.grade) == ("default environment", Grade.OBSERVED)


def test_a_manifest_that_nobody_activates_is_declared(tmp_path: Path) -> None:
    write(tmp_path)
    seen = collect(tmp_path, "#!/bin/bash\n./prog\n")
    assert (seen.value.chosen_by, seen.grade) == ("work directory", Grade.DECLARED)


def test_a_job_without_julia_is_absent(tmp_path: Path) -> None:
    assert collect(tmp_path, "#!/bin/bash\n./prog\n") == Absent("the script calls no Julia, and there is no Manifest.toml")
    assert collect(tmp_path) == Absent("no manifest where Julia would look for one")
