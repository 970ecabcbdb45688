"""Which images do options of sbatch and srun name: pyxis, Shifter's plug-in, Slurm's own OCI bundles?

pyxis args.c; Shifter's SPANK options; sbatch(1) and srun(1), `--container`, and their input variables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from probes.containers.hit import Hit, Inputs, kept
from probes.script import runtimes as rt
from probes.script.expand import Word
from probes.script.options import Grammar, Option, read

_NO_OPTIONS = Grammar(frozenset())
_SLURM = {"--container-image": "pyxis", "--image": "shifter", "--container": "slurm-oci"}
_SLURM_INPUTS = {"--container-image": ("PYXIS_CONTAINER_IMAGE",), "--container": ("SLURM_CONTAINER",)}


def leading(words: Sequence[Word]) -> list[Option]:
    """Options of srun that are images' business, wherever they stand among its own."""
    found: list[Option] = []
    for at, word in enumerate(words):
        name = word.text.partition("=")[0]
        if name in rt.PYXIS.alone:
            found.append(Option(name))
        elif name in _SLURM or name in rt.PYXIS.host or name in rt.SHIFTER_PLUGIN.host:
            found += read(words[at : at + 2], _NO_OPTIONS)[0][:1]
    return found


def slurm(options: Sequence[Option], inputs: Inputs) -> Iterator[Hit]:
    """Images that options of sbatch and srun name: pyxis, Shifter's plug-in, Slurm's own OCI bundles; what is typed beats variables."""
    named = {o.name: o.value for o in options if o.value is not None}
    name = named.get("--container-name") or inputs.word("PYXIS_CONTAINER_NAME")
    made = name.text.partition(":")[0] if name else ""
    for option, runtime in _SLURM.items():
        word = named.get(option) or inputs.word(*_SLURM_INPUTS.get(option, ()))
        if word is not None and word.text:
            grammar = rt.SHIFTER_PLUGIN if runtime == "shifter" else rt.PYXIS
            held = kept(options, grammar) if runtime != "slurm-oci" else ()
            yield Hit(runtime, word, kept=held, made=made if runtime == "pyxis" else "")
    if name is not None and not (named.get("--container-image") or inputs.word("PYXIS_CONTAINER_IMAGE")):
        yield Hit("pyxis", replace(name, text=made), "instance", kept(options, rt.PYXIS))
