"""What may have made the difference, how likely is it beforehand, and what can an experiment answer?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

Slot = tuple[str, str]
"""Sort and name of one thing that a run was set up with: `("input", "in.csv")`, `("variable", "TZ")`."""


class Layer(StrEnum):
    DATA = "data"
    CODE = "code"
    PARAMETERS = "parameters"
    ENVIRONMENT = "environment"
    PACKAGES = "packages"
    HARDWARE = "hardware"


class Answer(StrEnum):
    """What a hybrid gave: B's outputs, A's, others, or none because it did not start."""

    B = "as-b"
    A = "as-a"
    NEITHER = "neither"
    UNRESOLVED = "unresolved"


@dataclass(frozen=True)
class Factor:
    """One difference that can be carried over by itself. before, after: in A and in B, in words.

    slots: what is carried over, more than one for a coupled group. prior: how likely it is a culprit, 0 to 1.
    how: the applicator, in words. coupled: why its slots stay together. cites: evidence ids.
    """

    id: str
    layer: Layer
    name: str
    before: str
    after: str
    slots: tuple[Slot, ...]
    prior: float
    how: str
    coupled: str = ""
    cites: tuple[str, ...] = ()


Oracle = Callable[[frozenset[Factor]], Answer]
"""Run A with these differences carried over from B. Each call is a run of its own."""

PRIORS: dict[str, float] = {
    "input": 0.25,
    "dataset": 0.25,
    "argument": 0.20,
    "image": 0.20,
    "code": 0.18,
    "package": 0.12,
    "python": 0.10,
    "array-task": 0.10,
    "interpreter": 0.08,
    "script": 0.08,
    "cpu": 0.08,
    "cores": 0.04,
    "prefix": 0.005,
    "folder": 0.01,
    "name": 0.002,
}
"""By sort of slot. Causes of failed and differing reproductions: software environment first, then data, code, parameters, hardware
(Samuel & Mietchen 2024; Trisovic 2022; Zhao 2012); a single package is one of many, a single input one of few."""

VARIABLES: tuple[tuple[str, float], ...] = (
    ("SEED", 0.30),
    ("HASHSEED", 0.15),
    ("CORETYPE", 0.15),
    ("CPU_FEATURES", 0.15),
    ("TUNABLES", 0.10),
    ("_ISA", 0.12),
    ("NUM_THREADS", 0.15),
    ("CPUS_PER_TASK", 0.10),
    ("NTASKS", 0.10),
    ("ARRAY_TASK_ID", 0.10),
    ("PYTHONPATH", 0.10),
    ("JOB_ID", 0.003),
    ("JOBID", 0.003),
    ("JOB_NAME", 0.002),
    ("RESTART_COUNT", 0.01),
    ("LC_", 0.06),
    ("LANG", 0.06),
    ("TZ", 0.05),
)
"""The first word that is in the variable's name."""
OTHER = 0.03


def prior(slot: Slot) -> float:
    sort, name = slot
    if sort != "variable":
        return PRIORS.get(sort, OTHER)
    return next((p for word, p in VARIABLES if word in name), OTHER)
