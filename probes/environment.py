"""Which environment variables did the job have?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.model import Absent, Job, Phase, Probe
from auditor.redact import allowed, withheld
from auditor.world import World

MAX_VALUE = 16 << 10
MAX_NAMES = 4000


@dataclass(frozen=True)
class Environment:
    """Allowed variables with their values; of all others the names only."""

    values: Mapping[str, str]
    withheld: tuple[str, ...]


def collect(world: World, job: Job) -> Environment | Absent:
    if not world.env:
        return Absent("the environment is empty")
    return parse(world.env)


def parse(environment: Mapping[str, str]) -> Environment:
    """Values by allow-list; exported shell functions count as names. A value over MAX_VALUE characters is withheld too."""
    small = {name: value for name, value in sorted(environment.items()) if len(value) <= MAX_VALUE}
    values = {name: value for name, value in small.items() if allowed(name)}
    others = (*withheld(small), *(name for name in environment if name not in small))
    return Environment(values, tuple(sorted(others))[:MAX_NAMES])


PROBE = Probe(
    "environment", Environment, collect, frozenset({Phase.SUBMIT, Phase.START, Phase.END}), source="environment of the process"
)
