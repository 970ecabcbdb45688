"""Where do the parts of a Pegasus run lie: its braindump, its root's folder, the database of all of its workflows?"""

from __future__ import annotations

import glob
import os

from auditor.world import World
from probes.records import sqlite, yamlfile
from probes.records.inside import Outside, inside, there
from probes.records.lines import why
from probes.workflows import pegasus_db, pegasus_plan

BRAINDUMP = "braindump.yml"
_ABOVE = 8


def braindump(world: World, folder: str) -> dict[str, str]:
    path = there(world, folder, BRAINDUMP)
    try:
        return pegasus_plan.braindump(yamlfile.read(world, path, texts=True)) if path else {}
    except (yamlfile.NotYaml, OSError):
        return {}


def root_is_above(world: World, folder: str, uuid: str) -> bool:
    for _ in range(_ABOVE):
        folder = os.path.dirname(folder)
        if len(folder) > 1 and braindump(world, folder).get("wf_uuid") == uuid:
            return True
    return False


def rows(world: World, folder: str, gaps: list[str]) -> tuple[list[pegasus_db.DbWorkflow], str]:
    """What the database has of all workflows; empty where there is none, or none that can be read."""
    for path in world.glob(f"{glob.escape(folder)}/*.stampede.db")[:5]:
        name = os.path.basename(path)
        try:
            with sqlite.opened(inside(world, folder, name)) as database:
                rows = pegasus_db.workflows(database)
                for row in rows:
                    pegasus_db.fill(database, row)
                    row.gaps += [f"{name}: {database.stale}"] if database.stale else []
                return rows, name
        except (sqlite.Broken, Outside, FileNotFoundError) as error:
            gaps.append(f"{name}: {why(error)}")
    return [], ""


def inner(root: pegasus_db.DbWorkflow | None, row: pegasus_db.DbWorkflow) -> str:
    """Where a nested workflow lies below the root's folder, wherever that is now."""
    if root is None or not row.submit_dir.startswith(root.submit_dir.rstrip("/") + "/"):
        return ""
    return os.path.normpath(row.submit_dir[len(root.submit_dir.rstrip("/")) + 1 :])
