"""Which image does the command line of a container runtime name? One function a family of programs; words in, hits out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from probes.containers import image
from probes.containers.hit import Hit, Inputs, first, kept
from probes.script import runtimes as rt
from probes.script.expand import Word
from probes.script.options import Grammar, read

_RECIPE = (".def", "singularity", "dockerfile", ".recipe")
_SHIFTERIMG = Grammar(frozenset({"-h", "--help", "-v", "--verbose"}))


def of_runtime(name: str, rest: Sequence[Word], inputs: Inputs) -> Iterator[Hit]:
    if name in rt.APPTAINERS:
        yield from _apptainer(rest)
    elif name in rt.DOCKERS:
        yield from _docker(name, rest)
    elif name == "ch-run":
        yield from first("charliecloud", rest, rt.CHARLIECLOUD)
    elif name in ("ch-image", "ch-convert"):
        yield from _charliecloud(name, rest)
    elif name == "enroot":
        yield from _enroot(rest)
    elif name == "shifter":
        yield from _shifter(rest, inputs)
    elif name == "shifterimg":
        _, words = read(rest, _SHIFTERIMG)
        if len(words) > 1 and words[0].text == "pull":
            yield Hit("shifter", words[-1], action="fetch")


def _apptainer(words: Sequence[Word]) -> Iterator[Hit]:
    _, rest = read(words, rt.APPTAINER_GLOBAL)
    verb, rest = (rest[0].text, rest[1:]) if rest else ("", [])
    if verb == "instance" and rest and rest[0].text in {"start", "run"}:
        _, after = read(rest[1:], rt.APPTAINER)
        made = f"instance://{after[1].text}" if len(after) > 1 else ""
        yield from first("apptainer", rest[1:], rt.APPTAINER, made=made)
    elif verb in rt.APPTAINER_RUNS:
        yield from first("apptainer", rest, rt.APPTAINER)
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
        yield from first(runtime, rest, grammar, made=made)
    elif verb == "exec":
        grammar = replace(grammar, alone=grammar.alone | {"-l"})  # Podman: the latest container, whichever it is
        if not {"-l", "--latest"} & {o.name for o in read(rest, grammar)[0]}:
            yield from first(runtime, rest, grammar, "instance")
    elif verb in {"pull", "migrate"}:
        yield from first(runtime, rest, rt.DOCKER_PULL, action="fetch")
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
        yield from first("enroot", rest, rt.ENROOT_IMPORT, action="fetch", made=made)
    elif verb == "create":
        options, after = read(rest, rt.ENROOT_IMPORT)
        made = next((o.value.text for o in options if o.name in ("-n", "--name") and o.value), "")
        stem = after[0].text.rpartition("/")[2].rpartition(".")[0] if after else ""
        yield from first("enroot", rest, rt.ENROOT_IMPORT, "file", "fetch", made or stem)
    elif verb in rt.ENROOT_RUNS:
        for hit in first("enroot", rest, rt.ENROOT):
            yield replace(hit, transport="file" if hit.word.text.lower().endswith(image.FILES) else "instance")


def _shifter(words: Sequence[Word], inputs: Inputs) -> Iterator[Hit]:
    options, rest = read(words, rt.SHIFTER)
    word = next((o.value for o in options if o.name in ("-i", "--image") and o.value), None)
    if word is None and rest:
        word = inputs.word("SHIFTER", "SHIFTER_IMAGE")
    if word is not None:
        yield Hit("shifter", word, "", kept(options, rt.SHIFTER))
