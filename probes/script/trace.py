"""Which files does a job's script run, source or import, followed through the scripts it calls? Found by reading only."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from auditor.model import Job
from auditor.world import World
from probes.script import pycode
from probes.script.command import Command, scope
from probes.script.sbatch import arguments, language
from probes.script.target import Target, of_words
from probes.script.walk import walk

MAX_CALLS = 400
MAX_LEVEL = 2
"""The batch script calls level 1, which calls level 2; those are listed, and not read any further."""
READ_BYTES = 1 << 20
TOTAL_BYTES = 16 << 20
SYNTAX_BYTES = 1 << 20
BATCH = "batch script"


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


@dataclass(frozen=True)
class Trace:
    """calls in the order found, each path once; contents: bytes of those that are text and small; unresolved: words as written."""

    commands: tuple[Command, ...]
    calls: tuple[Call, ...]
    snippets: tuple[Snippet, ...]
    unresolved: tuple[str, ...]
    contents: Mapping[str, bytes]
    file: str
    """How the batch script is called in `Command.file`."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """The environment and the batch script's own variables at its end: the last value known."""
    batch: str = ""
    """The batch script's text when it is a shell script."""

    def text(self, path: str) -> str:
        return self.contents.get(path, b"").decode("utf-8", "surrogateescape")

    def sources(self) -> Iterator[Snippet]:
        """Every readable piece of code: the batch script, the called files by their language, code written into the script."""
        if self.batch:
            yield Snippet("shell", self.batch, self.file, 1)
        for call in self.calls:
            if call.path in self.contents:
                yield Snippet(_language(call.how, self.contents[call.path]), self.text(call.path), call.path, 1)
        yield from self.snippets


@dataclass
class _Search:
    world: World
    environment: dict[str, str]
    calls: dict[str, Call] = field(default_factory=dict)
    snippets: list[Snippet] = field(default_factory=list)
    unresolved: dict[str, None] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    read: int = 0
    parsed: int = 0
    variables: dict[str, str] = field(default_factory=dict)


def trace(world: World, job: Job) -> Trace:
    """Follow the job's script. Files that are not there or not recorded are named all the same."""
    file = job.script_path or BATCH
    workdir = job.workdir or world.cwd
    environment = {"SLURM_SUBMIT_DIR": workdir, **world.env, "PWD": workdir, "OLDPWD": ""}
    for number, word in enumerate(arguments(job.argv, job.script_path), 1):
        environment[str(number)] = word
    if job.scheduler == "local" and job.script_path:
        environment["0"] = job.script_path
    search = _Search(world, environment)
    kind = language(job.script)
    if kind == "shell":
        _shell(search, job.script, file, workdir, level=1)
    elif job.script:
        search.snippets.append(Snippet(kind, job.script, file, 1))
        if kind == "python":
            _python(search, job.script, file, (os.path.dirname(file) if job.scheduler == "local" else "",))
    return Trace(
        tuple(search.commands),
        tuple(search.calls.values()),
        tuple(search.snippets),
        tuple(search.unresolved),
        search.contents,
        file,
        search.variables or environment,
        job.script if kind == "shell" else "",
    )


def _shell(search: _Search, text: str, file: str, cwd: str, level: int, offset: int = 0) -> None:
    state = scope(search.environment, cwd, file, lambda path: _text(search, path))
    if os.path.isabs(file) and level > 1:
        state.names["0"] = state.names["BASH_SOURCE"] = (file,)
    commands = walk(text, state, offset)
    if level == 1:
        search.variables = {k: known[-1] for k, v in state.names.items() if (known := [x for x in v if x is not None])}
    search.commands += commands
    for command in commands:
        launched, found = of_words(command.texts, command.stdin, [w.text for w in command.reads])
        for target in found:
            _target(search, command, target, launched.image, level)


