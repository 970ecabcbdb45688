"""Which code paths may the number libraries choose on this processor, and which switches tell them to choose otherwise?

The same program gives other last digits with AVX-512 than with AVX2. Sources of the names: the manuals of OpenBLAS, oneMKL, BLIS,
NumPy, oneDNN, PyTorch, Numba, Julia and XLA; glibc manual, "Tunable Framework"; x86-64 psABI for the levels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes.script.trace import trace

CPUINFO = "/proc/cpuinfo"
SWITCHES = {
    "OPENBLAS_CORETYPE": "openblas",
    "OPENBLAS_VERBOSE": "openblas",
    "MKL_ENABLE_INSTRUCTIONS": "mkl",
    "MKL_DEBUG_CPU_TYPE": "mkl",
    "MKL_CBWR": "mkl",
    "BLIS_ARCH_TYPE": "blis",
    "FLEXIBLAS": "flexiblas",
    "NPY_DISABLE_CPU_FEATURES": "numpy",
    "NPY_ENABLE_CPU_FEATURES": "numpy",
    "ONEDNN_MAX_CPU_ISA": "onednn",
    "DNNL_MAX_CPU_ISA": "onednn",
    "ONEDNN_CPU_ISA_HINTS": "onednn",
    "ONEDNN_DEFAULT_FPMATH_MODE": "onednn",
    "TF_ENABLE_ONEDNN_OPTS": "tensorflow",
    "ATEN_CPU_CAPABILITY": "pytorch",
    "NUMBA_CPU_NAME": "numba",
    "NUMBA_CPU_FEATURES": "numba",
    "JULIA_CPU_TARGET": "julia",
    "GLIBC_TUNABLES": "glibc",
    "XLA_FLAGS": "xla",
}
"""Variable -> the library that obeys it."""
LEVELS = (
    ("x86-64-v2", "cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3"),
    ("x86-64-v3", "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"),
    ("x86-64-v4", "avx512f avx512bw avx512cd avx512dq avx512vl"),
)
"""x86-64 psABI, in the kernel's words; each level needs those before it."""
_WIDE = re.compile(
    r"(?:avx|fma|f16c|amx|sse4|vnni|bf16|neon|asimd|sve|sme|i8mm|fphp|vsx|altivec)\w*|avx512\w*|\w*(?:vnni|bf16)", re.IGNORECASE
)
# what a switch may ask for -> the kernel's flag that the processor must have
_NEEDS = (
    (r"(?i)amx|sapphirerapids", "amx_tile"),
    (r"(?i)avx512|skylakex|skylake-avx512|cooperlake|icelake|cascadelake|zen[45]", "avx512f"),
    (r"(?i)avx2|haswell|broadwell|zen", "avx2"),
    (r"(?i)\bavx\b|sandybridge", "avx"),
    (r"(?i)\bsve|neoversev1|a64fx", "sve"),
)
_OFF = frozenset({"NPY_DISABLE_CPU_FEATURES", "GLIBC_TUNABLES", "XLA_FLAGS", "TF_ENABLE_ONEDNN_OPTS"})
"""Switches that take features away, or name none."""


@dataclass(frozen=True)
class DispatchSwitch:
    """One switch. where: `environment`, or `script` when only the script sets it; lacks: a flag it asks for that the processor has not."""

    name: str
    value: str
    library: str
    where: str
    lacks: str = ""


@dataclass(frozen=True)
class CpuDispatch:
    """switches that are set; level: the highest of x86-64-v1 to v4 that the flags allow, empty elsewhere or where they are not known.

    features: the vector extensions among the processor's flags, as the kernel writes them.
    """

    switches: tuple[DispatchSwitch, ...]
    level: str
    features: tuple[str, ...]


def collect(world: World, job: Job) -> CpuDispatch | Absent:
    try:
        cpuinfo = world.text(CPUINFO)
    except (OSError, LookupError):
        cpuinfo = ""  # the hook saves it once, at the start
    script = trace(world, job).variables if job.script else {}
    seen = parse(cpuinfo, world.env, script)
    return seen if cpuinfo or seen.switches else Absent("no CPU dispatch switch is set, and the processor's flags are not told")


def parse(cpuinfo: str, environment: Mapping[str, str], script: Mapping[str, str]) -> CpuDispatch:
    """From /proc/cpuinfo, the environment, and what the script sets."""
    line = re.search(r"^(?:flags|Features|features)\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    flags = frozenset(line[1].split()) if line else frozenset()
    features = tuple(sorted(f for f in flags if _WIDE.fullmatch(f)))
    return CpuDispatch(tuple(_switches(environment, script, flags)), level(flags), features)


def level(flags: frozenset[str]) -> str:
    if "lm" not in flags:
        return ""
    reached = "x86-64-v1"
    for name, needed in LEVELS:
        if not flags.issuperset(needed.split()):
            break
        reached = name
    return reached


def _switches(environment: Mapping[str, str], script: Mapping[str, str], flags: frozenset[str]) -> Iterator[DispatchSwitch]:
    for name, library in SWITCHES.items():
        value = told(name, script.get(name) or environment.get(name, ""))
        if value:
            where = "environment" if told(name, environment.get(name, "")) == value else "script"
            yield DispatchSwitch(name, value, library, where, "" if name in _OFF else lacks(value, flags))


def told(name: str, value: str) -> str:
    """Of the variables that carry other settings too, only what is about the processor."""
    if name == "XLA_FLAGS":
        return " ".join(w for w in value.split() if w.startswith("--xla_cpu"))
    if name == "GLIBC_TUNABLES":
        return ":".join(p for p in value.split(":") if p.startswith("glibc.cpu."))
    return value


def lacks(value: str, flags: frozenset[str]) -> str:
    """The flag that this value asks for and the processor has not; empty when it has, or when nothing is known."""
    needed = next((flag for pattern, flag in _NEEDS if re.search(pattern, value)), "")
    return needed if flags and needed and needed not in flags else ""


PROBE = Probe(
    "dispatch",
    CpuDispatch,
    collect,
    frozenset({Phase.SUBMIT, Phase.START, Phase.END}),
    source=f"{CPUINFO}, the environment, the script",
)
