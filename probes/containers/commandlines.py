"""Which images does one command of a script name, through `srun`, `env`, `timeout` and their kin? Words in, hits out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from probes.containers.hit import Hit, Inputs
from probes.containers.runtimelines import of_runtime
from probes.containers.slurmlines import leading, slurm
from probes.script import runtimes as rt
from probes.script.command import Command
from probes.script.launch import program, unwrap

_REPLACED = ("{}", "{1}", "%")


def hits(command: Command, inputs: Inputs) -> Iterator[Hit]:
    """Every image that this command names; the command inside of a container is not looked at."""
    launched = unwrap(command.texts)
    by = (*launched.layers, program(launched.words[0]) if launched.words else "")
    for name, start, end in zip(by, launched.starts, (*launched.starts[1:], len(command.words)), strict=True):
        rest = command.words[start + 1 :]
        if name == "srun":
            yield from slurm(leading(command.words[start + 1 : end]), inputs)
        elif name in rt.RUNTIMES:
            yield from (_replaced(hit, launched.layers) for hit in of_runtime(name, rest, inputs))
            return
    if launched.words and launched.words[0].lower().endswith((".sif", ".simg")) and "/" in launched.words[0]:
        yield Hit("apptainer", command.words[launched.starts[-1]])  # a SIF is a program too


def _replaced(hit: Hit, layers: Sequence[str]) -> Hit:
    """`xargs -I{} docker run {}`: the image comes from what xargs reads."""
    reader = next((name for name in layers if name in ("xargs", "parallel")), "")
    if reader and any(mark in hit.word.text for mark in _REPLACED):
        return replace(hit, word=replace(hit.word, missing=(f"what {reader} reads",)))
    return hit
