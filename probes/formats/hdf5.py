"""How are the data sets of an HDF5 file chunked and packed? Asked of h5py, in a process of its own.

The library is C and the file may be a stranger's: a crash, a hang or a flood of memory costs one file, not the audit. Links to other
files are named and not followed. Without h5py only the signature is read. Sources: HDF5 file format specification 3.0, "Superblock"; h5py.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from auditor.world import World
from probes.formats import MAX_PARTS, FormatFile, Part, Reader, Unreadable

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# the superblock starts at 0, or at 512 and its doubles after a user block
OFFSETS = (0, 512, 1024, 2048, 4096)
SECONDS = 20.0
MEMORY = 2 << 30


def read(world: World, path: str) -> FormatFile:
    size = world.stat(path).size
    version = next(
        (str(head[8]) for at in OFFSETS if (head := world.span(path, at, 9)).startswith(SIGNATURE) and len(head) == 9), ""
    )
    if not version:
        raise Unreadable("no HDF5 signature")
    known = FormatFile(path, "hdf5", f"superblock {version}", size)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hdf5_child.py")
    try:
        # ::  no filter plug-in is loaded; a file that somebody still writes is not locked
        ran = world.run(
            sys.executable,
            "-I",
            script,
            path,
            str(MAX_PARTS),
            str(MEMORY),
            timeout=SECONDS,
            limit=8 << 20,
            env={"HDF5_PLUGIN_PRELOAD": "::", "HDF5_USE_FILE_LOCKING": "FALSE"},
        )
    except (TimeoutError, OSError) as error:
        return _partly(known, str(error))
    if ran.code == 3:
        return _partly(known, "h5py is not installed: pip install 'run-auditor[hdf5]' to see how it is chunked")
    if ran.code:
        said = (ran.err.strip().splitlines() or [f"ended with {ran.code}"])[-1][:200]
        if said.startswith("OSError"):  # the library's own word for a file that is cut or damaged
            raise Unreadable(f"h5py could not read it: {said}")
        return _partly(known, f"h5py could not read it: {said}")
    return parse(json.loads(ran.out), known)


def parse(told: dict[str, Any], known: FormatFile) -> FormatFile:
    """What the child printed."""
    parts = tuple(
        Part(
            d["name"],
            tuple(d["shape"]),
            d["dtype"],
            tuple(d["chunk"]),
            d["chunks"],
            d["stored"],
            d["logical"],
            tuple(d["filters"]),
        )
        for d in told["parts"]
    )
    return FormatFile(
        known.path,
        "netcdf4" if told["netcdf"] else "hdf5",
        known.version,
        known.size,
        parts=parts,
        parts_total=told["total"],
        links=tuple(told["links"]),
        closed=True,
        reason=told["reason"],
    )


def _partly(known: FormatFile, reason: str) -> FormatFile:
    return FormatFile(known.path, known.format, known.version, known.size, reason=reason)


READER = Reader(
    "hdf5",
    (".h5", ".hdf5", ".he5", ".hdf", ".nc", ".nc4", ".nxs", ".h5ad", ".cxi"),
    read,
    magic=tuple((at, SIGNATURE) for at in OFFSETS),
)
