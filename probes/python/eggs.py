"""What did setuptools and distutils leave before there were wheels? egg-info, develop's egg-link, eggs as folders and as ZIP.

None of them has hashes: what is installed is told, that it is unchanged cannot be. (setuptools, "The Internal Structure of Python Eggs")
"""

from __future__ import annotations

import glob
import os.path
from collections.abc import Iterator

from auditor.world import World
from probes.python.distributions import MAX_DISTRIBUTIONS, METADATA_BYTES, Distribution, header, read
from probes.python.zipread import member, opened


def eggs(world: World, folder: str) -> Iterator[Distribution]:
    """Every form in one site-packages folder; one that does not tell its name is left out."""
    system = "system" if folder.startswith("/usr/lib/") else "unknown"
    at = glob.escape(folder)
    for path in world.glob(f"{at}/*.egg-info")[:MAX_DISTRIBUTIONS]:
        yield from _named(read(world, f"{path}/PKG-INFO", METADATA_BYTES) or read(world, path, METADATA_BYTES), folder, system)
    for path in world.glob(f"{at}/*.egg")[:MAX_DISTRIBUTIONS]:
        yield from _named(read(world, f"{path}/EGG-INFO/PKG-INFO", METADATA_BYTES) or _zipped(world, path), path, "unknown")
    for path in world.glob(f"{at}/*.egg-link")[:MAX_DISTRIBUTIONS]:
        source = (read(world, path, 1 << 14).splitlines() or [""])[0].strip()
        if source.startswith("/"):
            name = os.path.basename(path).removesuffix(".egg-link")
            inside = world.glob(f"{glob.escape(source)}/*.egg-info/PKG-INFO")[:1]
            text = read(world, inside[0], METADATA_BYTES) if inside else f"Name: {name}\nVersion: 0\n\n"
            yield from _named(text, folder, "editable", f"file://{source}")


def _named(text: str, folder: str, source: str, reference: str = "") -> Iterator[Distribution]:
    if name := header(text, "Name"):
        yield Distribution(name, header(text, "Version"), folder, source, reference, "", (), 0)


def _zipped(world: World, path: str) -> str:
    try:
        with opened(world, path) as egg:
            return member(egg, "EGG-INFO/PKG-INFO", METADATA_BYTES).decode("utf-8", "replace")
    except (ValueError, OSError, LookupError):
        return ""
