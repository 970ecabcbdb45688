"""Is the software had again from its lock, with no network, and is it said when it is not?"""

from __future__ import annotations

import base64
import hashlib
import platform
import zipfile
from pathlib import Path

import pytest

from auditor.model import Phase
from auditor.replay import execute, plan
from auditor.replay.environment import pins
from auditor.verdict import ReplayVerdict, Sameness
from reports.archive.bundle import build
from tests import archived, factory
from tests.factory import seen

SCRIPT = "#!/bin/bash\npython3 -c 'import tiny; print(tiny.answer)' >out.csv\n"


def wheel(folder: Path, answer: int) -> None:
    """A real wheel, made by hand: tiny 1.0 with one module (packaging.python.org, binary distribution format)."""
    folder.mkdir()
    contents = {
        "tiny.py": f"answer = {answer}\n".encode(),
        "tiny-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [
        f"{n},sha256={base64.urlsafe_b64encode(hashlib.sha256(d).digest()).decode().rstrip('=')},{len(d)}"
        for n, d in contents.items()
    ]
    contents["tiny-1.0.dist-info/RECORD"] = "\n".join([*rows, "tiny-1.0.dist-info/RECORD,,", ""]).encode()
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)


def bundle(folder: Path, *pinned: str, wheels: str = "", version: str = "") -> Path:
    """A job that prints 42 with the help of the package tiny."""
    job, evidence = archived.run(folder / "work", {**archived.FILES, "job.sh": SCRIPT, "out.csv": "42\n"}, SCRIPT)
    outputs = factory.manifest(factory.file("out.csv", "output", "42\n"), root=str(folder / "work"))
    installed = factory.packages(*pinned, version=version or platform.python_version())
    known = (*evidence[:5], seen(outputs, phase=Phase.END), evidence[6], seen(installed, phase=Phase.START))
    build(job, known, archived.card(job, known), folder / "x.crate.zip", objects=archived.nothing, wheels=wheels)
    return folder / "x.crate.zip"


def replayed(path: Path, **options: bool) -> ReplayVerdict:
    return execute(plan(path, **options), path.parent / "again", yes=True)


def step(verdict: ReplayVerdict, name: str) -> tuple[str, str]:
    return next((s.state, s.detail) for s in verdict.steps if s.name == name)


def test_with_wheels_in_the_bundle_the_environment_is_rebuilt_offline_and_the_job_uses_it(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", 42)
    verdict = replayed(bundle(tmp_path, "tiny==1.0", wheels=str(tmp_path / "wheels")))
    assert (verdict.sameness, verdict.environment) == (Sameness.IDENTICAL, "rebuilt-from-lock")
    assert step(verdict, "environment") == ("done", f"Python {platform.python_version()}, 1 package from the lock")


def test_a_package_that_does_something_else_makes_another_result(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", 41)
    verdict = replayed(bundle(tmp_path, "tiny==1.0", wheels=str(tmp_path / "wheels")))
    assert [o.detail for o in verdict.outputs] == ["row 1, column 1: 42 became 41"]


def test_a_lock_that_cannot_be_installed_leaves_this_machine_s_python_and_says_what_differs(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", 42)
    path = bundle(tmp_path, "tiny==1.0", "no-such-package-anywhere==9.9", wheels=str(tmp_path / "wheels"))
    verdict = replayed(path)
    state, detail = step(verdict, "environment")
    assert (verdict.environment, state) == ("host", "failed")
    assert "no-such-package-anywhere==9.9: it is not here" in detail


def test_a_python_that_is_not_here_is_told_in_the_plan(tmp_path: Path) -> None:
    ready = plan(bundle(tmp_path, "tiny==1.0", version="3.99.1"))
    assert ready.environment == "host"
    assert "its Python packages (1) are not rebuilt: this machine's are used" in ready.cannot


def test_another_release_of_the_same_python_is_a_warning(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", 42)
    minor = ".".join(platform.python_version().split(".")[:2])
    verdict = replayed(bundle(tmp_path, "tiny==1.0", wheels=str(tmp_path / "wheels"), version=f"{minor}.99"))
    here = platform.python_version()
    assert step(verdict, "environment")[1].endswith(f"Python {here} is here, the run had {minor}.99")


def test_who_wants_this_machine_s_python_gets_it(tmp_path: Path) -> None:
    assert plan(bundle(tmp_path, "tiny==1.0"), rebuild=False).environment == "host"


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
    ],
)
def test_a_strangers_lock_may_pin_versions_and_nothing_else(line: str) -> None:
    assert pins(f"# a comment\ntiny==1.0\n{line}\n") == (("tiny==1.0",), (line,))


def test_pins_and_commits_are_taken() -> None:
    commit = "tiny @ git+https://example.org/tiny.git@" + "a" * 40
    assert pins(f"a.b-c==1.0+cu12\n{commit}\n") == (("a.b-c==1.0+cu12", commit), ())
