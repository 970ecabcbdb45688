"""How do we ask git about somebody's tree without running anything that the tree's own configuration names?

A repository's configuration can name programs: fsmonitor, hooks, external diffs, textconv, filters, transports (git-config(1)).
All of them are switched off here, by environment variables that win over every configuration file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import git

SECONDS = 30.0
KEEP_BYTES = 16 << 20
_SAFE = {
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.pager": "cat",
    "core.alternateRefsCommand": "",
    "core.untrackedCache": "false",
    "core.quotePath": "false",
    "diff.external": "",
    "diff.noprefix": "false",
    "diff.mnemonicPrefix": "false",
    "log.showSignature": "false",
    "protocol.allow": "never",
    "submodule.recurse": "false",
    "status.relativePaths": "false",
}
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_SSH_COMMAND": "false",
    "GIT_EXTERNAL_DIFF": "",
    "GIT_ASKPASS": "false",
    "GIT_PAGER": "cat",
    "GIT_LITERAL_PATHSPECS": "0",
}


@dataclass(frozen=True)
class Answer:
    """What git printed: at most KEEP_BYTES (or the caller's limit) kept, all of it hashed. status: git's exit status."""

    out: bytes
    err: str
    status: int
    size: int
    sha256: str

    @property
    def cut(self) -> bool:
        return self.size > len(self.out)

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "surrogateescape")

    @property
    def items(self) -> tuple[str, ...]:
        """NUL-separated output; what was cut in the middle is dropped."""
        parts = self.text.split("\0")
        return tuple(parts[:-1])


class _Sink:
    """Keeps the first bytes and hashes all, so that a huge diff stays cheap in memory."""

    def __init__(self, limit: int) -> None:
        self.limit, self.size, self.kept, self.digest = limit, 0, bytearray(), hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        if (room := self.limit - len(self.kept)) > 0:
            self.kept += data[:room]
        return len(data)


class Repository:
    """Read-only questions to one working tree, through GitPython. Raises OSError when git refuses or gives up."""

    def __init__(self, root: str) -> None:
        import git  # 150 ms: paid at submission's detached child, never by a job

        self.root = root
        self._git: git.Git = git.Git(root)
        names = self.ask(
            "config", "--name-only", "-z", "--get-regexp", r"^filter\..*\.(clean|smudge|process)$", fine=(0, 1)
        ).items
        filters = {name.rsplit(".", 1)[0] for name in names}
        off = {f"{name}.{key}": "" for name in sorted(filters) for key in ("clean", "smudge", "process")}
        self._off: Mapping[str, str] = {**off, **{f"{name}.required": "false" for name in sorted(filters)}}

    def ask(self, *arguments: str, limit: int = KEEP_BYTES, fine: tuple[int, ...] = (0,)) -> Answer:
        """Run `git ARGUMENTS`. fine: exit statuses that are answers."""
        sink = _Sink(limit)
        status, _, err = self._git.execute(
            ["git", *arguments],
            env=_environment({**_SAFE, **getattr(self, "_off", {})}),
            output_stream=sink,
            max_chunk_size=1 << 16,
            with_extended_output=True,
            with_exceptions=False,
            kill_after_timeout=SECONDS,
        )
        if status not in fine:
            raise _refusal(self.root, arguments[0], status, err)
        return Answer(bytes(sink.kept), err, status, sink.size, sink.digest.hexdigest())

    def line(self, *arguments: str) -> str:
        """The answer's only line; empty when git has none to give (exit status 1 or 128)."""
        return self.ask(*arguments, fine=(0, 1, 2, 128)).text.strip()


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """As GIT_CONFIG_COUNT, GIT_CONFIG_KEY_n, GIT_CONFIG_VALUE_n (git-config(1)): they rank above every file."""
    pairs = {f"GIT_CONFIG_KEY_{n}": key for n, key in enumerate(settings)}
    values = {f"GIT_CONFIG_VALUE_{n}": value for n, value in enumerate(settings.values())}
    return {**_ENVIRONMENT, **pairs, **values, "GIT_CONFIG_COUNT": str(len(settings))}


def _refusal(root: str, command: str, status: int, err: str) -> OSError:
    if "dubious ownership" in err or "unsafe repository" in err:
        return PermissionError(f"git refuses {root}: it belongs to another user and is not in safe.directory")
    if err.startswith("Timeout"):
        return TimeoutError(f"git {command} gave no answer in {SECONDS:g} s in {root}")
    return OSError(f"git {command} ended with status {status} in {root}: {' '.join(err.split())[:300]}")
