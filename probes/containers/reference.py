"""Which images does a script name, and how does it start them? Pure: text in, references out.

Forms by runtime: Apptainer and Singularity (`exec run shell test pull instance build`), Docker, Podman, nerdctl (`run exec create pull`),
Charliecloud, Enroot and Pyxis, Shifter, Sarus, and Slurm's own `--container=`. Nothing is run; what depends on the run is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from auditor.redact import NEVER, SECRET_NAME
from probes.containers import Reference, image
from probes.containers import options as opt
from probes.containers.shelltext import Command, commands, expand

MAX_TEXT = 1 << 18
_DIRECTIVE = re.compile(r"^#SBATCH\s+(.*?)(?:\s#.*)?$", re.MULTILINE)
_SLURM = {"--container-image": "pyxis", "--image": "shifter", "--container": "slurm-oci"}
_ASSIGNMENT = re.compile(r"(?s)([A-Za-z_]\w*)(\+?)=(.*)")
_REDIRECT = re.compile(r"\d*(?:>>?|<)(?:&?\d*-?|[^<].*)$")
_OPTIONS_VARIABLE = re.compile(r"(?i)[\"']?\$\{?\w*(?:opt|arg|flag|bind|mount|gpu|nv)s?\w*(?:\[[@*]\])?\}?[\"']?$")
_DECLARES = frozenset({"export", "readonly", "declare", "typeset", "local"})
_SHELLS = frozenset({"sh", "bash", "dash", "ksh", "zsh"})
# programs that start another one given in their arguments
_LAUNCHERS = frozenset(
    """srun mpirun mpiexec mpiexec.hydra orterun prun jsrun aprun env exec nohup sudo nice ionice timeout numactl taskset
    command eval stdbuf setsid xargs parallel nsys ncu strace ltrace perf catchsegv flock chrt unshare proot wait time bash sh""".split()
)
_DOCKERS = {
    "docker": "docker",
    "nvidia-docker": "docker",
    "podman": "podman",
    "podman-hpc": "podman",
    "nerdctl": "docker",
    "sarus": "sarus",
}
_APPTAINERS = frozenset({"apptainer", "singularity"})
_RUNTIMES = _APPTAINERS | _DOCKERS.keys() | {"ch-run", "ch-image", "enroot", "shifter", "shifterimg"}

Variables = dict[str, str | None]
Hit = tuple[str, str, str, tuple[str, ...]]
"""runtime, image word as written, transport when the command itself decides it, kept options."""


def references(text: str, environ: Mapping[str, str], arguments: Sequence[str] = ()) -> tuple[Reference, ...]:
    """Images named by a batch script, in order of lines. `environ`: what the script will see; `arguments`: its `$1 $2 ...`."""
    text = text[:MAX_TEXT]
    known: Variables = {name: value for name, value in environ.items() if not (SECRET_NAME.search(name) or NEVER.search(name))}
    known |= {str(n): value for n, value in enumerate(arguments, 1)}
    found = [*_directives(text), *_commands(text, known)]
    return tuple(sorted(dict.fromkeys(r for r in found if r.resolved or r.unresolved), key=lambda r: r.line))


def of_argv(argv: Sequence[str]) -> tuple[Reference, ...]:
    """Images named by `sbatch`'s own options; line 0."""
    return tuple(_literal(hit, 0) for hit in _slurm_options([*argv]))


def _directives(text: str) -> Iterator[Reference]:
    for match in _DIRECTIVE.finditer(text):
        words = [expand(word, {})[0] for command in commands(match[1]) for word in command.words]
        for hit in _slurm_options(words):
            yield _literal(hit, text.count("\n", 0, match.start()) + 1)


def _slurm_options(words: Sequence[str]) -> Iterator[Hit]:
    kept = tuple(o.kept for o in _host_options(words))
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in _SLURM:
            value = value if equals else (words[at + 1] if at + 1 < len(words) else "")
            if value:
                yield _SLURM[name], value, "", kept


def _host_options(words: Sequence[str]) -> Iterator[opt.Option]:
    for at, word in enumerate(words):
        if word.partition("=")[0] in opt.PYXIS.host:
            yield from (o for o in opt.options(words[at : at + 2], opt.PYXIS) if isinstance(o, opt.Option) and o.kept)


def _literal(hit: Hit, line: int) -> Reference:
    return _reference(hit, hit[1], (), line)


def _commands(text: str, known: Variables) -> Iterator[Reference]:
    for command in commands(text):
        if not _assigned(command, known):
            yield from _command(command, known)


def _command(command: Command, known: Variables, level: int = 0) -> Iterator[Reference]:
    words = list(_fields(_without_redirects(command.words), known))
    plain = [expand(word, known)[0] for word in words]
    for at, word in enumerate(plain):
        base = word.rpartition("/")[2]
        rest = words[at + 1 :]
        if at and plain[at - 1] == "-c" and level < 3 and any(w.rpartition("/")[2] in _SHELLS for w in plain[:at]):
            yield from (
                r for inner in commands(expand(words[at], {})[0], command.line) for r in _command(inner, known, level + 1)
            )
            return
        if base == "srun":
            own = rest[: next((n for n, w in enumerate(rest) if w.rpartition("/")[2] in _RUNTIMES), len(rest))]
            yield from (_resolved(hit, command.line, known) for hit in _slurm_options(own))
        if base in _RUNTIMES:
            yield from (_resolved(hit, command.line, known) for hit in _hits(base, rest))
            return
        if at == 0 and word.lower().endswith((".sif", ".simg")):  # a SIF is a program too
            yield _resolved(("apptainer", words[0], "", ()), command.line, known)
            return
        if at == 0 and base not in _LAUNCHERS and not _ASSIGNMENT.fullmatch(word):
            return


