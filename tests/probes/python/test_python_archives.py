"""Is the wheel that a package was installed from found: in uv's cache, in a lock beside the project, in the installer's note?"""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.python.address import public
from probes.python.declared import archive, expanded, locks, parse
from probes.python.distributions import Distribution, told
from probes.python.record import parse as rows
from probes.python.uvcache import archive as cached
from tests.wheels import digest, environment, install, packages, wheel

A, B = "a" * 64, "b" * 64
URL = "https://files.pythonhosted.org/packages/a9/6b/x/tomli-2.2.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
TAGS = ("cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux2014_x86_64")
OTHER = "https://files.pythonhosted.org/packages/ff/tomli-2.2.1-py3-none-any.whl"

UV = f"""[[package]]
name = "tomli"
version = "2.2.1"
sdist = {{ url = "https://files.pythonhosted.org/packages/18/tomli-2.2.1.tar.gz", hash = "sha256:{"c" * 64}", size = 17175 }}
wheels = [
    {{ url = "{OTHER}", hash = "sha256:{B}", size = 14257 }},
    {{ url = "{URL}", hash = "sha256:{A}", size = 236429, upload-time = "2024-11-27T22:37:54Z" }},
]
"""
PYLOCK = f"""[[packages]]
name = "tomli"
version = "2.2.1"
[[packages.wheels]]
name = "{URL.rsplit("/", maxsplit=1)[-1]}"
url = "{URL}"
[packages.wheels.hashes]
sha256 = "{A}"
"""
POETRY = f"""[[package]]
name = "tomli"
version = "2.2.1"
files = [
    {{file = "tomli-2.2.1-py3-none-any.whl", hash = "sha256:{B}"}},
    {{file = "{URL.rsplit("/", maxsplit=1)[-1]}", hash = "sha256:{A}"}},
    {{file = "tomli-2.2.1.tar.gz", hash = "sha256:{"c" * 64}"}},
]
"""
PIXI = f"- pypi: {URL}\n  name: tomli\n  version: 2.2.1\n  sha256: {A}\n  requires_python: '>=3.8'\n"


@pytest.mark.parametrize(
    ("name", "text", "url"),
    [
        ("uv.lock", UV, URL),
        ("pylock.toml", PYLOCK, URL),
        ("poetry.lock", POETRY, ""),
        ("pdm.lock", POETRY, ""),
        ("pixi.lock", PIXI, URL),
    ],
)
def test_a_lock_names_the_wheel_of_the_installed_tags(name: str, text: str, url: str) -> None:
    found = archive([parse(name, text)], "Tomli", "2.2.1", TAGS)
    assert found is not None
    assert (found.sha256, found.source, found.url, found.proved) == (A, name, url, False)


def test_a_wheel_without_a_hash_of_its_own_does_not_take_the_next_one_s() -> None:
    text = f'files = ["tomli-2.2.1-py3-none-any.whl", "tomli-2.2.1.tar.gz", "sha256:{A}"]'
    assert parse("poetry.lock", text).wheels == {}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text", ["a" * 4_000_000, "a-" * 2_000_000, ".whl" * 1_000_000, "https://" * 500_000, "x==1 \\\n" * 500_000]
)
def test_a_hostile_lock_is_read_in_bounded_time(text: str) -> None:
    assert parse("uv.lock", text).wheels == {}
    assert parse("requirements.txt", text).single == {}


def test_another_version_or_other_tags_are_not_the_installed_wheel() -> None:
    lock = [parse("uv.lock", UV)]
    assert archive(lock, "tomli", "2.2.2", TAGS) is None
    assert archive(lock, "tomli", "2.2.1", ("cp312-cp312-win_amd64",)) is None


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("requirements.txt", f"tomli==2.2.1 \\\n    --hash=sha256:{A}\nother==1\n", A),
        ("requirements.txt", f"tomli==2.2.1 \\\n    --hash=sha256:{A} \\\n    --hash=sha256:{B}\n", ""),
        ("Pipfile.lock", f'{{"default": {{"tomli": {{"version": "==2.2.1", "hashes": ["sha256:{A}"]}}}}}}', A),
        ("Pipfile.lock", "[]", ""),
        ("Pipfile.lock", "[" * 100_000, ""),
    ],
)
def test_a_hash_without_a_file_name_counts_when_it_is_the_only_one(name: str, text: str, expected: str) -> None:
    found = archive([parse(name, text)], "tomli", "2.2.1", TAGS)
    assert (found.sha256 if found else "") == expected


def test_locks_are_looked_for_up_to_the_top_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(UV)
    (tmp_path / "repo/.git").mkdir(parents=True)
    (tmp_path / "repo/poetry.lock").write_text(POETRY)
    (tmp_path / "repo/jobs").mkdir()
    assert [found.file for found in locks(RealWorld(), [f"{tmp_path}/repo/jobs"])] == ["poetry.lock"]


