"""Which file holds the code that a command runs: a script for an interpreter, a sourced file, a program of the user's own?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from probes.script.launch import Launched, program, unwrap

# interpreter -> (language, options that take the next word, options whose value is code)
_INTERPRETERS = {
    "python": ("python", "-W -X -Q --check-hash-based-pycs", "-c"),
    "ipython": ("python", "--profile", "-c"),
    "bash": ("shell", "-O -o +O +o --rcfile --init-file", "-c"),
    "sh": ("shell", "-o +o", "-c"), "dash": ("shell", "-o +o", "-c"), "ksh": ("shell", "-o +o", "-c"), "zsh": ("shell", "-o +o", "-c"),
    "Rscript": ("r", "", "-e"), "littler": ("r", "", "-e"),
    "julia": ("julia", "-p -t -J -C -L -H --procs --threads --sysimage --machine-file --load", "-e -E --eval --print"),
    "perl": ("perl", "-I", "-e -E"), "ruby": ("ruby", "-I -r", "-e"), "node": ("javascript", "-r --require", "-e -p"),
    "octave": ("octave", "", "--eval"), "octave-cli": ("octave", "", "--eval"), "lua": ("lua", "-l", "-e"), "tclsh": ("tcl", "", ""),
    "gnuplot": ("gnuplot", "", "-e"), "papermill": ("notebook", "", ""), "cwltool": ("cwl", "--outdir --tmpdir-prefix --provenance --cachedir", ""),
}  # fmt: skip
# program -> option that names its file of instructions
_FILE_OPTION = {
    "awk": ("-f",), "gawk": ("-f",), "sed": ("-f",), "make": ("-f", "--file", "--makefile"), "gmake": ("-f",),
    "snakemake": ("-s", "--snakefile"), "java": ("-jar",), "R": ("-f", "--file"), "lmp": ("-in", "-i"), "matlab": ("-batch", "-r"),
}  # fmt: skip
_FIRST_ARGUMENT = {"namd2": "input", "namd3": "input", "sbatch": "submitted", "qsub": "submitted", "parsl": "python"}
WORKFLOWS = {"snakemake": "snakemake", "nextflow": "nextflow", "cwltool": "cwl", "cwl-runner": "cwl", "toil-cwl-runner": "cwl"}
"""Program -> engine, of those whose own files name container images."""
_DEFAULT = {"make": ("Makefile", "makefile", "GNUmakefile"), "snakemake": ("Snakefile", "workflow/Snakefile")}


@dataclass(frozen=True)
class Target:
    """What a command runs. file: as in the command, empty when it is `code` or a `module` (`python -m x.y`).

    language: `python`, `shell`, `source` (a shell file read into the caller), `r`, `julia` ..., `program` (found by its path), `engine`, `input`.
    candidates: default names tried when the command names none (`Makefile`).
    """

    language: str
    file: str = ""
    code: str = ""
    module: str = ""
    candidates: tuple[str, ...] = ()


def targets(launched: Launched, stdin: str = "", reads: Sequence[str] = ()) -> tuple[Target, ...]:
    """What the unwrapped command runs; empty for a plain command of the system."""
    if not launched.words:
        return ()
    first, *rest = launched.words
    name = program(first)
    own = (Target("program", file=first),) if "/" in first else ()
    if name in ("source", "."):
        return (Target("source", file=rest[0]),) if rest else ()
    if entry := _interpreter(name):
        return _interpreted(entry, rest, stdin, reads)
    if match := re.fullmatch(r"lmp(_\w+)?", name):
        name = "lmp" if match else name
    if name in _FILE_OPTION:
        return own + _by_option(name, rest, reads)
    if name == "nextflow" and "run" in rest:
        after = [w for w in rest[rest.index("run") + 1 :] if not w.startswith("-")]
        return (*own, Target("engine", file=after[0])) if after and "." in after[0] else own
    if name == "jupyter" and rest[:1] in (["nbconvert"], ["execute"], ["run"]):
        return own + tuple(Target("notebook", file=w) for w in rest if w.endswith(".ipynb"))
    if name in _FIRST_ARGUMENT:
        after = [w for w in rest if not w.startswith("-")]
        return own + tuple(Target(_FIRST_ARGUMENT[name], file=w) for w in after[-1:] if name.startswith("namd") or "." in w)
    return own or (Target("command", file=first),)


def _interpreter(name: str) -> tuple[str, str, str] | None:
    name = "python" if re.fullmatch(r"(python|pypy)[\d.]*(-[a-z]+)?", name) else name
    return _INTERPRETERS.get(name)


def _interpreted(entry: tuple[str, str, str], rest: list[str], stdin: str, reads: Sequence[str]) -> tuple[Target, ...]:
    language, valued, inline = entry[0], entry[1].split(), entry[2].split()
    at = 0
    while at < len(rest) and rest[at].startswith(("-", "+")) and rest[at] != "-":
        word = rest[at]
        if word == "--":
            at += 1
            break
        if language == "python" and word.startswith("-m") and not word.startswith("--"):
            module = word[2:] or (rest[at + 1] if at + 1 < len(rest) else "")
            return (Target("python", module=module),) if module else ()
        clustered = language == "shell" and re.fullmatch(r"-[a-z]*c", word) is not None
        if word in inline or clustered:
            return (Target(language, code=rest[at + 1]),) if at + 1 < len(rest) else ()
        at += 2 if word in valued else 1
    if at < len(rest) and rest[at] != "-":
        return (Target(language, file=rest[at]),)
    if stdin:
        return (Target(language, code=stdin),)
    return tuple(Target(language, file=name) for name in reads)


def _by_option(name: str, rest: list[str], reads: Sequence[str]) -> tuple[Target, ...]:
    language = {"R": "r", "matlab": "matlab", "make": "engine", "gmake": "engine", "snakemake": "engine"}.get(name, "input")
    for at, word in enumerate(rest):
        option, equals, value = word.partition("=")
        if option in _FILE_OPTION[name]:
            value = value if equals else "".join(rest[at + 1 : at + 2])
            if name == "matlab":
                call = re.match(r"(?:run\(['\"])?([\w./-]+)", value)
                value = call[1].removesuffix(".m") + ".m" if call else ""
            return (Target(language, file=value),) if value else ()
    if name == "R":
        batch = [w for w in rest[2:] if not w.startswith("-")] if rest[:2] == ["CMD", "BATCH"] else list(reads)
        return tuple(Target("r", file=w) for w in batch[:1])
    return tuple(Target(language, file=w) for w in reads) or (
        (Target(language, candidates=_DEFAULT[name]),) if name in _DEFAULT else ()
    )


def of_words(words: Sequence[str], stdin: str = "", reads: Sequence[str] = ()) -> tuple[Launched, tuple[Target, ...]]:
    """Unwrap and look, in one step."""
    launched = unwrap(words)
    return launched, targets(launched, stdin, reads)
