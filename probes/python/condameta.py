"""What did conda install into this prefix, Python or not? conda-meta/*.json: written by conda, mamba, micromamba and pixi."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterator

from auditor.world import World
from probes.python.distributions import MAX_DISTRIBUTIONS, RECORD_BYTES, Distribution, read
from probes.python.record import Row


def conda(world: World, prefix: str) -> Iterator[Distribution]:
    """One a file; reference: the package's URL and `#sha256=` or `#md5=` of its archive. A file that does not read is left out."""
    for path in world.glob(f"{glob.escape(prefix)}/conda-meta/*.json")[:MAX_DISTRIBUTIONS]:
        try:
            told = json.loads(read(world, path, RECORD_BYTES))
            rows = tuple(_rows(told.get("paths_data", {}).get("paths", [])))
            digest = f"sha256={told['sha256']}" if told.get("sha256") else f"md5={told.get('md5', '')}"
            url = re.sub(r"://[^/@]*@", "://", str(told.get("url", "")))
            url = re.sub(r"/t/[^/]+/", "/", url)  # anaconda.org puts tokens into the path
            yield Distribution(
                str(told["name"]), str(told["version"]), prefix, "conda", f"{url}#{digest}", "conda", rows, 0,
                requested=bool(told["requested_spec"]) if isinstance(told.get("requested_spec"), str) else None,
            )  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue


def _rows(paths: list[dict[str, object]]) -> Iterator[Row]:
    for entry in paths:
        path, digest, size = str(entry["_path"]), entry.get("sha256", ""), entry.get("size_in_bytes")
        if not path.endswith(".pyc") and isinstance(digest, str):
            yield path, digest, size if isinstance(size, int) else None
