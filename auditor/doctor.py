"""What does this site allow? Each answer says what it means for an audit. Looks only; asks no machine outside."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from auditor.home import find
from auditor.world import World

LITTLE = 20_000_000  # bytes; a store with a few thousand runs


class Answer(StrEnum):
    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Row:
    """One question about the site: the answer, what was seen, and what follows for evidence."""

    question: str
    answer: Answer
    seen: str
    means: str


def examine(world: World) -> tuple[Row, ...]:
    """All rows, in a fixed order. A question that cannot be asked is `unknown`, with the reason."""
    return tuple(_ask(world, question, look) for question, look in QUESTIONS)


def _ask(world: World, question: str, look: Callable[[World], tuple[Answer, str, str]]) -> Row:
    try:
        return Row(question, *look(world))
    except (OSError, LookupError, ValueError) as error:
        return Row(question, Answer.UNKNOWN, _gist(str(error)), "could not look")


def _gist(text: str) -> str:
    """The last line of a complaint: Slurm's tools say what led to it first."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason given"


def _which(world: World, program: str) -> str:
    return shutil.which(program, path=world.env.get("PATH", os.defpath)) or ""


def _version(world: World, *argv: str) -> str:
    ran = world.run(*argv, timeout=10)
    return (ran.out or ran.err).strip().splitlines()[0] if (ran.out or ran.err).strip() else f"exit {ran.code}"


def _slurm(world: World) -> tuple[Answer, str, str]:
    if not _which(world, "sbatch"):
        return Answer.NO, "no sbatch in PATH", "use `auditor run`: jobs run here, accounted by the kernel"
    ran = world.run("scontrol", "ping", timeout=10)
    if ran.code:
        return (
            Answer.PARTLY,
            f"sbatch is here, but {_gist(ran.out + ran.err)}",
            "jobs can be submitted only when slurmctld answers",
        )
    return Answer.YES, _version(world, "sbatch", "--version"), "`auditor sbatch` works"


def _settings(world: World) -> dict[str, str]:
    if not _which(world, "scontrol"):
        raise FileNotFoundError(2, "no scontrol in PATH")
    ran = world.run("scontrol", "show", "config", timeout=10)
    if ran.code:
        raise OSError(_gist(ran.err))
    return {m[1]: m[2] for m in re.finditer(r"^(\w+)\s*= (.*)$", ran.out, re.MULTILINE)}


def _sacct(world: World) -> tuple[Answer, str, str]:
    if not _which(world, "sacct"):
        return Answer.NO, "no sacct in PATH", "the end of a job is read from scontrol, within MinJobAge, or from the in-job hook"
    ran = world.run("sacct", "-X", "-n", "-P", "-o", "JobID", "--starttime", "now", timeout=20)
    if ran.code or "disabled" in ran.err:
        age = _settings(world).get("MinJobAge", "?")
        return Answer.NO, _gist(ran.err), f"run `auditor sweep` within MinJobAge ({age}) of a job's end"
    return Answer.YES, _version(world, "sacct", "--version"), "the end of a job can be completed at any time"


def _stored_scripts(world: World) -> tuple[Answer, str, str]:
    flags = _settings(world).get("AccountingStoreFlags", "(null)")
    if "job_script" in flags:
        return Answer.YES, f"AccountingStoreFlags={flags}", "`auditor adopt` gets the batch script of old jobs"
    return Answer.NO, f"AccountingStoreFlags={flags}", "`auditor adopt` gets a batch script only while slurmctld knows the job"


def _gather(world: World) -> tuple[Answer, str, str]:
    settings = _settings(world)
    kind, every = settings.get("JobAcctGatherType", "?"), settings.get("JobAcctGatherFrequency", "?")
    if kind.endswith("none"):
        return Answer.NO, kind, "no memory or CPU figures from the scheduler; the in-job hook reads the kernel's"
    return Answer.YES, f"{kind}, sampled every {every}", "peak memory of jobs shorter than the sampling interval stays empty"


def _cgroups(world: World) -> tuple[Answer, str, str]:
    text = world.text("/proc/self/mountinfo")
    v2 = " - cgroup2 " in text
    v1 = [c for c in ("memory", "cpuacct") if re.search(rf" - cgroup \S+ \S*\b{c}\b", text)]
    if v1:
        return (
            Answer.YES,
            f"v1 ({', '.join(v1)})" + (" beside v2" if v2 else ""),
            "peak memory and CPU time can be read inside a job",
        )
    if v2 and world.exists("/sys/fs/cgroup/cgroup.controllers"):
        return Answer.YES, "v2", "peak memory and CPU time can be read inside a job"
    return Answer.NO, "no memory controller is mounted", "no kernel figures for a whole job; /proc of its shell only"


