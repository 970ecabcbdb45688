"""Which images does one command of a script name, and how does it start them? Words in, hits out; one function a family of programs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from auditor.redact import allowed
from probes.containers import image
from probes.script import runtimes as rt
from probes.script.command import Command
from probes.script.expand import Word
from probes.script.launch import program, unwrap
from probes.script.options import Grammar, Option, read

# an unknown variable of such a name, before the image, holds options
_OPTIONS_VARIABLE = re.compile(r"(?i)[\"']?\$\{?\w*(?:opt|arg|flag|bind|mount|gpu|nv)s?\w*(?:\[[@*]\])?\}?[\"']?$")
_RECIPE = (".def", "singularity", "dockerfile", ".recipe")
_REPLACED = ("{}", "{1}", "%")
_NO_OPTIONS = Grammar(frozenset())


@dataclass(frozen=True)
class Hit:
    """word: the image; transport: where the command itself decides it; kept: options that let the host in.

    action: `run`, `fetch` (it only gets or makes the image). made: the name or file under which later commands find it.
    """

    runtime: str
    word: Word
    transport: str = ""
    kept: tuple[str, ...] = ()
    action: str = "run"
    made: str = ""


@dataclass(frozen=True)
class Inputs:
    """What variables tell the runtimes: name -> value, as they stand at one command."""

    values: Mapping[str, str] = field(default_factory=dict)

    def word(self, *names: str) -> Word | None:
        name = next((n for n in names if self.values.get(n)), "")
        return Word(self.values[name], True, f"${name}") if name else None


def hits(command: Command, inputs: Inputs) -> Iterator[Hit]:
    """Every image that this command names, through `srun`, `env`, `timeout` and their kin."""
    launched = unwrap(command.texts)
    by = (*launched.layers, program(launched.words[0]) if launched.words else "")
    for name, start, end in zip(by, launched.starts, (*launched.starts[1:], len(command.words)), strict=True):
        rest = command.words[start + 1 :]
        if name == "srun":
            yield from slurm(_leading(command.words[start + 1 : end]), inputs)
        elif name in rt.RUNTIMES:
            yield from (_replaced(hit, launched.layers) for hit in _runtime(name, rest, inputs))
            return
    if launched.words and launched.words[0].lower().endswith((".sif", ".simg")) and "/" in launched.words[0]:
        yield Hit("apptainer", command.words[launched.starts[-1]])  # a SIF is a program too


def _replaced(hit: Hit, layers: Sequence[str]) -> Hit:
    """`xargs -I{} docker run {}`: the image comes from what xargs reads."""
    reader = next((name for name in layers if name in ("xargs", "parallel")), "")
    if reader and any(mark in hit.word.text for mark in _REPLACED):
        return replace(hit, word=replace(hit.word, missing=(f"what {reader} reads",)))
    return hit


def _leading(words: Sequence[Word]) -> list[Option]:
    """Options of srun that are images' business, wherever they stand among its own."""
    found: list[Option] = []
    for at, word in enumerate(words):
        name = word.text.partition("=")[0]
        if name in rt.PYXIS.alone:
            found.append(Option(name))
        elif name in _SLURM or name in rt.PYXIS.host or name in rt.SHIFTER_PLUGIN.host:
            found += read(words[at : at + 2], _NO_OPTIONS)[0][:1]
    return found


_SLURM = {"--container-image": "pyxis", "--image": "shifter", "--container": "slurm-oci"}


def slurm(options: Sequence[Option], inputs: Inputs) -> Iterator[Hit]:
    """Images that options of sbatch and srun name: pyxis, Shifter's plug-in, Slurm's own OCI bundles; what is typed beats variables."""
    named = {o.name: o.value for o in options if o.value is not None}
    name = named.get("--container-name") or inputs.word("PYXIS_CONTAINER_NAME")
    made = name.text.partition(":")[0] if name else ""
    for option, runtime in _SLURM.items():
        word = named.get(option) or inputs.word(*_SLURM_INPUTS.get(option, ()))
        if word is not None and word.text:
            grammar = rt.SHIFTER_PLUGIN if runtime == "shifter" else rt.PYXIS
            kept = _kept(options, grammar) if runtime != "slurm-oci" else ()
            yield Hit(runtime, word, kept=kept, made=made if runtime == "pyxis" else "")
    if name is not None and not (named.get("--container-image") or inputs.word("PYXIS_CONTAINER_IMAGE")):
        yield Hit("pyxis", replace(name, text=made), "instance", _kept(options, rt.PYXIS))


