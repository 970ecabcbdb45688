"""Which commit was the code at, and how did the working tree differ from it?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Untracked:
    """A file git does not track and does not ignore. sha256 empty when larger than the limit."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Submodule:
    """A submodule's path and the commit it is at; dirty: its own tree differs."""

    path: str
    commit: str
    dirty: bool


@dataclass(frozen=True)
class GitState:
    """The repository that holds the job's code. remote has no credentials. diff is `git diff HEAD`, redacted, cut at a limit.

    pushed: is the commit reachable from a remote-tracking branch? None: no remote.
    lfs_pointers: paths whose content in the tree is an LFS pointer instead of the data.
    """

    root: str
    commit: str
    branch: str
    describe: str
    remote: str
    pushed: bool | None
    dirty: bool
    diff: str
    diff_cut: bool
    diff_sha256: str
    changed: tuple[str, ...]
    untracked: tuple[Untracked, ...]
    submodules: tuple[Submodule, ...]
    lfs_pointers: tuple[str, ...]
