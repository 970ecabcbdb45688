"""What did Parsl ask the scheduler for? The `#SBATCH` lines of its `submit_scripts/parsl.*`, and what its workers were started in."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.world import World
from probes.records.inside import there
from probes.records.lines import one_line
from probes.workflows import Environment, Place

MAX_SCRIPTS = 200
MAX_BYTES = 256 << 10
_OUTPUTS = (".stdout", ".stderr", ".out", ".err", ".ec")
"""What lies beside a script; the script itself may have no ending (SlurmProvider)."""
_DIRECTIVE = re.compile(r"^#(?:SBATCH|PBS|BSUB|COBALT)\s+(-{1,2}[\w-]+)(?:[= ]\s*(\S.*))?$", re.MULTILINE)
_NAME = re.compile(r"parsl\.(?P<label>.+)\.block-(?P<block>[^.]+)\.")
_MODULE = re.compile(r"^\s*(?:module|ml)\s+(?:load|add)\s+([^;&|#\n]+)", re.MULTILINE)
_CONDA = re.compile(r"^\s*(?:conda|mamba|micromamba|source)\s+activate\s+(\S+)", re.MULTILINE)
_VENV = re.compile(r"^\s*(?:source|\.)\s+(\S+)/bin/activate\b", re.MULTILINE)
_CONTAINER = re.compile(
    r"\b(?:apptainer|singularity)\s+(?:exec|run)\b[^\n]{0,500}?\s((?:docker|oras|library)://\S+|\S+\.(?:sif|img|simg))\b"
)


@dataclass(frozen=True)
class Script:
    """label, block: whose; directives: option → value as written; text: the script."""

    path: str
    label: str
    block: str
    directives: dict[str, str] = field(default_factory=dict)
    text: str = ""


def read(world: World, folder: str, run: str) -> Iterator[Script]:
    """The scripts of one run's folder. Paths are relative to `folder`."""
    for path in world.glob(f"{glob.escape(folder)}/{glob.escape(run)}/submit_scripts/parsl.*")[: 20 * MAX_SCRIPTS]:
        name = path.rsplit("/", 1)[-1]
        found = _NAME.match(name)
        if not found or name.endswith(_OUTPUTS):
            continue
        at = there(world, folder, f"{run}/submit_scripts/{name}")
        if at:
            text = world.span(at, 0, MAX_BYTES).decode("utf-8", "replace")
            yield Script(
                f"{run}/submit_scripts/{name}", one_line(found["label"]), one_line(found["block"]), directives(text), text
            )


def directives(text: str) -> dict[str, str]:
    """Options for the scheduler, up to the first forty; names of its own files left out."""
    kept = {m[1]: one_line(m[2] or "") for m in list(_DIRECTIVE.finditer(text))[:60]}
    return {k: v for k, v in list(kept.items())[:40] if k not in {"--job-name", "--output", "--error", "-J", "-o", "-e"}}


def environments(text: str, place: Place, started: bool) -> Iterator[Environment]:
    """What the workers were to run in. started: the text is that of a script that a scheduler took, so what it calls was used."""
    enacted = place if started else None
    for kind, pattern in (("module", _MODULE), ("conda", _CONDA), ("venv", _VENV), ("container", _CONTAINER)):
        for found in list(pattern.finditer(text))[:20]:
            for name in found[1].split() if kind == "module" else [found[1]]:
                yield Environment(kind, one_line(name.strip("'\"")), place, enacted)
