"""Is the job script itself inside a container, and which? Read from what the in-job hook saved at the start."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping

from auditor.model import Absent, Job, Phase, Probe
from auditor.redact import allowed
from auditor.world import World
from probes.containers import ContainerMarkers

MOUNTS = "/proc/self/mountinfo"
LABELS = "/.singularity.d/labels.json"
PODMAN = "/run/.containerenv"
DOCKER = "/.dockerenv"
# first match decides: a runtime's own variable before the traces it leaves
_VARIABLES = (
    ("apptainer", ("APPTAINER_CONTAINER", "APPTAINER_NAME", "SINGULARITY_CONTAINER", "SINGULARITY_NAME")),
    ("shifter", ("SHIFTER_IMAGE", "SHIFTER_IMAGEREQUEST", "SHIFTER_RUNTIME")),
    ("charliecloud", ("CH_RUNNING",)),
    ("enroot", ("ENROOT_ROOTFS",)),
    ("slurm-oci", ("SLURM_CONTAINER",)),
)
_ALSO = ("APPTAINER_BIND", "APPTAINER_COMMAND", "SHIFTER_IMAGETYPE", "CONTAINER_IMAGE", "container")
HOST_ROOT = "root file system"
"""Type of the root, where it is a whole file system and not a folder of one."""
# a login shell inside one hands its variables to a job that runs on the host, whose root is a disk of its own
_DISKS = frozenset("ext2 ext3 ext4 xfs btrfs zfs nfs nfs4".split())
# a node that holds its root in memory is often made of an engine's image, whose marker file then lies around in it
_NO_ENGINES = _DISKS | {"tmpfs", "ramfs", "rootfs", "squashfs"}
_SUBVOLUME = re.compile(r"/(?:@[\w-]*)?")
_TYPE = re.compile(r" - (\S+) ")
_LEAVE_THE_ROOT = frozenset({"apptainer", "charliecloud"})
_ENGINE_MOUNT = re.compile(r"/containers/([0-9a-f]{64})/(?:hostname|hosts|resolv\.conf)")
_PODMAN_MOUNT = re.compile(r"/(?:overlay-containers|libpod)[/-]([0-9a-f]{64})")


def collect(world: World, job: Job) -> ContainerMarkers | Absent:
    found = dict(_seen(world))
    inside = _which(found)
    root = found.pop(HOST_ROOT, "")
    if inside:
        return ContainerMarkers(inside, found)
    if stray := [name for name in (PODMAN, DOCKER) if name in found]:
        return Absent(
            f"{stray[0]} lies here, yet / is the machine's own {root} and no engine mounted anything: the script runs on the host"
        )
    return Absent("no marker of a container: the script runs on the host")


def _seen(world: World) -> Iterator[tuple[str, str]]:
    """What there is, by its name: variables, files, mounts."""
    for name in (*(n for _, names in _VARIABLES for n in names), *_ALSO):
        if name in world.env:
            yield name, world.env[name] if allowed(name) else "set"
    yield from _mounts(_text(world, MOUNTS))
    if (labels := _text(world, LABELS)) is not None:
        yield LABELS, _short_labels(labels)
    if (podman := _text(world, PODMAN)) is not None:
        yield from parse_containerenv(podman).items()
    if _text(world, DOCKER) is not None:
        yield DOCKER, "there"


def _mounts(text: str | None) -> Iterator[tuple[str, str]]:
    for line in (text or "").splitlines():
        fields = line.split(" ")
        if len(fields) < 7:
            continue
        if found := _PODMAN_MOUNT.search(fields[3]):
            yield "podman container", found[1]
        elif found := _ENGINE_MOUNT.search(fields[3]):
            yield "docker container", found[1]
        if fields[4] == "/":  # the last one lies on top
            kind = _TYPE.search(line)
            yield HOST_ROOT, kind[1] if kind and _SUBVOLUME.fullmatch(fields[3]) else ""
        if fields[4] == "/" and fields[3] != "/" and not fields[3].startswith("/@"):  # btrfs names its root subvolume so
            yield "root directory on the host", fields[3]


def parse_containerenv(text: str) -> dict[str, str]:
    """`/run/.containerenv` of Podman: `key="value"` lines; empty unless the container is privileged."""
    pairs = re.findall(r'(?m)^(engine|name|id|image|imageid)="([^"\n]*)"$', text)
    return {PODMAN: "there", **{f"podman {key}": value for key, value in pairs}}


def _which(found: Mapping[str, str]) -> str:
    for runtime, names in _VARIABLES:
        if any(name in found for name in names) and not (
            runtime in _LEAVE_THE_ROOT and LABELS not in found and found.get(HOST_ROOT) in _DISKS
        ):
            return runtime
    # a disk that an engine once filled, or a machine made from an image, keeps the file and is no container
    theirs, told = found.get(HOST_ROOT, "") not in _NO_ENGINES, found.get("container", "")
    tests: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("apptainer", lambda: LABELS in found),
        ("podman", lambda: "podman container" in found or (theirs and (PODMAN in found or told == "podman"))),
        ("docker", lambda: "docker container" in found or (theirs and DOCKER in found)),
    )
    return next((runtime for runtime, test in tests if test()), told if theirs or told != "podman" else "")


def _text(world: World, path: str) -> str | None:
    try:
        return world.text(path)
    except (OSError, LookupError):
        return None


def _short_labels(text: str) -> str:
    try:
        value = json.loads(text)
        return json.dumps(value, sort_keys=True)[:2000] if isinstance(value, dict) else "unreadable"
    except (ValueError, RecursionError):
        return "unreadable"


PROBE = Probe(
    name="container-markers",
    kind=ContainerMarkers,
    collect=collect,
    phases=frozenset({Phase.START}),
    source="environment, mounts and marker files of the job",
    records=(MOUNTS, LABELS, PODMAN, DOCKER),
)
