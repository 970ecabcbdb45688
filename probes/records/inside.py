"""Which file below a folder may be read? A plain one, reached without a link: a stranger's tree may point anywhere."""

from __future__ import annotations

import os

from auditor.world import World


class Outside(OSError):
    """The path leaves the folder, by `..` or by a link, or is no plain file: one line why."""


def inside(world: World, folder: str, path: str) -> str:
    """The absolute path of a plain file. path: relative to folder. Raises Outside, FileNotFoundError, PermissionError."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise Outside(f"{path!r} leads out of the folder")
    at = folder
    for number, part in enumerate(parts, 1):
        at = os.path.join(at, part)
        seen = world.stat(at, follow=False)
        if seen.is_link:
            raise Outside(f"{path!r} is or crosses a link")
        if number == len(parts) and not seen.is_file:
            raise Outside(f"{path!r} is no plain file")
    return at


def there(world: World, folder: str, path: str) -> str:
    """As inside; empty where there is nothing to read."""
    try:
        return inside(world, folder, path)
    except (OSError, ValueError):
        return ""
