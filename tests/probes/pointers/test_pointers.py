"""What do pointer files say, and is it so? Files that dvc 3.67, git-annex 10 and git-lfs 3.3 really wrote (captured/make.sh)."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from auditor.model import Absent, Job
from auditor.world import RealWorld
from probes.pointers import DataPointers, Pointer, plain
from probes.pointers.annex import Key, parse
from probes.pointers.content import collect
from probes.pointers.dvc import entries
from probes.pointers.gitfiles import settings
from probes.pointers.lfs import parse as parse_lfs

CAPTURED = Path(__file__).parent / "captured"
ENDED = "2026-11-23T12:11:00+00:00"
ONE = "5bbf5a52328e7439ae6e719dfe712200"


def unpacked(name: str, folder: Path) -> Path:
    with tarfile.open(CAPTURED / f"{name}.tar") as tar:
        tar.extractall(folder / name, filter="fully_trusted")  # our own, with links that lead into its .git
    return folder / name


def seen(root: Path, *, over: bool = True, inputs: tuple[str, ...] = (), **env: str) -> DataPointers:
    job = Job("local", "1", workdir=str(root), inputs=inputs, ended_at=ENDED if over else "")
    found = collect(RealWorld(env, str(root)), job)
    assert not isinstance(found, Absent)
    return found


def states(found: DataPointers) -> dict[str, str]:
    return {f"{p.by} {p.path}": p.state for p in found.pointers}


def test_what_dvc_tracks_is_there_and_equal(tmp_path: Path) -> None:
    found = seen(unpacked("dvc", tmp_path))
    assert states(found) == {
        "dvc.lock metrics.json": "equal",
        "dvc.lock model.txt": "equal",
        "dvc.lock one.csv": "equal",
        "images.dvc images/a": "equal",
        "images.dvc images/deep/b: c": "equal",
        "one.csv.dvc one.csv": "equal",
    }
    assert (found.complete, found.found, found.bytes_hashed) == (True, {"dvc equal": 6}, 18)
    assert next(p for p in found.pointers if p.by == "one.csv.dvc") == Pointer(
        "one.csv", "dvc", "one.csv.dvc", "input", "md5", ONE, 4, "equal", "lab https://data.example.org/store"
    )
    assert {p.path for p in found.pointers if p.role == "output"} == {"metrics.json", "model.txt"}


def test_what_dvc_tracks_and_nobody_pulled_is_absent_and_an_edit_is_seen(tmp_path: Path) -> None:
    root = unpacked("dvc", tmp_path)
    (root / "one.csv").write_text("two\n")  # the same size
    (root / "images" / "a").unlink()
    (root / "model.txt").write_text("longer\n")
    found = {f"{p.by} {p.path}": (p.state, p.reason) for p in seen(root).pointers if p.state != "equal"}
    assert found == {
        "images.dvc images/a": ("absent", "nothing is there"),
        "one.csv.dvc one.csv": ("different", "its md5 is c193497a1a06b2c72230e6146ff47080"),
        "dvc.lock one.csv": ("different", "its md5 is c193497a1a06b2c72230e6146ff47080"),
        "dvc.lock model.txt": ("different", "it has 7 bytes, not 4"),
    }


def test_a_folder_whose_list_is_not_here_is_no_more_than_present(tmp_path: Path) -> None:
    root = unpacked("dvc", tmp_path)
    for path in (root / ".dvc/cache/files/md5").glob("*/*.dir"):
        path.unlink()
    (one,) = [p for p in seen(root).pointers if p.by == "images.dvc"]
    assert (one.path, one.state) == ("images", "present")
    assert one.reason.startswith("the list of its files is not in DVC's cache")


def test_before_the_job_nothing_is_hashed_and_what_is_missing_is_known(tmp_path: Path) -> None:
    root = unpacked("dvc", tmp_path)
    (root / "one.csv").unlink()
    found = seen(root, over=False)
    assert (found.bytes_hashed, found.found) == (0, {"dvc absent": 2, "dvc present": 4})


def test_over_the_budget_nothing_is_claimed(tmp_path: Path) -> None:
    root = unpacked("dvc", tmp_path)
    assert seen(root, AUDITOR_HASH_BYTES="9").found == {"dvc equal": 3, "dvc present": 3}


def test_annexed_files_by_their_keys(tmp_path: Path) -> None:
    found = seen(unpacked("annex", tmp_path))
    assert {p.path: (p.state, p.algorithm, p.size) for p in found.pointers} == {
        "data/unlocked.bin": ("absent", "sha256", 4),
        "gone.bin": ("absent", "sha256", 6),
        "locked.bin": ("equal", "sha256", 4),
        "m.bin": ("equal", "md5", 4),
        "noext": ("present", "", 2),
    }
    assert {p.remote for p in found.pointers} == {"origin https://data.example.org/iris.git"}


def test_an_annexed_content_that_was_damaged_is_different(tmp_path: Path) -> None:
    root = unpacked("annex", tmp_path)
    (root / "locked.bin").resolve().write_text("oNe\n")
    assert states(seen(root))["locked.bin locked.bin"] == "different"


def test_a_file_that_lfs_never_fetched(tmp_path: Path) -> None:
    (one,) = seen(unpacked("lfs", tmp_path)).pointers
    assert one == Pointer(
        "a.bin", "git-lfs", "a.bin", "input", "sha256", "ac169f9fb7cb48d431466d7b3bf2dc3e1d2e7ad6630f6b767a1ac1801c496b35", 5,
        "absent", "https://git.example.org/iris.git", "the pointer stands in its place",
    )  # fmt: skip


def test_a_crowd_of_files_is_only_looked_through_where_lfs_is_in_use(tmp_path: Path) -> None:
    root = unpacked("lfs", tmp_path)
    for n in range(1000):
        (root / f"{n}.txt").write_text("x" * 200)
    assert seen(root).found == {"git-lfs absent": 1}
    (root / ".gitattributes").unlink()
    assert collect(RealWorld({}, str(root)), Job("local", "1", workdir=str(root))) == Absent(
        "no pointer of DVC, git-annex or git-LFS"
    )


def test_pointers_among_inputs_elsewhere_are_found(tmp_path: Path) -> None:
    unpacked("lfs", tmp_path)
    (tmp_path / "work").mkdir()
    found = seen(tmp_path / "work", inputs=("../lfs/*.bin",))
    assert [p.path for p in found.pointers] == [str(tmp_path / "lfs" / "a.bin")]


def test_no_pointer_is_no_evidence(tmp_path: Path) -> None:
    (tmp_path / "a.dvc").write_text("nothing of DVC's\n")
    assert collect(RealWorld({}, str(tmp_path)), Job("local", "1", workdir=str(tmp_path))) == Absent(
        "no pointer of DVC, git-annex or git-LFS"
    )


def test_keys_of_git_annex() -> None:
    digest = "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"
    assert parse(f"SHA256E-s4--{digest}.tar.gz") == Key("SHA256E", "sha256", digest, 4)
    assert parse(f"SHA256--{digest}") == Key("SHA256", "sha256", digest, -1)
    assert parse("URL--http&c%%x.org%d") == Key("URL", "", "", -1)
    assert parse("SHA256E-s4--not hex") == Key("SHA256E", "", "", 4)
    assert parse("readme.txt") is None


def test_an_older_dvc_file_and_one_with_what_we_do_not_know() -> None:
    text = """\
