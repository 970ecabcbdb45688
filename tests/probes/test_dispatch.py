"""Are the switches that choose code paths told, and held against what the processor has?"""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor import redact
from auditor.model import Absent, Job
from auditor.world import RealWorld
from probes.dispatch import CPUINFO, PROBE, SWITCHES, CpuDispatch, DispatchSwitch, level, parse
from tests.fakes import EmptyWorld, recorded

V2 = "cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3 "
V3 = V2 + "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave "
V4 = V3 + "avx512f avx512bw avx512cd avx512dq avx512vl "


def cpuinfo(flags: str) -> str:
    return f"processor\t: 0\nflags\t\t: fpu lm sse2 {flags}\n\nprocessor\t: 1\nflags\t\t: fpu lm\n"


@pytest.mark.parametrize(("flags", "expected"), [("", "x86-64-v1"), (V2, "x86-64-v2"), (V3, "x86-64-v3"), (V4, "x86-64-v4")])
def test_the_level_of_the_processor_is_the_highest_whose_flags_are_all_there(flags: str, expected: str) -> None:
    assert parse(cpuinfo(flags), {}, {}).level == expected
    assert level(frozenset(V4.split())) == ""  # not a 64-bit x86


def test_switches_of_the_environment_and_of_the_script_are_told_with_what_is_lacking() -> None:
    env = {
        "OPENBLAS_CORETYPE": "SkylakeX",
        "MKL_CBWR": "AVX2",
        "XLA_FLAGS": "--xla_gpu_autotune_level=0 --xla_cpu_enable_fast_math=false",
        "GLIBC_TUNABLES": "glibc.malloc.check=1:glibc.cpu.hwcaps=-AVX2,-AVX512F",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F",
        "HOME": "/home/ada",
    }
    seen = parse(cpuinfo(V3), env, {**env, "ATEN_CPU_CAPABILITY": "avx512", "MKL_CBWR": "COMPATIBLE"})

    assert seen == CpuDispatch(
        (
            DispatchSwitch("OPENBLAS_CORETYPE", "SkylakeX", "openblas", "environment", "avx512f"),
            DispatchSwitch("MKL_CBWR", "COMPATIBLE", "mkl", "script"),
            DispatchSwitch("NPY_DISABLE_CPU_FEATURES", "AVX512F", "numpy", "environment"),
            DispatchSwitch("ATEN_CPU_CAPABILITY", "avx512", "pytorch", "script", "avx512f"),
            DispatchSwitch("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-AVX2,-AVX512F", "glibc", "environment"),
            DispatchSwitch("XLA_FLAGS", "--xla_cpu_enable_fast_math=false", "xla", "environment"),
        ),
        "x86-64-v3",
        ("avx", "avx2", "f16c", "fma", "sse4_1", "sse4_2"),
    )


def test_the_script_s_own_export_counts(tmp_path: Path) -> None:
    job = Job("slurm", "1", script="#!/bin/bash\nexport OPENBLAS_CORETYPE=Haswell\nsrun ./model\n", workdir=str(tmp_path))
    seen = PROBE.collect(RealWorld({}, str(tmp_path)), job)
    assert isinstance(seen, CpuDispatch)
    assert [(s.name, s.value, s.where) for s in seen.switches] == [("OPENBLAS_CORETYPE", "Haswell", "script")]


def test_at_the_end_the_environment_is_enough() -> None:
    seen = PROBE.collect(recorded(env={"ONEDNN_MAX_CPU_ISA": "AVX2"}, missing=()), Job("slurm", "1"))
    assert seen == CpuDispatch((DispatchSwitch("ONEDNN_MAX_CPU_ISA", "AVX2", "onednn", "environment"),), "", ())


def test_arm_has_features_and_no_level() -> None:
    seen = parse("processor\t: 0\nFeatures\t: fp asimd sve i8mm bf16\n", {"OPENBLAS_CORETYPE": "NEOVERSEV1"}, {})
    assert (seen.level, seen.features, seen.switches[0].lacks) == ("", ("asimd", "bf16", "i8mm", "sve"), "")


def test_every_switch_is_allowed_to_be_stored() -> None:
    assert [name for name in SWITCHES if not redact.allowed(name)] == []


def test_nothing_to_tell_is_absent() -> None:
    reason = "no CPU dispatch switch is set, and the processor's flags are not told"
    assert PROBE.collect(EmptyWorld(), Job("slurm", "1")) == Absent(reason)
    assert PROBE.collect(recorded(missing=(CPUINFO,)), Job("slurm", "1")) == Absent(reason)
