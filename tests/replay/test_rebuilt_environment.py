"""Is the software had again from its lock, with no network, is it proved equal, and is it said when it is not?"""

from __future__ import annotations

import dataclasses
import hashlib
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from auditor.model import Phase
from auditor.replay import execute, installing, plan
from auditor.replay.compared import compare
from auditor.replay.environment import pins
from auditor.replay.sandbox import Sandbox
from auditor.verdict import ReplayVerdict, Sameness
from auditor.world import RealWorld
from probes.packages import PythonPackages
from reports.archive.bundle import build
from tests import archived, factory
from tests.factory import seen
from tests.needs import need
from tests.wheels import environment, install, packages, site, wheel

SCRIPT = "#!/bin/bash\npython3 -c 'import tiny; print(tiny.answer)' >out.csv\n"
HERE = platform.python_version()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of tiny 1.0."""
    folder = tmp_path_factory.mktemp("house")
    wheel(folder, "tiny", "1.0", {"tiny.py": "answer = 42\n", "tiny-1.0.data/scripts/tiny-tool": "#!python\nprint(42)\n"})
    return folder


@pytest.fixture(scope="module")
def installed(house: Path, tmp_path_factory: pytest.TempPathFactory) -> PythonPackages:
    """What the run had: tiny 1.0, installed by pip."""
    prefix = environment(tmp_path_factory.mktemp("run") / "venv")
    install(prefix, "--no-index", "--find-links", house, "tiny")
    return packages(prefix)


def bundle(folder: Path, had: PythonPackages, wheels: str = "") -> Path:
    """A job that prints 42 with the help of the package tiny."""
    job, evidence = archived.run(folder / "work", {**archived.FILES, "job.sh": SCRIPT, "out.csv": "42\n"}, SCRIPT)
    outputs = factory.manifest(factory.file("out.csv", "output", "42\n"), root=str(folder / "work"))
    known = (*evidence[:5], seen(outputs, phase=Phase.END), evidence[6], seen(had, phase=Phase.START))
    build(job, known, archived.card(job, known), folder / "x.crate.zip", objects=archived.nothing, wheels=wheels)
    return folder / "x.crate.zip"


def replayed(path: Path, **options: bool) -> ReplayVerdict:
    return execute(plan(path, **options), path.parent / "again", yes=True)


def step(verdict: ReplayVerdict, name: str) -> tuple[str, str]:
    return next((s.state, s.detail) for s in verdict.steps if s.name == name)


def changed(had: PythonPackages, *more: str, **fields: str) -> PythonPackages:
    """The same, with other fields, and with packages that never were."""
    return dataclasses.replace(had, packages=(*had.packages, *factory.packages(*more).packages), **fields)  # type: ignore[arg-type]


def test_with_wheels_in_the_bundle_the_environment_is_rebuilt_offline_and_proved_equal(
    tmp_path: Path, house: Path, installed: PythonPackages
) -> None:
    verdict = replayed(bundle(tmp_path, installed, str(house)))
    assert (verdict.sameness, verdict.environment, verdict.environment_equal) == (Sameness.IDENTICAL, "rebuilt-from-lock", True)
    state, detail = step(verdict, "environment")
    said = "all by hash; equal to the run's: every file of 1 package was hashed again"
    assert (state, detail.removeprefix(f"Python {HERE}, 1 package from the lock by ")) in [
        ("done", f"{t}, {said}") for t in ("uv", "pip")
    ]


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_every_installer_makes_the_same_environment(tmp_path: Path, house: Path, installed: PythonPackages, tool: str) -> None:
    digest = hashlib.sha256((house / "tiny-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    pin = f"tiny==1.0 --hash=sha256:{digest}"
    order = installing.Order(sys.executable, tmp_path / "env", (pin,), house, Sandbox("none", "", False))
    made = installing.install(order, RealWorld(), [tool])
    need(*(["uv"] if made == ("uv", "it is not here") else []))
    assert (made, compare(installed, packages(tmp_path / "env")).same) == ((tool, ""), True)


def test_a_wheel_of_the_same_name_with_other_content_is_not_taken_for_the_run_s(
    tmp_path: Path, installed: PythonPackages
) -> None:
    other = wheel(tmp_path / "wheels", "tiny", "1.0", {"tiny.py": "answer = 41\n"}).parent
    with pytest.raises(Exception, match="holds other files than the ones that were installed"):
        bundle(tmp_path, installed, str(other))


def test_an_environment_that_differs_is_named_and_not_called_equal(
    tmp_path: Path, house: Path, installed: PythonPackages
) -> None:
    other = dataclasses.replace(installed.packages[0], record_sha256="0" * 64)
    path = bundle(tmp_path, installed, str(house))
    assert replayed(path).environment_equal is True
    told = compare(dataclasses.replace(installed, packages=(other,)), installed)
    assert (told.same, told.differing) == (False, ("tiny==1.0: other files than the run had",))


@pytest.mark.parametrize(
    ("run", "here", "differing", "unsure", "same"),
    [
        (["a==1", "b==2"], ["a==1", "b==2"], (), (), True),
        (["a==1", "b==2"], ["a==1", "b==3"], ("b==2: 3 is here",), (), False),
        (["a==1", "b==2"], ["a==1"], ("b==2: it is not here",), (), False),
        (["a==1"], ["a==1", "b==2"], ("b==2: the run did not have it",), (), False),
        (["a==1", "pip==23"], ["a==1", "pip==26"], (), (), True),
        ([], [], (), (), None),
    ],
)
def test_two_environments_are_compared_package_by_package(
    run: list[str], here: list[str], differing: Sequence[str], unsure: Sequence[str], same: bool | None
) -> None:
    told = compare(read(run), read(here))
    assert (told.differing, told.unsure, told.same) == (differing, unsure, same)


def read(pinned: list[str]) -> PythonPackages:
    """As the probe tells packages of which every file was read."""
    found = factory.packages(*pinned)
    return dataclasses.replace(
        found, packages=tuple(dataclasses.replace(p, content_sha256=p.record_sha256) for p in found.packages)
    )


def test_a_lock_that_cannot_be_installed_leaves_this_machine_s_python_and_says_what_differs(
    tmp_path: Path, house: Path, installed: PythonPackages
) -> None:
    path = bundle(tmp_path, changed(installed, "no-such-package-anywhere==9.9"), str(house))
    verdict = replayed(path)
    state, detail = step(verdict, "environment")
    assert (verdict.environment, state, verdict.environment_equal) == ("host", "failed", None)
    assert "no-such-package-anywhere==9.9: it is not here" in detail


def test_a_wheel_whose_content_is_not_the_lock_s_hash_is_not_installed(
    tmp_path: Path, house: Path, installed: PythonPackages
) -> None:
    wrong = f"tiny==1.0 --hash=sha256:{'0' * 64}"
    order = installing.Order(sys.executable, tmp_path / "env", (wrong,), house, Sandbox("none", "", False))
    tool, trouble = installing.install(order, RealWorld())
    assert (tool, list(site(tmp_path / "env").glob("tiny*"))) == ("pip", []), trouble
    assert trouble


@pytest.mark.parametrize(
    ("env", "built"),
    [
        ({"PIP_INDEX_URL": "https://pypi.example/simple"}, True),
        ({"PIP_INDEX_URL": "https://ada:key@pypi.example/simple"}, False),
        ({"PIP_CONFIG_FILE": "{}/pip.conf"}, False),
    ],
)
def test_where_a_login_could_be_read_no_package_is_built(tmp_path: Path, env: dict[str, str], built: bool) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://ada:key@pypi.example/simple\n")
    world = RealWorld(env={k: v.format(tmp_path) for k, v in env.items()})
    assert installing.may_build(world) == built


def test_a_python_that_is_not_here_is_told_in_the_plan(tmp_path: Path, installed: PythonPackages) -> None:
    ready = plan(bundle(tmp_path, changed(installed, version="3.99.1")))
    assert ready.environment == "host"
    assert "its Python packages (1) are not rebuilt: this machine's are used" in ready.cannot


def test_another_release_of_the_same_python_is_a_warning_and_not_equal(
    tmp_path: Path, house: Path, installed: PythonPackages
) -> None:
    minor = ".".join(HERE.split(".")[:2])
    verdict = replayed(bundle(tmp_path, changed(installed, version=f"{minor}.99"), str(house)))
    assert step(verdict, "environment")[1].endswith(f"Python {HERE} is here, the run had {minor}.99")
    assert verdict.environment_equal is False


def test_who_wants_this_machine_s_python_gets_it(tmp_path: Path, installed: PythonPackages) -> None:
    assert plan(bundle(tmp_path, installed), rebuild=False).environment == "host"


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://evil.example/simple",
        "-r /etc/passwd",
        "-e /home/ada/project",
        "evil @ https://evil.example/evil.whl",
        "evil @ file:///tmp/evil",
        "evil @ git+https://evil.example/x@main",
        "evil>=1",
        "evil==1 --config-settings x=y",
        "evil==1 --hash=sha256:00",
        "evil==1 --hash=sha256:" + "0" * 64 + " --index-url https://evil.example",
    ],
)
def test_a_strangers_lock_may_pin_versions_and_nothing_else(line: str) -> None:
    assert pins(f"# a comment\ntiny==1.0\n{line}\n") == (("tiny==1.0",), (line,))


def test_pins_hashes_and_commits_are_taken() -> None:
    commit, digest = "tiny @ git+https://example.org/tiny.git@" + "a" * 40, "--hash=sha256:" + "b" * 64
    text = f"a.b-c==1.0+cu12\n{commit}\nd==1 {digest}\ne==1  # {digest}\n"
    assert pins(text) == (("a.b-c==1.0+cu12", commit, f"d==1 {digest}", f"e==1 {digest}"), ())
