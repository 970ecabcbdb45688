"""Which images do a CWL document's `dockerPull` lines name, and would cwltool use them?

CWL v1.2 CommandLineTool, DockerRequirement; cwltool --help. YAML and JSON are read line by line; nothing else of them is wanted.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator, Mapping

from probes.containers.engines.shelf import Image, Shelf
from probes.script.command import Command
from probes.script.expand import Word

_PULL = re.compile(r"[\"']?(?:dockerPull|dockerImageId)[\"']?\s*:\s*[\"']?([^\s\"',}#]+)")
_RUN = re.compile(r"(?:^|[\s,{-])[\"']?run[\"']?\s*:\s*[\"']?([^\s\"',}#]+\.(?:cwl|json))", re.MULTILINE)
_VALUES = frozenset(
    """--outdir --tmpdir-prefix --tmp-outdir-prefix --cachedir --provenance --basedir --preserve-environment --rdf-serializer
    --eval-timeout --cidfile-dir --cidfile-prefix --default-container --user-space-docker-cmd --beta-dependency-resolvers-configuration
    --jobStore --batchSystem --logFile --workDir --parallel-up-to --target --write-summary --mpi-config-file --podman-cmd""".split()
)
MAX_DEPTH = 10


def images(command: Command, words: tuple[Word, ...], shelf: Shelf, environment: Mapping[str, str]) -> Iterator[Image]:
    """Images that one `cwltool FILE ...` would run its tools in. cwltool uses Docker unless told otherwise."""
    del environment
    names = [w.text for w in words]
    file = next((w for n, w in enumerate(words) if not w.text.startswith("-") and (n == 0 or names[n - 1] not in _VALUES)), None)
    if file is None:
        return
    if not file.known or not command.cwd or "://" in file.text:
        shelf.unread[file.raw] = "not a file that is known here"
        return
    runtime = "apptainer" if "--singularity" in names else "podman" if "--podman" in names else "docker"
    enabled = "no" if "--no-container" in names else "yes"
    other = any(n.startswith(("--udocker", "--user-space-docker-cmd")) for n in names)
    path = os.path.normpath(os.path.join(command.cwd, file.text.partition("#")[0]))
    for name, where, line in _of_file(path, shelf, f"cwl {command.file} {command.line}"):
        unresolved = (name,) if "$" in name else ()
        image = f"docker://{name}" if runtime == "apptainer" and "://" not in name else name
        yield Image(
            "cwl",
            "" if other else runtime,
            name,
            None if unresolved else image,
            unresolved,
            where,
            line,
            enabled=enabled,
            folder=command.cwd,
        )


def _of_file(path: str, shelf: Shelf, user: str, depth: int = 0) -> Iterator[tuple[str, str, int]]:
    text = shelf.text(path, True, user)
    for number, row in enumerate((text or "").splitlines(), 1):
        if not row.lstrip().startswith("#"):
            yield from ((match[1], path, number) for match in _PULL.finditer(row))
    for match in _RUN.finditer(text or "") if depth < MAX_DEPTH else ():
        if "://" not in match[1]:
            yield from _of_file(os.path.normpath(os.path.join(os.path.dirname(path), match[1])), shelf, user, depth + 1)
