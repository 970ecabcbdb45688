"""What does a batch script ask for? Its `#SBATCH` lines as far as one machine can honour them, the rest written down as asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.model import AuditError
from probes.schedulers import notation as n
from probes.script.sbatch import Option

_SHORT = {
    "-a": "--array", "-t": "--time", "-o": "--output", "-e": "--error", "-D": "--chdir", "-J": "--job-name", "-N": "--nodes",
    "-n": "--ntasks", "-c": "--cpus-per-task", "-G": "--gpus",
}  # fmt: skip
HOW_ARRAYS = "such as --array=0-9, --array=1,3,7 or --array=0-99:10%4"


@dataclass(frozen=True)
class Request:
    """Memory in bytes, time in seconds; None: not asked. `output`, `error`: patterns, empty: the terminal."""

    name: str
    tasks: tuple[int, ...]
    """Array indexes; empty: no array."""
    throttle: int | None
    seconds: int | None
    output: str
    error: str
    append: bool
    chdir: str
    nodes: int | None
    cpus: int | None
    cpus_per_task: int | None
    memory: int | None
    gpus: int | None
    gpu_type: str


def request(options: Sequence[Option], name: str) -> Request:
    """The last of each option counts, as for sbatch. Raises AuditError for an array or a time that is none."""
    said = {_SHORT.get(o.option, o.option): o.value for o in options}
    nodes, each = n.number(said.get("--nodes", "").partition("-")[0]), n.number(said.get("--cpus-per-task", ""))
    per_node = n.number(said.get("--ntasks-per-node", ""))
    tasks = n.number(said.get("--ntasks", "")) or (per_node * (nodes or 1) if per_node else None)
    cpus = (tasks or 1) * (each or 1) if tasks or each else None
    gpus, gpu_type = _gpus(said, nodes or 1)
    return Request(
        name=said.get("--job-name", "") or name,
        tasks=_indexes(said["--array"]) if "--array" in said else (),
        throttle=n.throttle(said.get("--array", "")),
        seconds=_seconds(said["--time"]) if "--time" in said else None,
        output=said.get("--output", ""),
        error=said.get("--error", ""),
        append=said.get("--open-mode", "").startswith("a"),
        chdir=said.get("--chdir", said.get("--workdir", "")),
        nodes=nodes,
        cpus=cpus,
        cpus_per_task=each,
        memory=_memory(said, nodes or 1, cpus or 1),
        gpus=gpus,
        gpu_type=gpu_type,
    )


def _indexes(value: str) -> tuple[int, ...]:
    try:
        found = tuple(sorted(set(n.spans(value))))
    except ValueError as error:
        raise AuditError(f"--array={value} is no list of indexes", HOW_ARRAYS) from error
    if not found or ("%" in value and not n.throttle(value)):
        raise AuditError(f"--array={value} is no list of indexes", HOW_ARRAYS)
    return found


def _seconds(value: str) -> int | None:
    """`0`, UNLIMITED and INFINITE mean no limit."""
    if value.upper() in ("UNLIMITED", "INFINITE"):
        return None
    if (seconds := n.limit(value)) is None:
        raise AuditError(f"--time={value} is no time", "minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS")
    return seconds or None


def _memory(said: dict[str, str], nodes: int, cpus: int) -> int | None:
    """sbatch(1): without a unit, megabytes; --mem is for each node."""
    for option, times in (("--mem", nodes), ("--mem-per-cpu", cpus)):
        if value := said.get(option, ""):
            one = n.size(value + "M" if value.isdecimal() else value)
            return one * times if one else None
    return None


def _gpus(said: dict[str, str], nodes: int) -> tuple[int | None, str]:
    """`--gpus=a100:2`, `--gres=gpu:a100:2,...` for each node."""
    for option, times in (("--gpus", 1), ("--gpus-per-node", nodes), ("--gres", nodes)):
        for word in said.get(option, "").split(","):
            parts = word.split("(")[0].split(":")
            parts = parts[1:] or ["1"] if parts[0] == "gpu" else parts if option != "--gres" else []
            if parts and parts[0]:
                count = n.number(parts[-1])
                return (count if count is not None else 1) * times, parts[0] if n.number(parts[0]) is None else ""
    return None, ""


def stream(pattern: str, values: dict[str, str], workdir: str) -> str:
    """Where this stream of this task goes; empty: the terminal. Raises AuditError when its folder is not there."""
    if not pattern:
        return ""
    path = os.path.join(workdir, n.filename(pattern, values))
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise AuditError(f"the folder of --output or --error is not there: {folder}", f"mkdir -p {folder}")
    return path
