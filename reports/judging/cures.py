"""What would one paste to have an image that cannot move, or a better way back to an environment? Lines with the run's own names. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from auditor.model import Fact
from auditor.scorecard import Way
from probes.containers import Reference
from probes.packages import PythonPackages
from reports.judging.amounts import line, words

BASE = "docker://docker.io/library/debian:13-slim"
PYTHON_BASE = "docker://docker.io/library/python:3.12-slim"
_VERB = re.compile(
    r"\b(?:(?:apptainer|singularity)\b(?:\s+-\S+)*\s+(?:exec|run|shell|test)|podman(?:-hpc)?\s+run|ch-run|shifter)(?=\s)"
)


def pull(name: str = "", base: str = BASE) -> str:
    """Get the image as one file, which has one digest; a file that is there already needs no pulling."""
    if name.startswith(("/", ".")) or name.endswith((".sif", ".sqfs", ".img")):
        return f"sha256sum {words([name])}   # and keep this file: it has one digest for ever"
    source = name if "://" in name else f"docker://{name}" if name else base
    return f"apptainer pull image.sif {words([source])}   # one file, which has one digest; then run image.sif"


def shut(typed: str, ref: Reference, options: Sequence[str]) -> str:
    """The script's own line with these options where they belong; a sketch where its verb is not seen."""
    found = _VERB.search(typed)
    if found is None:
        return f"{ref.runtime or 'container'} exec {' '.join(options)} ... {words([ref.text])}"
    return f"{typed[: found.end()]} {' '.join(options)}{typed[found.end() :]}"


def better(way: Way, every: Sequence[Fact[Any]]) -> str:
    """What would make a better way of the best one there is."""
    python = next((f.value for f in every if isinstance(f.value, PythonPackages)), None)
    if way.name == "lock-without-hashes" and python:
        frozen = f"{words([python.interpreter])} -m pip freeze > requirements.in"
        return (
            f"{frozen} && uv pip compile --no-deps --format pylock.toml -o pylock.toml requirements.in   # each with its hashes"
        )
    if way.name == "conda-explicit":
        where = f" --prefix {words([python.prefix])}" if python and python.maker == "conda" else ""
        return f"conda list{where} --explicit --md5 > explicit.txt   # keep it beside the code: conda create --file explicit.txt"
    known = {
        "lock-with-hashes": "auditor bundle --help   # says how archives are carried that no index has",
        "guix": "guix describe --format=channels > channels.scm   # keep it beside manifest.scm",
        "spack-lock": "spack -e . concretize   # and keep spack.lock beside spack.yaml",
        "image-recipe": "auditor bundle --images carry   # keeps the image itself, where it is here",
        "image-by-tag": way.how.replace("docker pull ", "skopeo inspect --format '{{.Digest}}' docker://"),
        "image-file": "auditor bundle --images carry   # puts the file into the archive",
        "module-names": pull(),
    }
    return known.get(way.name) or (f"{line(way.how, 1000)}" if way.how else pull())
