"""Does the lock pin what was installed, with a hash where one is known, and nothing that a stranger's evidence could slip in?"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import Any

import packaging.pylock
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.packages import Package, PythonPackages
from reports.archive.lock import conda_explicit, documents, pylock, requirements
from reports.archive.wheels import Wheel
from tests import factory

A, COMMIT = "a" * 64, "c" * 40
URL = "https://files.pythonhosted.org/packages/a9/tiny-1.0-py3-none-any.whl"


def package(name: str = "tiny", version: str = "1.0", **fields: Any) -> Package:
    return replace(factory.packages(f"{name}=={version}").packages[0], **fields)


def known(name: str = "tiny") -> Package:
    return package(name, wheel_sha256=A, wheel_url=URL, wheel_file=URL.rsplit("/", 1)[-1], wheel_source="uv cache")


def env(*found: Package) -> PythonPackages:
    return factory.packages(packages=found)


def lines(*found: Package, wheels: tuple[Wheel, ...] = ()) -> list[str]:
    return requirements(env(*found), wheels).decode().splitlines()[1:]


def test_a_known_wheel_is_pinned_by_its_hash_and_found_at_its_address() -> None:
    seen = env(known())
    lock = packaging.pylock.Pylock.from_dict(tomllib.loads((pylock(seen) or b"").decode()))
    assert [(p.name, w.url, dict(w.hashes)) for p in lock.packages for w in p.wheels or ()] == [("tiny", URL, {"sha256": A})]
    assert lines(known()) == [f"tiny==1.0 --hash=sha256:{A}"]


def test_where_one_hash_is_missing_the_others_stand_behind_their_lines() -> None:
    assert lines(known(), package("zlib")) == [f"tiny==1.0  # --hash=sha256:{A}", "zlib==1.0"]
    assert pylock(env(known(), package("zlib"))) is None


def test_a_hash_that_no_address_leads_to_pins_requirements_and_makes_no_pylock() -> None:
    declared = package(wheel_sha256=A, wheel_source="poetry.lock")
    assert (lines(declared), pylock(env(declared))) == ([f"tiny==1.0 --hash=sha256:{A}"], None)


@pytest.mark.parametrize("url", ["file:///opt/mirror/tiny-1.0-py3-none-any.whl", "https://10.0.0.7/tiny-1.0-py3-none-any.whl"])
def test_an_address_of_this_place_is_not_written(url: str) -> None:
    assert pylock(env(replace(known(), wheel_url=url))) is None


def test_what_no_index_has_is_named_with_its_reason_in_both_locks() -> None:
    mine = package("mine", "0.1", source="editable")
    assert "# mine==0.1  # an editable install, on no index" in lines(known(), mine)
    assert (pylock(env(known(), mine)) or b"").startswith(b"# left out: mine==0.1  # an editable install, on no index\n")


def test_an_edited_package_is_not_pinned_unless_it_is_carried_as_it_ran() -> None:
    edited = replace(known(), modified=("tiny.py",))
    assert lines(edited) == ["# tiny==1.0  # modified after it was installed"]
    carried = Wheel("tiny-1.0-0repacked-py3-none-any.whl", "d" * 64, 10)
    assert lines(edited, wheels=(carried,)) == [f"tiny==1.0 --hash=sha256:{'d' * 64}"]


def test_a_commit_needs_no_hash() -> None:
    vcs = package(source="vcs", reference=f"git+https://example.org/tiny.git@{COMMIT}")
    lock = packaging.pylock.Pylock.from_dict(tomllib.loads((pylock(env(vcs)) or b"").decode()))
    assert [(p.vcs.url, p.vcs.commit_id) for p in lock.packages if p.vcs] == [("https://example.org/tiny.git", COMMIT)]


def test_conda_packages_are_an_explicit_list_with_their_digests() -> None:
    at = "https://conda.anaconda.org/conda-forge/linux-64/"
    seen = env(
        package("numpy", source="conda", reference=f"{at}numpy-2.0-h1.conda#sha256={A}"),
        package("old", source="conda", reference=f"{at}old-1.0-h1.tar.bz2#md5={'b' * 32}"),
        package("private", source="conda", reference=f"https://10.0.0.7/private-1.0-h1.conda#sha256={A}"),
        known(),
    )
    assert (conda_explicit(seen) or b"").decode().splitlines() == [
        "@EXPLICIT", f"{at}numpy-2.0-h1.conda#{A}", f"{at}old-1.0-h1.tar.bz2#{'b' * 32}",
        "# private 1.0_ no public address or digest is known",
    ]  # fmt: skip
    assert conda_explicit(env(known())) is None


evil = st.text(st.sampled_from("abc1.-_=@#\n\r\"' \\[]{}:/\u2028é"), max_size=30)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(evil, evil, evil, evil, evil, st.sampled_from(["index", "vcs", "wheel", "conda", "editable"]))
def test_no_text_of_the_evidence_becomes_an_option_or_another_package(
    name: str, version: str, reference: str, file: str, url: str, source: str
) -> None:
    seen = env(
        Package(
            name, version, "/v", source, reference, "pip", "", wheel_sha256=A, wheel_file=file, wheel_url=f"https://e.org/{url}"
        )
    )
    made = documents(seen)
    pinned = [line for line in made["requirements.txt"].decode().split("\n") if line and not line.startswith("#")]
    assert len(pinned) <= 1
    assert all(line[0].isalnum() for line in pinned)
    if text := made.get("pylock.toml"):
        lock = tomllib.loads(text.decode())
        assert (set(lock), len(lock["packages"])) == ({"lock-version", "created-by", "requires-python", "packages"}, 1)
