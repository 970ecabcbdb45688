"""Is the job script inside a container? Captured traces of each runtime, as the in-job hook saves them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from auditor.model import Absent, Job
from auditor.world import RecordedWorld
from probes.containers import ContainerMarkers
from probes.containers.markers import DOCKER, LABELS, MOUNTS, PODMAN, collect

ID = "8f" * 32
HOST = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n23 22 0:22 / /proc rw - proc proc rw\n"
DOCKER_MOUNTS = f"700 600 0:60 / / rw - overlay overlay rw\n710 700 254:0 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/vda rw\n"
PODMAN_MOUNTS = f"9 8 0:5 /containers/overlay-containers/{ID}/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw\n"
APPTAINER_MOUNTS = (
    "98 67 0:41 / / rw,nodev,relatime unbindable - overlay overlay ro,lowerdir=/var/lib/apptainer/mnt/session/rootfs\n"
)
CHARLIECLOUD_MOUNTS = "40 30 254:0 /scratch/a/img / rw - ext4 /dev/vda rw\n"


def look(env: dict[str, str], files: dict[str, str]) -> ContainerMarkers | Absent:
    missing = frozenset({MOUNTS, LABELS, PODMAN, DOCKER} - files.keys())
    world = RecordedWorld(
        env, {k: v.encode() for k, v in files.items()}, {}, missing, datetime(2026, 11, 23, tzinfo=UTC), "n1", "/w"
    )
    return collect(world, Job("slurm", "1"))


@pytest.mark.parametrize(
    ("env", "files", "inside", "evidence"),
    [
        ({"APPTAINER_CONTAINER": "/i/x.sif", "APPTAINER_BIND": "/d"}, {MOUNTS: APPTAINER_MOUNTS}, "apptainer",
         {"APPTAINER_CONTAINER": "/i/x.sif", "APPTAINER_BIND": "/d"}),
        ({}, {MOUNTS: HOST, LABELS: '{"b": "2", "a": "1"}'}, "apptainer", {LABELS: '{"a": "1", "b": "2"}'}),
        ({}, {MOUNTS: DOCKER_MOUNTS, DOCKER: ""}, "docker", {"docker container": ID, DOCKER: "there"}),
        ({}, {MOUNTS: PODMAN_MOUNTS}, "podman", {"podman container": ID}),
        ({"container": "podman"}, {PODMAN: ""}, "podman", {"container": "podman", PODMAN: "there"}),
        ({}, {PODMAN: 'engine="podman-4.3.1"\nimage="lab/x:1"\nrootless=1\n'}, "podman",
         {PODMAN: "there", "podman engine": "podman-4.3.1", "podman image": "lab/x:1"}),
        ({"CH_RUNNING": "Weird Al Yankovic"}, {MOUNTS: CHARLIECLOUD_MOUNTS}, "charliecloud",
         {"CH_RUNNING": "Weird Al Yankovic", "root directory on the host": "/scratch/a/img"}),
        ({"SHIFTER_IMAGE": "ab12", "SHIFTER_IMAGETYPE": "docker"}, {}, "shifter", {"SHIFTER_IMAGE": "ab12", "SHIFTER_IMAGETYPE": "docker"}),
        ({"ENROOT_ROOTFS": "/secret/place"}, {}, "enroot", {"ENROOT_ROOTFS": "set"}),
        ({"SLURM_CONTAINER": "/b"}, {}, "slurm-oci", {"SLURM_CONTAINER": "/b"}),
    ],
)  # fmt: skip
def test_each_runtime_is_known_by_what_it_leaves(
    env: dict[str, str], files: dict[str, str], inside: str, evidence: dict[str, str]
) -> None:
    assert look(env, files) == ContainerMarkers(inside, evidence)


def test_a_script_on_the_host_is_not_in_a_container() -> None:
    assert look({"HOME": "/h"}, {MOUNTS: HOST}) == Absent("no marker of a container: the script runs on the host")


def test_a_file_that_an_engine_left_on_a_disk_is_no_container() -> None:
    said = "/.dockerenv lies here, yet / is the machine's own ext4 and no engine mounted anything: the script runs on the host"
    assert look({}, {MOUNTS: HOST, DOCKER: ""}) == Absent(said)
    assert look({"container": "podman"}, {MOUNTS: HOST}) == Absent("no marker of a container: the script runs on the host")


def test_an_engine_that_gives_each_container_a_file_system_of_its_own_is_known_by_its_mounts() -> None:
    mounts = f"700 600 0:60 / / rw - zfs tank/c rw\n710 700 0:61 /containers/{ID}/hosts /etc/hosts rw - zfs tank rw\n"
    assert look({}, {MOUNTS: mounts, DOCKER: ""}) == ContainerMarkers("docker", {"docker container": ID, DOCKER: "there"})


def test_a_variable_that_a_login_shell_inside_handed_on_puts_no_job_into_a_container() -> None:
    on_host = Absent("no marker of a container: the script runs on the host")
    assert look({"APPTAINER_CONTAINER": "/i/jupyter.sif"}, {MOUNTS: HOST}) == on_host
    assert look({"CH_RUNNING": "Weird Al Yankovic"}, {MOUNTS: HOST}) == on_host
    assert look({"APPTAINER_CONTAINER": "/i/x.sif"}, {}).inside == "apptainer"  # type: ignore[union-attr]  # nothing says otherwise


@pytest.mark.parametrize(
    "root",
    [
        "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw",
        "22 1 0:29 /@ / rw,relatime - btrfs /dev/vda3 rw,subvol=/@",
        "1 1 0:2 / / rw - rootfs rootfs rw\n22 1 0:21 / / rw,relatime - tmpfs wwroot rw",  # a node that holds its root in memory
    ],
)
def test_dockers_file_left_over_on_a_host_puts_no_job_into_docker(root: str) -> None:
    found = look({}, {MOUNTS: f"{root}\n23 22 0:22 / /proc rw - proc proc rw\n", DOCKER: ""})

    assert isinstance(found, Absent)
    assert found.reason.startswith("/.dockerenv lies here, yet / is the machine's own ")


@pytest.mark.parametrize(
    "mounts",
    [
        "700 600 0:60 / / rw - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A\n",
        "700 600 254:0 /var/lib/docker/vfs/dir/ab / rw - ext4 /dev/vda rw\n",
        f"700 600 0:33 / / rw - zfs tank/docker/ab rw\n710 700 254:0 /var/lib/docker/containers/{ID}/hosts /etc/hosts rw - ext4 /dev/vda rw\n",
    ],
)
def test_dockers_file_counts_on_a_root_that_a_container_has_or_beside_the_engines_mounts(mounts: str) -> None:
    assert look({}, {MOUNTS: mounts, DOCKER: ""}).inside == "docker"  # type: ignore[union-attr]
    assert look({}, {DOCKER: ""}).inside == "docker"  # type: ignore[union-attr]  # nothing says otherwise


def test_broken_traces_are_no_accident() -> None:
    assert look({}, {MOUNTS: "\x00 x\n" * 3, LABELS: "[" * 100_000}) == ContainerMarkers("apptainer", {LABELS: "unreadable"})
