"""Is RECORD read as installers write it, and does nothing in it lead us astray?"""

from __future__ import annotations

import hashlib
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.world import RealWorld
from probes.python.record import Check, Now, as_installed, identity, parse, recompute
from tests.wheels import digest

EMPTY = hashlib.sha256(b"").hexdigest()
PLENTY = 1 << 40

texts = st.text(st.sampled_from('a,"\n\r\0/.=sha256é\ud800'), max_size=40)
hashes = st.sampled_from(["", "sha256=", digest(b""), f"sha256={EMPTY}", "sha256=é", "sha512=abc", "sha256=" + "A" * 44])
rows = st.lists(st.tuples(texts, hashes, st.sampled_from(["", "0", "-1", "9" * 30, "x", "²"])), max_size=8)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(rows, texts)
def test_hostile_rows_give_only_whole_hashes_and_sizes_that_can_be(found: list[tuple[str, str, str]], junk: str) -> None:
    text = junk + "\n".join(",".join(row) for row in found)
    for path, sha256, size in parse(text):
        assert (len(sha256), path != "", size is None or 0 <= size < 10**18) == (64, True, True)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "../b", "/etc/passwd", "..", "", "\0", "../../../../x", "a/../../c"]), st.just(EMPTY), st.none()
        ),
        max_size=6,
    )
)
def test_whatever_record_says_looking_never_raises_and_never_leaves_the_environment(found: list[tuple[str, str, None]]) -> None:
    opened: list[str] = []

    class Watching(RealWorld):
        def stat(self, path: str, follow: bool = True):  # type: ignore[no-untyped-def]
            opened.append(path)
            return super().stat(path, follow)

    recompute(Watching(), "/nowhere/env/lib/python3/site-packages", found, 0, Check(PLENTY, PLENTY))
    assert all(path.startswith("/nowhere/env/") for path in opened)


def at(folder: Path) -> str:
    """site-packages of an environment."""
    site = folder / "env/lib/python3.11/site-packages"
    site.mkdir(parents=True)
    return str(site)


def row(path: str, data: bytes) -> tuple[str, str, int]:
    return path, hashlib.sha256(data).hexdigest(), len(data)


@pytest.mark.timeout(20)
def test_a_fifo_and_an_endless_device_are_not_read(tmp_path: Path) -> None:
    site = at(tmp_path)
    os.mkfifo(f"{site}/pipe")
    os.symlink("/dev/zero", f"{site}/zero")
    seen = recompute(RealWorld(), site, [("pipe", EMPTY, None), ("zero", EMPTY, None)], 0, Check(PLENTY, PLENTY))
    assert seen == Now(("pipe", "zero"), identity([]))


def test_what_was_installed_and_what_lies_there_have_one_digest_until_somebody_edits(tmp_path: Path) -> None:
    site = at(tmp_path)
    Path(site, "a.py").write_bytes(b"a = 1\n")
    recorded = [row("a.py", b"a = 1\n")]
    before = recompute(RealWorld(), site, recorded, 0, Check(PLENTY, PLENTY))
    Path(site, "a.py").write_bytes(b"a = 2, and longer\n")
    after = recompute(RealWorld(), site, recorded, 0, Check(PLENTY, PLENTY))
    assert before == Now((), identity(recorded))
    assert after == Now(("a.py",), identity([row("a.py", b"a = 2, and longer\n")]))


def test_a_file_that_the_kernel_makes_up_is_not_read(tmp_path: Path) -> None:
    site = at(tmp_path)
    os.symlink("/proc/self/environ", f"{site}/environ")  # some of its kind block for ever
    assert recompute(RealWorld(), site, [row("environ", b"x")], 0, Check(PLENTY, PLENTY)).modified == ("environ",)


class Later(RealWorld):
    """This machine an hour from now: what was just written has been left alone."""

    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)


def test_a_large_file_is_read_once_and_then_costs_nothing_of_the_budget(tmp_path: Path) -> None:
    site, data = at(tmp_path), b"x" * (2 << 20)
    Path(site, "big.so").write_bytes(data)
    (tmp_path / "home").mkdir(mode=0o700)
    world = Later(env={"AUDITOR_HOME": str(tmp_path / "home")})
    left = []
    for _ in range(2):
        check = Check(len(data), 10)
        assert recompute(world, site, [row("big.so", data)], 0, check).modified == ()
        left.append(check.bytes_left)
    assert left == [0, len(data)]


def test_what_the_budget_does_not_reach_is_counted_and_gives_no_digest(tmp_path: Path) -> None:
    site = at(tmp_path)
    for name in ("a", "b"):
        Path(site, name).write_bytes(b"12345")
    check = Check(7, 10)
    seen = recompute(RealWorld(), site, [row("a", b"12345"), row("b", b"12345")], 0, check)
    assert (seen, check.checked, check.skipped) == (Now((), ""), 1, 1)


def test_a_wheel_s_data_files_are_where_installers_put_them() -> None:
    inside = [
        ("x/a.py", "1", 1),
        *((f"x-1.0.data/{key}/f", "1", 1) for key in ("purelib", "platlib", "data", "headers", "scripts")),
    ]
    assert [p for p, _, _ in as_installed(inside, "/v/lib/python3.11/site-packages")] == [
        "x/a.py", "f", "f", "../../../f", "../../../include/site/python3.11/x/f",
    ]  # fmt: skip
