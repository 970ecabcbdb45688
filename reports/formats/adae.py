"""What of SC's artifact appendices can be written from evidence? A LaTeX draft of Artifact Description and Evaluation for one run.

Sections in the order of SC24's template (sc24.supercomputing.org, AD/AE Appendices); other years move them, the questions stay. Needs the
package longtable and no class file. What was not recorded, and what only authors know, is marked to be filled in by a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from auditor.model import AuditError, Evidence, Job
from auditor.scorecard import Format, Owner, Scorecard
from reports.archive.recipe import ATOL, RTOL
from reports.drafts import facts as told
from reports.drafts.facts import Facts, Row, facts
from reports.formats import words
from reports.formats.latex import longtable
from reports.formats.texcode import PREAMBLE, code, comment, fill, tex

MOST = 100
"""Rows of a table; the bundle's manifests list all."""


def draft(job: Job, evidence: Sequence[Evidence], owner: Owner) -> bytes:
    of = facts(job, evidence, owner)
    return ("\n".join((*_head(of), *_overview(of), *_identification(of), *_evaluation(of))) + "\n").encode("ascii")


def rows(listed: Iterable[Row]) -> str:
    """A description list; a value that is not known is for a person."""
    items = (rf"\item[{tex(name)}] {tex(value) if value else fill('not recorded')}" for name, value in listed)
    return "\n".join((r"\begin{description}", *items, r"\end{description}"))


def _head(of: Facts) -> Iterator[str]:
    yield f"% Draft of SC's AD/AE appendices for run {comment(of.card.run.id)}, made by run-auditor. Needs \\usepackage{{longtable}}."
    yield "% \\auditfill marks what a person fills in. What stands here is of one run; repeat it for each artifact."
    yield PREAMBLE


def _overview(of: Facts) -> Iterator[str]:
    yield r"\section*{Appendix: Artifact Description}"
    yield r"\subsection*{Paper's main contributions}"
    yield fill("the contributions for which there are artifacts, as C1, C2, ...")
    yield r"\subsection*{Computational artifacts}"
    yield rf"$A_1$: the bundle of {tex(of.name)}, run {code(of.card.run.id)}; DOI: {fill('DOI of the deposit')}"
    yield ""
    elements = ", ".join(claim.name for claim in of.claims if claim.standing.holds)
    shown = tex(elements) if elements else fill("figures and tables; claims.toml ties them to outputs")
    cells = [("$A_1$", fill("contributions"), shown)]
    yield longtable("0.15 0.35 0.4", ("Artifact", "Contributions supported", "Related paper elements"), cells, "Artifacts")


def _identification(of: Facts) -> Iterator[str]:
    yield r"\subsection*{$A_1$: relation to contributions}"
    yield fill("how the artifact supports the contributions")
    yield r"\subsection*{$A_1$: expected results}"
    yield from _results(of)
    yield fill("how these results substantiate the contributions")
    yield r"\subsection*{$A_1$: expected reproduction time}"
    took = dict(told.usage(of))["wall-clock time"]
    yield rows((("setup", ""), ("execution, as the original run took", took), ("analysis", "")))
    yield r"\subsection*{$A_1$: setup}"
    yield r"\paragraph{Hardware}"
    yield rows((*told.hardware(of), *told.usage(of)))
    yield r"\paragraph{Software}"
    yield rows((*told.software(of), *told.code(of)))
    yield r"\paragraph{Datasets and inputs}"
    yield from _inputs(of)
    yield r"\paragraph{Installation and deployment}"
    yield from _installing()
    yield r"\subsection*{$A_1$: execution}"
    yield rows((("command", of.card.run.command), ("batch script", dict(told.code(of))["batch script"])))
    yield fill("the tasks and how they depend on each other; why parameters have their values; the number of repetitions")


def _results(of: Facts) -> Iterator[str]:
    listed = told.outputs(of)
    cells = [(code(f.path), tex(words.size(f.size)), code(f.sha256[:16]), tex(claims) or "") for f, claims in listed[:MOST]]
    if not cells:
        yield fill("the results; no output was recorded")
        return
    heads = ("Output", "Size", "sha256, first 16", "Claims that rest on it")
    yield longtable("0.36 0.12 0.2 0.22", heads, cells, "Outputs of the run")
    if len(listed) > MOST:
        yield tex(f"{len(listed) - MOST:,} more outputs are in the bundle's manifests.")


def _inputs(of: Facts) -> Iterator[str]:
    listed = told.inputs(of)
    if not listed:
        yield fill("the inputs and where they can be had; none was recorded")
        return
    cells = [(code(name), tex(size), code(mark)) for name, size, mark in listed[:MOST]]
    yield longtable("0.35 0.15 0.4", ("Input", "Size", "Identified by"), cells, "Inputs of the run")
    if len(listed) > MOST:
        yield tex(f"{len(listed) - MOST:,} more inputs are in the bundle's manifests.")
    yield fill("where those inputs can be had that the bundle does not carry")


def _installing() -> Iterator[str]:
    yield r"\begin{enumerate}"
    yield rf"\item {code('pip install run-auditor')}"
    yield rf"\item {code('auditor verify BUNDLE.crate.zip')}: is the bundle whole, and does its score follow from its evidence?"
    yield rf"\item {code('auditor replay BUNDLE.crate.zip --dry-run')}: what can be rebuilt and run here, and what cannot."
    yield r"\end{enumerate}"


def _evaluation(of: Facts) -> Iterator[str]:
    yield r"\clearpage"
    yield r"\section*{Appendix: Artifact Evaluation}"
    yield r"\subsection*{$A_1$: setup}"
    yield from _installing()
    yield r"\subsection*{$A_1$: execution}"
    yield rf"{code('auditor replay BUNDLE.crate.zip --yes')} runs it here; {code('--on slurm')} as a batch job."
    yield r"\subsection*{$A_1$: analysis}"
    yield tex(
        f"The replay compares each output by its kind: bytes first, then numbers within a relative tolerance of {RTOL:g} and an "
        f"absolute one of {ATOL:g}, unless the bundle says otherwise. Its verdict is identical, equivalent, different or not run."
    )
    yield from _replays(of)
    yield fill("which figure or table of the paper each output makes, and what a reader should see")


def _replays(of: Facts) -> Iterator[str]:
    if not of.verdicts:
        yield tex("No replay of this run is recorded.")
    for verdict in of.verdicts[:3]:
        where = "the same machine" if verdict.same_machine else "another machine"
        same = words.SAMENESS.get(verdict.sameness, verdict.sameness)
        told = f"Replay of {words.when(verdict.ended_at)} on {where}: {same}, {words.count(len(verdict.outputs), 'output')} compared."
        yield tex(told)
    for claim in of.claims:
        yield ""
        yield rf"\noindent {tex(claim.name, 200)}: {tex(claim.standing)}, {tex(claim.why)}."


def render(card: Scorecard) -> bytes:
    raise AuditError(
        "a scorecard holds only the beginning of the lists of inputs and outputs",
        f"auditor report {card.run.job_id or 'RUN'} --format adae, on a run or a capture",
    )


FORMAT = Format("adae", ".adae.tex", render, "application/x-tex", of_deposit=draft)
