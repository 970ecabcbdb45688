"""On which file system does a path lie, and how long after a change do its time stamps tell that there was one?

Sources: proc(5) mountinfo; git's racy-git note; mmap(2) on when a store through a mapping moves the times; sysctl vm.dirty_expire_centisecs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from auditor.world import Stat, World

# their ctime moves with every change and users cannot set it. tmpfs is not here: it never writes back, so a store through a mapping
# moves no time; nor are vfat, exfat and most of FUSE, whose ctime is the time of creation or a copy of the mtime
LOCAL = frozenset("ext2 ext3 ext4 xfs btrfs zfs f2fs bcachefs jfs overlay squashfs erofs iso9660".split())
NETWORK = frozenset("nfs nfs4 lustre gpfs beegfs ceph panfs wekafs orangefs afs".split())
SETTLED = 60.0
SETTLED_NETWORK = 600.0
"""Another machine's clock, its delayed writes and our cached attributes: all of them well below ten minutes where people work."""
NEVER = float("inf")


@dataclass(frozen=True)
class Volume:
    """A mounted file system. `name` is the same on every node for a shared one, else this host's own."""

    name: str
    network: bool
    seconds: float
    """How long a file must have been left alone before its time stamps identify its content."""


def volume(world: World, path: str, stat: Stat) -> Volume:
    """Where this file lies. A file system that we do not know to keep honest times never settles."""
    source, kind = _mount(_table(world), path, stat.dev)
    if kind in NETWORK:
        return Volume(f"{kind}:{source}", True, max(SETTLED_NETWORK, _written_back(world)))
    own = f"{world.host}:{stat.dev}"
    return Volume(own, False, max(SETTLED, _written_back(world)) if kind in LOCAL else NEVER)


def _table(world: World) -> str:
    try:
        return world.text("/proc/self/mountinfo")
    except (OSError, LookupError):
        return ""


@lru_cache(maxsize=64)
def _mount(table: str, path: str, dev: int) -> tuple[str, str]:
    """(source, type). By device number; where that is not in the table (subvolumes of btrfs), by the longest mount point."""
    import os

    wanted = f"{os.major(dev)}:{os.minor(dev)}"
    best, found = "", ("", "")
    for line in table.splitlines():
        left, _, right = line.partition(" - ")
        fields, more = left.split(), right.split()
        if len(fields) < 5 or len(more) < 2:
            continue
        point = fields[4].replace("\\040", " ")
        if fields[2] == wanted:
            return more[1], more[0]
        if len(point) >= len(best) and (path + "/").startswith(point.rstrip("/") + "/"):
            best, found = point, (more[1], more[0])
    return found


def _written_back(world: World) -> float:
    """Seconds after which pages that were changed through a mapping are written, twice over; then the next store moves the times."""
    try:
        parts = [int(world.text(f"/proc/sys/vm/dirty_{name}_centisecs")) for name in ("expire", "writeback")]
    except (OSError, LookupError, ValueError):
        return NEVER
    return 2 * sum(parts) / 100 if all(parts) else NEVER