def _containers(world: World) -> tuple[Answer, str, str]:
    names = ("apptainer", "singularity", "podman", "podman-hpc", "docker", "ch-run", "enroot", "shifter")
    there = [n for n in names if _which(world, n)]
    socket = world.env.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
    engine = world.exists(socket)
    if not there:
        return (
            Answer.NO,
            "no container runtime in PATH",
            "images named in scripts are recorded as declared; image files are still read",
        )
    seen = ", ".join(there) + ("; a Docker engine listens" if engine else "")
    return (
        Answer.YES,
        seen,
        "images can be identified" + ("" if engine else "; tags of Docker images cannot be resolved here (no engine socket)"),
    )


def _sandbox(world: World) -> tuple[Answer, str, str]:
    if not _which(world, "bwrap"):
        return (
            Answer.NO,
            "no bubblewrap (bwrap) in PATH",
            "`auditor replay` asks before it runs a bundle's code, without a sandbox",
        )
    ran = world.run("bwrap", "--ro-bind", "/", "/", "--unshare-all", "true", timeout=10)
    if ran.code:
        return Answer.PARTLY, f"bwrap fails: {_gist(ran.err)}", "`auditor replay` runs without a sandbox and says so"
    return Answer.YES, _version(world, "bwrap", "--version"), "`auditor replay` runs a bundle's code shut off from your files"


def _home(world: World) -> tuple[Answer, str, str]:
    home = find(dict(world.env))
    if home is None:
        return (
            Answer.NO,
            "neither AUDITOR_HOME nor HOME is set",
            "jobs are submitted unchanged, nothing is recorded; set AUDITOR_HOME",
        )
    folder = home.root
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    if not os.access(folder, os.W_OK):
        return Answer.NO, f"{folder} is not writable", "jobs are submitted unchanged, nothing is recorded; set AUDITOR_HOME"
    free = shutil.disk_usage(folder).free
    if free < LITTLE:
        return (
            Answer.NO,
            f"{folder} has {free / 1e6:.1f} MB left",
            "records would fail to be written; free some space or set AUDITOR_HOME",
        )
    kind = _fs_type(world.text("/proc/self/mountinfo"), folder)
    network = kind.startswith(("nfs", "lustre", "gpfs", "beegfs", "cifs", "ceph", "fuse.sshfs"))
    means = (
        "the database may lock badly on a shared file system: set AUDITOR_HOME to a local disk"
        if network
        else "fine for the database"
    )
    return (Answer.PARTLY if network else Answer.YES), f"{home.root} on {kind}, {free / 1e9:.1f} GB free", means


def _fs_type(mountinfo: str, folder: str) -> str:
    best, kind = "", "unknown"
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        point = left.split(" ")[4]
        inside = folder == point or folder.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, right.split(" ")[0]
    return kind


def _modules(world: World) -> tuple[Answer, str, str]:
    if world.env.get("LMOD_VERSION"):
        return Answer.YES, f"Lmod {world.env['LMOD_VERSION']}", "loaded modules are recorded; its BASH_ENV is chained"
    if world.env.get("MODULESHOME"):
        return Answer.YES, f"Environment Modules in {world.env['MODULESHOME']}", "loaded modules are recorded"
    return Answer.NO, "neither LMOD_VERSION nor MODULESHOME is set", "no modules to record in this shell"


def _tools(world: World) -> tuple[Answer, str, str]:
    lacking = [n for n in ("git", "ssh-keygen") if not _which(world, n)]
    if lacking:
        return Answer.PARTLY, f"missing: {', '.join(lacking)}", "no code state without git; no signatures without ssh-keygen"
    return Answer.YES, _version(world, "git", "--version"), "code state can be recorded"


def _network(world: World) -> tuple[Answer, str, str]:
    routes = [line.split() for line in world.text("/proc/net/route").splitlines()[1:]]
    if any(r[1] == "00000000" for r in routes if len(r) > 1):
        return Answer.YES, "there is a default route; nothing was contacted", "a replay may fetch packages and images by digest"
    return Answer.NO, "no default route", "a replay needs wheels and images in the bundle, or on this machine"


QUESTIONS: tuple[tuple[str, Callable[[World], tuple[Answer, str, str]]], ...] = (
    ("a place for records", _home),
    ("Slurm", _slurm),
    ("accounting (sacct)", _sacct),
    ("stored job scripts", _stored_scripts),
    ("resource sampling", _gather),
    ("cgroups", _cgroups),
    ("container runtimes", _containers),
    ("environment modules", _modules),
    ("git and ssh-keygen", _tools),
    ("sandbox for replays", _sandbox),
    ("network", _network),
)