def test_compressed_tags_are_what_wheel_lists() -> None:
    assert expanded(URL.rsplit("/", 1)[-1]) == frozenset(TAGS)
    assert expanded("six-1.16.0-py2.py3-none-any.whl") == {"py2-none-any", "py3-none-any"}


POINTER = b"\x95\xb0NWyfx_WcdOldXjzb\x91\x81\xa6Sha256\xd9\x40" + A.encode() + b"\xd9\x46" + URL.rsplit("/", 1)[-1].encode()
POLICY = b"\x00\xce\x00\x03\x99\xfe\x00\x00\x00\x00MkOTDfgmI6G8eDcG" + URL.encode() + b"\x00\x00"


def uv_cache(folder: Path, pointer: bytes, content: bytes) -> Distribution:
    """uv 0.13's layout with one wheel, and the distribution that has tomli.py with empty content."""
    wheels = folder / "wheels-v8/pypi/tomli"
    wheels.mkdir(parents=True)
    (wheels / "2.2.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.http").write_bytes(pointer)
    info = folder / "archive-v0/NWyfx_WcdOldXjzb/tomli-2.2.1.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text(f"tomli.py,{digest(content)},{len(content)}\ntomli-2.2.1.dist-info/RECORD,,\n")
    installed = tuple(rows(f"tomli.py,{digest(b'')},0\ntomli-2.2.1.dist-info/INSTALLER,{digest(b'uv')},2\n"))
    return Distribution("tomli", "2.2.1", "/v/lib/python3.11/site-packages", "index", "", "uv", installed, 0)


@pytest.mark.parametrize(("content", "proved"), [(b"", True), (b"other", False)])
def test_uv_s_cache_knows_hash_and_address_and_its_unpacked_copy_proves_it(tmp_path: Path, content: bytes, proved: bool) -> None:
    one = uv_cache(tmp_path, POINTER + POLICY, content)
    found = cached(RealWorld(), str(tmp_path), one)
    assert found is not None
    assert (found.sha256, found.url, found.file, found.proved) == (A, URL, URL.rsplit("/", 1)[-1], proved)


@pytest.mark.parametrize("pointer", [b"", b"\x95", b"\x95\xb0" + b"\xff" * 40, POINTER.replace(b"Sha256", b"Blake2"), POLICY])
def test_a_pointer_of_another_layout_tells_nothing(tmp_path: Path, pointer: bytes) -> None:
    assert cached(RealWorld(), str(tmp_path), uv_cache(tmp_path, pointer, b"")) is None


def test_installers_notes_of_the_archive_are_read_in_both_forms() -> None:
    newer = f'{{"url": "https://u:p@pypi.org/x/tiny-1.0-py3-none-any.whl", "archive_info": {{"hashes": {{"sha256": "{A}"}}}}}}'
    older = f'{{"url": "file:///tmp/tiny-1.0-py3-none-any.whl", "archive_info": {{"hash": "sha256={A}"}}}}'
    assert [(a.sha256, a.file, a.url) for t in (newer, older) if (a := told(t, "direct_url.json"))] == [
        (A, "tiny-1.0-py3-none-any.whl", "https://pypi.org/x/tiny-1.0-py3-none-any.whl"),
        (A, "tiny-1.0-py3-none-any.whl", ""),
    ]
    assert [
        told(t, "x") for t in ("", "{", "[]", '{"archive_info": 5}', '{"url": "x.whl", "archive_info": {"hash": "md5=1"}}')
    ] == [None] * 5


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://files.pythonhosted.org/packages/x.whl#sha256=0", "https://files.pythonhosted.org/packages/x.whl"),
        ("https://user:secret@pypi.org/x.whl", "https://pypi.org/x.whl"),
        ("https://pypi.org/x.whl?X-Amz-Signature=0", ""),
        ("http://pypi.org/x.whl", ""),
        ("file:///opt/mirror/x.whl", ""),
        ("https://localhost/x.whl", ""),
        ("https://10.0.0.7/x.whl", ""),
        ("https://[::1]/x.whl", ""),
        ("https://mirror.local/x.whl", ""),
        ('https://pypi.org/x.whl"\nurl = "evil', ""),
    ],
)  # fmt: skip
def test_only_an_address_that_everybody_can_ask_is_written_down(url: str, expected: str) -> None:
    assert public(url) == expected


def test_what_the_lock_beside_the_project_declares_reaches_the_package(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    file = wheel(tmp_path / "house", "tomli", "2.2.1", {"tomli.py": ""})
    prefix = environment(tmp_path / "project/.venv")
    install(prefix, "--no-index", "--find-links", tmp_path / "house", "tomli")
    (tmp_path / "project/poetry.lock").write_text(f'files = [{{file = "{file.name}", hash = "sha256:{A}"}}]\n')
    (one,) = packages(prefix).packages
    assert (one.wheel_sha256, one.wheel_source, one.wheel_proved) == (A, "poetry.lock", False)
