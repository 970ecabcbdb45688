"""How do tools that call `sbatch` themselves come by? A file of that name, in a folder that stands first in their PATH."""

from __future__ import annotations

import os
import sys

from auditor import spool

TEXT = """\
#!{python} -IS
# the same as `auditor sbatch`; skips itself when it looks for the real one
import sys

sys.path.append({root!r})
from auditor.submit.wrapper import main

sys.exit(main(sys.argv[1:]))
"""
LONG = """\
#!/bin/sh
'''exec' {python} -IS "$0" "$@"
'''
"""
SHEBANG_BYTES = 120


def install_shim(folder: str) -> str:
    """Write `folder/sbatch`; its path. Raises OSError when it cannot be written."""
    import shlex

    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    text = TEXT.format(python=sys.executable, root=root)
    if len(sys.executable) > SHEBANG_BYTES or " " in sys.executable:
        text = LONG.format(python=shlex.quote(sys.executable)) + text.split("\n", 1)[1]
    path = spool.write(folder, "sbatch", text.encode("utf-8", "surrogateescape"))
    os.chmod(path, 0o755)
    return path
