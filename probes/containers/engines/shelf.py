"""How are workflow files read: bounded in size and number, each once, with the reason kept where it could not be?"""

from __future__ import annotations

import os.path
from dataclasses import dataclass, field

from auditor.world import TooBig, World

MAX_FILES = 100
MAX_BYTES = 256 << 10
MAX_ALL = 4 << 20


@dataclass
class Shelf:
    """unread: path -> reason."""

    world: World
    unread: dict[str, str] = field(default_factory=dict)
    read: int = 0
    seen: set[tuple[str, str]] = field(default_factory=set)

    def text(self, path: str, needed: bool = True, user: str = "") -> str | None:
        """A file's text, None when it was read for this user before or cannot be. needed: say so when it is not there."""
        path = os.path.normpath(path)
        if (user, path) in self.seen:
            return None
        self.seen.add((user, path))
        if len(self.seen) > MAX_FILES or self.read > MAX_ALL:
            self.unread["more workflow files"] = f"only {MAX_FILES} files or {MAX_ALL >> 20} MiB are read"
            return None
        try:
            found = self.world.text(path, MAX_BYTES)
        except TooBig:
            self.unread[path] = f"larger than {MAX_BYTES >> 10} KiB"
        except (FileNotFoundError, NotADirectoryError):
            if needed:
                self.unread[path] = "no such file"
        except (OSError, LookupError, ValueError) as error:
            if needed:
                self.unread[path] = str(error) or type(error).__name__
        else:
            self.read += len(found)
            return found
        return None

    def first(self, *paths: str, user: str = "", needed: bool = True) -> tuple[str, str] | None:
        """The first of these that can be read, and its text."""
        found = next(((path, text) for path in paths if (text := self.text(path, False, user)) is not None), None)
        if found is None and needed and paths and not any(os.path.normpath(path) in self.unread for path in paths):
            self.unread[paths[0]] = "no such file, or not readable"
        return found


@dataclass(frozen=True)
class Image:
    """What an engine's file says: the image as its runtime will be given it. resolved None: unresolved, `missing` says by what.

    kept: options the engine's settings add; enabled: `yes`, `no`, `unknown`.
    """

    engine: str
    runtime: str
    text: str
    resolved: str | None
    missing: tuple[str, ...]
    file: str
    line: int
    step: str = ""
    enabled: str = "unknown"
    kept: tuple[str, ...] = ()
    folder: str = ""
    """Where a relative path starts."""
    copy: str = ""
    """Where the engine puts its own copy of the image, and runs it."""
