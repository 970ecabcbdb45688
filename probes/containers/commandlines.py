"""Which image does the command line of a container runtime name? One function a family of programs; words in, hits out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from probes.containers import image
from probes.containers import options as opt

_SLURM = {"--container-image": "pyxis", "--image": "shifter", "--container": "slurm-oci"}
_DOCKERS = {
    "docker": "docker",
    "nvidia-docker": "docker",
    "podman": "podman",
    "podman-hpc": "podman",
    "nerdctl": "docker",
    "sarus": "sarus",
}
_APPTAINERS = frozenset({"apptainer", "singularity"})
RUNTIMES = _APPTAINERS | _DOCKERS.keys() | {"ch-run", "ch-image", "enroot", "shifter", "shifterimg"}
# an unknown variable of such a name, before the image, holds options
_OPTIONS_VARIABLE = re.compile(r"(?i)[\"']?\$\{?\w*(?:opt|arg|flag|bind|mount|gpu|nv)s?\w*(?:\[[@*]\])?\}?[\"']?$")

Hit = tuple[str, str, str, tuple[str, ...]]
"""runtime, image word as written, transport when the command itself decides it, kept options."""


def hits(base: str, rest: Sequence[str]) -> Iterator[Hit]:
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


def slurm_options(words: Sequence[str]) -> Iterator[Hit]:
    """Images that options of sbatch and srun name: Pyxis, Shifter's plug-in, Slurm's own OCI bundles."""
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
