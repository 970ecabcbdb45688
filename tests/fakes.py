"""Which worlds do tests look at? Real ones, recorded ones, and these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from auditor.world import COMMAND_SECONDS, OUTPUT_BYTES, READ_BYTES, Ran, RecordedWorld, Stat

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


class EmptyWorld:
    """A machine with nothing on it: no file, no program, no variable."""

    env: Mapping[str, str] = {}
    cwd = "/"
    host = "empty"

    def now(self) -> datetime:
        return NOON

    def run(
        self,
        *argv: str,
        timeout: float = COMMAND_SECONDS,
        limit: int = OUTPUT_BYTES,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Ran:
        raise FileNotFoundError(2, "No such file or directory", argv[0])

    def read(self, path: str, limit: int = READ_BYTES) -> bytes:
        raise FileNotFoundError(2, "No such file or directory", path)

    def text(self, path: str, limit: int = READ_BYTES) -> str:
        raise FileNotFoundError(2, "No such file or directory", path)

    def span(self, path: str, start: int, length: int) -> bytes:
        raise FileNotFoundError(2, "No such file or directory", path)

    def stat(self, path: str, follow: bool = True) -> Stat:
        raise FileNotFoundError(2, "No such file or directory", path)

    def exists(self, path: str) -> bool:
        return False

    def glob(self, pattern: str) -> tuple[str, ...]:
        return ()

    def chunks(self, path: str, size: int = 1 << 18) -> Iterator[memoryview]:
        raise FileNotFoundError(2, "No such file or directory", path)


def recorded(
    files: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    commands: Mapping[tuple[str, ...], Ran] | None = None,
    missing: tuple[str, ...] = (),
    cwd: str = "/work",
) -> RecordedWorld:
    """What the in-job hook would have saved, in one line."""
    content = {path: text.encode("utf-8", "surrogateescape") for path, text in (files or {}).items()}
    return RecordedWorld(env or {}, content, commands or {}, frozenset(missing), NOON, "node1", cwd)
