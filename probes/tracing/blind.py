"""What can a tracer not see of what this script does? Told from the script's words; sentences for people."""

from __future__ import annotations

import re
from collections.abc import Collection

ENGINES = ("docker", "podman", "nerdctl")
OTHER_NODES = ("srun", "mpirun", "mpiexec", "prun")
CONTAINERS = ("apptainer", "singularity", "ch-run", "enroot", "shifter", "sarus")
RIGHTS = ("sudo", "su", "ping", "newgrp", "ch-run-suid", "fusermount", "fusermount3", "sshfs")


def blind_spots(tracers: Collection[str], script: str) -> tuple[str, ...]:
    """tracers: which of `strace` and `preload` wrote something, or are going to."""
    found = []
    if engine := _first(ENGINES, script):
        found.append(f"what runs in containers of {engine}: its daemon starts them")
    if "preload" not in tracers and (starter := _first(OTHER_NODES, script)):
        found.append(f"what {starter} starts on other nodes, or through the scheduler")
    if "strace" not in tracers:
        if container := _first(CONTAINERS, script):
            found.append(f"what runs in containers of {container}: the shim does not go in")
        if gains := _first(RIGHTS, script):
            found.append(f"what {gains} starts: programs that gain rights take no shim")
    return tuple(found)


def names(words: Collection[str], script: str) -> bool:
    """Does the script name one of these programs?"""
    return bool(_first(words, script))


def _first(words: Collection[str], script: str) -> str:
    found = re.search(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, words))})(?![\w.-])", script)
    return found[0] if found else ""
