"""Which nodes does a Slurm host list name? `n[01-03,7],login` (slurm.schedmd.com/slurm.conf.html, NodeName)."""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST = 4096
_GROUP = re.compile(
    r"(?P<head>[A-Za-z][\w.-]{0,60})\[(?P<ranges>\d{1,8}(?:-\d{1,8})?(?:,\d{1,8}(?:-\d{1,8})?){0,500})\](?P<tail>[\w.-]{0,60})"
)
LIST = _GROUP


def expand(match: re.Match[str]) -> Iterator[str]:
    """The names of one bracketed group; at most MOST."""
    left = MOST
    for part in match["ranges"].split(","):
        first, _, last = part.partition("-")
        for number in range(int(first), int(last or first) + 1):
            if (left := left - 1) < 0:
                return
            yield f"{match['head']}{number:0{len(first)}d}{match['tail']}"


def names(text: str) -> list[str]:
    """All of a list, in its order."""
    found = [name for match in _GROUP.finditer(text) for name in expand(match)]
    rest = _GROUP.sub("", text)
    return [*found, *(w for w in re.split(r"[,\s]+", rest) if re.fullmatch(r"[A-Za-z][\w.-]{0,252}", w))]
