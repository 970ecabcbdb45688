"""Is every form that an installed package can take told: who asked for it, from where, and what hides what?"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from probes.packages import Package, PythonPackages
from tests.wheels import digest, environment, install, packages, ran, site, wheel

PKG_INFO = "Metadata-Version: 1.1\nName: {}\nVersion: {}\n\nlong text\n"


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    return environment(tmp_path / "venv")


def told(seen: PythonPackages) -> list[tuple[str, str, str]]:
    return [(p.name, p.version, p.source) for p in seen.packages]


def one(seen: PythonPackages, name: str) -> Package:
    return next(p for p in seen.packages if p.name == name)


def test_what_setuptools_left_before_wheels_is_read_in_all_its_forms(venv: Path, tmp_path: Path) -> None:
    lib = site(venv)
    (lib / "distutils_made-1.0.egg-info").write_text(PKG_INFO.format("distutils-made", "1.0"))
    (lib / "folder.egg-info").mkdir()
    (lib / "folder.egg-info/PKG-INFO").write_text(PKG_INFO.format("folder", "2.0"))
    (lib / "unpacked-3.0-py3.egg/EGG-INFO").mkdir(parents=True)
    (lib / "unpacked-3.0-py3.egg/EGG-INFO/PKG-INFO").write_text(PKG_INFO.format("unpacked", "3.0"))
    with zipfile.ZipFile(lib / "zipped-4.0-py3.egg", "w") as egg:
        egg.writestr("EGG-INFO/PKG-INFO", PKG_INFO.format("zipped", "4.0"))
    (lib / "broken-5.0-py3.egg").write_bytes(b"PK\x03\x04 no zip")
    (tmp_path / "src/developed.egg-info").mkdir(parents=True)
    (tmp_path / "src/developed.egg-info/PKG-INFO").write_text(PKG_INFO.format("developed", "6.0"))
    (lib / "developed.egg-link").write_text(f"{tmp_path}/src\n.")
    seen = packages(venv)
    assert told(seen) == [
        ("developed", "6.0", "editable"), ("distutils-made", "1.0", "unknown"), ("folder", "2.0", "unknown"),
        ("unpacked", "3.0", "unknown"), ("zipped", "4.0", "unknown"),
    ]  # fmt: skip
    assert one(seen, "developed").reference == f"file://{tmp_path}/src"


def test_pip_s_own_words_are_kept_who_was_asked_for_and_which_file_it_was(venv: Path, tmp_path: Path) -> None:
    file = wheel(tmp_path, "tiny", "1.0", {"tiny.py": "1\n"})
    wheel(tmp_path, "helper", "1.0", {"helper.py": "1\n"})
    install(venv, file)
    install(venv, "--no-index", "--find-links", tmp_path, "helper")
    (site(venv) / "helper-1.0.dist-info/REQUESTED").unlink()  # as pip does for a dependency
    tiny, helper = (one(packages(venv), n) for n in ("tiny", "helper"))
    assert (tiny.requested, tiny.source, tiny.tags, tiny.wheel_source) == (True, "wheel", ("py3-none-any",), "direct_url.json")
    assert f"sha256={tiny.wheel_sha256}" == f"sha256={__import__('hashlib').sha256(file.read_bytes()).hexdigest()}"
    assert (tiny.wheel_file, tiny.wheel_url) == ("tiny-1.0-py3-none-any.whl", "")
    assert (helper.requested, helper.source, helper.wheel_sha256) == (False, "index", "")


def test_an_editable_install_s_finder_leads_out_of_the_environment(venv: Path) -> None:
    lib = site(venv)
    (lib / "__editable___mine_0_1_finder.py").write_text(
        "import sys\nMAPPING: dict[str, str] = {'mine': '/home/ada/mine/src/mine'}\nX = {}\n"
    )
    (lib / "__editable__.mine-0.1.pth").write_text(
        "import __editable___mine_0_1_finder; __editable___mine_0_1_finder.install()\n"
    )
    seen = packages(venv)
    assert seen.leaks == ("__editable___mine_0_1_finder.py /home/ada/mine/src/mine",)
    assert seen.startup == (f"{lib}/__editable__.mine-0.1.pth (of no package)",)


def test_code_that_runs_at_every_start_is_told_with_its_owner(venv: Path, tmp_path: Path) -> None:
    install(venv, wheel(tmp_path, "hook", "1.0", {"hook.pth": "import sys\n"}))
    (site(venv) / "sitecustomize.py").write_text("print('hello')\n")
    (site(venv) / "paths.pth").write_text("# import is a word in a comment\nsub\n")
    assert packages(venv).startup == (f"{site(venv)}/hook.pth (hook)", f"{site(venv)}/sitecustomize.py (of no package)")


def test_a_module_that_no_package_wrote_is_told(venv: Path, tmp_path: Path) -> None:
    install(venv, wheel(tmp_path, "tiny", "1.0", {"tiny/__init__.py": "", "single.py": "", "tiny.libs/x.so": ""}))
    lib = site(venv)
    for path in ("helper.py", "fast.cpython-311-x86_64-linux-gnu.so", "mine/__init__.py", "data/table.csv", "__pycache__/x.pyc"):
        (lib / path).parent.mkdir(exist_ok=True)
        (lib / path).write_text("")
    found = ["fast.cpython-311-x86_64-linux-gnu.so", "helper.py", "mine"]
    assert packages(venv).unowned == tuple(f"{lib}/{name}" for name in found)


def test_what_is_there_twice_is_told_and_the_first_one_counts(venv: Path, tmp_path: Path) -> None:
    house = tmp_path / "house"
    for version in ("1.0", "2.0"):
        wheel(house, "tiny", version, {"tiny.py": f"v = '{version}'\n"})
    install(venv, "--no-index", "--find-links", house, "tiny==2.0")
    extra = tmp_path / "extra"
    install(venv, "--no-index", "--find-links", house, "--target", extra, "tiny==1.0")
    seen = packages(venv, PYTHONPATH=str(extra), PYTHONHOME="/opt/py")
    assert [(p.name, p.version, p.location) for p in seen.packages] == [("tiny", "1.0", str(extra))]
    assert seen.shadowed == (f"tiny 1.0 in {extra} hides 2.0 in {site(venv)}",)
    assert seen.leaks == ("PYTHONHOME /opt/py", f"PYTHONPATH {extra}")


def test_a_program_that_two_packages_wrote_is_told(venv: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        install(venv, wheel(tmp_path, name, "1.0", {f"{name}-1.0.data/scripts/tool": "#!python\n"}))
    assert packages(venv).shadowed == ("bin/tool was written by one, two",)


def test_a_user_s_own_folder_reaches_a_python_that_is_not_isolated(tmp_path: Path) -> None:
    prefix = environment(tmp_path / "venv")
    text = (prefix / "pyvenv.cfg").read_text()
    (prefix / "pyvenv.cfg").write_text(
        text.replace("include-system-site-packages = false", "include-system-site-packages = true")
    )
    user = tmp_path / "home/.local/lib" / site(prefix).parent.name / "site-packages"
    user.mkdir(parents=True)
    (user / "local-1.0.dist-info").mkdir()
    (user / "local-1.0.dist-info/METADATA").write_text("Name: local\nVersion: 1.0\n")
    home = str(tmp_path / "home")
    assert f"site {user}" in packages(prefix, 0, HOME=home).leaks
    assert "local" in [p.name for p in packages(prefix, 0, HOME=home).packages]
    assert f"site {user}" not in packages(prefix, 0, HOME=home, PYTHONNOUSERSITE="1").leaks


def test_python_agrees_about_what_is_installed(venv: Path, tmp_path: Path) -> None:
    install(venv, wheel(tmp_path, "tiny", "1.0", {"tiny.py": "1\n"}), wheel(tmp_path, "Other.Name", "2.0", {"o.py": "1\n"}))
    (site(venv) / "old.egg-info").write_text(PKG_INFO.format("old", "0.1"))
    asked = "import importlib.metadata as m; print(sorted((d.name, d.version) for d in m.distributions()))"
    assert str([(n, v) for n, v, _ in sorted(told(packages(venv)))]) == ran(str(venv / "bin/python"), "-I", "-c", asked).strip()


def test_a_name_from_a_stranger_s_metadata_stays_short_and_one_line(venv: Path) -> None:
    info = site(venv) / "evil-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Name: {'x' * 5000}\nVersion: 1\n")
    (info / "RECORD").write_text(f"evil.py,{digest(b'')},0\n")
    assert [len(p.name) for p in packages(venv).packages] == [200]
