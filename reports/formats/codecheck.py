"""What does a codechecker begin with? A codecheck.yml by CODECHECK's configuration 2.0, its manifest made of the run's outputs.

codecheck.org.uk/spec/config/2.0. FIXME marks what a person must fill: it is the word that CODECHECK's own rule CC-CFG-023 looks for, so
that no draft is taken for a certificate. A replay by a program is evidence for a check and none itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditor.model import AuditError, Evidence, Job
from auditor.scorecard import Format, Owner, Scorecard
from probes.data import DataFile
from reports.drafts.facts import Facts, facts, outputs
from reports.drafts.naming import doi, quoted, web
from reports.formats import words

FIXME = "FIXME"
MOST = 50
"""Outputs of the manifest; those that claims rest on come first."""


def draft(job: Job, evidence: Sequence[Evidence], owner: Owner) -> bytes:
    return ("\n".join(_lines(facts(job, evidence, owner))) + "\n").encode()


def _lines(of: Facts) -> Iterator[str]:
    yield "---"
    yield "# Draft made by run-auditor from evidence. Every FIXME is for a person; keep in the manifest what the paper shows."
    yield "# Name it codecheck.yml and put it at the root of the material, beside a folder codecheck/."
    yield "version: https://codecheck.org.uk/spec/config/2.0/"
    yield "paper:"
    yield from _paper(of)
    yield "manifest:"
    yield from _manifest(of)
    yield "codechecker:"
    yield f"  - name: {FIXME}"
    yield f"    ORCID: {FIXME}"
    yield f"summary: {quoted(_summary(of))}"
    address = web(of.seen.git.remote) if of.seen.git else ""
    yield f"repository: {quoted(address) if address else FIXME}"
    yield f"check_time: {FIXME}"
    yield f"certificate: {FIXME}  # YYYY-NNN, given by the register"
    yield f"report: https://doi.org/10.5281/zenodo.{FIXME}"


def _paper(of: Facts) -> Iterator[str]:
    paper = of.paper
    yield f"  title: {quoted(paper.title) if paper and paper.title else FIXME}"
    yield "  authors:"
    named = [(author.name, author.orcid) for author in paper.authors] if paper else []
    for name, orcid in named or [(of.owner.author, of.owner.orcid)]:
        yield f"    - name: {quoted(name) if name else FIXME}"
        yield f"      ORCID: {orcid or FIXME}"
    reference = paper.reference if paper else ""
    found = f"https://doi.org/{doi(reference)}" if doi(reference) else web(reference)
    yield f"  reference: {quoted(found) if found else f'https://doi.org/{FIXME}'}"


def _manifest(of: Facts) -> Iterator[str]:
    """Paths that lead out of the material cannot stand there (CC-CFG-006)."""
    listed = [(file, claims) for file, claims in outputs(of) if _inside(file.path)]
    for file, claims in listed[:MOST]:
        yield f"  - file: {quoted(file.path, 4000)}"
        yield f"    comment: {quoted(_comment(file, claims))}"
    if not listed:
        yield f"  - file: {FIXME}"
        yield f"    comment: {FIXME}, no output of the run is known"
    left = len(of.seen.outputs) - len(listed[:MOST])
    if left:
        yield f"# {words.count(left, 'output')} more: outside of the work directory, or beyond the first {MOST}; the bundle's manifests list them"


def _inside(path: str) -> bool:
    return path[:1] not in ("/", "~", "") and ".." not in path.split("/") and path[1:2] != ":"


def _comment(file: DataFile, claims: str) -> str:
    return "; ".join(word for word in (claims, words.size(file.size), f"sha256 {file.sha256}") if word)


def _summary(of: Facts) -> str:
    told = f"{FIXME}: what was checked, and what came out. From the evidence: {of.summary}"
    if not of.verdicts:
        return f"{told} No replay is recorded."
    newest = of.verdicts[0]
    same = words.SAMENESS.get(newest.sameness, newest.sameness)
    where = "the same machine" if newest.same_machine else "another machine"
    return f"{told} The newest replay by a program, on {where}: {same}; {words.count(len(newest.outputs), 'output')} compared."


def render(card: Scorecard) -> bytes:
    raise AuditError(
        "a scorecard holds only the beginning of the lists of outputs",
        f"auditor report {card.run.job_id or 'RUN'} --format codecheck, on a run or a capture",
    )


FORMAT = Format("codecheck", ".codecheck.yml", render, "application/yaml", of_deposit=draft)
