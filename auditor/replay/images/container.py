"""How does a batch script run again inside of the image it ran in? By Apptainer, which shows it the image and its work directory, nothing else.

`--containall`: no home, no /tmp, no variables, no processes of this machine (Apptainer User Guide, "Bind Paths and Mounts"); the network
stays open, because shutting it takes root.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from auditor.replay.sandbox import Inside

SETTINGS = ("APPTAINER_DROP_CAPS", "APPTAINER_TMPDIR", "XDG_RUNTIME_DIR")
"""What a site sets up Apptainer with."""
# the image has its own
_IMAGE_S = frozenset({"PATH", "HOME", "TMPDIR", "PWD", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV"})


def command(program: str, image: str, argv: Sequence[str], inside: Inside, host: Mapping[str, str]) -> list[str]:
    """The argv that runs `argv` in the image file. program: Apptainer; host: this machine's environment, of which little passes."""
    outer = {"PATH": os.defpath, **{name: host[name] for name in SETTINGS if name in host}}
    # `--env` splits at commas, so values go the other way
    inner = {f"APPTAINERENV_{name}": value for name, value in inside.environment.items() if name not in _IMAGE_S}
    binds = [(*pair, ":ro") for pair in inside.readable] + [(*pair, "") for pair in inside.writable]
    made = [
        "/usr/bin/env",
        "-i",
        *(f"{k}={v}" for k, v in {**outer, **inner}.items()),
        program,
        "--silent",
        "exec",
        "--containall",
    ]
    for source, target, mode in sorted(
        binds, key=lambda b: b[1].count("/")
    ):  # what lies deeper comes later, else it would be hidden
        made += ["--bind", f"{_escaped(source)}:{_escaped(target)}{mode}"]
    return [*made, "--pwd", inside.start, image, *argv]


def _escaped(path: str) -> str:
    """Colons and commas part a bind's fields (apptainer 1.x takes a backslash before them)."""
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")
