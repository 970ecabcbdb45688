"""Which software was seen on the host although the run's work was done in an image? Pure.

The kernel and the drivers serve both. What the machine has beside them was seen outside of the image, and says nothing of what is in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from auditor.model import Fact
from probes.containers import ContainerMarkers, ContainerReferences, RanImages
from probes.hardware import Hardware
from probes.software.node import NodeSystem
from probes.software.system_packages import SystemPackages
from probes.software.toolchain import Toolchain
from reports.judging.leaks import started
from reports.judging.software import Key, choose, key, of

MACHINE = (Hardware, NodeSystem, SystemPackages, Toolchain)
"""Kinds of evidence about the machine, whatever the run does on it."""


def outside(facts: Iterable[Fact[Any]]) -> frozenset[Key]:
    """Of the components, those of the host only. None where no image ran, or where the batch script itself ran inside of one."""
    facts = tuple(facts)
    best = choose(facts)
    if not in_image(best):
        return frozenset()
    host = {key(part) for fact in facts if isinstance(fact.value, MACHINE) for part in of(fact.value)}
    inside = {key(part) for fact in best.values() if not isinstance(fact.value, MACHINE) for part in of(fact.value)}
    return frozenset(host - inside)


def in_image(best: dict[str, Fact[Any]]) -> bool:
    """Did something of the run start in an image, from a script that was itself outside of it? best: by kind, as `choose` gives it."""
    markers, named, ran = (best.get(kind.__name__) for kind in (ContainerMarkers, ContainerReferences, RanImages))
    if markers and markers.value.inside:
        return False
    seen = ran.value.images if ran else ()
    return bool(named and started(named.value)) or any(image.how in ("engine", "instance") for image in seen)