_SLURM_INPUTS = {"--container-image": ("PYXIS_CONTAINER_IMAGE",), "--container": ("SLURM_CONTAINER",)}


def _runtime(name: str, rest: Sequence[Word], inputs: Inputs) -> Iterator[Hit]:
    if name in rt.APPTAINERS:
        yield from _apptainer(rest)
    elif name in rt.DOCKERS:
        yield from _docker(name, rest)
    elif name == "ch-run":
        yield from _first("charliecloud", rest, rt.CHARLIECLOUD)
    elif name in ("ch-image", "ch-convert"):
        yield from _charliecloud(name, rest)
    elif name == "enroot":
        yield from _enroot(rest)
    elif name == "shifter":
        yield from _shifter(rest, inputs)
    elif name == "shifterimg":
        _, words = read(rest, _NO_OPTIONS)
        if len(words) > 1 and words[0].text == "pull":
            yield Hit("shifter", words[-1], action="fetch")


def _apptainer(words: Sequence[Word]) -> Iterator[Hit]:
    _, rest = read(words, rt.APPTAINER_GLOBAL)
    verb, rest = (rest[0].text, rest[1:]) if rest else ("", [])
    if verb == "instance" and rest and rest[0].text in {"start", "run"}:
        _, after = read(rest[1:], rt.APPTAINER)
        made = f"instance://{after[1].text}" if len(after) > 1 else ""
        yield from _first("apptainer", rest[1:], rt.APPTAINER, made=made)
    elif verb in rt.APPTAINER_RUNS:
        yield from _first("apptainer", rest, rt.APPTAINER)
    elif verb in {"pull", "build"}:
        _, rest = read(rest, rt.APPTAINER_PULL)
        made = rest[0].text if len(rest) > 1 else ""
        if rest and rest[-1].text.lower().endswith(_RECIPE):
            yield Hit("apptainer", rest[-1], "recipe", (), "fetch", made)
        elif rest:
            yield Hit("apptainer", rest[-1], "", (), "fetch", made or (_pulled_name(rest[-1]) if verb == "pull" else ""))


def _pulled_name(word: Word) -> str:
    """`pull docker://lab/app:1` writes `app_1.sif` (Apptainer User Guide, `pull`)."""
    name = image.parse(word.text, "apptainer")
    return f"{name.name.rpartition('/')[2]}_{name.tag or 'latest'}.sif" if name.transport != "file" and not name.digest else ""


def _docker(program_name: str, words: Sequence[Word]) -> Iterator[Hit]:
    runtime, outer, grammar = rt.DOCKERS[program_name]
    _, rest = read(words, outer)
    if rest and rest[0].text in {"container", "image"}:
        rest = rest[1:]
    verb, rest = (rest[0].text, rest[1:]) if rest else ("", [])
    if verb in {"run", "create", "shared-run"}:
        options, _ = read(rest, grammar)
        made = next((o.value.text for o in options if o.name == "--name" and o.value), "")
        yield from _first(runtime, rest, grammar, made=made)
    elif verb == "exec":
        yield from _first(runtime, rest, grammar, "instance")
    elif verb in {"pull", "migrate"}:
        yield from _first(runtime, rest, rt.DOCKER_PULL, action="fetch")
    elif verb == "build":
        yield from _built(runtime, rest, rt.DOCKER_BUILD, "Dockerfile")


