"""Is a script inside Charliecloud known to be there, from a folder and from a squashfs, and is the image's file identified?"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import containers_lab
import pytest

from auditor.model import Absent, Job
from auditor.world import RealWorld, RecordedWorld
from probes.containers import RanImage
from probes.containers.identity import collect as identities
from probes.containers.inside import inside
from probes.containers.markers import DOCKER, LABELS, MOUNTS, PODMAN
from tests.needs import need

pytestmark = pytest.mark.charliecloud
NOBODY = 65534


@pytest.fixture
def image() -> Iterator[Path]:
    """A folder with a root file system that a user without any rights can read."""
    need(*containers_lab.missing_charliecloud())
    with tempfile.TemporaryDirectory(prefix="auditor-") as folder:
        root = Path(folder, "img")
        root.mkdir()
        Path(folder).chmod(0o755)
        subprocess.run(["tar", "-xC", root], input=containers_lab.rootfs({}), check=True)
        (root / "mnt").mkdir()
        yield root


def seen_inside(image: Path) -> RanImage:
    """What a script inside sees, as the in-job hook records it."""
    look = f"/bin/busybox env; echo; cat {MOUNTS}"
    done = subprocess.run(
        ["ch-run", "--no-home", str(image), "--", "/bin/sh", "-c", look],
        env={"PATH": os.environ["PATH"], "USER": "nobody", "HOME": "/"},
        cwd="/",
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    env, _, mounts = done.stdout.partition("\n\n")
    variables = dict(line.split("=", 1) for line in env.splitlines() if "=" in line)
    missing = frozenset({LABELS, PODMAN, DOCKER})
    [found] = inside(RecordedWorld(variables, {MOUNTS: mounts.encode()}, {}, missing, datetime.now(UTC), "n", "/"))
    return found


def test_a_folder_is_named_by_where_it_lies_on_the_host(image: Path) -> None:
    found = seen_inside(image)
    assert (found.runtime, found.how) == ("charliecloud", "inside")
    assert found.typed.endswith(str(image).removeprefix("/tmp"))  # as the file system that holds it sees it
    assert "CH_RUNNING=" in found.evidence


def test_a_squashfs_image_is_known_by_its_file(image: Path) -> None:
    packed = image.parent / "img.sqfs"
    quiet = ["-quiet", "-no-progress", "-no-xattrs"]
    subprocess.run(["mksquashfs", str(image), str(packed), *quiet], check=True, stdout=subprocess.DEVNULL)
    packed.chmod(0o644)
    assert seen_inside(packed).runtime == "charliecloud"
    job = Job("slurm", "1", workdir=str(image.parent), script="ch-run img.sqfs -- true\n")
    known = identities(RealWorld(env={}, cwd="/"), job)
    assert not isinstance(known, Absent)
    sha256 = hashlib.sha256(packed.read_bytes()).hexdigest()
    assert [(i.reference, i.state, i.sha256) for i in known.images] == [("img.sqfs", "ok", sha256)]
