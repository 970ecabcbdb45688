"""Which programs that a batch script calls by name are not found on this machine?"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable

from auditor.replay import environment
from probes.script.command import scope
from probes.script.walk import walk

MOST = 10
TOOLS = frozenset(
    "uv uvx conda mamba micromamba poetry pipenv pixi hatch rye julia Rscript java nextflow snakemake make cmake".split()
)
"""What no list of Python packages brings, or what makes an environment in the first place."""
_NAME = re.compile(r"[A-Za-z][\w.+-]*")
_SHELL = frozenset(
    """alias bg bind break builtin caller cd command compgen complete compopt continue declare dirs disown echo enable eval exec exit
    export false fc fg getopts hash help history if then else elif fi for while until do done case esac select function in time coproc
    jobs kill let local logout mapfile ml module popd printf pushd pwd read readarray readonly return set shift shopt source suspend test
    times trap true type typeset ulimit umask unalias unset wait""".split()
)
"""bash(1): what the shell brings itself; `module` and `ml` are functions of the machine's own."""


def missing(script: str, kind: str, which: Callable[[str], str | None] = shutil.which) -> tuple[str, ...]:
    """Names in the order of the script. Of a rebuilt environment only tools that no package brings: it has programs of its own."""
    if kind == environment.IMAGE:
        return ()
    state = scope({}, "", "", lambda _: None)
    called = dict.fromkeys(c.words[0].text for c in walk(script, state) if c.words)
    asked = (n for n in called if _NAME.fullmatch(n) and n not in _SHELL and n not in state.functions)
    if kind == environment.LOCK:
        asked = (n for n in asked if n in TOOLS)
    return tuple(n for n in asked if not which(n))[:MOST]
