"""How does a piece of evidence look in a report? Whole where it is small; long lists, maps and texts cut, saying so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auditor.scorecard import Cited
from reports.judging.record import Piece

MAX_ITEMS = 20
MAX_KEYS = 100
MAX_TEXT = 2000
MAX_DEPTH = 8


def cited(piece: Piece) -> Cited:
    e = piece.evidence
    return Cited(
        id=piece.id,
        probe=e.probe,
        kind=e.kind,
        phase=e.phase,
        attempt=e.attempt,
        status=e.status,
        grade=e.grade,
        source=e.source,
        reason=e.reason,
        taken_at=e.taken_at,
        host=e.host,
        excerpt=None if e.data is None else cut(e.data),
    )


def cut(value: Any, depth: int = MAX_DEPTH) -> Any:
    """JSON-like data of bounded size: lists of 20 (then `… N more`), maps of 100 keys, texts of 2,000 characters, 8 deep."""
    if isinstance(value, str):
        more = len(value) - MAX_TEXT
        return value if more <= 0 else f"{value[:MAX_TEXT]} … {more} characters more"
    if isinstance(value, (Mapping, list, tuple)) and depth == 0:
        return "…"
    if isinstance(value, Mapping):
        keys = sorted(value)
        short = {key: cut(value[key], depth - 1) for key in keys[:MAX_KEYS]}
        return {**short, "…": f"{len(keys) - MAX_KEYS} more"} if len(keys) > MAX_KEYS else short
    if isinstance(value, (list, tuple)):
        listed = [cut(item, depth - 1) for item in value[:MAX_ITEMS]]
        return [*listed, f"… {len(value) - MAX_ITEMS} more"] if len(value) > MAX_ITEMS else listed
    return value
