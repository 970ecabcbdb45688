"""What did the kernel count for the job: memory, CPU time, bytes moved?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World

OWN, IO, STAT = "/proc/self/cgroup", "/proc/self/io", "/proc/self/stat"
ROOT = "/sys/fs/cgroup"
TICKS = 100.0
"""USER_HZ, the unit of /proc/PID/stat: 100 on every architecture Linux still runs on (time(7))."""
_UNLIMITED = 1 << 60  # version 1 prints the largest multiple of a page instead of `max`
# controller of version 1 -> folders it is mounted at
_V1 = {"memory": ("memory",), "cpuacct": ("cpuacct", "cpu,cpuacct", "cpuacct,cpu")}


@dataclass(frozen=True)
class KernelAccounting:
    """cgroup v1 or v2 files and /proc/PID/io of the job's shell at its end. Bytes, seconds; None: that file was not there.

    scope: `job` (the scheduler's cgroup), `session` or `process` (then children that still ran are not counted).
    """

    scope: str
    cgroup: str
    memory_peak: int | None
    memory_limit: int | None
    oom_kills: int | None
    cpu_seconds: float | None
    bytes_read: int | None
    bytes_written: int | None
    chars_read: int | None = None
    """Through system calls, cached or not; `bytes_read` counts what the storage delivered."""
    chars_written: int | None = None
    read_calls: int | None = None
    write_calls: int | None = None


@dataclass(frozen=True)
class Groups:
    """Where the job's counters lie: candidate folders, the job's own before the step's; scope as in KernelAccounting."""

    memory: tuple[str, ...]
    cpu: tuple[str, ...]
    scope: str
    name: str


def collect(world: World, job: Job) -> KernelAccounting | Absent:
    files = {path: _text(world, path) for path in (OWN, IO, STAT)}
    if not any(files.values()):
        return Absent("neither a cgroup nor /proc counters of the job's shell")
    groups = locate(files[OWN])
    memory = {name: _first(world, groups.memory, name) for name in MEMORY_FILES}
    cpu = {name: _first(world, groups.cpu, name) for name in CPU_FILES}
    return parse(groups, {**memory, **cpu}, files[IO], files[STAT])


def locate(text: str) -> Groups:
    """From /proc/PID/cgroup (cgroups(7)): Slurm names its groups `job_N`; a shell at the root has no group of its own."""
    paths: dict[str, str] = {}
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        paths.update(dict.fromkeys(controllers.split(",") if controllers else [""], path))
    unified = _levels(paths.get("", "/"))
    memory = [f"{ROOT}/{mount}{p}" for p in _levels(paths.get("memory", "/")) for mount in _V1["memory"]]
    cpu = [f"{ROOT}/{mount}{p}" for p in _levels(paths.get("cpuacct", "/")) for mount in _V1["cpuacct"]]
    name = next((p for key in ("memory", "", "cpuacct") for p in _levels(paths.get(key, "/"))), "")
    scope = "job" if re.search(r"/job_\d+$", name) else "session" if name else "process"
    v2 = tuple(f"{ROOT}{p}" for p in unified)
    return Groups((*v2, *memory), (*v2, *cpu), scope, name)


def _levels(path: str) -> tuple[str, ...]:
    """The scheduler's group of the whole job, then the own one; none at the root."""
    job = re.match(r".*?/job_\d+(?=/|$)", path)
    return tuple(dict.fromkeys(p for p in (job[0] if job else "", path) if p and p != "/"))


MEMORY_FILES = (
    "memory.peak",
    "memory.max",
    "memory.events",
    "memory.max_usage_in_bytes",
    "memory.limit_in_bytes",
    "memory.oom_control",
)
CPU_FILES = ("cpu.stat", "cpuacct.usage")


def parse(groups: Groups, files: dict[str, str], io: str, stat: str) -> KernelAccounting:
    """Texts of the counters by file name, empty where there was none; then /proc/PID/io and stat of the shell."""
    usage = _field(files.get("cpu.stat", ""), "usage_usec")
    total = _number(files.get("cpuacct.usage", ""))
    cpu = usage / 1e6 if usage is not None else total / 1e9 if total is not None else None
    peak = _either(_number(files.get("memory.peak", "")), _number(files.get("memory.max_usage_in_bytes", "")))
    limit = _either(_number(files.get("memory.max", "")), _number(files.get("memory.limit_in_bytes", "")))
    kills = _either(*(_field(files.get(name, ""), "oom_kill") for name in ("memory.events", "memory.oom_control")))
    grouped = cpu is not None or peak is not None
    return KernelAccounting(
        scope=groups.scope if grouped else "process",
        cgroup=groups.name if grouped else "",
        memory_peak=peak,
        memory_limit=limit if limit is not None and limit < _UNLIMITED else None,
        oom_kills=kills,
        cpu_seconds=cpu if cpu is not None else ticks(stat),
        bytes_read=_field(io, "read_bytes"),
        bytes_written=_field(io, "write_bytes"),
        chars_read=_field(io, "rchar"),
        chars_written=_field(io, "wchar"),
        read_calls=_field(io, "syscr"),
        write_calls=_field(io, "syscw"),
    )


def ticks(stat: str) -> float | None:
    """CPU seconds of the shell and its waited-for children: fields 14-17 of /proc/PID/stat; the name may hold blanks and brackets."""
    fields = stat.rpartition(")")[2].split()
    return (
        sum(int(f) for f in fields[11:15]) / TICKS
        if len(fields) > 14 and all(f.lstrip("-").isdigit() for f in fields[11:15])
        else None
    )


def _either(*values: int | None) -> int | None:
    return next((v for v in values if v is not None), None)


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,20}\s*", text) else None


def _field(text: str, name: str) -> int | None:
    match = re.search(rf"^{name}:? (\d{{1,20}})$", text, re.MULTILINE)
    return int(match[1]) if match else None


def _first(world: World, folders: tuple[str, ...], name: str) -> str:
    return next((text for folder in folders if (text := _text(world, f"{folder}/{name}"))), "")


def _text(world: World, path: str) -> str:
    try:
        return world.text(path, 1 << 20)
    except (OSError, LookupError):
        return ""


PROBE = Probe(
    "kernel",
    KernelAccounting,
    collect,
    frozenset({Phase.END}),
    source="cgroup and /proc counters of the job's shell",
    records=(OWN, IO, STAT),  # the hook adds the counters of the groups that OWN names
)
