"""Is a real environment's lock enough to have the same environment again: from the index, and from the carried wheels with no network?

Every installer that reads PEP 751 is asked; each result is compared with the original file by file.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import packaging.pylock
import pytest

from auditor.replay.compared import compare
from auditor.world import RealWorld
from probes.packages import PythonPackages
from reports.archive import lock
from reports.archive.wheelhouse import House, collect
from tests.needs import need
from tests.wheels import environment, install, packages, ran, site, wheel

PINS = ("tomli==2.3.0", "zipp==3.23.0", "markupsafe==3.0.3")
"""One compiled by mypyc, one pure, one with a C extension; with wheels for every Python."""
UV = str(Path(sys.executable).with_name("uv"))


@dataclasses.dataclass(frozen=True)
class Original:
    """An environment, and what fetching its wheels gave. cache: XDG_CACHE_HOME."""

    prefix: Path
    seen: PythonPackages
    house: House
    world: RealWorld


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Original]:
    """Three packages of the index, and one of our own that no index has."""
    folder = tmp_path_factory.mktemp("original")
    prefix = environment(folder / "venv")
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "-q", "--python", str(prefix / "bin/python"), "install", "--no-deps", *PINS],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    need(*(["a package index that pip reaches"] if asked.returncode else []), *([] if Path(UV).exists() else ["uv"]))
    install(prefix, wheel(folder, "tiny", "1.0", {"tiny/__init__.py": "answer = 42\n"}))
    seen = packages(prefix)
    world = RealWorld(env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "PIP_CACHE_DIR": str(folder / "pip")})
    yield Original(prefix, seen, collect("fetch", seen, world), world)


def written(folder: Path, original: Original, *, carried: bool) -> Path:
    """The locks in a folder, as a bundle lays them: with the wheels, or with addresses only."""
    house = original.house
    wheels = house.wheels if carried else tuple(dataclasses.replace(w, carried=False) for w in house.wheels if w.url)
    seen = original.seen if carried else from_index(original.seen)
    for name, data in lock.documents(seen, wheels).items():
        (folder / name).write_bytes(data)
    (folder / "wheels").mkdir()
    for item in house.items if carried else ():
        data = Path(item.source).read_bytes() if item.source else item.data
        (folder / "wheels" / Path(item.path).name).write_bytes(data)
    return folder / "pylock.toml"


def from_index(seen: PythonPackages) -> PythonPackages:
    return dataclasses.replace(seen, packages=tuple(p for p in seen.packages if p.name != "tiny"))


def installers(env: Path, folder: Path, *, offline: bool) -> dict[str, list[str]]:
    python = str(env / "bin/python")
    uv = [UV, "--no-cache", *(["--offline"] if offline else []), "pip"]
    pip = [sys.executable, "-m", "pip", "-q", "--python", python, "install", "--no-deps", "--no-cache-dir"]
    pip += ["--no-index", "--find-links", f"{folder}/wheels"] if offline else []
    return {
        "uv pip sync pylock.toml": [*uv, "sync", "-q", "--python", python, f"{folder}/pylock.toml"],
        "pip install -r pylock.toml": [*pip, "-r", f"{folder}/pylock.toml"],
        "pip install -r requirements.txt": [*pip, "--require-hashes", "-r", f"{folder}/requirements.txt"],
    }


NAMES = tuple(installers(Path(), Path(), offline=True))


def test_the_lock_of_what_is_installed_is_whole_and_packaging_accepts_it(tmp_path: Path, original: Original) -> None:
    read = packaging.pylock.Pylock.from_dict(tomllib.loads(written(tmp_path, original, carried=True).read_text()))
    assert original.house.told == ()
    assert [f"{p.name}=={p.version}" for p in read.packages] == sorted((*PINS, "tiny==1.0"))
    assert [bool(w.url) for p in read.packages for w in p.wheels or ()] == [True, False, True, True]
    assert "file:" not in (tmp_path / "pylock.toml").read_text()


@pytest.mark.parametrize("installer", NAMES)
def test_from_the_index_by_its_lock_it_is_the_same_environment(tmp_path: Path, original: Original, installer: str) -> None:
    written(tmp_path, original, carried=False)
    env = environment(tmp_path / "env")
    ran(*installers(env, tmp_path, offline=False)[installer])
    told = compare(from_index(original.seen), packages(env))
    assert (told.same, told.equal, told.differing, told.unsure) == (True, 3, (), ())


@pytest.mark.parametrize("installer", NAMES)
def test_from_the_carried_wheels_with_no_network_it_is_the_same_environment(
    tmp_path: Path, original: Original, installer: str
) -> None:
    written(tmp_path, original, carried=True)
    env = environment(tmp_path / "env")
    shut = ["unshare", "--net", "--map-root-user"]
    need(*(["unshare --net"] if subprocess.run([*shut, "true"], capture_output=True).returncode else []))
    ran(*shut, *installers(env, tmp_path, offline=True)[installer])
    told = compare(original.seen, packages(env), [w.file for w in original.house.wheels])
    assert (told.same, told.equal, told.differing, told.unsure) == (True, 4, (), ())


def test_what_is_fetched_once_is_not_asked_for_again(original: Original) -> None:
    blind = RealWorld(env={**original.world.env, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": ""})
    assert [w.file for w in collect("fetch", original.seen, blind).wheels] == [w.file for w in original.house.wheels]


def test_an_edit_after_installing_is_carried_and_comes_back(tmp_path: Path, original: Original) -> None:
    copy = environment(tmp_path / "run")
    ran(sys.executable, "-m", "pip", "-q", "--python", str(copy / "bin/python"), "install", "--no-deps", "zipp==3.23.0")
    edited = site(copy) / "zipp/glob.py"
    edited.write_text(edited.read_text() + "# by hand\n")
    seen = packages(copy)
    assert [p.modified for p in seen.packages] == [("zipp/glob.py",)]
    house = collect("carry", seen, original.world)
    assert [w.file for w in house.wheels] == ["zipp-3.23.0-0repacked-py3-none-any.whl"]
    (tmp_path / house.wheels[0].file).write_bytes(house.items[0].data)
    again = environment(tmp_path / "again")
    install(again, "--no-index", tmp_path / house.wheels[0].file)
    assert compare(seen, packages(again)).same is True
    assert (site(again) / "zipp/glob.py").read_text().endswith("# by hand\n")


def test_uv_s_environment_is_locked_from_its_cache_alone_and_comes_back_the_same(tmp_path: Path, original: Original) -> None:
    """No archive is downloaded for the lock: uv's cache knows hash and address, and its unpacked copy proves them."""
    cache, first, again = {"UV_CACHE_DIR": str(tmp_path / "cache")}, tmp_path / "first", tmp_path / "again"
    for env in (first, again):
        ran(UV, "venv", "-q", "--no-project", "--python", sys.executable, str(env), **cache)
    ran(UV, "pip", "install", "-q", "--python", str(first / "bin/python"), "--no-deps", *PINS, **cache)
    seen = packages(first, **cache)
    assert [(p.requested, p.wheel_source, p.wheel_proved) for p in seen.packages] == [(True, "uv cache", True)] * 3
    assert (seen.maker.split()[0], seen.leaks, seen.files_skipped) == ("uv", (), 0)
    (tmp_path / "pylock.toml").write_bytes(lock.pylock(seen) or b"")
    ran(UV, "--no-cache", "pip", "sync", "-q", "--python", str(again / "bin/python"), str(tmp_path / "pylock.toml"))
    assert compare(seen, packages(again)).same is True


def test_uv_and_pip_install_the_same_thing(tmp_path: Path, original: Original) -> None:
    env = environment(tmp_path / "env")
    ran(UV, "pip", "install", "-q", "--no-cache", "--python", str(env / "bin/python"), "--no-deps", *PINS)
    assert compare(from_index(original.seen), packages(env)).same is True
