"""On what kind of file system do the paths of the job lie?"""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World

MOUNTINFO = "/proc/self/mountinfo"
_FAMILIES = {
    "local": "ext2 ext3 ext4 xfs btrfs zfs f2fs jfs reiserfs bcachefs vfat exfat ntfs ntfs3 iso9660 squashfs erofs hfsplus",
    "memory": "tmpfs ramfs devtmpfs hugetlbfs",
    "network": "nfs nfs4 cifs smb3 smbfs 9p afs davfs ncpfs virtiofs",
    "parallel": "lustre gpfs beegfs beegfs_nodev ceph pvfs2 orangefs panfs wekafs daos dvs glusterfs quobyte gfs2 ocfs2",
    "overlay": "overlay aufs unionfs",
}
_FAMILY = {name: family for family, names in _FAMILIES.items() for name in names.split()}
_FUSE = {
    "beegfs": "parallel", "ceph": "parallel", "glusterfs": "parallel", "weka": "parallel", "dfuse": "parallel",
    "sshfs": "network", "s3fs": "network", "gcsfuse": "network", "rclone": "network", "cvmfs2": "network", "juicefs": "network",
}  # fmt: skip
_ORDER = {"parallel": 0, "network": 1, "fuse": 2, "local": 3, "memory": 4, "overlay": 5}
MAX_TABLE = 200
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """Where a path of interest lies. family: `local`, `memory`, `network` (NFS, SMB), `parallel` (Lustre, GPFS, BeeGFS ...), `overlay`, `fuse`, `unknown`."""

    path: str
    role: str
    """`workdir`, `tmp`, `input`, `output`, `store`, `home`."""
    mount_point: str
    fs_type: str
    family: str


@dataclass(frozen=True)
class Entry:
    """One line of mountinfo: where, and what kind of file system."""

    mount_point: str
    fs_type: str


@dataclass(frozen=True)
class FileSystems:
    """From /proc/self/mountinfo (proc_pid_mountinfo(5)): the longest mount point that holds the path.

    table: all file systems that hold data, shared ones first, so that any other path can be looked up with `place`.
    """

    mounts: tuple[Mount, ...]
    table: tuple[Entry, ...] = ()


def collect(world: World, job: Job) -> FileSystems | Absent:
    if not job.workdir:
        return Absent("the job's work directory is not known")
    try:
        text = world.text(MOUNTINFO)
    except FileNotFoundError:
        return Absent(f"no {MOUNTINFO} on this machine")
    return parse(text, paths(job, world.env.get("TMPDIR", ""), world.env.get("HOME", "")))


def paths(job: Job, tmp: str, home: str) -> tuple[tuple[str, str], ...]:
    """(path, role) of what the job uses; declared globs by the folder in front of the first wildcard."""
    found = [(job.workdir, "workdir"), (tmp or "/tmp", "tmp")]
    found += [(home, "home")] if home else []
    for role, globs in (("input", job.inputs), ("output", job.outputs)):
        found += [(os.path.join(job.workdir, re.split(r"[*?\[]", glob)[0]), role) for glob in globs]
    return tuple(dict.fromkeys((os.path.normpath(path), role) for path, role in found))


def parse(text: str, wanted: tuple[tuple[str, str], ...]) -> FileSystems:
    """mountinfo's text, and the (path, role) pairs to look up in it."""
    entries = mounts(text)
    return FileSystems(tuple(_mount(path, role, entries) for path, role in wanted), _table(entries))


def place(seen: FileSystems, path: str) -> Mount | None:
    """Where an absolute path lies; None: not known. Of evidence without a table only what lies below a path that was asked for is known."""
    if seen.table:
        found = _mount(path, "", seen.table)
        return found if found.fs_type else None
    inside = [m for m in seen.mounts if m.fs_type and _holds(m.path, path)]
    return max(inside, key=lambda m: len(m.path), default=None)


def _table(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The topmost at each mount point; without /proc, /sys and the like."""
    top = {e.mount_point: e for e in entries}
    held = [e for e in top.values() if family(e.fs_type) in _ORDER and e.fs_type != "devtmpfs"]
    held.sort(key=lambda e: (_ORDER[family(e.fs_type)], e.mount_point))
    return tuple(held[:MAX_TABLE])


def mounts(text: str) -> tuple[Entry, ...]:
    """Lines that do not read as mountinfo are left out; a later line lies over an earlier one."""
    found = []
    for line in text.split("\n"):
        before, dash, after = line.partition(" - ")
        fields = before.split(" ")
        if dash and len(fields) >= 6:
            found.append(Entry(_OCTAL.sub(lambda m: chr(int(m[1], 8)), fields[4]), after.split(" ", 1)[0]))
    return tuple(found)


def family(fs_type: str) -> str:
    """The family of a kernel's type name; for FUSE the name after the dot decides."""
    kind, _, name = fs_type.partition(".")
    if kind in ("fuse", "fuseblk"):
        return _FUSE.get(name, "fuse")
    return _FAMILY.get(fs_type, "unknown")


def _mount(path: str, role: str, entries: tuple[Entry, ...]) -> Mount:
    best = Entry("", "")
    for entry in entries:
        if _holds(entry.mount_point, path) and len(entry.mount_point) >= len(best.mount_point):
            best = entry
    return Mount(path, role, best.mount_point, best.fs_type, family(best.fs_type))


def _holds(mount_point: str, path: str) -> bool:
    return path == mount_point or path.startswith(mount_point.rstrip("/") + "/")


PROBE = Probe("filesystem", FileSystems, collect, frozenset({Phase.SUBMIT, Phase.START}), source=MOUNTINFO, records=(MOUNTINFO,))
