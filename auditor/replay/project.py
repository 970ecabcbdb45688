"""What did a bundle's author say about smaller runs and tolerances? The tables of the `.auditor.toml` that it carries; this project's own add to them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import closing

from auditor.config import PROJECT_FILE
from reports.archive import verifier
from reports.archive.recipe import Recipe

TABLES = ("smoke", "tolerances")
LARGEST = 1 << 20


def said(path: str, recipe: Recipe) -> dict[str, dict[str, str]]:
    """Only these two tables, and of them only texts: nothing else of a stranger's settings holds here. What does not read says nothing."""
    carried = next((f.carried for f in recipe.files if f.role == "code" and f.place == PROJECT_FILE and f.size <= LARGEST), "")
    if not carried:
        return {}
    with closing(verifier.open_bundle(path)) as bundle:
        raw = verifier.read(bundle, f"data/{carried}", LARGEST)
    try:
        found = tomllib.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return {name: _texts(found[name]) for name in TABLES if isinstance(found.get(name), dict)}


def _texts(table: Mapping[str, object]) -> dict[str, str]:
    return {key: value for key, value in table.items() if isinstance(value, str)}
