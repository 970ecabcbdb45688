"""Which images does a script name, and how does it start them? Pure: text in, references out.

Forms by runtime: Apptainer and Singularity (`exec run shell test pull instance build`), Docker, Podman, nerdctl (`run exec create pull`),
Charliecloud, Enroot and Pyxis, Shifter, Sarus, and Slurm's own `--container=`. Nothing is run; what depends on the run is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from probes.containers import Reference, image
from probes.containers.commandlines import RUNTIMES, Hit, hits, slurm_options
from probes.containers.shelltext import Command, commands, expand
from probes.containers.variables import ASSIGNMENT, Variables, assigned, at_start, fields, without_redirects

MAX_TEXT = 1 << 18
MAX_WORDS = 500
# sbatch stops reading directives at the first line that is neither empty nor a comment
_HEAD = re.compile(r"(?:[ \t]*(?:#.*)?\r?(?:\n|$))*")
_DIRECTIVE = re.compile(r"^#SBATCH[ \t]+(.*?)(?:[ \t]#.*)?$", re.MULTILINE)
_SHELLS = frozenset({"sh", "bash", "dash", "ksh", "zsh"})
# programs that start another one given in their arguments
_LAUNCHERS = frozenset(
    """srun mpirun mpiexec mpiexec.hydra orterun prun jsrun aprun env exec nohup sudo nice ionice timeout numactl taskset
    command eval stdbuf setsid xargs parallel nsys ncu strace ltrace perf catchsegv flock chrt unshare proot wait time bash sh""".split()
)


def references(text: str, environ: Mapping[str, str], arguments: Sequence[str] = ()) -> tuple[Reference, ...]:
    """Images named by a batch script, in order of lines. `environ`: what the script will see; `arguments`: its `$1 $2 ...`."""
    text = text[:MAX_TEXT]
    found = [*_directives(text), *_commands(text, at_start(environ, arguments))]
    return tuple(sorted(dict.fromkeys(r for r in found if r.resolved or r.unresolved), key=lambda r: r.line))


def of_argv(argv: Sequence[str]) -> tuple[Reference, ...]:
    """Images named by `sbatch`'s own options; line 0."""
    return tuple(_literal(hit, 0) for hit in slurm_options([*argv]))


def _directives(text: str) -> Iterator[Reference]:
    for match in _DIRECTIVE.finditer(_head(text)):
        words = [expand(word, {})[0] for command in commands(match[1]) for word in command.words]
        for hit in slurm_options(words):
            yield _literal(hit, text.count("\n", 0, match.start()) + 1)


def _head(text: str) -> str:
    match = _HEAD.match(text)
    return match[0] if match else ""


def _literal(hit: Hit, line: int) -> Reference:
    return _reference(hit, hit[1], (), line)


def _commands(text: str, known: Variables) -> Iterator[Reference]:
    for command in commands(text):
        if not assigned(command, known):
            yield from _command(command, known)


def _command(command: Command, known: Variables, level: int = 0) -> Iterator[Reference]:
    words = list(fields(without_redirects(command.words[:MAX_WORDS]), known))
    plain = [expand(word, known)[0] for word in words]
    for at, word in enumerate(plain):
        base = word.rpartition("/")[2]
        rest = words[at + 1 :]
        if at and plain[at - 1] == "-c" and level < 3 and any(w.rpartition("/")[2] in _SHELLS for w in plain[:at]):
            yield from (
                r for inner in commands(expand(words[at], {})[0], command.line) for r in _command(inner, known, level + 1)
            )
            return
        if base == "srun" and at < 20:
            own = rest[: next((n for n, w in enumerate(rest) if w.rpartition("/")[2] in RUNTIMES), len(rest))]
            yield from (_resolved(hit, command.line, known) for hit in slurm_options(own))
        if base in RUNTIMES:
            yield from (_resolved(hit, command.line, known) for hit in hits(base, rest))
            return
        if at == 0 and word.lower().endswith((".sif", ".simg")):  # a SIF is a program too
            yield _resolved(("apptainer", words[0], "", ()), command.line, known)
            return
        if at == 0 and base not in _LAUNCHERS and not ASSIGNMENT.fullmatch(word):
            return


def _resolved(hit: Hit, line: int, known: Variables) -> Reference:
    runtime, raw, transport, kept = hit
    value, missing = expand(raw, known)
    written = raw.strip("\"'") if "$" in raw else expand(raw, {})[0]
    return _reference((runtime, written, transport, kept), value, missing, line)


def _reference(hit: Hit, value: str, missing: tuple[str, ...], line: int) -> Reference:
    runtime, written, transport, kept = hit
    parsed = image.parse(value, runtime)
    if transport in {"instance", "directory", "file"}:
        parsed = image.ImageName(transport, value)
    return Reference(
        runtime=runtime,
        text=written,
        resolved="" if missing else value,
        transport=transport or parsed.transport,
        registry=parsed.registry,
        name=parsed.name,
        tag=parsed.tag,
        digest=parsed.digest,
        line=line,
        unresolved=missing,
        options=kept,
    )
