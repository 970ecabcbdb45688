"""Which wheels does a bundle get, from where, and are they the ones that were installed?"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from auditor.model import AuditError
from auditor.redact import Redactor
from auditor.replay.compared import compare
from auditor.world import RealWorld
from probes.packages import PythonPackages
from reports.archive.pipcache import address
from reports.archive.repack import repack
from reports.archive.wheelhouse import House, collect
from tests.wheels import digest, environment, install, packages, site, wheel

FILES = {
    "tiny/__init__.py": "answer = 42\n",
    "tiny/data, with comma.txt": "x\n",
    "tiny-1.0.data/scripts/tiny-tool": "#!python\nprint(42)\n",
    "tiny-1.0.data/data/share/tiny/table.csv": "1,2\n",
    "tiny-1.0.data/headers/tiny.h": "int answer;\n",
}
NAME = "tiny-1.0-py3-none-any.whl"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    wheel(folder, "tiny", "1.0", FILES)
    return folder


@pytest.fixture(scope="module")
def prefix(house: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = environment(tmp_path_factory.mktemp("env") / "venv")
    install(made, "--no-index", "--find-links", house, "tiny")
    return made


@pytest.fixture
def own(prefix: Path, tmp_path: Path) -> Path:
    """A copy of the environment that may be spoiled."""
    shutil.copytree(prefix, tmp_path / "own", symlinks=True)
    return tmp_path / "own"


def world(folder: Path, **more: str) -> RealWorld:
    """A machine whose caches are below this folder."""
    return RealWorld(env={"PATH": "/usr/bin:/bin", "XDG_CACHE_HOME": str(folder), **more})


def files(found: House) -> list[str]:
    return [w.file for w in found.wheels]


def test_a_folder_gives_the_wheels_that_were_installed_and_no_others(house: Path, prefix: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(house, mixed)
    wheel(mixed, "tiny", "2.0", FILES)
    wheel(mixed, "other", "1.0", {"other.py": ""})
    found = collect(str(mixed), packages(prefix), world(tmp_path))
    assert (files(found), [i.path for i in found.items]) == ([NAME], [f"environment/wheels/{NAME}"])


def test_a_wheel_of_the_same_name_with_other_files_is_refused(prefix: Path, tmp_path: Path) -> None:
    folder = wheel(tmp_path / "house", "tiny", "1.0", {"tiny/__init__.py": "answer = 41\n"}).parent
    with pytest.raises(AuditError, match="it holds other files than the ones that were installed"):
        collect(str(folder), packages(prefix), world(tmp_path))


def pip_cache(folder: Path, url: str, body: bytes) -> None:
    """As pip 23.3 and later keep what they downloaded (cachecontrol's SeparateBodyFileCache)."""
    name = hashlib.sha224(url.encode()).hexdigest()
    place = folder.joinpath("pip/http-v2", *name[:5])
    place.mkdir(parents=True)
    (place / f"{name}.body").write_bytes(body)
    (place / name).write_bytes(b"cc=4,")


def test_pip_s_cache_gives_the_wheel_and_proves_where_it_came_from(house: Path, prefix: Path, tmp_path: Path) -> None:
    body = (house / NAME).read_bytes()
    whole = hashlib.blake2b(body, digest_size=32).hexdigest()
    url = f"https://files.pythonhosted.org/packages/{whole[:2]}/{whole[2:4]}/{whole[4:]}/{NAME}"
    pip_cache(tmp_path, url, body)
    (found,) = collect("carry", packages(prefix), world(tmp_path)).wheels
    assert (found.file, found.sha256, found.url) == (NAME, hashlib.sha256(body).hexdigest(), url)


def test_a_cached_body_of_another_index_proves_no_address(house: Path, tmp_path: Path) -> None:
    pip_cache(tmp_path, f"https://mirror.example/{NAME}", (house / NAME).read_bytes())
    (body,) = tmp_path.rglob("*.body")
    assert address(RealWorld(), str(body), NAME) == ""


def test_a_broken_cache_file_is_passed_over(prefix: Path, tmp_path: Path) -> None:
    pip_cache(tmp_path, "https://a.example/", b"PK\x03\x04 and then nothing of a ZIP")
    assert files(collect("carry", packages(prefix), world(tmp_path))) == ["tiny-1.0-0repacked-py3-none-any.whl"]


def test_the_index_is_asked_by_pip_and_once(house: Path, prefix: Path, tmp_path: Path) -> None:
    seen = packages(prefix)
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(house), "PIP_CONFIG_FILE": "/dev/null"}
    first = collect("fetch", seen, world(tmp_path, **index))
    again = collect("fetch", seen, world(tmp_path, PIP_NO_INDEX="1", PIP_CONFIG_FILE="/dev/null"))
    assert (files(first), first.told, [w.url for w in first.wheels], files(again)) == ([NAME], (), [""], [NAME])


def test_pin_writes_the_hash_and_carries_nothing(house: Path, prefix: Path, tmp_path: Path) -> None:
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(house), "PIP_CONFIG_FILE": "/dev/null"}
    found = collect("pin", packages(prefix), world(tmp_path, **index))
    assert (found.items, [(w.file, w.carried) for w in found.wheels]) == ((), [(NAME, False)])


def test_what_the_index_has_no_longer_is_packed_from_the_installed_files_and_that_is_said(prefix: Path, tmp_path: Path) -> None:
    found = collect("fetch", packages(prefix), world(tmp_path, PIP_NO_INDEX="1", PIP_CONFIG_FILE="/dev/null"))
    assert files(found) == ["tiny-1.0-0repacked-py3-none-any.whl"]
    assert found.told[-1] == "tiny 1.0: the index does not have what was installed"
    assert "://" not in " ".join(found.told)


