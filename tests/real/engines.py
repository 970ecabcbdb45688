"""Where is a real engine or tracker that a test runs? In an environment of its own, which `ci/engine` makes when it is asked for the first time."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.needs import need

ROOT = Path(__file__).parents[2]


def engine(name: str) -> Path:
    """The `bin` folder of the environment that ci/engines/NAME.txt describes. Where it cannot be made: a failure in CI, else a skip."""
    home = Path(os.environ.get("AUDITOR_ENGINES", ROOT / ".engines"))
    made = subprocess.run(["bash", str(ROOT / "ci/engine"), name], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    need(*([f"{name} ({made.stderr.strip().splitlines()[-1:]})"] if made.returncode else []))
    return home / name / "bin"


def called(name: str) -> dict[str, str]:
    """This process's environment with the engine's programs first on PATH, and no Python of ours in it."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")}
    return {**kept, "PATH": f"{engine(name)}:{kept['PATH']}", "VIRTUAL_ENV": str(engine(name).parent)}
