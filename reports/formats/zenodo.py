"""What does Zenodo take along with an upload? The content of a `.zenodo.json` (developers.zenodo.org, deposit metadata); notes say what is left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from auditor.model import AuditError, Evidence, Job
from auditor.scorecard import Format, Owner, Scorecard
from reports.drafts.facts import facts
from reports.drafts.naming import spdx
from reports.formats.clean import line
from reports.formats.datacite import FILL, missing, related


def draft(job: Job, evidence: Sequence[Evidence], owner: Owner) -> bytes:
    """`description` and `notes` are HTML there: escaped."""
    of = facts(job, evidence, owner)
    creator: dict[str, str] = {"name": line(owner.author, 300) or "TO FILL: Family, Given"}
    creator |= {key: line(value, 300) for key, value in (("affiliation", owner.affiliation), ("orcid", owner.orcid)) if value}
    told: dict[str, Any] = {
        "title": line(of.title, 300),
        "upload_type": "dataset",
        "description": f"<p>{escape(of.summary)}</p>",
        "creators": [creator],
        "access_right": "open",
        "keywords": ["reproducibility", "high performance computing", "provenance"],
        "notes": escape(FILL.format(what="; ".join(missing(of)))),
    }
    told |= {"license": name} if (name := spdx(owner.license)) else {}
    links = [
        {"identifier": one["relatedIdentifier"], "relation": f"{one['relationType'][0].lower()}{one['relationType'][1:]}"}
        for one in related(of)
    ]
    told |= {"related_identifiers": links} if links else {}
    return (json.dumps(told, indent=2, sort_keys=True) + "\n").encode("ascii")


def render(card: Scorecard) -> bytes:
    raise AuditError(
        "a scorecard does not say whose deposit it is",
        f"auditor report {card.run.job_id or 'RUN'} --format zenodo, on a run or a capture",
    )


FORMAT = Format("zenodo", ".zenodo.json", render, "application/json", of_deposit=draft)
