"""Run by hdf5.py in a process of its own: how is this HDF5 file chunked? Prints JSON; status 3: no h5py.

hdf5_child.py PATH PARTS MEMORY
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

MAX_OBJECTS = 20_000
MAX_LINKS = 100


def main(path: str, parts: int, memory: int) -> int:
    try:
        import h5py
    except ImportError:
        return 3
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    found: list[dict[str, Any]] = []
    links: list[str] = []
    seen = 0

    def visit(name: str, thing: Any) -> bool | None:
        nonlocal seen
        seen += 1
        if isinstance(thing, h5py.Dataset):
            found.append(describe(name, thing, h5py))
        else:
            links.extend(external(thing, h5py)[: MAX_LINKS - len(links)])
        return True if seen >= MAX_OBJECTS else None

    with h5py.File(path, "r", locking=False) as file:
        links += external(file, h5py)[:MAX_LINKS]
        file.visititems(visit)
        netcdf = "_NCProperties" in file.attrs
    found.sort(key=lambda d: (-d["stored"], d["name"]))
    reason = f"more than {MAX_OBJECTS} objects: the first were read" if seen >= MAX_OBJECTS else ""
    links += [link for d in found for link in d.pop("links")][: MAX_LINKS - len(links)]
    told = {"parts": found[:parts], "total": len(found), "links": links, "netcdf": netcdf, "reason": reason}
    sys.stdout.write(json.dumps(told))
    return 0


def describe(name: str, data: Any, h5py: Any) -> dict[str, Any]:
    chunk = data.chunks or ()
    filters = [f for f in (data.compression, "shuffle" if data.shuffle else "", "fletcher32" if data.fletcher32 else "") if f]
    plist = data.id.get_create_plist()
    known = {
        h5py.h5z.FILTER_DEFLATE,
        h5py.h5z.FILTER_SHUFFLE,
        h5py.h5z.FILTER_FLETCHER32,
        h5py.h5z.FILTER_SZIP,
        h5py.h5z.FILTER_LZF,
    }
    filters += [f"filter-{plist.get_filter(n)[0]}" for n in range(plist.get_nfilters()) if plist.get_filter(n)[0] not in known]
    links = [str(entry[0]) for entry in data.external or ()]
    links += [source.file_name for source in data.virtual_sources()] if data.is_virtual else []
    return {
        "name": name[:300],
        "shape": [int(n) for n in data.shape or ()],
        "dtype": str(data.dtype)[:200],
        "chunk": [int(n) for n in chunk],
        "chunks": data.id.get_num_chunks() if chunk else None,
        "stored": int(data.id.get_storage_size()),
        "logical": int(data.size or 0) * int(data.dtype.itemsize),
        "filters": filters,
        "links": links[:MAX_LINKS],
    }


def external(group: Any, h5py: Any) -> list[str]:
    """Files that links of this group point into; by the link alone, nothing is opened."""
    found = (group.get(name, getlink=True) for name in list(group)[:1000])
    return [f"{link.filename}:{link.path}" for link in found if isinstance(link, h5py.ExternalLink)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
