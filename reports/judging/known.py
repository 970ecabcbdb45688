"""Which current facts tell of the environment? Images, software and what replays proved; nothing large is decoded for them."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

from auditor import registry
from auditor.model import Fact, Need, Phase
from auditor.verdict import ReplayVerdict
from probes.containers import ContainerIdentities, ContainerReferences, EngineImages, RanImages, RegistryImages, SifImages
from probes.dispatch import CpuDispatch
from probes.environment import Environment
from probes.hardware import Hardware
from probes.modules import LoadedModules
from probes.packages import PythonPackages
from reports.judging.record import Record

IMAGES = (ContainerReferences, ContainerIdentities, EngineImages, SifImages, RanImages, RegistryImages)
SOFTWARE = (PythonPackages, LoadedModules, Hardware, CpuDispatch, Environment)


@cache
def kinds() -> tuple[type, ...]:
    """These and every kind that lists components."""
    listing = [k for k in registry.kinds().values() if "components" in {f.name for f in dataclasses.fields(k)}]
    return tuple(dict.fromkeys((*IMAGES, *SOFTWARE, *sorted(listing, key=lambda k: k.__name__), ReplayVerdict)))


def known(seen: Record) -> tuple[Fact[Any], ...]:
    """Of each kind the current fact of each phase; what was seen after the run only where nothing was seen before its end."""
    found: list[Fact[Any]] = []
    for kind in kinds():
        if kind is ReplayVerdict:
            found += [a.fact for a in seen.every(Need(kind, (Phase.LATER,))) if a.fact and not a.stale]
            continue
        told = [fact for phase in Phase if (fact := seen.value(kind, phase))]
        before = [fact for fact in told if fact.phase is not Phase.LATER]
        found += before if before and kind not in (RanImages, RegistryImages) else told
    return tuple(found)
