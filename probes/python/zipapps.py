"""Which distributions does a program carry in itself? A zipapp, shiv or PEX file is a ZIP behind a `#!` line (PEP 441).

shiv keeps `site-packages/NAME.dist-info`, PEX `.deps/WHEEL/NAME.dist-info`: wherever it lies, metadata is metadata.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator, Mapping
from zipfile import ZipFile

from auditor.world import World
from probes.python import record
from probes.python.distributions import MAX_DISTRIBUTIONS, METADATA_BYTES, RECORD_BYTES, Distribution, header
from probes.python.zipread import member, opened

ENDINGS = (".pex", ".pyz", ".pyzw")
SOURCE = "zipapp"
_METADATA = re.compile(r"(?P<at>(?:[^/]+/)*)[^/]+\.dist-info/METADATA")


def carried(world: World, path: str) -> Iterator[Distribution]:
    """What is in this program; nothing for a file that is no ZIP. What it says of its files is told, not recomputed."""
    try:
        with opened(world, path) as archive:
            names = [n for n in archive.namelist() if _METADATA.fullmatch(n)][:MAX_DISTRIBUTIONS]
            for name in names:
                text = member(archive, name, METADATA_BYTES).decode("utf-8", "surrogateescape")
                rows = tuple(record.parse(_record(archive, name.removesuffix("METADATA") + "RECORD")))
                if title := header(text, "Name"):
                    yield Distribution(title, header(text, "Version"), path, SOURCE, "", "", rows, 0)
    except (ValueError, OSError, LookupError):
        return


def _record(archive: ZipFile, name: str) -> str:
    try:
        return member(archive, name, RECORD_BYTES).decode("utf-8", "surrogateescape")
    except ValueError:
        return ""


def interpreter(world: World, path: str, variables: Mapping[str, str]) -> str:
    """The Python its `#!` line asks for, found as the kernel and env(1) do; empty when there is none."""
    try:
        line = world.span(path, 0, 256).split(b"\n")[0].decode("utf-8", "replace")
    except (OSError, LookupError):
        return ""
    words = line.removeprefix("#!").split() if line.startswith("#!") else []
    if len(words) > 1 and os.path.basename(words[0]) == "env":
        folders = [f for f in variables.get("PATH", "").split(":") if f.startswith("/")]
        return next((p for f in folders if world.exists(p := os.path.join(f, words[-1]))), "")
    return words[0] if words and words[0].startswith("/") else ""
