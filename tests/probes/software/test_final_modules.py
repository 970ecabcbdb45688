"""Are the modules told that the script itself loaded? Real Lmod and real Environment Modules, in a real shell with the hook."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from auditor import intake
from auditor.home import Home
from auditor.model import Absent, Job, Phase, Status
from auditor.submit import hook
from auditor.submit.bashenv import value
from auditor.world import RealWorld
from probes.software import Component
from probes.software.final_modules import PROBE, FinalModules
from tests.fakes import recorded
from tests.needs import need

INIT = {"lmod": "/usr/share/lmod/lmod/init/bash", "environment-modules": "/usr/share/modules/init/bash"}
FILE = {
    "lmod": ("tools/gcc/12.2.0.lua", 'setenv("CC", "gcc-12")\n'),
    "environment-modules": ("tools/gcc/12.2.0", "#%Module1.0\nsetenv CC gcc-12\n"),
}


def test_names_versions_and_files_are_taken_apart() -> None:
    env = {
        "LOADEDMODULES": "gcc/12.2.0:cuda/toolkit/12.4:plain",
        "_LMFILES_": "/m/gcc/12.2.0:/m/cuda/toolkit/12.4.lua:/m/plain",
        "LMOD_VERSION": "8.7",
    }
    assert PROBE.collect(recorded(env=env), Job("slurm", "1")) == FinalModules(
        "lmod 8.7",
        (
            Component("module", "gcc", "12.2.0", "", "/m/gcc/12.2.0"),
            Component("module", "cuda/toolkit", "12.4", "", "/m/cuda/toolkit/12.4.lua"),
            Component("module", "plain", "", "", "/m/plain"),
        ),
    )  # fmt: skip


def test_files_that_do_not_fit_the_names_are_not_guessed() -> None:
    seen = PROBE.collect(recorded(env={"LOADEDMODULES": "a/1:b/2", "_LMFILES_": "/m/a/1"}), Job("slurm", "1"))
    assert isinstance(seen, FinalModules)
    assert [c.origin for c in seen.components] == ["", ""]


def test_no_module_is_absent() -> None:
    assert PROBE.collect(recorded(env={"LOADEDMODULES": ""}), Job("slurm", "1")) == Absent("no module was loaded at the end")


@pytest.mark.parametrize("system", ["lmod", "environment-modules"])
def test_what_a_real_module_command_loaded_is_in_the_end_record(tmp_path: Path, system: str) -> None:
    need(*([] if os.path.exists(INIT[system]) and shutil.which("bash") else [system]))
    name, text = FILE[system]
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(text)
    home = Home(str(tmp_path / "home"))
    script = tmp_path / "slurm_script"
    script.write_text(f"#!/bin/bash\n. {INIT[system]}\nmodule use {tmp_path}/tools\nmodule load gcc\necho $CC\n")
    script.chmod(0o700)
    env = {
        "SLURM_JOB_ID": "7",
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "BASH_ENV": value(hook.install(home), "0" * 16, None, "nohash"),
    }
    ran = RealWorld(env={}, cwd=str(tmp_path)).run(str(script), env=env)
    capture = intake.read(str(next(Path(home.spool).glob("7-0-end-*.raw"))))
    (seen,) = [e for e in capture.evidence if e.probe == "final-modules"]

    assert (ran.out, ran.code) == ("gcc-12\n", 0), ran.err
    assert (seen.status, seen.phase) == (Status.OK, Phase.END)
    assert seen.data is not None
    assert seen.data["system"].startswith(system)
    assert [(c["name"], c["version"], c["origin"]) for c in seen.data["components"]] == [("gcc", "12.2.0", f"{tmp_path}/{name}")]
