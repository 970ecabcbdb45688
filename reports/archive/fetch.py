"""Can the index give the run's wheels again? Asked by pip, with the user's own settings, only when the user says so."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence

from auditor.model import AuditError
from auditor.world import World
from probes.packages import Package
from probes.python.address import public

SECONDS = 900.0
ONE_BY_ONE = 100
PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,150}==[A-Za-z0-9][A-Za-z0-9.!+_-]{0,100}")


def shelf(world: World) -> str:
    """Our own folder of fetched wheels, so that a second bundle asks for nothing: $XDG_CACHE_HOME/auditor/wheels."""
    base = world.env.get("XDG_CACHE_HOME") or (f"{world.env['HOME']}/.cache" if world.env.get("HOME") else "")
    if not base:
        raise AuditError("there is no folder to fetch wheels into", "set HOME or XDG_CACHE_HOME")
    return os.path.join(base, "auditor", "wheels")


def fetch(world: World, folder: str, version: str, wanted: Sequence[Package]) -> str:
    """Download exactly these versions for this Python into `folder`; pip's last words when not all were to be had.

    All at once; where one is not to be had, one by one, so that it does not cost the others.
    """
    pins = _pins(wanted)
    words = ["download", "--quiet", *_common(version), "--dest", folder]
    trouble = _pip(world, *words, *pins)
    for pin in pins[:ONE_BY_ONE] if trouble and len(pins) > 1 else ():
        _pip(world, *words, pin)
    return trouble


def addresses(world: World, version: str, wanted: Sequence[Package]) -> dict[str, str]:
    """Address by sha256, as far as it is everybody's. Where a mirror on this disk comes first, the main index alone is asked too."""
    found = _reported(world, version, wanted, {})
    if not all(found.values()) or len(found) < len(wanted):
        # pip takes an empty value for none at all, and a blank one for an empty list
        found |= {
            k: v for k, v in _reported(world, version, wanted, {"PIP_EXTRA_INDEX_URL": " ", "PIP_FIND_LINKS": " "}).items() if v
        }
    return found


def _reported(world: World, version: str, wanted: Sequence[Package], env: Mapping[str, str]) -> dict[str, str]:
    """pip's installation report names what it would install (pip 22.2); nothing is installed."""
    words = ["install", "--dry-run", "--ignore-installed", "--quiet", "--retries", "1", "--report", "-", "--target", "none"]
    try:
        argv = (sys.executable, "-m", "pip", *words, *_common(version), *_pins(wanted))
        done = world.run(*argv, timeout=SECONDS, env=env) if wanted else None
        infos = [i["download_info"] for i in json.loads(done.out)["install"]] if done else []
        return {i["archive_info"]["hashes"]["sha256"]: public(i["url"]) for i in infos}
    except (ValueError, KeyError, TypeError, TimeoutError, OSError):
        return {}


def _common(version: str) -> list[str]:
    minor = ".".join(version.split(".")[:2])
    return ["--no-deps", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:", "--python-version", minor]


def _pins(wanted: Sequence[Package]) -> list[str]:
    """Names and versions only: evidence must not become an option."""
    return [pin for p in wanted if PIN.fullmatch(pin := f"{p.name}=={p.version}")]


def _pip(world: World, *words: str) -> str:
    """The reason when it failed. Raises AuditError when there is no pip."""
    try:
        done = world.run(sys.executable, "-m", "pip", *words, timeout=SECONDS)
    except TimeoutError as error:
        return str(error)
    if done.code and "No module named pip" in done.err:
        raise AuditError("there is no pip to fetch wheels with", f"{sys.executable} -m ensurepip")
    return "" if done.code == 0 else plain((done.err or done.out).strip().splitlines() or ["no message"])


def plain(lines: Sequence[str]) -> str:
    """pip's error without addresses: they may be private or hold credentials."""
    errors = [line for line in lines if line.startswith("ERROR")]
    return re.sub(r"\b\w+://\S+", "an index", (errors or lines)[-1])[:300]
