"""Are loaded modules told with their files, and the ones that a script will load found before it does?"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from auditor.model import Absent, Job
from auditor.world import RealWorld
from probes.modules import PROBE, LoadedModules, Module
from tests.needs import need

HELLO = "#%Module1.0\nsetenv HELLO 1\n"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        "tools/gcc/9.3": HELLO + "# 9\n",
        "tools/gcc/10.2": HELLO + "# 10\n",
        "tools/cuda/11": HELLO + "# 11\n",
        "tools/cuda/12": HELLO + "# 12\n",
        "tools/cuda/.version": '#%Module1.0\nset ModulesVersion "11"\n',
        "tools/mpi/4": HELLO + "# 4\n",
        "tools/mpi/5": HELLO + "# 5\n",
        "tools/mpi/.modulerc": "#%Module1.0\nmodule-version mpi/4 default\n",
        "lua/r/4.3.lua": 'help("R")\n',
        "lua/r/4.10.lua": 'help("R 4.10")\n',
        "tools/plain": HELLO,
        "tools/gcc/README": "no module\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def collect(script: str = "", **env: str) -> object:
    return PROBE.collect(RealWorld(env=env, cwd="/"), Job("slurm", "1", workdir="/", script=script))


def found(script: str, **env: str) -> list[tuple[str, str]]:
    answer = collect(script, **env)
    assert isinstance(answer, LoadedModules)
    return [(m.name, os.path.basename(m.path)) for m in answer.modules]


def test_loaded_modules_have_their_files_and_hashes(tree: Path) -> None:
    path = f"{tree}/tools/gcc/9.3"
    env = {
        "LOADEDMODULES": "gcc/9.3:gone/1",
        "_LMFILES_": f"{path}:/no/gone/1",
        "MODULEPATH": f"{tree}/tools",
        "LMOD_VERSION": "8.7",
    }
    assert collect(**env) == LoadedModules(
        "lmod 8.7", (Module("gcc/9.3", path, sha(HELLO + "# 9\n")), Module("gone/1", "/no/gone/1", "")), (f"{tree}/tools",)
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("module load gcc/9.3", [("gcc/9.3", "9.3")]),
        ("module load gcc", [("gcc/10.2", "10.2")]),
        ("module load cuda", [("cuda/11", "11")]),
        ("module load mpi", [("mpi/4", "4")]),
        ("module load r", [("r/4.10", "4.10.lua")]),
        ("module load plain", [("plain", "plain")]),
        ("ml gcc/9.3 cuda/12", [("gcc/9.3", "9.3"), ("cuda/12", "12")]),
        ("V=9.3; module -q load gcc/$V", [("gcc/9.3", "9.3")]),
        ("module load nowhere/1", [("nowhere/1", "")]),
        ("module load gcc/9.3\nmodule purge\nmodule load plain", [("plain", "plain")]),
        ("module swap gcc mpi/5", [("mpi/5", "5")]),
        ("module list; module avail", []),
        ("module load $UNKNOWN", []),
    ],
)
def test_what_the_script_will_load_is_looked_up_as_module_would(tree: Path, line: str, expected: list[tuple[str, str]]) -> None:
    assert found(line, MODULEPATH=f"{tree}/tools:{tree}/lua") == expected


def test_module_use_puts_a_folder_in_front(tree: Path) -> None:
    (tree / "mine/gcc").mkdir(parents=True)
    (tree / "mine/gcc/1").write_text(HELLO)
    assert found(f"module use {tree}/mine\nmodule load gcc", MODULEPATH=f"{tree}/tools") == [("gcc/1", "1")]


def test_no_module_system_is_absent() -> None:
    assert collect("module list") == Absent("no module system: neither LOADEDMODULES nor MODULEPATH is set")


INIT = {"environment-modules": "/usr/share/modules/init/bash", "lmod": "/usr/share/lmod/lmod/init/bash"}


@pytest.mark.parametrize("wanted", ["gcc", "gcc/9.3", "cuda", "mpi", "plain", "r"])
@pytest.mark.parametrize("system", INIT)
def test_a_real_module_command_loads_the_file_that_we_found(tree: Path, system: str, wanted: str) -> None:
    if (system, wanted) == ("environment-modules", "r"):
        wanted = "plain"  # it reads no Lua
    need(*([] if os.path.exists(INIT[system]) else [system]))
    folders = f"{tree}/tools:{tree}/lua"
    script = f". {INIT[system]}; module use {tree}/lua {tree}/tools; module load {wanted}; echo $LOADEDMODULES:$_LMFILES_"
    ran = RealWorld(env={"PATH": os.environ["PATH"], "HOME": str(tree)}).run("bash", "-c", script)
    name, path = ran.out.strip().split(":")
    answer = collect(f"module load {wanted}", MODULEPATH=folders)
    assert isinstance(answer, LoadedModules)
    assert [(m.name.removesuffix(".lua"), m.path) for m in answer.modules] == [(name, path)]
    assert [m.sha256 for m in answer.modules] == [m.sha256 for m in collect(LOADEDMODULES=name, _LMFILES_=path).modules]  # type: ignore[attr-defined]
