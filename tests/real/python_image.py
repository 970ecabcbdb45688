"""Where does an image with a Python come from, with no registry at hand? From this machine's own packaged interpreter."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

PYTHON = Path("/usr/bin/python3.11")
LIBRARY = Path("/usr/lib/python3.11")
LEFT_OUT = {
    "test",
    "idlelib",
    "ensurepip",
    "distutils",
    "lib2to3",
    "tkinter",
    "pydoc_data",
    "__pycache__",
    "unittest",
    "config-3.11-x86_64-linux-gnu",
}


def missing() -> list[str]:
    return [str(p) for p in (PYTHON, LIBRARY / "argparse.py") if not p.exists()]


def files() -> dict[str, bytes]:
    """Path inside the image -> content: interpreter, the libraries it is linked with, and most of the standard library."""
    found = {"bin/python3": PYTHON.read_bytes()}
    linked = subprocess.run(["ldd", str(PYTHON)], capture_output=True, text=True, check=True).stdout
    for path in re.findall(r"(/\S+) \(0x", linked):
        found[path.lstrip("/")] = Path(path).read_bytes()
    for path in sorted(LIBRARY.rglob("*")):
        inside = path.relative_to(LIBRARY)
        if path.is_file() and path.suffix in {".py", ".so"} and not LEFT_OUT & set(inside.parts):
            found[f"usr/lib/python3.11/{inside}"] = path.read_bytes()
    return found
