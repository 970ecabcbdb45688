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
# a login shell inside one hands its variables to a job that runs on the host, whose root is a disk of its own
HOST_ROOT = "root file system"
_HOST_ROOT = re.compile(r" - (ext[234]|xfs|btrfs|zfs|nfs4?) ")
_LEAVE_THE_ROOT = frozenset({"apptainer", "charliecloud"})
_ENGINE_MOUNT = re.compile(r"/containers/([0-9a-f]{64})/(?:hostname|hosts|resolv\.conf)")
_PODMAN_MOUNT = re.compile(r"/(?:overlay-containers|libpod)[/-]([0-9a-f]{64})")


def collect(world: World, job: Job) -> ContainerMarkers | Absent:
    found = dict(_seen(world))
    inside = _which(found)
    found.pop(HOST_ROOT, None)
    return ContainerMarkers(inside, found) if inside else Absent("no marker of a container: the script runs on the host")


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
        if fields[3:5] == ["/", "/"] and (own := _HOST_ROOT.search(line)):
            yield HOST_ROOT, own[1]
        if fields[4] == "/" and fields[3] != "/" and not fields[3].startswith("/@"):  # btrfs names its root subvolume so
            yield "root directory on the host", fields[3]


def parse_containerenv(text: str) -> dict[str, str]:
    """`/run/.containerenv` of Podman: `key="value"` lines; empty unless the container is privileged."""
    pairs = re.findall(r'(?m)^(engine|name|id|image|imageid)="([^"\n]*)"$', text)
    return {PODMAN: "there", **{f"podman {key}": value for key, value in pairs}}


def _which(found: Mapping[str, str]) -> str:
    for runtime, names in _VARIABLES:
        if any(name in found for name in names) and not (
            runtime in _LEAVE_THE_ROOT and LABELS not in found and HOST_ROOT in found
        ):
            return runtime
    tests: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("apptainer", lambda: LABELS in found),
        ("podman", lambda: PODMAN in found or "podman container" in found or found.get("container") == "podman"),
        ("docker", lambda: DOCKER in found or "docker container" in found),
    )
    return next((runtime for runtime, test in tests if test()), found.get("container", ""))


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
