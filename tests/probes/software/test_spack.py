"""Are Spack's concrete specs read from locks of old and new forms? Texts in the documented forms; Spack is not on this machine."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from auditor.model import Absent, Found, Grade, Job
from auditor.world import RealWorld
from probes.software import Component
from probes.software.spack import NONE, PROBE, SpackSpecs, specs
from tests.fakes import recorded

HASH = "hdw7vo7aap7mqx34ipo3nkzwshctnbnv"
ZLIB: dict[str, Any] = {
    "name": "zlib",
    "version": "1.2.13",
    "arch": {"platform": "linux", "platform_os": "ubuntu22.04", "target": {"name": "icelake", "vendor": "GenuineIntel"}},
    "compiler": {"name": "gcc", "version": "12.2.0"},
    "namespace": "builtin",
    "parameters": {"build_system": "makefile", "optimize": True, "pic": False, "cflags": [], "ldflags": ["-s", "-w"]},
    "package_hash": "y6ahhnjjjsfh5dx2y7sci7fhthq5aolyl5dgwif57qqbtjxwdwbq====",
    "hash": HASH,
}
LOCK = {
    "_meta": {"file-type": "spack-lockfile", "lockfile-version": 6, "specfile-version": 5},
    "spack": {"version": "1.0.0", "type": "git", "commit": "199133fca402022a27002a54f25d735e7a27cce5"},
    "roots": [{"hash": HASH, "spec": "zlib+optimize"}],
    "concrete_specs": {HASH: ZLIB},
}
EXPECTED = Component(
    "spack", "zlib", "1.2.13", "", "builtin",
    f"/{HASH} %gcc@12.2.0 arch=linux-ubuntu22.04-icelake build_system=makefile ldflags=-s,-w +optimize ~pic",
)  # fmt: skip


def lock(folder: Path) -> str:
    raw = json.dumps(LOCK)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spack.lock").write_text(raw)
    return hashlib.sha256(raw.encode()).hexdigest()


def collect(workdir: Path, script: str = "", **env: str) -> Any:
    return PROBE.collect(RealWorld(env, str(workdir)), Job("slurm", "1", workdir=str(workdir), script=script))


def test_the_lock_of_the_active_environment_names_every_concrete_spec(tmp_path: Path) -> None:
    env = tmp_path / "env"
    digest = lock(env)

    assert collect(tmp_path, SPACK_ENV=str(env)) == Found(
        SpackSpecs(
            str(env), "SPACK_ENV", digest, "6", "1.0.0 199133fca402022a27002a54f25d735e7a27cce5", ("zlib+optimize",), (), (EXPECTED,)
        ),
        f"{env}/spack.lock",
        Grade.OBSERVED,
    )  # fmt: skip


def test_an_environment_that_the_script_activates_is_found_by_folder_and_by_name(tmp_path: Path) -> None:
    lock(tmp_path / "root" / "var/spack/environments/ml")
    lock(tmp_path / "mine")
    scripts = ("spack env activate -d mine\n", "spack env activate ml\n")
    seen = [collect(tmp_path, f"#!/bin/bash\n{s}", SPACK_ROOT=str(tmp_path / "root")) for s in scripts]

    assert [s.value.environment for s in seen] == [f"{tmp_path}/mine", f"{tmp_path}/root/var/spack/environments/ml"]
    assert {s.value.chosen_by for s in seen} == {"spack env activate"}


def test_a_lock_that_only_lies_in_the_work_directory_is_declared(tmp_path: Path) -> None:
    lock(tmp_path)
    seen = collect(tmp_path)
    assert (seen.grade, seen.value.chosen_by) == (Grade.DECLARED, "work directory")


def test_prefixes_on_the_paths_that_spack_installed_are_told_with_their_dependencies(tmp_path: Path) -> None:
    prefix = tmp_path / "opt" / "hdf5-1.14-abc"
    (prefix / ".spack").mkdir(parents=True)
    (prefix / "bin").mkdir()
    nodes = [{"name": "hdf5", "version": "1.14", "hash": "abc", "arch": {"target": "zen3"}}, ZLIB]
    (prefix / ".spack/spec.json").write_text(json.dumps({"spec": {"_meta": {"version": 5}, "nodes": nodes}}))
    seen = collect(tmp_path, PATH=f"/usr/bin:{prefix}/bin", LD_LIBRARY_PATH=f"{prefix}/lib")

    assert seen.value.loaded == (str(prefix),)
    assert seen.value.components == (Component("spack", "hdf5", "1.14", "", "", "/abc arch=zen3"), EXPECTED)
    assert (seen.source, seen.grade) == (f"{prefix} on the job's paths", Grade.OBSERVED)


def test_at_the_end_a_prefix_on_the_path_tells_by_its_name_what_a_module_loaded() -> None:
    prefix = f"/apps/spack/linux-rocky9-zen3/gcc-12.2.0/py-torch-geometric-2.5.3-{HASH}"
    world = recorded(env={"PATH": f"{prefix}/bin:/usr/bin", "LD_LIBRARY_PATH": f"{prefix}/lib"})
    seen = PROBE.collect(world, Job("slurm", "1", ended_at="2026-11-23T12:10:00+00:00"))

    assert isinstance(seen, Found)
    assert seen.value.components == (Component("spack", "py-torch-geometric", "2.5.3", "", prefix, f"/{HASH}"),)
    assert (seen.value.environment, seen.value.loaded) == ("", (prefix,))


def test_nodes_of_old_locks_and_of_included_environments_are_read() -> None:
    old = {"boost": {"version": "1.70.0", "arch": {"platform": "linux", "platform_os": "ubuntu18.04", "target": "x86_64"}}}
    included = {"/other": {"roots": [], "concrete_specs": {HASH: ZLIB}}}

    assert list(specs({"concrete_specs": {"wi3s": old}, "include_concrete": included})) == [
        Component("spack", "boost", "1.70.0", "", "", "/wi3s arch=linux-ubuntu18.04-x86_64"),
        EXPECTED,
    ]


def test_hostile_locks_name_nothing(tmp_path: Path) -> None:
    for raw in (
        "",
        "[]",
        "{",
        '{"concrete_specs": [1], "roots": {"a": 1}, "_meta": 3}',
        '{"concrete_specs": {"a": 1, "b": {"c": 2}}}',
    ):
        (tmp_path / "spack.lock").write_text(raw)
        seen = collect(tmp_path)
        assert isinstance(seen, Absent) or [c.name for c in seen.value.components] in ([], ["c"])


def test_a_job_without_spack_is_absent(tmp_path: Path) -> None:
    assert collect(tmp_path, PATH="/usr/bin") == Absent(NONE)
