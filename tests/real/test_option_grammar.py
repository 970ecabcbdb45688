"""Do we know which options of the runtimes take a value? Asked of the programs' own help."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import pytest
from containers_lab import which

from probes.script import runtimes
from probes.script.options import Grammar
from tests.needs import need

# `-v, --volume list` or `      --rm     Automatically ...`: a word one space after the option is its value's kind
_OPTION = re.compile(r"^ {2,6}(?:(-\w), +)?(--[\w-]+)(?: ([^ ].*?))?(?: {2,}|$)", re.MULTILINE)
_COMMANDS = [
    ("apptainer exec", runtimes.APPTAINER),
    ("apptainer run", runtimes.APPTAINER),
    ("apptainer instance start", runtimes.APPTAINER),
    ("apptainer pull", runtimes.APPTAINER_PULL),
    ("apptainer build", runtimes.APPTAINER_PULL),
    ("docker run", runtimes.DOCKER),
    ("docker create", runtimes.DOCKER),
    ("docker exec", runtimes.DOCKER),
    ("docker pull", runtimes.DOCKER_PULL),
    ("podman run", runtimes.PODMAN),
    ("podman create", runtimes.PODMAN),
    ("podman exec", replace(runtimes.PODMAN, alone=runtimes.PODMAN.alone | {"-l"})),
    ("podman pull", runtimes.DOCKER_PULL),
]


@pytest.mark.parametrize(("command", "grammar"), _COMMANDS, ids=[c for c, _ in _COMMANDS])
def test_options_that_stand_alone_are_known_from_those_that_take_a_value(command: str, grammar: Grammar) -> None:
    need(*[name for name in command.split()[:1] if not which(name)])
    asked = subprocess.run([*command.split(), "--help"], capture_output=True, text=True, timeout=60)
    rows = [(m[1], m[2], m[3]) for m in _OPTION.finditer(asked.stdout)]
    assert len(rows) > 3
    alone = {name for short, long, value in rows if not value for name in (short, long) if name}
    valued = {name for short, long, value in rows if value for name in (short, long) if name}
    assert (alone - grammar.alone, valued & grammar.alone) == (set(), set())
