"""Which way does the command go? `auditor sbatch` and `--version` need next to nothing; all else loads the verbs.

Lean: `os` and `sys` until the way is known.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """The console script. Also entered under the name `sbatch`, by a link on PATH."""
    if os.path.basename(sys.argv[0]) == "sbatch":
        return _sbatch(sys.argv[1:])
    if sys.argv[1:2] == ["sbatch"]:
        return _sbatch(sys.argv[2:])
    if sys.argv[1:] == ["--version"]:
        from auditor import __version__

        print(f"auditor {__version__}")  # noqa: T201
        return 0
    from auditor.foreign import foreign

    if problem := foreign():
        sys.stderr.write(problem)
        return 1
    from auditor.cli import main as verbs

    verbs()
    return 0


def _sbatch(argv: list[str]) -> int:
    from auditor.submit.wrapper import main as wrap

    return wrap(argv)
