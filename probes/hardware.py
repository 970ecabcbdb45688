"""What machine did the job run on?"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World

CPUINFO, MEMINFO, VERSION = "/proc/cpuinfo", "/proc/meminfo", "/proc/version"
DRIVER = "/proc/driver/nvidia/version"
AMD = "/sys/module/amdgpu/version"
CARDS = "/proc/driver/nvidia/gpus/*/information"
_LIBC = ("getconf", "GNU_LIBC_VERSION")
_SMI = ("nvidia-smi", "--query-gpu=index,name,memory.total,driver_version", "--format=csv,noheader,nounits")
# cpuinfo's words for the processor, by architecture: x86, ARM boards and s390, POWER
_MODEL = ("model name", "cpu model", "Model", "cpu", "machine", "Processor")


@dataclass(frozen=True)
class Gpu:
    """A GPU as the driver's files or `nvidia-smi` tell it; memory in bytes, None if not told."""

    index: int
    model: str
    memory: int | None


@dataclass(frozen=True)
class Hardware:
    """CPU, memory in bytes, kernel, C library, GPUs. fingerprint: sha256 over CPU model, flags and core count; no serials."""

    architecture: str
    cpu_model: str
    cpu_flags: tuple[str, ...]
    cpus: int
    memory: int
    kernel: str
    libc: str
    gpus: tuple[Gpu, ...]
    gpu_driver: str
    fingerprint: str
    amd_driver: str = ""
    """Version of amdgpu where it is AMD's own and not the kernel's, which has none."""


@dataclass(frozen=True)
class Texts:
    """The files and answers as they were; empty where there was none."""

    cpuinfo: str
    meminfo: str = ""
    version: str = ""
    libc: str = ""
    driver: str = ""
    cards: tuple[str, ...] = ()
    smi: str = ""
    amd: str = ""


def collect(world: World, job: Job) -> Hardware | Absent:
    try:
        cpuinfo = world.text(CPUINFO)
    except FileNotFoundError:
        return Absent(f"no {CPUINFO} on this machine")
    meminfo, version, driver = (_text(world, path) for path in (MEMINFO, VERSION, DRIVER))
    answers = _answer(world, _LIBC), driver, _cards(world), _answer(world, _SMI), _text(world, AMD)
    return parse(Texts(cpuinfo, meminfo, version, *answers))


def parse(texts: Texts) -> Hardware:
    first = texts.cpuinfo.split("\n\n", 1)[0]
    model = next((v for key in _MODEL if (v := _key(first, key) or _key(texts.cpuinfo, key))), "") or _arm(first)
    flags = tuple(sorted(set(" ".join(_key(first, key) for key in ("flags", "Features", "features")).split())))
    cpus = len(re.findall(r"^processor\s*[\d:]", texts.cpuinfo, re.MULTILINE))
    memory = re.search(r"^MemTotal:\s+(\d+) kB", texts.meminfo, re.MULTILINE)
    asked = [row.split(", ") for row in texts.smi.splitlines() if re.match(r"\d+, [^,]+, [^,]+, ", row)]
    gpus = tuple(Gpu(int(r[0]), r[1], int(r[2]) << 20 if r[2].isdigit() else None) for r in asked)
    return Hardware(
        architecture=_architecture(first, flags),
        cpu_model=model,
        cpu_flags=flags,
        cpus=cpus,
        memory=int(memory[1]) << 10 if memory else 0,
        kernel=" ".join(texts.version.split()[:3]).removeprefix("Linux version "),
        libc=texts.libc.strip(),
        gpus=gpus or tuple(Gpu(n, _key(card, "Model"), None) for n, card in enumerate(texts.cards)),
        gpu_driver=_driver(texts.driver) or (asked[0][3] if asked else ""),
        fingerprint=hashlib.sha256("\n".join((model, " ".join(flags), str(cpus))).encode("utf-8", "surrogateescape")).hexdigest(),
        amd_driver=texts.amd.strip(),
    )


def _key(text: str, key: str) -> str:
    match = re.search(rf"^{key}[ \t]*:[ \t]*(.*)$", text, re.MULTILINE)
    return match[1].strip() if match else ""


def _arm(block: str) -> str:
    """ARM kernels print numbers only; the pair names the core (Arm ARM, MIDR_EL1)."""
    implementer, part = _key(block, "CPU implementer"), _key(block, "CPU part")
    return f"ARM implementer {implementer} part {part}" if implementer else ""


def _architecture(block: str, flags: tuple[str, ...]) -> str:
    if "vendor_id" in block and "cpu family" in block:
        return "x86_64" if "lm" in flags else "x86"
    if "CPU implementer" in block:
        return "aarch64" if "asimd" in flags or "fp" in flags else "arm"
    return next((name for mark, name in (("POWER", "ppc64"), ("IBM/S390", "s390x"), ("rv64", "riscv64")) if mark in block), "")


def _driver(text: str) -> str:
    match = re.search(r"NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s", text)
    return match[1] if match else ""


def _text(world: World, path: str) -> str:
    """Empty when it is not there or was not recorded: most machines have no GPU driver."""
    try:
        return world.text(path)
    except (OSError, LookupError):
        return ""


def _cards(world: World) -> tuple[str, ...]:
    try:
        return tuple(_text(world, path) for path in world.glob(CARDS)[:64])
    except (OSError, LookupError):
        return ()


def _answer(world: World, argv: tuple[str, ...]) -> str:
    try:
        ran = world.run(*argv, timeout=5.0, limit=1 << 16)
    except (OSError, LookupError):
        return ""
    return ran.out if ran.code == 0 else ""


PROBE = Probe(
    "hardware",
    Hardware,
    collect,
    frozenset({Phase.SUBMIT, Phase.START}),
    source=f"{CPUINFO}, {MEMINFO}, {VERSION}, the GPU driver",
    records=(CPUINFO, MEMINFO, VERSION, DRIVER, CARDS, AMD),
)
