"""How do tests get real Python environments without a network? Wheels made by hand, installed by the real pip.

wheel(folder, "tiny", "1.0", {"tiny.py": "answer = 42"})     a wheel file
venv = environment(folder / "venv")                          an empty virtual environment
install(venv, "--no-index", "--find-links", house, "tiny")   pip does it
packages(venv)                                               what our probe sees
"""

from __future__ import annotations

import base64
import hashlib
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from auditor.world import RealWorld
from probes.packages import PythonPackages, look
from probes.python.interpreter import inspect
from probes.python.record import Check

PLENTY = 1 << 40


def digest(data: bytes) -> str:
    """A hash as RECORD writes it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def wheel(folder: Path, name: str, version: str, files: Mapping[str, str], tag: str = "py3-none-any") -> Path:
    """A real wheel (packaging.python.org, binary distribution format)."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    contents = {
        **{path: text.encode() for path, text in files.items()},
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    rows = [f"{path},{digest(data)},{len(data)}" for path, data in contents.items()]
    contents[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    made = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for path, data in contents.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return made


def environment(prefix: Path) -> Path:
    ran(sys.executable, "-m", "venv", "--without-pip", str(prefix))
    return prefix


def install(prefix: Path, *words: str | Path) -> None:
    """By the pip of our own environment, which can install into another one (pip 22.3)."""
    python = str(prefix / "bin/python")
    ran(
        sys.executable,
        "-m",
        "pip",
        "-q",
        "--isolated",
        "--python",
        python,
        "install",
        "--no-deps",
        "--no-cache-dir",
        *map(str, words),
    )


def ran(*argv: str, **env: str) -> str:
    done = RealWorld().run(*argv, timeout=300, env=env)
    assert done.code == 0, done.err or done.out
    return done.out


def packages(prefix: Path, budget: int = PLENTY, **variables: str) -> PythonPackages:
    """budget: files and bytes that may be hashed."""
    world = RealWorld()
    return look(world, inspect(world, str(prefix / "bin/python"), ""), variables, Check(budget, budget))


def site(prefix: Path) -> Path:
    return next(prefix.glob("lib/python*/site-packages"))
