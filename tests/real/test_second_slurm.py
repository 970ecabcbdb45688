"""Does the road hold on another version of Slurm? The next Debian's, in a folder of its own, with a few of the tests beside this one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import need

HERE = Path(__file__).parent
FILES = ("test_sbatch_same.py", "test_accounting.py", "test_later.py", "test_replay_slurm.py")


@pytest.fixture
def folder() -> Iterator[Path]:
    """700 MB that do not stay, as pytest's own folders would."""
    with tempfile.TemporaryDirectory(prefix="second-slurm-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.mark.slow
@pytest.mark.slurm
@pytest.mark.timeout(1200)
def test_the_same_tests_pass_on_the_slurm_of_the_next_debian(folder: Path) -> None:
    need(*([] if os.geteuid() == 0 else ["root"]), *(p for p in ("debootstrap", "unshare", "chroot") if not shutil.which(p)))
    argv = [HERE.parents[1] / "ci/other-slurm", folder / "debian", *(f"tests/real/{name}" for name in FILES)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout[-20000:]
    version = next(line.split()[1] for line in done.stdout.splitlines() if line.startswith("slurmctld"))
    assert int(version.split(".")[0]) >= 24  # Debian 12 has 22.05
