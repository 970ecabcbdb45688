"""Can another generation of processors be tried on this one? By switches that take code paths away. Pure.

OPENBLAS_CORETYPE chooses the kernels of OpenBLAS (its manual, "Runtime variables"); NPY_DISABLE_CPU_FEATURES takes NumPy's
(its manual, "CPU build options"); both only downwards. They stand in for a processor: other libraries choose for themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

LEVELS = ("x86-64-v1", "x86-64-v2", "x86-64-v3", "x86-64-v4")
_STAND_INS: dict[str, Mapping[str, str]] = {
    "x86-64-v1": {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4"},
    "x86-64-v2": {"OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4"},
    "x86-64-v3": {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": "X86_V4"},
    "x86-64-v4": {},
}


def stand_ins(a: str, b: str, here: str) -> tuple[dict[str, Mapping[str, str]], str]:
    """side -> switches for the levels of run A and B on a machine of level `here`; and why there are none."""
    if a not in LEVELS or b not in LEVELS or here not in LEVELS:
        return {}, "the levels of the processors are not known"
    if a == b:
        return {}, f"both are {a}: no switch tells such processors apart"
    if LEVELS.index(here) < max(LEVELS.index(a), LEVELS.index(b)):
        return {}, f"this machine is {here}, and cannot do what {max(a, b)} does"
    return {side: _STAND_INS[level] if level != here else {} for side, level in (("a", a), ("b", b))}, ""
