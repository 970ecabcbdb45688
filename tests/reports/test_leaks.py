"""Is each thing that the host let in told once?"""

from __future__ import annotations

from dataclasses import replace

from auditor.scorecard import Leak
from probes.containers import Door, Doors, Reference, State
from reports.judging.leaks import doors

SHUT = Door(State.SHUT, "")
TIGHT = Doors(SHUT, SHUT, SHUT, SHUT, SHUT, SHUT, SHUT, SHUT, SHUT)


def test_a_bind_that_brings_the_folder_in_is_one_leak_and_another_bind_its_own() -> None:
    opened = replace(TIGHT, folder=Door(State.OPEN, "bind /run:/w"), binds=("/run:/w", "/data"))
    ref = Reference("docker", "lab/x:1", "lab/x:1", "docker", "docker.io", "lab/x", "1", "", 3, doors=opened)

    assert tuple(doors(ref)) == (
        Leak("folder", "lab/x:1: the folder it was started in (bind /run:/w)", False),
        Leak("bind", "lab/x:1: /data", False),
    )
