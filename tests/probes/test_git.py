"""Is the state of a real repository told rightly, and is nothing run that the repository names?"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from auditor.capture import observe
from auditor.model import Absent, Found, Job, Phase, Status
from auditor.redact import Redactor
from auditor.world import RealWorld
from probes.git import PROBE, GitState, Submodule, Untracked, without_login
from probes.gitstatus import parse_status

SHA = hashlib.sha256


def git(folder: Path, *arguments: str) -> str:
    plain = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_ALLOW_PROTOCOL": "file"}
    who = {f"GIT_{role}_{what}": f"{what.lower()}@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(("git", *arguments), cwd=folder, env={**plain, **who}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "code"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "train.py").write_text("print(1)\n")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    return root


def look(folder: Path, script: str = "#!/bin/bash\npython train.py\n") -> GitState:
    answer = PROBE.collect(RealWorld(cwd=str(folder)), Job("slurm", "1", workdir=str(folder), script=script))
    assert isinstance(answer, Found)
    return answer.value  # type: ignore[no-any-return]


def test_a_clean_repository_is_its_commit(repo: Path) -> None:
    head = git(repo, "rev-parse", "HEAD")
    assert look(repo) == GitState(str(repo), head, "main", head[:7], "", None, False, "", False, "", (), (), (), ())


def test_changes_staged_or_not_are_in_the_diff_and_new_files_are_listed(repo: Path) -> None:
    (repo / "train.py").write_text("print(2)\n")
    (repo / "new file.py").write_text("x\n")
    git(repo, "add", "new file.py")
    (repo / "notes").write_text("n")
    state = look(repo)
    assert (state.dirty, state.changed) == (True, ("new file.py", "train.py"))
    assert state.untracked == (Untracked("notes", 1, SHA(b"n").hexdigest()),)
    assert "-print(1)\n+print(2)\n" in state.diff
    assert state.diff_sha256 == SHA(state.diff.encode()).hexdigest()


def test_a_detached_head_has_no_branch_and_a_tag_describes_it(repo: Path) -> None:
    git(repo, "tag", "v1")
    git(repo, "checkout", "-q", "--detach")
    assert (look(repo).branch, look(repo).describe) == ("", "v1")


def test_a_repository_without_commits_is_dirty_and_has_no_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "train.py").write_text("1\n")
    git(tmp_path, "add", ".")
    state = look(tmp_path)
    assert (state.commit, state.branch, state.dirty, state.changed, state.describe) == ("", "main", True, ("train.py",), "")


def test_pushed_means_that_a_remote_branch_has_the_commit(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "hub.git")
    git(repo, "remote", "add", "origin", f"{tmp_path}/hub.git")
    before = look(repo).pushed
    git(repo, "push", "-q", "origin", "main")
    assert (before, look(repo).pushed, look(repo).remote) == (False, True, f"{tmp_path}/hub.git")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://ada:s3cret@host/x.git", "https://host/x.git"),
        ("https://token@host/x.git", "https://host/x.git"),
        ("https://host/x.git?private_token=abc", "https://host/x.git"),
        ("ssh://git@host:22/x.git", "ssh://git@host:22/x.git"),
        ("git@host:ada/x.git", "git@host:ada/x.git"),
        ("ada@host:x.git", "host:x.git"),
        ("/srv/x.git", "/srv/x.git"),
    ],
)
def test_a_remote_is_told_without_credentials(url: str, expected: str) -> None:
    assert without_login(url) == expected


def test_nothing_that_the_tree_names_is_run(repo: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran-$1\ncat\n")
    trap.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "diff.external",
        "diff.t.command",
        "diff.t.textconv",
        "filter.t.clean",
        "filter.t.smudge",
        "filter.t.process",
        "core.pager",
        "core.sshCommand",
    ):
        git(repo, "config", key, f"{trap} {key}")
    git(repo, "config", "filter.t.required", "true")
    git(repo, "config", "core.hooksPath", str(tmp_path))
    (repo / ".gitattributes").write_text("*.py filter=t diff=t\n")
    (repo / "train.py").write_text("print(3)\n")
    assert look(repo).changed == ("train.py",)
    assert list(tmp_path.glob("ran-*")) == []


def test_a_submodule_is_told_with_its_commit_and_its_own_state(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "lib")
    (tmp_path / "lib/a.py").write_text("1")
    git(tmp_path / "lib", "add", ".")
    git(tmp_path / "lib", "commit", "-q", "-m", "lib")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", f"{tmp_path}/lib", "lib")
    git(repo, "commit", "-q", "-m", "with lib")
    commit = git(tmp_path / "lib", "rev-parse", "HEAD")
    clean = look(repo)
    (repo / "lib/a.py").write_text("2")
    assert (clean.submodules, clean.dirty) == ((Submodule("lib", commit, False),), False)
    assert (look(repo).submodules, look(repo).dirty) == ((Submodule("lib", commit, True),), True)


def pointer(data: bytes) -> str:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA(data).hexdigest()}\nsize {len(data)}\n"


def test_lfs_pointers_are_named_and_fetched_data_is_no_change(repo: Path) -> None:
    (repo / ".gitattributes").write_text("*.bin filter=lfs\n")
    for name, data in (("there.bin", b"data"), ("gone.bin", b"more"), ("edited.bin", b"old")):
        (repo / name).write_text(pointer(data))
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "data")
    (repo / "there.bin").write_bytes(b"data")
    (repo / "edited.bin").write_bytes(b"new")
    state = look(repo)
    assert (state.lfs_pointers, state.changed) == (("gone.bin",), ("edited.bin",))


def test_a_long_diff_is_cut_and_its_hash_is_of_the_whole(repo: Path) -> None:
    (repo / "train.py").write_text("x = 1\n" * 300_000)
    state = look(repo)
    assert (state.diff_cut, len(state.diff)) == (True, 1 << 20)
    assert state.diff_sha256 == SHA((git(repo, "diff", "HEAD", "--full-index", "--binary") + "\n").encode()).hexdigest()


def test_a_worktree_is_a_repository_of_its_own(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    assert (look(tmp_path / "side").root, look(tmp_path / "side").branch) == (f"{tmp_path}/side", "side")


def test_the_repository_of_the_called_script_comes_first(repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "run"
    other.mkdir()
    git(other, "init", "-q")
    assert look(other, f"python {repo}/train.py\n").root == str(repo)
    assert look(other, f"python {repo}/train.py\n").others == (str(other),)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a repository to somebody else")
def test_somebody_elses_repository_is_a_clear_failure(repo: Path) -> None:
    for path in (repo, *repo.rglob("*")):
        os.chown(path, 12345, 12345)
    evidence = observe(PROBE, RealWorld(cwd=str(repo)), Job("slurm", "1", workdir=str(repo)), Phase.SUBMIT, Redactor())
    assert evidence.status is Status.FAILED
    assert evidence.reason == f"PermissionError: git refuses {repo}: it belongs to another user and is not in safe.directory"


def test_without_git_in_path_a_repository_is_a_failure_and_no_repository_is_absent(repo: Path, tmp_path: Path) -> None:
    world = RealWorld(env={"PATH": "/nonexistent"}, cwd=str(repo))
    evidence = observe(PROBE, world, Job("slurm", "1", workdir=str(repo)), Phase.SUBMIT, Redactor())
    assert evidence.reason == "FileNotFoundError: there is a repository, but no git in PATH to ask about it"
    assert isinstance(PROBE.collect(world, Job("slurm", "1", workdir=str(tmp_path))), Absent)


def test_a_rename_has_two_names() -> None:
    items = (
        "# branch.oid (initial)",
        "# branch.head (detached)",
        "2 R. N... 1 1 1 a b R100 new",
        "old",
        "u UU N... 1 1 1 1 a b c d e",
        "? x y",
    )
    status = parse_status(items)
    assert (status.commit, status.branch, status.changed, status.untracked) == ("", "", ("new", "old", "d e"), ("x y",))
