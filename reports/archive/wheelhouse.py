"""Which wheels of the run's packages can travel with the bundle, so that its environment is rebuilt with no network?"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass

from auditor.model import AuditError
from auditor.world import World
from probes.packages import PythonPackages
from reports.archive.bag import Item
from reports.archive.lock import Wheel, normal

_WHEEL = re.compile(r"[A-Za-z0-9._]+-[A-Za-z0-9.!+_]+(?:-\d[\w.]*)?-[\w.]+-[\w.]+-[\w.]+\.whl")
"""Binary distribution format: NAME-VERSION(-BUILD)-PYTHON-ABI-PLATFORM.whl."""


@dataclass(frozen=True)
class House:
    """Wheels as files of the crate, and as lines of a lock."""

    items: tuple[Item, ...]
    wheels: tuple[Wheel, ...]


def collect(folder: str, packages: PythonPackages | None, world: World) -> House:
    """The wheels in `folder` that are exactly an installed name and version; none when no folder is given."""
    if not folder:
        return House((), ())
    installed = {(normal(p.name), p.version) for p in (packages.packages if packages else ())}
    found = [p for p in world.glob(os.path.join(folder, "*.whl")) if _WHEEL.fullmatch(os.path.basename(p))]
    wheels = {path: wheel for path in found if (wheel := _look(path, world)).project in installed}
    if not wheels:
        raise AuditError(
            f"{folder} holds no wheel of a package this run had", "fill it: pip download --no-deps -r requirements.txt -d FOLDER"
        )
    items = (Item(f"environment/wheels/{w.file}", source=p, sha256=w.sha256, size=w.size) for p, w in wheels.items())
    return House(tuple(items), tuple(wheels.values()))


def _look(path: str, world: World) -> Wheel:
    digest = hashlib.sha256()
    for piece in world.chunks(path):
        digest.update(piece)
    return Wheel(os.path.basename(path), digest.hexdigest(), world.stat(path).size)
