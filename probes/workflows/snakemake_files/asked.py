"""What did a job ask for? `threads: 2`, `resources: mem_mb=50, runtime=2, gpu=1`, as its log block lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from probes.records.lines import one_line
from probes.workflows import Asked

_MB = {"mem_mb": 10**6, "mem_mib": 1 << 20, "disk_mb": 10**6, "disk_mib": 1 << 20}
_GPUS = ("gpu", "gpus", "nvidia_gpu", "gpu_count", "ngpus")
_OURS = frozenset(("tmpdir", "mem", "disk", "runtime", "nodes", "tasks", "slurm_partition", *_MB, *_GPUS))


def asked(fields: Mapping[str, str]) -> Asked:
    """`threads: 2`, `resources: mem_mb=50, runtime=2, gpu=1`: memory in 10**6 bytes, time in minutes (Snakemake: standard resources)."""
    given = wildcards(fields.get("resources", ""))
    memory = next(
        (int(n * unit) for key, unit in _MB.items() if key[0] == "m" and (n := _number(given.get(key))) is not None), None
    )
    disk = next(
        (int(n * unit) for key, unit in _MB.items() if key[0] == "d" and (n := _number(given.get(key))) is not None), None
    )
    minutes = _number(given.get("runtime"))
    return Asked(
        cpus=_number(fields.get("threads")) or 1.0,  # the engine prints threads only where there are more than one
        gpus=next((n for key in _GPUS if (n := _number(given.get(key))) is not None), None),
        memory=memory,
        disk=disk,
        seconds=minutes * 60 if minutes is not None else None,
        nodes=_whole(given.get("nodes")),
        tasks=_whole(given.get("tasks")),
        partition=given.get("slurm_partition", ""),
        other={k: one_line(v) for k, v in given.items() if k not in _OURS},
    )


def wildcards(text: str) -> dict[str, str]:
    """`n=0, member=b`: a comma in a value is one unless a name and `=` follow it."""
    parts = re.split(r", (?=[A-Za-z_]\w{0,100}=)", text) if text else []
    return {key: value for part in parts[:1000] for key, sep, value in (part.partition("="),) if sep}


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"\d{1,15}(?:\.\d{1,9})?", text) else None


def _whole(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else int(number)
