"""By which variable does a script name an image, and what would it name with other variables? Only plain `$NAME` and `${NAME}`."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLAIN = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
# what a replay sets itself, or must not be told by a bundle
_OURS = re.compile(r"\d+|HOME|PATH|PWD|OLDPWD|USER|LOGNAME|TMPDIR|SHELL|IFS|ENV|SLURM_\w+|LD_\w+|BASH\w*")


def expanded(typed: str, environment: Mapping[str, str]) -> str:
    """The name as it comes out with these variables; empty when it holds more than plain variables, or one that is not set."""
    if any(mark in _PLAIN.sub("", typed) for mark in "$`\\"):
        return ""
    names = [a or b for a, b in _PLAIN.findall(typed)]
    if any(name not in environment for name in names):
        return ""
    return _PLAIN.sub(lambda m: environment[m[1] or m[2]], typed)


def variable(typed: str, resolved: str) -> dict[str, str]:
    """`{"SIF": "/shared/x.sif"}` of `$SIF`: the one variable of a name and its value in the run; empty: it has none, or several.

    A script that sets it itself does so again; one that got it from its user's shell finds it in the replay.
    """
    found = list(_PLAIN.finditer(typed))
    if len(found) != 1 or not resolved or _OURS.fullmatch(name := found[0][1] or found[0][2]):
        return {}
    before, after = typed[: found[0].start()], typed[found[0].end() :]
    fits = resolved.startswith(before) and resolved.endswith(after) and "$" not in before + after
    value = resolved[len(before) : len(resolved) - len(after)]
    return {name: value} if fits and value and "\n" not in value else {}
