"""Which seeds and determinism switches are set, and where?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Switch:
    """A seed or a switch. where: `environment`, `argument`, `script`, `called-file`; place: variable, or `file:line`."""

    name: str
    value: str
    where: str
    place: str


@dataclass(frozen=True)
class Determinism:
    """Seeds (`--seed 42`, PYTHONHASHSEED, random.seed(1)) and switches (OMP_NUM_THREADS, CUBLAS_WORKSPACE_CONFIG, use_deterministic_algorithms).

    stochastic: calls that draw random numbers in the called files, `file:line name`; evidence that a seed matters.
    """

    seeds: tuple[Switch, ...]
    switches: tuple[Switch, ...]
    stochastic: tuple[str, ...]
