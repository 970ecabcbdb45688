"""Which commit was the code at, and how did the working tree differ from it?"""

from __future__ import annotations

import hashlib
import os.path
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.model import Absent, Found, Grade, Job, Phase, Probe
from auditor.world import World
from probes.gitstatus import lfs, parse_status
from probes.script.roots import repositories

if TYPE_CHECKING:
    from probes.gitcommand import Repository

DIFF_BYTES = 1 << 20
UNTRACKED_FILES = 500
UNTRACKED_BYTES = 1 << 20
_LOGIN = re.compile(r"^([A-Za-z][\w+.-]*://)([^/@]*)@")


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
    untracked_count: int = 0
    """All of them; `untracked` lists the first ones."""
    untracked_cut: bool = False
    """There were so many that git's own list was cut."""
    others: tuple[str, ...] = ()
    """Roots of further repositories that hold some of the job's code."""


def collect(world: World, job: Job) -> Found[GitState] | Absent:
    roots = repositories(world, job)
    if not roots:
        return Absent("neither the job's code nor its work directory lies in a git repository")
    if not any(world.exists(f"{folder}/git") for folder in world.env.get("PATH", "").split(":") if folder):
        raise FileNotFoundError("there is a repository, but no git in PATH to ask about it")
    from probes.gitcommand import Repository

    return Found(look(world, Repository(roots[0]), roots[1:]), f"git in {roots[0]}", Grade.OBSERVED)


def look(world: World, repository: Repository, others: tuple[str, ...] = ()) -> GitState:
    """Ask git; every question is read-only."""
    if repository.line("rev-parse", "--is-inside-work-tree") == "false":
        raise OSError(f"{repository.root} is a bare repository: there is no working tree to compare")
    answer = repository.ask("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--ignore-submodules=dirty")
    status = parse_status(answer.items)
    modules = submodules(world, repository)
    pointers, hidden = lfs(world, repository, status.changed)
    changed = tuple(p for p in status.changed if p not in hidden)
    diff = repository.ask(
        "diff", *(["HEAD"] if status.commit else ["--cached"]), "--no-color", "--no-ext-diff", "--no-textconv", "--full-index",
        "--binary", "--submodule=short", "--ignore-submodules=dirty", "--", ".", *(f":(exclude,literal,top){p}" for p in sorted(hidden)),
        limit=DIFF_BYTES,
    )  # fmt: skip
    remotes = repository.line("remote").split()
    return GitState(
        root=repository.root,
        commit=status.commit,
        branch=status.branch,
        describe=repository.line("describe", "--tags", "--always") if status.commit else "",
        remote=_remote(repository, status.branch, remotes),
        pushed=_pushed(repository) if remotes and status.commit else (False if remotes else None),
        dirty=bool(changed or status.untracked or any(m.dirty for m in modules)),
        diff=diff.text,
        diff_cut=diff.cut,
        diff_sha256=diff.sha256 if diff.size else "",
        changed=changed,
        untracked=tuple(_untracked(world, repository.root, p) for p in status.untracked[:UNTRACKED_FILES]),
        submodules=modules,
        lfs_pointers=pointers,
        untracked_count=len(status.untracked),
        untracked_cut=answer.cut,
        others=others,
    )


def without_login(url: str) -> str:
    """A remote's URL without user, password and query; the `git` of ssh://git@host stays, as nobody's name."""
    url = _LOGIN.sub(lambda m: m[1] + ("git@" if m[2] == "git" else ""), url.split("?", 1)[0])
    return re.sub(r"^(?!git@)[^/@:]+@(?=[\w.-]+:)", "", url)


def _remote(repository: Repository, branch: str, remotes: list[str]) -> str:
    upstream = repository.line("config", "--get", f"branch.{branch}.remote") if branch else ""
    name = next((n for n in (upstream, "origin", *remotes) if n in remotes), "")
    return without_login(repository.line("config", "--get", f"remote.{name}.url")) if name else ""


def _pushed(repository: Repository) -> bool:
    return bool(
        repository.ask("for-each-ref", "--contains", "HEAD", "--count=1", "--format=%(refname)", "refs/remotes").text.strip()
    )


def _untracked(world: World, root: str, path: str) -> Untracked:
    where = os.path.join(root, path)
    try:
        about = world.stat(where, follow=False)
        data = world.read(where, UNTRACKED_BYTES) if about.is_file and about.size <= UNTRACKED_BYTES else None
    except OSError:
        return Untracked(path, 0, "")
    return Untracked(path, about.size, hashlib.sha256(data).hexdigest() if data is not None else "")


def submodules(world: World, repository: Repository) -> tuple[Submodule, ...]:
    """From .gitmodules and the index; each checked-out one is asked by itself, under the same safe settings."""
    if not world.exists(f"{repository.root}/.gitmodules"):
        return ()
    from probes.gitcommand import Repository as Another

    found = []
    for item in repository.ask("ls-files", "--stage", "-z").items:
        about, _, path = item.partition("\t")
        if about.startswith("160000 "):
            where, commit, dirty = os.path.join(repository.root, path), about.split(" ")[1], False
            if world.exists(f"{where}/.git"):
                answer = Another(where).ask("status", "--porcelain=v2", "--branch", "-z", "--ignore-submodules=dirty")
                status = parse_status(answer.items)
                dirty = bool(status.changed or status.untracked or (status.commit and status.commit != commit))
                commit = status.commit or commit
            found.append(Submodule(path, commit, dirty))
    return tuple(found)


PROBE = Probe("git", GitState, collect, frozenset({Phase.SUBMIT, Phase.LATER}), source="git")
