"""What lies in a tracker's folder, by name? Sorted and bounded; links and what cannot be listed are passed over."""

from __future__ import annotations

import os
from collections.abc import Iterator

MAX_ENTRIES = 100_000


def folders(folder: str) -> list[str]:
    """Names of the real folders in it."""
    return [name for name, is_folder in _listed(folder) if is_folder]


def files(folder: str) -> list[str]:
    """Names of the plain files in it."""
    return [name for name, is_folder in _listed(folder) if not is_folder]


def below(folder: str, most: int, depth: int = 4) -> Iterator[str]:
    """Plain files in it and in its folders, relative: those of the folder itself first, `most` in all."""
    waiting = [("", depth)]
    while waiting and most > 0:
        inner, left = waiting.pop()
        for name, is_folder in _listed(os.path.join(folder, inner)):
            path = os.path.join(inner, name)
            if is_folder and left > 1:
                waiting.append((path, left - 1))
            elif not is_folder and most > 0:
                most -= 1
                yield path


def _listed(folder: str) -> list[tuple[str, bool]]:
    found: list[tuple[str, bool]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder or entry.is_file(follow_symlinks=False):
                    found.append((entry.name, is_folder))
                if len(found) >= MAX_ENTRIES:
                    break
    except (OSError, ValueError):
        return sorted(found)
    return sorted(found)
