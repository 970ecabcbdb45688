"""Which metadata does a DOI registration take? DataCite 4.5 as JSON; what is to be announced later says `:tba`, DataCite's own word.

DataCite Metadata Schema 4.5; appendix 3, standard values for unknown information (`:tba`, to be announced; `:unkn`, known to be unknown).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from auditor.model import AuditError, Evidence, Job
from auditor.scorecard import Format, Owner, Scorecard
from reports.drafts.facts import Facts, facts
from reports.drafts.naming import doi, spdx, web
from reports.formats.clean import line

TBA = ":tba"
FILL = "DRAFT. A person fills in: {what}; and takes this note out."
Node = dict[str, Any]


def draft(job: Job, evidence: Sequence[Evidence], owner: Owner) -> bytes:
    of = facts(job, evidence, owner)
    told: Node = {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Run bundle"},
        "creators": [_creator(owner)],
        "titles": [{"title": line(of.title, 300)}],
        "publisher": {"name": TBA},
        "publicationYear": of.day[:4],
        "dates": [{"date": of.day, "dateType": "Collected"}],
        "subjects": [{"subject": word} for word in ("reproducibility", "high performance computing", "provenance")],
        "language": "en",
        "formats": ["application/zip"],
        "alternateIdentifiers": [{"alternateIdentifier": of.card.run.id, "alternateIdentifierType": "run-auditor run id"}],
        "descriptions": [
            {"description": of.summary, "descriptionType": "Abstract"},
            {"description": FILL.format(what="; ".join(missing(of))), "descriptionType": "Other"},
        ],
    }
    told |= {"rightsList": rights} if (rights := _rights(owner.license)) else {}
    told |= {"relatedIdentifiers": found} if (found := list(related(of))) else {}
    return (json.dumps(told, indent=2, sort_keys=True) + "\n").encode("ascii")


def missing(of: Facts) -> Iterator[str]:
    """What evidence and settings do not say, in words."""
    yield "publisher, DOI and year of publication (the year of the run stands there)"
    if not of.owner.author:
        yield "creator"
    if not of.owner.license:
        yield "licence"
    if not of.paper or not of.paper.reference:
        yield "the paper that this supplements"


def related(of: Facts) -> Iterator[Node]:
    """The paper, the data sets it was made of, and the code it was made by, each once."""
    paper = of.paper.reference if of.paper else ""
    rows = [("IsSupplementTo", paper)]
    rows += [("IsDerivedFrom", d.doi or d.url) for d in of.seen.datasets]
    rows += [("IsCompiledBy", of.seen.git.remote if of.seen.git else "")]
    for relation, reference in dict.fromkeys(rows):
        if found := doi(reference):
            yield {"relatedIdentifier": found, "relatedIdentifierType": "DOI", "relationType": relation}
        elif address := web(reference):
            yield {"relatedIdentifier": address, "relatedIdentifierType": "URL", "relationType": relation}


def _creator(owner: Owner) -> Node:
    orcid = {
        "nameIdentifier": f"https://orcid.org/{owner.orcid}",
        "nameIdentifierScheme": "ORCID",
        "schemeUri": "https://orcid.org",
    }
    return {
        "name": line(owner.author, 300) or TBA,
        **({"nameType": "Personal"} if owner.author else {}),
        **({"affiliation": [{"name": line(owner.affiliation, 300)}]} if owner.affiliation else {}),
        **({"nameIdentifiers": [orcid]} if owner.orcid else {}),
    }


def _rights(url: str) -> list[Node]:
    if name := spdx(url):
        scheme = {"rightsIdentifierScheme": "SPDX", "schemeUri": "https://spdx.org/licenses/"}
        return [{"rights": name, "rightsUri": f"https://spdx.org/licenses/{name}.html", "rightsIdentifier": name, **scheme}]
    return [{"rightsUri": address}] if (address := web(url)) else []


def render(card: Scorecard) -> bytes:
    raise AuditError(
        "a scorecard does not say whose deposit it is",
        f"auditor report {card.run.job_id or 'RUN'} --format datacite, on a run or a capture",
    )


FORMAT = Format("datacite", ".datacite.json", render, "application/vnd.datacite.datacite+json", of_deposit=draft)
