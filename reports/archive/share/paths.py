"""How is a file read that is known by its public path only? By the real one, which never leaves this object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from auditor.redact import Redactor
from auditor.world import COMMAND_SECONDS, OUTPUT_BYTES, READ_BYTES, Ran, Stat, World


class PublicPaths:
    """A world in which the files of a run have their public paths; what is said of them (errors) is covered."""

    def __init__(self, world: World, real: Mapping[str, str], cover: Redactor) -> None:
        self._world = world
        self._real = real
        self._cover = cover

    @property
    def env(self) -> Mapping[str, str]:
        return self._world.env

    @property
    def cwd(self) -> str:
        return self._world.cwd

    @property
    def host(self) -> str:
        return self._world.host

    def now(self) -> datetime:
        return self._world.now()

    def run(
        self,
        *argv: str,
        timeout: float = COMMAND_SECONDS,
        limit: int = OUTPUT_BYTES,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Ran:
        return self._world.run(*argv, timeout=timeout, limit=limit, cwd=cwd, env=env, stdin=stdin)

    def read(self, path: str, limit: int = READ_BYTES) -> bytes:
        return self._world.read(self._at(path), limit)

    def text(self, path: str, limit: int = READ_BYTES) -> str:
        return self._world.text(self._at(path), limit)

    def span(self, path: str, start: int, length: int) -> bytes:
        return self._world.span(self._at(path), start, length)

    def stat(self, path: str, follow: bool = True) -> Stat:
        return self._world.stat(self._at(path), follow)

    def exists(self, path: str) -> bool:
        return self._world.exists(self._at(path))

    def glob(self, pattern: str) -> tuple[str, ...]:
        return self._world.glob(pattern)

    def chunks(self, path: str, size: int = 1 << 18) -> Iterator[memoryview]:
        return self._world.chunks(self._at(path), size)

    def _at(self, path: str) -> str:
        return self._real.get(path, path)
