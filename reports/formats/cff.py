"""How is the bundle cited? A CITATION.cff 1.2.0 for its deposit; what a person must fill is marked TO FILL.

Citation File Format 1.2.0 (doi.org/10.5281/zenodo.5171937), schema-guide. A name is written as given: "Family, Given" names a person, any
other form is kept whole as an entity's, since nobody can tell where a name is to be split.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditor.claimed import ClaimsChecked
from auditor.model import AuditError, Evidence, Job
from auditor.scorecard import Format, Owner, Scorecard
from reports.drafts.facts import Facts, facts
from reports.drafts.naming import doi, quoted, spdx, web

FILL = "# TO FILL by a person:"


def draft(job: Job, evidence: Sequence[Evidence], owner: Owner) -> bytes:
    return ("\n".join(_lines(facts(job, evidence, owner))) + "\n").encode()


def _lines(of: Facts) -> Iterator[str]:
    owner = of.owner
    yield "cff-version: 1.2.0"
    yield "# Draft made by run-auditor from evidence. Rename it to CITATION.cff."
    yield 'message: "If you use this bundle, please cite it."'
    yield "type: dataset"
    yield f"title: {quoted(of.title, 300)}"
    yield "authors:"
    if not owner.author:
        yield f'{FILL} who made the run ("Family, Given"); the settings author, affiliation and orcid are used where they are set'
    yield from _person(owner.author or "Anonymous", owner.orcid, owner.affiliation)
    yield f"abstract: {quoted(of.summary)}"
    yield f"{FILL} doi and date-released, once it is deposited"
    yield "identifiers:"
    yield "  - type: other"
    yield f"    value: {quoted(f'urn:run-auditor:run:{of.card.run.id}')}"
    yield '    description: "The run that the bundle is about"'
    yield from _license(owner.license)
    if of.seen.git and (url := web(of.seen.git.remote)):
        yield f"repository-code: {quoted(url)}"
        yield f"commit: {quoted(of.seen.git.commit)}" if of.seen.git.commit else f"{FILL} commit"
    yield "keywords:"
    yield from (f"  - {word}" for word in ("reproducibility", "high performance computing", "provenance"))
    if of.paper:
        yield from _reference(of.paper)


def _license(url: str) -> Iterator[str]:
    if name := spdx(url):
        yield f"license: {name}"
    elif address := web(url):
        yield f"license-url: {quoted(address)}"
    else:
        yield f"{FILL} license, an SPDX id such as CC-BY-4.0; the setting license is used where it is set"


def _person(name: str, orcid: str, affiliation: str, indent: str = "  ") -> Iterator[str]:
    family, comma, given = name.partition(",")
    if comma and family.strip() and given.strip():
        yield f"{indent}- family-names: {quoted(family.strip())}"
        yield f"{indent}  given-names: {quoted(given.strip())}"
        if affiliation:
            yield f"{indent}  affiliation: {quoted(affiliation)}"
    else:
        yield f"{indent}- name: {quoted(name)}"
    if orcid:
        yield f"{indent}  orcid: {quoted(f'https://orcid.org/{orcid}')}"


def _reference(paper: ClaimsChecked) -> Iterator[str]:
    yield "references:"
    yield "  - type: article"
    if not paper.title:
        yield f"    {FILL} the title of the paper"
    yield f"    title: {quoted(paper.title or 'The paper that rests on this run')}"
    yield "    authors:"
    if not paper.authors:
        yield f"    {FILL} the authors of the paper"
        yield from _person("Anonymous", "", "", "      ")
    for author in paper.authors:
        yield from _person(author.name or "Anonymous", author.orcid, "", "      ")
    if found := doi(paper.reference):
        yield f"    doi: {quoted(found)}"
    elif address := web(paper.reference):
        yield f"    url: {quoted(address)}"


def render(card: Scorecard) -> bytes:
    raise AuditError(
        "a scorecard does not say whose deposit it is",
        f"auditor report {card.run.job_id or 'RUN'} --format cff, on a run or a capture",
    )


FORMAT = Format("cff", ".CITATION.cff", render, "application/yaml", of_deposit=draft)
