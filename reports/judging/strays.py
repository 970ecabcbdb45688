"""What of a Python environment would no list of packages bring back, and which hashes are only meant? Pure."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable

from probes.environment import Environment
from probes.packages import PythonPackages

NOBODYS = " (of no package)"
"""How the probe marks a file that runs at every start and that nobody installed."""
INSTALLERS = ("direct_url.json", "provenance_url.json", "uv cache")
"""Where an installer itself notes which archive it took; other sources say which one is meant."""


def startup(seen: PythonPackages) -> tuple[str, ...]:
    """Files with code that runs whenever Python starts, which no package brought."""
    return tuple(file.removesuffix(NOBODYS) for file in seen.startup if file.endswith(NOBODYS))


def unowned(seen: PythonPackages) -> tuple[str, ...]:
    """Conda installs modules without Python's own records: there nothing can be told."""
    return () if seen.maker == "conda" else seen.unowned


_SETS = re.compile(r"""\bPYTHONPATH=(?!(?:""|'')?(?:[\s;&|]|$))""")


def unrecorded(seen: PythonPackages) -> str:
    """Why it cannot be told whose a module is; empty where it can."""
    if seen.maker == "conda" and seen.unowned:
        return f"conda keeps its own records, and {seen.unowned[0]} may be of one of its packages"
    if any(p.location.rstrip("/").endswith("/dist-packages") for p in seen.packages):
        return "a Linux distribution keeps its own records of what it put into dist-packages"
    return ""


def reaching(seen: PythonPackages, ended: Environment | None) -> tuple[str, ...]:
    """What can be imported from outside: as found at submission, and what a script or module had set by the end of the job."""
    values = ended.values if ended else {}
    inside = f"{seen.prefix.rstrip('/')}/"
    later = [
        f"PYTHONPATH {p}" for p in values.get("PYTHONPATH", "").split(":") if p.startswith("/") and not f"{p}/".startswith(inside)
    ]
    home = [f"PYTHONHOME {values['PYTHONHOME']}"] if values.get("PYTHONHOME") else []
    return tuple(dict.fromkeys((*seen.leaks, *home, *later)))


def of_the_project(found: Iterable[str], roots: Iterable[str]) -> tuple[str, ...]:
    """Of what `reaching` found: folders that PYTHONPATH or an editable install names below the run's own; packages are nobody's own code."""
    inside = tuple(f"{r.rstrip('/')}/" for r in roots if r.strip("/"))
    return tuple(
        f
        for f in found
        if (way := f.partition(" "))[0].endswith(("PYTHONPATH", ".pth"))
        and f"{os.path.normpath(way[2])}/".startswith(inside)
        and not {"site-packages", "dist-packages"} & set(way[2].split("/"))
    )


def put_by_hand(found: Iterable[str]) -> tuple[str, ...]:
    """The folders that PYTHONPATH names."""
    return tuple(f.removeprefix("PYTHONPATH ") for f in found if f.startswith("PYTHONPATH "))


def sets_paths(script: str) -> int:
    """Line of a shell script that gives PYTHONPATH a value, from 1; 0: none does."""
    lines = enumerate(script.splitlines(), 1)
    return next((n for n, line in lines if not line.lstrip().startswith("#") and _SETS.search(line)), 0)


def strays(seen: PythonPackages) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*startup(seen), *unowned(seen))))


def declared(seen: PythonPackages) -> dict[str, str]:
    """Package -> the lock file that names its archive, where nothing shows that this one was installed."""
    return {
        p.name: p.wheel_source
        for p in seen.packages
        if p.wheel_sha256 and not p.wheel_proved and p.wheel_source and p.wheel_source not in INSTALLERS
    }
