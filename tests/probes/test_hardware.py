"""Is the machine told from the files that a job's hook saves?"""

from __future__ import annotations

from auditor.model import Absent, Job
from auditor.world import Ran, RealWorld
from probes.hardware import AMD, CARDS, CPUINFO, DRIVER, MEMINFO, PROBE, VERSION, Gpu, Hardware, Texts, parse
from tests.fakes import recorded

X86 = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model name\t: AMD EPYC 7763 64-Core Processor
flags\t\t: fpu lm sse2 avx2

processor\t: 1
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC 7763 64-Core Processor
flags\t\t: fpu lm sse2 avx2
"""
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\nprocessor\t: 1\n"
POWER = "processor\t: 0\ncpu\t\t: POWER9, altivec supported\n\nprocessor\t: 1\ncpu\t\t: POWER9, altivec supported\n\nplatform\t: PowerNV\n"
NVRM = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\nGCC version:  gcc 11.4.0\n"
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.10  Release Build  (x)\n"
CARD = "Model: \t\t NVIDIA A100-SXM4-40GB\nIRQ:   \t\t 123\nGPU UUID: \t GPU-secret\n"


def test_a_record_of_the_hook_becomes_the_machine() -> None:
    world = recorded(
        {
            CPUINFO: X86,
            MEMINFO: "MemTotal:       1024 kB\nMemFree: 1 kB\n",
            VERSION: "Linux version 5.14.0-362.el9.x86_64 (builder@host) (gcc) #1 SMP\n",
            DRIVER: NVRM,
            "/proc/driver/nvidia/gpus/0000:01:00.0/information": CARD,
        }
    )
    seen = PROBE.collect(world, Job("slurm", "1"))
    assert isinstance(seen, Hardware)
    assert seen == Hardware(
        "x86_64", "AMD EPYC 7763 64-Core Processor", ("avx2", "fpu", "lm", "sse2"), 2, 1 << 20, "5.14.0-362.el9.x86_64", "",
        (Gpu(0, "NVIDIA A100-SXM4-40GB", None),), "550.54.15", seen.fingerprint,
    )  # fmt: skip
    assert "secret" not in repr(seen)


def test_other_architectures_are_told_by_their_own_words() -> None:
    seen = [parse(Texts(text)) for text in (ARM, POWER)]
    assert [(h.architecture, h.cpu_model, h.cpus) for h in seen] == [
        ("aarch64", "ARM implementer 0x41 part 0xd0c", 2), ("ppc64", "POWER9, altivec supported", 2),
    ]  # fmt: skip


def test_nvidia_smi_adds_memory_and_the_open_driver_is_read_too() -> None:
    smi = "0, NVIDIA H100, 81559, 570.86.10\n1, NVIDIA H100, [N/A], 570.86.10\n"
    assert parse(Texts(X86, smi=smi)).gpus == (Gpu(0, "NVIDIA H100", 81559 << 20), Gpu(1, "NVIDIA H100", None))
    assert (parse(Texts(X86, smi=smi)).gpu_driver, parse(Texts(X86, driver=OPEN)).gpu_driver) == ("570.86.10", "570.86.10")


def test_the_version_of_amd_s_own_driver_is_read_where_there_is_one() -> None:
    assert parse(Texts(X86, amd="6.7.0\n")).amd_driver == "6.7.0"


def test_the_fingerprint_follows_model_flags_and_number_of_cores() -> None:
    prints = {
        parse(Texts(t)).fingerprint for t in (X86, X86.replace("avx2", "avx"), X86.split("\n\n")[0], X86.replace("7763", "7713"))
    }
    assert len(prints) == 4


def test_the_c_library_is_asked_where_commands_can_be_run() -> None:
    world = recorded({CPUINFO: X86}, commands={("getconf", "GNU_LIBC_VERSION"): Ran(0, "glibc 2.36\n", "")})
    seen = PROBE.collect(world, Job("slurm", "1"))
    assert isinstance(seen, Hardware)
    assert seen.libc == "glibc 2.36"


def test_a_machine_without_cpuinfo_is_absent() -> None:
    assert PROBE.collect(recorded(missing=(CPUINFO,)), Job("slurm", "1")) == Absent(f"no {CPUINFO} on this machine")


def test_the_hook_is_asked_for_everything_that_is_read() -> None:
    assert PROBE.records == (CPUINFO, MEMINFO, VERSION, DRIVER, CARDS, AMD)


def test_this_machine_has_cores_and_memory() -> None:
    seen = PROBE.collect(RealWorld(), Job("slurm", "1"))
    assert isinstance(seen, Hardware)
    assert seen.cpus > 0 and seen.memory > 0 and seen.kernel and seen.architecture