def _hits(base: str, rest: Sequence[str]) -> Iterator[Hit]:
    if base in _APPTAINERS:
        yield from _apptainer(rest)
    elif base in _DOCKERS:
        yield from _docker(_DOCKERS[base], rest)
    elif base == "ch-run":
        yield from _first("charliecloud", rest, opt.CHARLIECLOUD)
    elif base == "ch-image" and rest and rest[0] == "pull":
        yield from _first("charliecloud", rest[1:], opt.CHARLIECLOUD, transport="docker")
    elif base == "enroot":
        yield from _enroot(rest)
    elif base == "shifter":
        found, kept, _ = _read(rest, opt.SHIFTER)
        yield from (("shifter", o.value, "", kept) for o in found if o.name in opt.SHIFTER.image)
    elif base == "shifterimg" and len(rest) > 1 and rest[0] == "pull":
        yield "shifter", rest[-1], "", ()


def _apptainer(words: Sequence[str]) -> Iterator[Hit]:
    _, _, words = _read(words, opt.APPTAINER_GLOBAL)
    verb, words = (words[0], words[1:]) if words else ("", [])
    if verb == "instance" and words and words[0] in {"start", "run"}:
        words = words[1:]
    elif verb in {"pull", "build"}:
        _, kept, rest = _read(words, opt.APPTAINER)
        if rest and not rest[-1].lower().endswith((".def", "singularity")):
            yield "apptainer", rest[-1], "", kept
        return
    elif verb not in {"exec", "run", "shell", "test"}:
        return
    yield from _first("apptainer", words, opt.APPTAINER)


def _docker(runtime: str, words: Sequence[str]) -> Iterator[Hit]:
    grammar = opt.SARUS if runtime == "sarus" else opt.DOCKER
    _, _, words = _read(
        words, replace(grammar, alone=frozenset({"-D", "--debug", "--tls", "--tlsverify", "-r", "--remote", "--help"}))
    )
    if words and words[0] in {"container", "image"}:
        words = words[1:]
    verb, words = (words[0], words[1:]) if words else ("", [])
    if verb in {"run", "create", "pull", "shared-run"}:
        yield from _first(runtime, words, grammar)
    elif verb == "exec":
        yield from _first(runtime, words, grammar, transport="instance")


def _enroot(words: Sequence[str]) -> Iterator[Hit]:
    verb, words = (words[0], words[1:]) if words else ("", [])
    if verb == "import":
        yield from _first("enroot", words, replace(opt.ENROOT, alone=frozenset()))
    elif verb == "create":
        yield from _first("enroot", words, replace(opt.ENROOT, alone=frozenset({"-f", "--force"})), transport="file")
    elif verb in {"start", "exec"}:
        for runtime, word, _, kept in _first("enroot", words, opt.ENROOT):
            yield runtime, word, "file" if word.lower().rstrip("\"'").endswith(image.FILES) else "instance", kept


def _first(runtime: str, words: Sequence[str], grammar: opt.Grammar, transport: str = "") -> Iterator[Hit]:
    """The first word that is no option is the image."""
    found, kept, rest = _read(words, grammar)
    while len(rest) > 1 and _OPTIONS_VARIABLE.match(rest[0]):
        more, also, rest = _read(rest[1:], grammar)
        found, kept = [*found, *more], (*kept, *also)
    if rest and any(o.name == "--rootfs" for o in found):
        transport = "directory"
    if rest and not any(o.name in {"--help", "-h"} and not o.value for o in found):
        yield runtime, rest[0], transport, kept


def _read(words: Sequence[str], grammar: opt.Grammar) -> tuple[list[opt.Option], tuple[str, ...], list[str]]:
    *found, end = opt.options(words, grammar)
    read = [o for o in found if isinstance(o, opt.Option)]
    return read, tuple(o.kept for o in read if o.kept), list(words[end if isinstance(end, int) else 0 :])


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


def _assigned(command: Command, known: Variables) -> bool:
    """Note what this command sets. True when setting is all it does."""
    words = command.words
    if words[0] in {"for", "select", "read", "getopts"}:
        for word in words[1:2] if words[0] in {"for", "select"} else words[1:]:
            known[word] = None
        return True
    if words[0] in {":", "unset"}:
        for name, value in re.findall(r"\$\{(\w+):?=([^{}]*)\}", " ".join(words)):
            known.setdefault(name, expand(value, known)[0])
        return True
    rest = words[1:] if words[0] in _DECLARES else words
    pairs = [_ASSIGNMENT.fullmatch(word) for word in rest if not word.startswith("-")]
    if words[0] not in _DECLARES and not all(pairs):
        return False
    for pair in filter(None, pairs):
        _assign(pair[1], pair[2], pair[3], command.depth, known)
    return True


def _assign(name: str, plus: str, written: str, depth: int, known: Variables) -> None:
    value, missing = expand(written, known)
    if plus:
        before = known.get(name)
        value = "" if before is None else before + value
        missing = missing if before is not None else (name,)
    varies = depth > 0 and name in known and known[name] != value  # only one branch sets it
    known[name] = None if missing or varies else value


def _fields(words: Iterable[str], known: Variables) -> Iterator[str]:
    """Unquoted variables that hold several words, options, or nothing, as the shell would split them."""
    for word in words:
        if "$" not in word or word[0] in "\"'":
            yield word
            continue
        value, missing = expand(word, known)
        if missing or (value and not value.startswith("-") and " " not in value):
            yield word
        else:
            yield from value.split()


def _without_redirects(words: Sequence[str]) -> Iterator[str]:
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("<(") or not _REDIRECT.match(word):
            yield word
        else:
            skip = word.endswith((">", "<"))
