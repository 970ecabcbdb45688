"""Which programs of a script does a replay miss on this machine?"""

from __future__ import annotations

from auditor.replay.environment import BARE, HOST, IMAGE, LOCK
from auditor.replay.programs import missing

SCRIPT = """#!/bin/bash
#SBATCH --mem=1G
prepare() { echo ready; }
prepare
cd src && export A=1
uv run fit.py
pytest -q | tee log
$TOOL --version
./mine.sh
"""


def here(name: str) -> str | None:
    return "/usr/bin/tee" if name == "tee" else None


def test_programs_that_the_script_calls_and_that_are_not_here_are_named() -> None:
    assert missing(SCRIPT, HOST, here) == missing(SCRIPT, BARE, here) == ("uv", "pytest")


def test_a_rebuilt_environment_has_programs_of_its_own_and_an_image_has_all() -> None:
    assert missing(SCRIPT, LOCK, here) == ("uv",)
    assert missing(SCRIPT, IMAGE, here) == ()