def test_a_repacked_wheel_installs_to_the_same_files_and_is_the_same_every_time(prefix: Path, tmp_path: Path) -> None:
    seen = packages(prefix)
    one, two = (repack(seen.packages[0], RealWorld()) for _ in range(2))
    assert (one, one.as_run) == (two, True)
    (tmp_path / one.file).write_bytes(one.data)
    again = environment(tmp_path / "again")
    install(again, "--no-index", tmp_path / one.file)
    assert compare(seen, packages(again)).same is True
    assert (again / "share/tiny/table.csv").read_text() == "1,2\n"
    assert (again / "bin/tiny-tool").read_text().splitlines()[0] == f"#!{again}/bin/python"


def test_what_changed_since_the_run_is_not_packed(own: Path, tmp_path: Path) -> None:
    seen = packages(own)
    (site(own) / "tiny/__init__.py").write_text("answer = 43\n")
    found = collect("carry", seen, world(tmp_path))
    assert (files(found), found.told) == ([], ("tiny 1.0 is not carried: files of tiny changed since the run",))


def test_what_was_edited_before_the_run_is_packed_with_the_edit(own: Path, tmp_path: Path) -> None:
    (site(own) / "tiny/__init__.py").write_text("answer = 43\n")
    seen = packages(own)
    made = repack(seen.packages[0], RealWorld())
    (tmp_path / made.file).write_bytes(made.data)
    again = environment(tmp_path / "again")
    install(again, "--no-index", tmp_path / made.file)
    assert ((site(again) / "tiny/__init__.py").read_text(), compare(seen, packages(again)).same) == ("answer = 43\n", True)


def test_only_the_edited_files_of_an_index_s_package_are_searched_for_secrets(own: Path) -> None:
    (site(own) / "tiny/__init__.py").write_text("token = 'hf_abcdefghijklmnopqrstuvwxyzABCDEF'\n")
    edited = replace(packages(own).packages[0], source="index")

    with pytest.raises(ValueError, match=r"tiny/__init__.py holds what looks like a secret"):
        repack(edited, RealWorld(), Redactor())
    assert repack(replace(edited, modified=("tiny/other.py",)), RealWorld(), Redactor()).as_run


def editable(prefix: Path, source: Path, finder: bool) -> PythonPackages:
    """An editable install by hand, in both forms that build backends make (PEP 660)."""
    info = site(prefix) / "mine-0.1.dist-info"
    info.mkdir()
    name = "__editable___mine_0_1_finder.py" if finder else "mine.pth"
    text = f"MAPPING: dict[str, str] = {{'mine': '{source}/mine'}}\n" if finder else f"{source}\n"
    (site(prefix) / name).write_text(text)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 0.1\n")
    (info / "direct_url.json").write_text(json.dumps({"url": f"file://{source}", "dir_info": {"editable": True}}))
    rows = [
        f"{p},{digest(t.encode())},{len(t)}"
        for p, t in ((name, text), (f"{info.name}/METADATA", (info / "METADATA").read_text()))
    ]
    (info / "RECORD").write_text("\n".join([*rows, f"{info.name}/RECORD,,", ""]))
    return packages(prefix)


@pytest.mark.parametrize("finder", [False, True])
def test_an_editable_package_is_packed_from_its_working_tree_and_marked(tmp_path: Path, finder: bool) -> None:
    source = tmp_path / "src"
    (source / "mine/sub").mkdir(parents=True)
    (source / "mine/__init__.py").write_text("answer = 42\n")
    (source / "mine/sub/more.py").write_text("")
    (source / "mine/__pycache__").mkdir()
    (source / "mine/__pycache__/x.pyc").write_bytes(b"")
    (source / "notes.txt").write_text("not importable\n")
    seen = editable(environment(tmp_path / "venv"), source, finder)
    found = collect("carry", seen, world(tmp_path))
    assert (files(found), found.told) == (
        ["mine-0.1-0repacked-py3-none-any.whl"], ("mine 0.1 is carried as its working tree is now; nobody hashed it when it ran",),
    )  # fmt: skip
    (tmp_path / files(found)[0]).write_bytes(found.items[0].data)
    again = environment(tmp_path / "again")
    install(again, "--no-index", tmp_path / files(found)[0])
    assert sorted(str(p.relative_to(site(again))) for p in (site(again) / "mine").rglob("*.py")) == [
        "mine/__init__.py",
        "mine/sub/more.py",
    ]
    assert compare(seen, packages(again), files(found)).unsure == (
        "mine: packed from its working tree, which nobody hashed when it ran",
    )


def test_a_working_tree_with_a_secret_is_not_carried(tmp_path: Path) -> None:
    (tmp_path / "src/mine").mkdir(parents=True)
    (tmp_path / "src/mine/__init__.py").write_text("token = 'hf_abcdefghijklmnopqrstuvwxyzABCDEF'\n")
    seen = editable(environment(tmp_path / "venv"), tmp_path / "src", finder=False)
    found = collect("carry", seen, world(tmp_path))
    assert (found.items, found.told) == ((), ("mine 0.1 is not carried: mine/__init__.py holds what looks like a secret",))


def test_a_package_over_the_limit_is_not_packed(prefix: Path) -> None:
    with pytest.raises(ValueError, match="is larger than"):
        repack(packages(prefix).packages[0], RealWorld(), limit=20)


def test_a_record_that_leads_out_of_the_environment_packs_nothing(own: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key\n")
    record = site(own) / "tiny-1.0.dist-info/RECORD"
    record.write_text(record.read_text() + f"../../../../secret,{digest(b'key' + bytes([10]))},4\n")
    found = collect("carry", packages(own), world(tmp_path))
    assert found.wheels == ()
    assert "RECORD leads out of the environment" in found.told[0]
