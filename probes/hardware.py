"""What machine did the job run on?"""

from __future__ import annotations

from dataclasses import dataclass


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
