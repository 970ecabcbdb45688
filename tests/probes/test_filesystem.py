"""Is the file system under each path of the job told from mountinfo?"""

from __future__ import annotations

import pytest

from auditor.model import Absent, Job
from probes.filesystem import MOUNTINFO, PROBE, Entry, FileSystems, Mount, family, mounts, parse, paths, place
from tests.fakes import recorded

TEXT = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 27 0:40 / /scratch rw master:2 propagate_from:3 - lustre 10.0.0.1@tcp:/s rw
41 27 0:41 / /home rw - nfs4 server:/home rw
42 41 0:42 / /home/ada/my\040data rw - fuse.sshfs x rw
43 40 0:43 / /scratch/tmp rw - tmpfs tmpfs rw
44 40 0:44 / /scratch/tmp rw - xfs /dev/sdb rw
broken line
"""


def test_the_longest_mount_point_wins_and_a_later_mount_lies_over_an_earlier_one() -> None:
    wanted = ("/home/ada/my data/x", "/scratch/run", "/scratch/tmp/a", "/scratchy", "/home")
    assert [(m.mount_point, m.fs_type, m.family) for m in parse(TEXT, tuple((p, "input") for p in wanted)).mounts] == [
        ("/home/ada/my data", "fuse.sshfs", "network"), ("/scratch", "lustre", "parallel"), ("/scratch/tmp", "xfs", "local"),
        ("/", "ext4", "local"), ("/home", "nfs4", "network"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("ext4", "local"), ("gpfs", "parallel"), ("beegfs", "parallel"), ("tmpfs", "memory"), ("overlay", "overlay"), ("cifs", "network"),
     ("fuse.glusterfs", "parallel"), ("fuse.squashfuse", "fuse"), ("newfs", "unknown")],
)  # fmt: skip
def test_families(kind: str, expected: str) -> None:
    assert family(kind) == expected


def test_the_paths_of_interest_are_those_of_the_job() -> None:
    job = Job("slurm", "1", workdir="/scratch/run", inputs=("in/*.csv", "/home/ada/x"), outputs=("out.txt",))
    assert paths(job, "", "/home/ada") == (
        ("/scratch/run", "workdir"), ("/tmp", "tmp"), ("/home/ada", "home"), ("/scratch/run/in", "input"), ("/home/ada/x", "input"),
        ("/scratch/run/out.txt", "output"),
    )  # fmt: skip


def test_the_probe_reads_the_record_of_the_hook() -> None:
    world = recorded({MOUNTINFO: TEXT}, env={"TMPDIR": "/scratch/tmp"})
    assert PROBE.collect(world, Job("slurm", "1", workdir="/home/ada")) == FileSystems(
        (Mount("/home/ada", "workdir", "/home", "nfs4", "network"), Mount("/scratch/tmp", "tmp", "/scratch/tmp", "xfs", "local")),
        (
            Entry("/scratch", "lustre"), Entry("/home", "nfs4"), Entry("/home/ada/my data", "fuse.sshfs"), Entry("/", "ext4"),
            Entry("/scratch/tmp", "xfs"),
        ),
    )  # fmt: skip


def test_any_path_can_be_looked_up_later_as_far_as_the_evidence_goes() -> None:
    seen = parse(TEXT, (("/scratch/run", "workdir"),))
    assert [(m.mount_point, m.family) for p in ("/scratch/tmp/x", "/etc", "/home/bob") if (m := place(seen, p))] == [
        ("/scratch/tmp", "local"), ("/", "local"), ("/home", "network"),
    ]  # fmt: skip
    old = FileSystems(seen.mounts)
    assert [bool(place(old, p)) for p in ("/scratch/run/a", "/scratch/runs", "/etc")] == [True, False, False]


def test_lines_that_are_no_mounts_are_left_out() -> None:
    assert len(mounts(TEXT)) == 7


def test_without_mountinfo_or_work_directory_it_is_absent() -> None:
    assert PROBE.collect(recorded(missing=(MOUNTINFO,)), Job("slurm", "1", workdir="/w")) == Absent(
        f"no {MOUNTINFO} on this machine"
    )
    assert PROBE.collect(recorded(), Job("slurm", "1")) == Absent("the job's work directory is not known")