def _target(search: _Search, command: Command, target: Target, image: str, level: int) -> None:
    if target.code:
        line = command.stdin_line if command.stdin_line and target.code == command.stdin else command.line
        search.snippets.append(Snippet(target.language, target.code, command.file, line))
        if target.language == "shell" and level <= MAX_LEVEL:
            _shell(search, target.code, command.file, command.cwd, level + 1, line - 1)
        elif target.language == "python":
            _python(search, target.code, command.file, (command.cwd,))
        return
    for path in _paths(search, command, target):
        if path in search.calls or len(search.calls) >= MAX_CALLS:
            continue
        search.calls[path] = Call(path, command.file, command.line, target.language, image)
        data = _content(search, path)
        kind = _language(target.language, data) if data is not None else ""
        if data is None:
            continue
        if kind == "shell" and target.language != "source" and level < MAX_LEVEL:
            _shell(search, data.decode("utf-8", "surrogateescape"), path, command.cwd, level + 1)
        elif kind == "python":
            _python(search, data.decode("utf-8", "replace"), path, (command.cwd if target.module else os.path.dirname(path),))


def _paths(search: _Search, command: Command, target: Target) -> list[str]:
    """Absolute paths the target may mean; words that only the run can resolve go to `unresolved`."""
    if target.module:
        wanted = pycode.Import(target.module, 0, ("__main__",), command.line)
        return list(pycode.local_files(wanted, "", (command.cwd, *_python_path(search)), lambda p: _is_file(search, p)))
    if target.language == "command":
        return _own_program(search, target.file)
    if target.candidates:
        tried = (os.path.join(command.cwd, name) for name in target.candidates)
        return [path for path in tried if command.cwd and _is_file(search, path)][:1]
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
    if path.startswith(("/dev/", "/proc/", "/usr/", "/bin/", "/sbin/")) or path == "/dev":
        return []  # the system's own: the environment's evidence, not the user's code
    return [path]


def _own_program(search: _Search, name: str) -> list[str]:
    """A bare command that PATH finds under the work directory or the home directory and outside any environment."""
    own = tuple(f"{d.rstrip('/')}/" for d in (search.environment["PWD"], search.environment.get("HOME", "")) if len(d) > 1)
    for folder in search.environment.get("PATH", "").split(":"):
        if f"{folder}/".startswith(own) and "/." not in folder and _is_file(search, f"{folder}/{name}"):
            parent = os.path.dirname(folder)
            environment = any(_is_file(search, f"{parent}/{mark}") for mark in ("pyvenv.cfg", "conda-meta/history"))
            return [] if environment else [os.path.normpath(f"{folder}/{name}")]
    return []


def _python(search: _Search, text: str, file: str, first: tuple[str, ...]) -> None:
    """List the local modules that a Python text imports, and theirs."""
    roots = tuple(r for r in (*first, *_python_path(search)) if r)
    search.parsed += len(text)
    parsed = pycode.tree(text) if search.parsed <= SYNTAX_BYTES else None
    for wanted in pycode.imports(parsed) if parsed else pycode.imports_by_line(text):
        for path in pycode.local_files(wanted, file, roots, lambda p: _is_file(search, p)):
            if path not in search.calls and len(search.calls) < MAX_CALLS:
                search.calls[path] = Call(path, file, wanted.line, "import")
                data = _content(search, path)
                if data is not None:
                    _python(search, data.decode("utf-8", "replace"), path, first)


def _python_path(search: _Search) -> tuple[str, ...]:
    return tuple(p for p in search.environment.get("PYTHONPATH", "").split(":") if p.startswith("/"))


def _is_file(search: _Search, path: str) -> bool:
    try:
        return search.world.stat(path).is_file
    except (OSError, LookupError, ValueError):
        return False


def _content(search: _Search, path: str) -> bytes | None:
    if path not in search.contents and search.read < TOTAL_BYTES:
        try:
            data = search.world.read(path, READ_BYTES) if _is_file(search, path) else b"\0"
        except (OSError, LookupError):
            return None
        search.read += len(data)
        if b"\0" not in data[:8192]:
            search.contents[path] = data
    return search.contents.get(path)


def _text(search: _Search, path: str) -> str | None:
    data = _content(search, path)
    return None if data is None else data.decode("utf-8", "surrogateescape")


def _language(how: str, data: bytes) -> str:
    if how in ("program", "command", "submitted"):
        return (
            language(data[:400].decode("utf-8", "replace"))
            if data.startswith(b"#!")
            else ("shell" if how == "submitted" else how)
        )
    return {"source": "shell", "import": "python"}.get(how, how)