md5: 11111111111111111111111111111111
frozen: true
deps:
- url: https://example.org/x.csv
  etag: '"abc"'
outs:
- path: 'it''s.csv'
  md5: 22222222222222222222222222222222
  remote: lab
  desc: "a: \\"b\\""
- md5: 33333333333333333333333333333333
  path: y
meta:
  outs: none
"""
    assert list(entries(text)) == [
        ("deps", {"url": "https://example.org/x.csv", "etag": '"abc"'}),
        ("outs", {"path": "it's.csv", "md5": "2" * 32, "remote": "lab", "desc": 'a: "b"'}),
        ("outs", {"md5": "3" * 32, "path": "y"}),
    ]


@pytest.mark.parametrize(
    "text", ["", "outs:", "outs:\n- \n", "outs: [a]\n", "- outs:\n  - path: x\n", "\0", "outs:\n" + "- " * 5000 + "a: b\n"]
)
def test_what_dvc_never_wrote_says_nothing_that_counts(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.dvc").write_text(text)
    found = collect(RealWorld({}, str(tmp_path)), Job("local", "1", workdir=str(tmp_path)))
    assert isinstance(found, Absent)


def test_a_list_of_a_stranger_leads_nowhere_else(tmp_path: Path) -> None:
    root = unpacked("dvc", tmp_path)
    (where,) = (root / ".dvc/cache/files/md5").glob("*/*.dir")
    where.chmod(0o644)
    where.write_text(json.dumps([{"md5": ONE, "relpath": "../one.csv"}, {"md5": 1, "relpath": "a"}, 3]))
    assert [p for p in seen(root).pointers if p.by == "images.dvc"] == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://ada:p@ss@x.org/a?sig=1#f", "https://x.org/a"),
        ("s3://bucket/a@b", "s3://bucket/a@b"),
        ("git@x.org:a/b.git", "x.org:a/b.git"),
        ("ada:secret@x.org:a/b.git", "x.org:a/b.git"),
        ("/srv/store", "/srv/store"),
        ("../store", "../store"),
    ],
)
def test_an_address_is_told_without_what_opens_it(url: str, expected: str) -> None:
    assert plain(url) == expected


@pytest.mark.parametrize("text", ["outs:\n- path: a" + " " * 200_000 + "b\n", "outs:\n" + "- path: x\n" * 50_000])
def test_a_long_file_is_read_in_linear_time(text: str) -> None:
    assert {entry["path"][0] for _, entry in entries(text)} <= {"a", "x"}


def test_settings_of_git_and_dvc(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("[core]\n\tremote = lab\n['remote \"Lab\"']\n    url = s3://x\n[lfs]url=no\n[" + " " * 100_000)
    assert settings(RealWorld(), (str(tmp_path / "c"), str(tmp_path / "none"))) == {
        ("core", "", "remote"): "lab",
        ("remote", "Lab", "url"): "s3://x",
    }


def test_a_pointer_needs_a_digest_and_a_size() -> None:
    head = b"version https://git-lfs.github.com/spec/v1\n"
    assert parse_lfs(head + b"oid sha256:" + b"a" * 64 + b"\nsize 5\n") == ("a" * 64, 5)
    assert parse_lfs(head + b"oid sha256:xyz\nsize 5\n") is None
    assert parse_lfs(head + b"oid sha256:" + b"a" * 64 + b"\n") is None
