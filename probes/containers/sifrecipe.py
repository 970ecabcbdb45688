"""What does an image's definition file say of where it came from? Stages, bases, and what of it only one machine has. Pure.

https://apptainer.org/docs/user/latest/definition_files.html: a header of `Key: value` lines begins a stage, `%name` a section. Bootstrap
agents: https://apptainer.org/docs/user/latest/appendix.html
"""

from __future__ import annotations

import re

from probes.containers import SifStage

_HEAD = re.compile(r"[ \t]*([A-Za-z][\w-]*)[ \t]*:[ \t]*(.*?)[ \t]*")
_SECTION = re.compile(r"%[A-Za-z]")
_PINNED = re.compile(r"@[a-z0-9]+:[0-9a-f]{64,}$|:sha256\.[0-9a-f]{64}$")
_STARTS = frozenset({"bootstrap"})
LOCAL = frozenset({"localimage", "docker-daemon", "docker-archive", "oci", "oci-archive"})
"""Bootstrap agents that take what lies on one machine: nobody else can build from it."""
MAX_STAGES = 50
MAX_FILES = 100


def stages(recipe: str) -> tuple[SifStage, ...]:
    """The recipe's stages in order, the last of which makes the image; none where it has no header."""
    found: list[SifStage] = []
    head: dict[str, str] = {}
    copied: list[str] = []
    section = ""
    for line in recipe.splitlines():
        text = line.partition("#")[0].strip() if section in {"", "files"} else ""
        if _SECTION.match(line):
            section = " ".join(line[1:].split("#")[0].lower().split())
            section = "files from a stage" if section.startswith("files from") else section.split(" ")[0]
        elif key := _new_stage(line, section):
            _close(found, head, copied)
            head, copied, section = {"bootstrap": key}, [], ""
        elif section == "files" and text:
            copied.append(text.split()[0])
        elif section == "" and (pair := _HEAD.fullmatch(text)):
            head.setdefault(pair[1].lower(), pair[2])
    _close(found, head, copied)
    return tuple(found[-MAX_STAGES:])


def _new_stage(line: str, section: str) -> str:
    """The agent that a `Bootstrap:` line names; inside a script it must stand at the line's start, as a heading does."""
    pair = _HEAD.fullmatch(line.partition("#")[0].rstrip())
    starts = pair is not None and pair[1].lower() in _STARTS and (not section or not line[:1].isspace())
    return pair[2] if pair is not None and starts else ""


def _close(found: list[SifStage], head: dict[str, str], copied: list[str]) -> None:
    agent, base = head.get("bootstrap", "").lower(), head.get("from", "")
    if agent:
        found.append(
            SifStage(
                name=head.get("stage", ""),
                bootstrap=agent,
                base=base,
                pinned=bool(_PINNED.search(base)),
                local=agent in LOCAL,
                files=tuple(copied[:MAX_FILES]),
            )
        )
