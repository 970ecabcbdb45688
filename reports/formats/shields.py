"""How does shields.io draw the badge? Its endpoint JSON, which a repository serves and shields.io reads (shields.io/badges/endpoint-badge)."""

from __future__ import annotations

import json

from auditor.scorecard import Format, Scorecard
from reports.formats.badge import LABEL, shown
from reports.formats.clean import tidy


def render(card: Scorecard) -> bytes:
    what = shown(tidy(card))
    told = {
        "schemaVersion": 1,
        "label": LABEL,
        "message": what.message,
        "color": what.colour.removeprefix("#"),
        **({"isError": True} if what.broken else {}),
    }
    return (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode()


FORMAT = Format("shields", ".shields.json", render, "application/json")
