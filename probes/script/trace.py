"""Which files does a job's script run, source or import, followed through the scripts it calls? Found by reading only."""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from auditor.model import Job
from auditor.world import World
from probes.script import pycode
from probes.script.command import Command, scope
from probes.script.launch import Launched
from probes.script.runenv import run_environment
from probes.script.sbatch import arguments, language
from probes.script.search import MAX_CALLS, Call, Search, Snippet, content, is_file, paths, python_path, text_of
from probes.script.target import Target, of_words
from probes.script.walk import walk

MAX_LEVEL = 2
"""The batch script calls level 1, which calls level 2; those are listed, and not read any further."""
SYNTAX_BYTES = 1 << 20
BATCH = "batch script"
NOTHING: Mapping[str, tuple[str | None, ...]] = MappingProxyType({})


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


def trace(world: World, job: Job, levels: int = MAX_LEVEL) -> Trace:
    """Follow the job's script. Files that are not there or not recorded are named all the same. levels: how deep scripts are read."""
    file = job.script_path or BATCH
    workdir = job.workdir or world.cwd
    environment = {"SLURM_SUBMIT_DIR": workdir, **run_environment(world.env, job), "PWD": workdir, "OLDPWD": ""}
    if job.scheduler == "local" and job.script_path:
        environment["0"] = job.script_path
    search = Search(world, environment, levels)
    kind = language(job.script)
    if kind == "shell":
        _shell(search, job.script, file, workdir, 1, arguments(job.argv, job.script_path) or None)
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


Exports = Mapping[str, tuple[str | None, ...]]


def _shell(
    search: Search,
    text: str,
    file: str,
    cwd: str,
    level: int,
    given: tuple[str | None, ...] | None,
    offset: int = 0,
    exports: Exports = NOTHING,
) -> None:
    state = scope(search.environment, cwd, file, lambda path: text_of(search, path), given)
    state.names.update(exports)
    state.exports = exports
    if os.path.isabs(file) and level > 1:
        state.names["0"] = state.names["BASH_SOURCE"] = (file,)
    commands = walk(text, state, offset)
    if level == 1:
        search.variables = {k: known[-1] for k, v in state.names.items() if (known := [x for x in v if x is not None])}
    search.commands += commands
    for command in commands:
        launched, found = of_words(command.texts, command.stdin, [w.text for w in command.reads])
        for target in found:
            _target(search, command, target, launched, level)


def _given(target: Target, words: tuple[str, ...]) -> tuple[str | None, ...]:
    """The `$1 $2 ..` of a called script: what follows its name, or, after `-c code`, what follows the new `$0`."""
    mark = target.file or target.code
    after = words[words.index(mark) + 1 :] if mark in words else ()
    return tuple(None if "$" in word or "`" in word else word for word in after[1 if target.code else 0 :])


def _handed(command: Command) -> Exports:
    """Variables that the caller hands on: exported ones, and those set before this one command."""
    own = {name: (None if "$" in value or "`" in value else value,) for name, value in command.environment}
    return {**command.exports, **own} if own else command.exports


def _target(search: Search, command: Command, target: Target, launched: Launched, level: int) -> None:
    if target.code:
        line = command.stdin_line if command.stdin_line and target.code == command.stdin else command.line
        search.snippets.append(Snippet(target.language, target.code, command.file, line))
        if target.language == "shell" and level <= search.levels:
            given = _given(target, launched.words)
            _shell(search, target.code, command.file, command.cwd, level + 1, given, line - 1, _handed(command))
        elif target.language == "python":
            _python(search, target.code, command.file, (command.cwd,))
        return
    for path in paths(search, command, target):
        if path in search.calls or len(search.calls) >= MAX_CALLS:
            continue
        search.calls[path] = Call(path, command.file, command.line, target.language, launched.image)
        data = content(search, path)
        kind = _language(target.language, data) if data is not None else ""
        if data is None:
            continue
        if kind == "shell" and target.language != "source" and level < search.levels:
            given = _given(target, launched.words)
            _shell(search, data.decode("utf-8", "surrogateescape"), path, command.cwd, level + 1, given, 0, _handed(command))
        elif kind == "python":
            _python(search, data.decode("utf-8", "replace"), path, (command.cwd if target.module else os.path.dirname(path),))


def _python(search: Search, text: str, file: str, first: tuple[str, ...]) -> None:
    """List the local modules that a Python text imports, and theirs."""
    roots = tuple(r for r in (*first, *python_path(search)) if r)
    search.parsed += len(text)
    parsed = pycode.tree(text) if search.parsed <= SYNTAX_BYTES else None
    for wanted in pycode.imports(parsed) if parsed else pycode.imports_by_line(text):
        for path in pycode.local_files(wanted, file, roots, lambda p: is_file(search, p)):
            if path not in search.calls and len(search.calls) < MAX_CALLS:
                search.calls[path] = Call(path, file, wanted.line, "import")
                data = content(search, path)
                if data is not None:
                    _python(search, data.decode("utf-8", "replace"), path, first)


def _language(how: str, data: bytes) -> str:
    if how in ("program", "command", "submitted"):
        return (
            language(data[:400].decode("utf-8", "replace"))
            if data.startswith(b"#!")
            else ("shell" if how == "submitted" else how)
        )
    return {"source": "shell", "import": "python"}.get(how, how)
