"""Is a tar a shard of samples (webdataset), and how large are its members? From the headers; nothing is unpacked.

Source: webdataset's naming rule (members of one sample share the name up to the first dot), POSIX pax/ustar through tarfile.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections import Counter

from auditor.world import World
from probes.formats import FormatFile, Part, Reader, Unreadable

MAX_MEMBERS = 200_000


def read(world: World, path: str) -> FormatFile:
    size = world.stat(path).size
    keys: Counter[str] = Counter()
    stored = members = 0
    try:
        with tarfile.open(path, "r:") as tar:  # uncompressed: seeks from header to header
            while (member := tar.next()) is not None and members < MAX_MEMBERS:
                tar.members = []  # type: ignore[attr-defined]  # tarfile keeps every header it has seen
                if member.isreg():
                    members += 1
                    stored += member.size
                    keys[sample(member.name)] += 1
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise Unreadable(str(error)) from error
    samples = Part("samples", (len(keys),), "files", chunks=members, stored=stored, logical=stored)
    return FormatFile(
        path,
        "webdataset" if grouped(keys) else "tar",
        "",
        size,
        parts=(samples,),
        parts_total=members,
        reason=f"more than {MAX_MEMBERS} members: the first were counted" if members >= MAX_MEMBERS else "",
    )


def sample(name: str) -> str:
    """`a/0001.jpg.txt` belongs to the sample `a/0001`."""
    folder, file = posixpath.split(name)
    return posixpath.join(folder, file.partition(".")[0])


def grouped(keys: Counter[str]) -> bool:
    """Samples of two or more members each, as webdataset writes them."""
    return len(keys) > 1 and min(keys.values()) >= 2


READER = Reader("webdataset", (".tar",), read, magic=((257, b"ustar"),))
