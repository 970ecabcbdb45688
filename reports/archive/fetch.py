"""Can the index give the run's wheels again? Asked by pip, with the user's own settings, only when the user says so."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence

from auditor.model import AuditError
from auditor.world import World
from probes.packages import Package, PythonPackages
from probes.python.address import public

SECONDS = 900.0
ONE_BY_ONE = 100


def shelf(world: World) -> str:
    """Our own folder of fetched wheels, so that a second bundle asks for nothing: $XDG_CACHE_HOME/auditor/wheels."""
    base = world.env.get("XDG_CACHE_HOME") or (f"{world.env['HOME']}/.cache" if world.env.get("HOME") else "")
    if not base:
        raise AuditError("there is no folder to fetch wheels into", "set HOME or XDG_CACHE_HOME")
    return os.path.join(base, "auditor", "wheels")


def fetch(world: World, folder: str, packages: PythonPackages, wanted: Sequence[Package]) -> tuple[dict[str, str], str]:
    """Download exactly these versions into `folder`; (address by sha256, pip's last words when it failed).

    All at once; where one is not to be had, one by one, so that it does not cost the others.
    """
    minor = ".".join(packages.version.split(".")[:2])
    pins = [f"{p.name}=={p.version}" for p in wanted]
    common = ["--no-deps", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:", "--python-version", minor]
    trouble = _pip(world, "download", "--quiet", *common, "--dest", folder, *pins)
    if trouble:
        for pin in pins[:ONE_BY_ONE]:
            _pip(world, "download", "--quiet", *common, "--dest", folder, pin)
    addresses = {} if trouble else _addresses(world, [*common, "--target", os.path.join(folder, "none"), *pins])
    return addresses, trouble


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


def _addresses(world: World, words: Sequence[str]) -> dict[str, str]:
    """pip's installation report names the address and hash of what it would install (pip 22.2); nothing is installed."""
    try:
        done = world.run(
            sys.executable,
            "-m",
            "pip",
            "install",
            "--dry-run",
            "--ignore-installed",
            "--quiet",
            "--report",
            "-",
            *words,
            timeout=SECONDS,
        )
        told = json.loads(done.out)
        infos = [i["download_info"] for i in told["install"]]
        return {i["archive_info"]["hashes"]["sha256"]: public(i["url"]) for i in infos}
    except (ValueError, KeyError, TypeError, TimeoutError, OSError):
        return {}
