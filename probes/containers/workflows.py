"""Which images do the workflow engines that a script starts take from their own files? Commands in, references out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module

from probes.containers import Door, Doors, Reference, State
from probes.containers.engines.shelf import Image, Shelf
from probes.containers.hit import Hit, kept
from probes.containers.reference import environment_at, of_hit
from probes.script import runtimes as rt
from probes.script.command import Command
from probes.script.expand import Word
from probes.script.launch import program, unwrap
from probes.script.options import Grammar, read
from probes.script.target import WORKFLOWS

_Images = Callable[[Command, tuple[Word, ...], Shelf, Mapping[str, str]], Iterator[Image]]
_GRAMMARS: dict[str, Grammar] = {
    "apptainer": rt.APPTAINER, "docker": rt.DOCKER, "podman": rt.PODMAN, "charliecloud": rt.CHARLIECLOUD, "sarus": rt.SARUS,
    "shifter": rt.SHIFTER,
}  # fmt: skip


def of_engines(
    commands: Iterable[Command],
    shelf: Shelf,
    environment: Mapping[str, str],
    workdir: str,
) -> Iterator[Reference]:
    """References that workflow files make; what of them could not be read is in `shelf.unread`."""
    for command in commands:
        launched = unwrap(command.texts)
        at = launched.starts[-1]
        name = program(launched.words[0]) if launched.words else ""
        if re.fullmatch(r"python[\d.]*", name) and launched.words[1:3] == ("-m", "snakemake"):
            name, at = "snakemake", at + 2
        if name in WORKFLOWS and not launched.image:
            variables = environment_at(environment, command)
            for found in _reader(name)(command, command.words[at + 1 :], shelf, variables):
                yield _reference(found, workdir, variables)


def _reader(name: str) -> _Images:
    module = import_module(f"probes.containers.engines.{WORKFLOWS[name]}")
    images: _Images = module.images
    return images


def _reference(found: Image, workdir: str, variables: Mapping[str, str]) -> Reference:
    words = [Word(text, True, text) for text in found.kept]
    grammar = _GRAMMARS.get(found.runtime, Grammar(frozenset()))
    options = kept(read(words, grammar)[0], grammar)
    value = (found.resolved if found.resolved is not None else found.text).removeprefix("file://")
    hit = Hit(found.runtime, Word(value, not found.missing, found.text, found.missing), "", options)
    reference = of_hit(hit, found.line, found.folder, workdir, {**variables, "PWD": found.folder})
    doors = reference.doors and _unsure(reference.doors, found.engine)
    return replace(
        reference,
        text=found.text,
        file=found.file,
        engine=found.engine,
        step=found.step,
        enabled=found.enabled,
        doors=doors,
        copy=found.copy,
    )


def _unsure(doors: Doors, engine: str) -> Doors:
    """An engine starts the runtime with options of its own, so no default is sure."""
    by = Door(State.UNKNOWN, f"{engine} starts it with options of its own")
    names = [name for name in doors.__dataclass_fields__ if getattr(getattr(doors, name), "by", "").startswith("default of")]
    return replace(doors, **dict.fromkeys(names, by))  # type: ignore[arg-type]  # only names of doors
