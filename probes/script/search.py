"""Where does a name in a script lead on this machine? Paths, small contents, the user's own programs; everything bounded."""

from __future__ import annotations

import os.path
from dataclasses import dataclass, field

from auditor.world import World
from probes.script import pycode
from probes.script.command import Command
from probes.script.target import Target

MAX_CALLS = 400
READ_BYTES = 1 << 20
TOTAL_BYTES = 16 << 20
_SYSTEM = ("/dev/", "/proc/", "/usr/", "/bin/", "/sbin/")


@dataclass(frozen=True)
class Call:
    """A file that is run. how: `python`, `shell`, `source`, `import`, `program`, `r`, `julia`, `engine`, `input` ...

    inside: the container image the command runs in; the path then need not exist outside.
    """

    path: str
    caller: str
    line: int
    how: str
    inside: str = ""


@dataclass(frozen=True)
class Snippet:
    """Code written into the script itself: `python -c`, a here-document, or a batch script in that language."""

    language: str
    text: str
    file: str
    line: int


@dataclass
class Search:
    world: World
    environment: dict[str, str]
    levels: int
    calls: dict[str, Call] = field(default_factory=dict)
    snippets: list[Snippet] = field(default_factory=list)
    unresolved: dict[str, None] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    read: int = 0
    parsed: int = 0
    variables: dict[str, str] = field(default_factory=dict)


def paths(search: Search, command: Command, target: Target) -> list[str]:
    """Absolute paths the target may mean; words that only the run can resolve go to `unresolved`."""
    if target.module:
        wanted = pycode.Import(target.module, 0, ("__main__",), command.line)
        return list(pycode.local_files(wanted, "", (command.cwd, *python_path(search)), lambda p: is_file(search, p)))
    if target.language == "command":
        return _own_program(search, target.file, command)
    if target.candidates:
        tried = (os.path.join(command.cwd, name) for name in target.candidates)
        return [path for path in tried if command.cwd and is_file(search, path)][:1]
    word = next((w for w in (*command.words, *command.reads) if w.text == target.file), None)
    known = word is None or word.known
    if not known or not (command.cwd or target.file.startswith("/")):
        search.unresolved[word.raw if word else target.file] = None
        return []
    path = os.path.normpath(os.path.join(command.cwd, target.file))
    if any(c in target.file for c in "*?["):
        try:
            return list(search.world.glob(path)[:MAX_CALLS])
        except (OSError, LookupError):
            return []
    if path.startswith(_SYSTEM):
        return []  # the system's own: the environment's evidence, not the user's code
    return [path]


def _own_program(search: Search, name: str, command: Command) -> list[str]:
    """A bare command that PATH finds under the work directory or the home directory and outside any environment.

    srun looks in the current folder too, after PATH (srun(1), "executable is resolved in the following order").
    """
    own = tuple(f"{d.rstrip('/')}/" for d in (search.environment["PWD"], search.environment.get("HOME", "")) if len(d) > 1)
    for folder in search.environment.get("PATH", "").split(":"):
        if f"{folder}/".startswith(own) and "/." not in folder and is_file(search, f"{folder}/{name}"):
            parent = os.path.dirname(folder)
            environment = any(is_file(search, f"{parent}/{mark}") for mark in ("pyvenv.cfg", "conda-meta/history"))
            return [] if environment else [os.path.normpath(f"{folder}/{name}")]
    beside = os.path.join(command.cwd, name) if command.cwd and command.texts[0].rsplit("/", 1)[-1] == "srun" else ""
    return [os.path.normpath(beside)] if beside and is_file(search, beside) else []


def python_path(search: Search) -> tuple[str, ...]:
    return tuple(p for p in search.environment.get("PYTHONPATH", "").split(":") if p.startswith("/"))


def is_file(search: Search, path: str) -> bool:
    try:
        return search.world.stat(path).is_file
    except (OSError, LookupError, ValueError):
        return False


def content(search: Search, path: str) -> bytes | None:
    if path not in search.contents and search.read < TOTAL_BYTES:
        try:
            data = search.world.read(path, READ_BYTES) if is_file(search, path) else b"\0"
        except (OSError, LookupError):
            return None
        search.read += len(data)
        if b"\0" not in data[:8192]:
            search.contents[path] = data
    return search.contents.get(path)


def text_of(search: Search, path: str) -> str | None:
    data = content(search, path)
    return None if data is None else data.decode("utf-8", "surrogateescape")