def _built(runtime: str, words: Sequence[Word], grammar: Grammar, default: str) -> Iterator[Hit]:
    """`build -t NAME -f FILE FOLDER`: the recipe, and the name it is built under."""
    options, rest = read(words, grammar)
    values = {o.name: o.value for o in options if o.value is not None}
    tag = values.get("-t") or values.get("--tag")
    recipe = values.get("-f") or values.get("--file")
    if recipe is None and rest:
        folder = rest[0].text.rstrip("/")
        path = default if folder == "." else f"{folder}/{default}"
        recipe = replace(rest[0], text=path, raw=path if rest[0].known else rest[0].raw)
    if recipe is not None and tag is not None and recipe.text != "-":
        yield Hit(runtime, recipe, "recipe", (), "fetch", tag.text)


def _charliecloud(name: str, words: Sequence[Word]) -> Iterator[Hit]:
    _, rest = read(words, rt.CH_IMAGE)
    if name == "ch-convert":
        if len(rest) == 2:
            kind = "file" if rest[0].text.endswith((*image.FILES, ".tar", ".gz")) or "/" in rest[0].text else ""
            yield Hit("charliecloud", rest[0], kind or "docker", (), "fetch", rest[1].text)
    elif rest and rest[0].text == "pull":
        _, rest = read(rest[1:], rt.CH_IMAGE)
        if rest:
            yield Hit("charliecloud", rest[0], "docker", (), "fetch", rest[-1].text)
    elif rest and rest[0].text == "build":
        yield from _built("charliecloud", rest[1:], rt.CH_IMAGE, "Dockerfile")


def _enroot(words: Sequence[Word]) -> Iterator[Hit]:
    verb, rest = (words[0].text, words[1:]) if words else ("", [])
    if verb == "import":
        options, _ = read(rest, rt.ENROOT_IMPORT)
        made = next((o.value.text for o in options if o.name in ("-o", "--output") and o.value), "")
        yield from _first("enroot", rest, rt.ENROOT_IMPORT, action="fetch", made=made)
    elif verb == "create":
        options, after = read(rest, rt.ENROOT_IMPORT)
        made = next((o.value.text for o in options if o.name in ("-n", "--name") and o.value), "")
        stem = after[0].text.rpartition("/")[2].rpartition(".")[0] if after else ""
        yield from _first("enroot", rest, rt.ENROOT_IMPORT, "file", "fetch", made or stem)
    elif verb in rt.ENROOT_RUNS:
        for hit in _first("enroot", rest, rt.ENROOT):
            yield replace(hit, transport="file" if hit.word.text.lower().endswith(image.FILES) else "instance")


def _shifter(words: Sequence[Word], inputs: Inputs) -> Iterator[Hit]:
    options, rest = read(words, rt.SHIFTER)
    word = next((o.value for o in options if o.name in ("-i", "--image") and o.value), None)
    if word is None and rest:
        word = inputs.word("SHIFTER", "SHIFTER_IMAGE")
    if word is not None:
        yield Hit("shifter", word, "", _kept(options, rt.SHIFTER))


def _first(
    runtime: str, words: Sequence[Word], grammar: Grammar, transport: str = "", action: str = "run", made: str = ""
) -> Iterator[Hit]:
    """The first word that is no option is the image."""
    found, rest = read(words, grammar)
    kept = _kept(found, grammar)
    while len(rest) > 1 and not rest[0].known and _OPTIONS_VARIABLE.match(rest[0].raw):
        kept = (*kept, rest[0].raw.strip("\"'"))
        more, rest = read(rest[1:], grammar)
        found, kept = [*found, *more], (*kept, *_kept(more, grammar))
    if rest and any(o.name == "--rootfs" for o in found):
        transport = "directory"
    if rest and not any(o.name in {"--help", "-h"} and o.value is None for o in found):
        yield Hit(runtime, rest[0], transport, kept, action, made)


def _kept(options: Sequence[Option], grammar: Grammar) -> tuple[str, ...]:
    return tuple(_text(o, grammar) for o in options if o.name in grammar.host)


def _text(option: Option, grammar: Grammar) -> str:
    if option.value is None:
        return option.name
    value = option.value.text
    if option.name in grammar.sets:  # a variable's name says enough; its value only where it may be stored
        value = ",".join(one if allowed(one.partition("=")[0]) else one.partition("=")[0] for one in value.split(","))
    return f"{option.name}={value}" if option.name.startswith("--") else f"{option.name} {value}"
