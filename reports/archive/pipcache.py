"""Which wheels does this machine still have in installers' caches? Found by content: a cache does not name what it holds.

pip keeps responses as `http-v2/a/b/c/d/e/SHA224-OF-URL.body` (since 23.3) and what it built as `wheels/**/*.whl`; Poetry keeps
`pypoetry/artifacts/**/*.whl`. A wheel of PyPI lies at an address made of its own blake2b digest, so that a cached
body proves its address: the sha224 of that address is the body's name.
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterator, Mapping

from auditor.world import World

MAX_FILES = 50_000
_PYPI = "https://files.pythonhosted.org/packages"


def candidates(world: World, env: Mapping[str, str]) -> Iterator[str]:
    """Paths of files that could be wheels, pip's own wheels first."""
    base = env.get("XDG_CACHE_HOME") or (f"{env['HOME']}/.cache" if env.get("HOME") else "")
    pip = env.get("PIP_CACHE_DIR") or (f"{base}/pip" if base else "")
    patterns = [f"{glob.escape(pip)}/wheels/*/*/*/*/*.whl", f"{glob.escape(pip)}/http-v2/*/*/*/*/*/*.body"] if pip else []
    patterns += [f"{glob.escape(base)}/pypoetry/artifacts/*/*/*/*/*.whl"] if base else []
    for pattern in patterns:
        yield from (p for p in world.glob(pattern)[:MAX_FILES] if _zip(world, p))


def _zip(world: World, path: str) -> bool:
    try:
        return world.span(path, 0, 4) == b"PK\x03\x04"
    except OSError:
        return False


def address(world: World, path: str, file: str) -> str:
    """Where PyPI has the wheel of this cached body; empty when its name is not that address's digest."""
    if not path.endswith(".body"):
        return ""
    digest = hashlib.blake2b(digest_size=32)
    for piece in world.chunks(path):
        digest.update(piece)
    whole = digest.hexdigest()
    url = f"{_PYPI}/{whole[:2]}/{whole[2:4]}/{whole[4:]}/{file}"
    return url if os.path.basename(path) == f"{hashlib.sha224(url.encode()).hexdigest()}.body" else ""
