"""On what kind of file system do the paths of the job lie?"""

from __future__ import annotations

from dataclasses import dataclass


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
class FileSystems:
    """From /proc/self/mountinfo (proc_pid_mountinfo(5)): the longest mount point that holds the path."""

    mounts: tuple[Mount, ...]
