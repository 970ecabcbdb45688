"""May this definition file be built here? Only what stays inside the container, or copies from the work directory.

Apptainer's `%setup` and `%pre` run outside of the container, as the user or as root; `%files` copies whatever the user can read.
Sections as in the Apptainer User Guide, "Definition Files".
"""

from __future__ import annotations

import os
import re

OUTSIDE = frozenset({"setup", "pre"})
BASES = frozenset({"docker", "oras", "library", "shub"})
"""Bootstraps that name an image of a registry; the others read this machine's files or call its package manager as root."""
_SECTION = re.compile(r"^%(\w+)(.*)$", re.MULTILINE)


def refused(definition: str) -> str:
    """Why it is not built; empty when it may be."""
    plain = "\n".join(line for line in definition.splitlines() if not line.lstrip().startswith("#"))
    bases = re.findall(r"^\s*bootstrap\s*:\s*(\S+)", plain, re.MULTILINE | re.IGNORECASE)
    odd = [b for b in bases if b.lower() not in BASES]
    if odd or not bases:
        return f"its recipe starts from {odd[0][:40] if odd else 'nothing that it names'}: not from an image of a registry"
    sections = list(_SECTION.finditer(plain))
    for number, match in enumerate(sections):
        name = match[1].lower()
        if name in OUTSIDE:
            return f"its recipe runs commands outside of the container (%{name})"
        end = sections[number + 1].start() if number + 1 < len(sections) else len(plain)
        if name == "files" and "from" not in match[2].split() and (path := _leaves(plain[match.end() : end])):
            return f"its recipe copies {ascii(path)[:80]}, which is not in the work directory"
    return ""


def _leaves(lines: str) -> str:
    """The first source of a `%files` section that lies outside of the folder it is built in."""
    for line in lines.splitlines():
        source = line.strip().strip("\"'").split(" ")[0].strip("\"'")
        inside = not os.path.isabs(source) and ".." not in source.split("/") and not re.search(r"[$`~*{}\\]", source)
        if source and not inside:
            return source
    return ""


def bases(definition: str) -> tuple[str, ...]:
    """What it starts from: every `From:`."""
    return tuple(re.findall(r"^\s*from\s*:\s*(\S+)", definition, re.MULTILINE | re.IGNORECASE))
