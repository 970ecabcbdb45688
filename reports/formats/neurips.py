"""Which justifications of the NeurIPS paper checklist can be written from evidence? A LaTeX draft whose answers are all left to authors.

Titles and order of the 2025 checklist. Its questions ask what the *paper* says, which no evidence can answer, so each answer stays
`\\answerTODO{}`; and its NA means "not applicable or not available", so nothing unknown is ever turned into it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditor.model import AuditError, Evidence, Job
from auditor.scorecard import Format, Owner, Scorecard
from reports.drafts import facts as told
from reports.drafts.facts import Facts, Row, facts
from reports.formats import view, words
from reports.formats.texcode import PREAMBLE, comment, fill, tex

PERSON = "answer and justification: evidence of a run says nothing of this"
MACROS = r"""\providecommand{\answerTODO}[1][]{\textbf{[TODO] #1}}
\providecommand{\justificationTODO}[1]{\textbf{[TODO]} #1}"""


@dataclass(frozen=True)
class Item:
    """A question. rows: what evidence says to it; ask: what is left to say; empty rows: all is left to a person."""

    title: str
    rows: tuple[Row, ...] = ()
    ask: str = PERSON


def draft(job: Job, evidence: Sequence[Evidence], owner: Owner) -> bytes:
    return ("\n".join(_lines(facts(job, evidence, owner))) + "\n").encode("ascii")


def items(of: Facts) -> tuple[Item, ...]:
    """In the checklist's order."""
    return (
        Item("Claims", _claims(of), "do abstract and introduction claim what the paper shows?") if of.claims else Item("Claims"),
        Item("Limitations"),
        Item("Theory assumptions and proofs"),
        Item("Experimental result reproducibility", _repeated(of), "where the paper says how its results are reproduced"),
        Item("Open access to data and code", _access(of), "where code, data and this bundle can be had, with their DOIs"),
        Item("Experimental setting/details", _settings(of), "data splits, hyperparameters and how they were chosen"),
        Item("Experiment statistical significance", (), "error bars: this draft is of one run and knows no spread of results"),
        Item(
            "Experiments compute resources",
            (*told.hardware(of), *told.usage(of)),
            "the total of all runs, failed and preliminary ones too",
        ),
        Item("Code of ethics"),
        Item("Broader impacts"),
        Item("Safeguards"),
        Item(
            "Licenses for existing assets", _licenses(of), "owners, licences and terms of all that was used, code and models too"
        ),
        Item("New assets"),
        Item("Crowdsourcing and research with human subjects"),
        Item("Institutional review board (IRB) approvals or equivalent"),
        Item("Declaration of LLM usage"),
    )


def _lines(of: Facts) -> Iterator[str]:
    yield f"% Draft for the NeurIPS paper checklist from run {comment(of.card.run.id)}, made by run-auditor: copy the justifications"
    yield "% into the checklist of this year's style file and keep its questions word by word."
    yield "% Every answer is a person's. NA there means `not applicable or not available': what was not recorded is no reason for it."
    yield "% It names repositories, images and paths: read it before a double-blind submission."
    yield PREAMBLE
    yield MACROS
    yield r"\section*{NeurIPS paper checklist (draft)}"
    yield r"\begin{enumerate}"
    for item in items(of):
        yield rf"\item \textbf{{{tex(item.title)}}}"
        yield r"\begin{itemize}"
        yield r"\item[] Answer: \answerTODO{}"
        yield rf"\item[] Justification: {_justified(item)}"
        yield r"\end{itemize}"
    yield r"\end{enumerate}"


def _justified(item: Item) -> str:
    said = "; ".join(f"{tex(name)}: {tex(value) if value else fill('not recorded')}" for name, value in item.rows)
    return rf"\justificationTODO{{{said + '. ' if said else ''}{fill(item.ask)}}}"


def _claims(of: Facts) -> tuple[Row, ...]:
    return tuple((claim.name, f"{claim.standing}, {claim.why}") for claim in of.claims)


def _repeated(of: Facts) -> tuple[Row, ...]:
    rung = view.standing(of.card)
    newest = of.verdicts[0] if of.verdicts else None
    where = "on the same machine" if newest and newest.same_machine else "on another machine"
    replay = f"{words.SAMENESS.get(newest.sameness, newest.sameness)}, {where}" if newest else "none is recorded"
    return (
        ("reproducibility ladder", words.rung(rung.name) if rung else "no rung is reached"),
        ("newest replay", replay),
        ("best way to have the environment again", of.card.surroundings.again),
    )


def _access(of: Facts) -> tuple[Row, ...]:
    listed = told.inputs(of)
    named = sum(":" in mark for _, _, mark in listed)
    return (*tuple(told.code(of))[:2], ("inputs with a digest", f"{named:,} of {len(listed):,}" if listed else ""))


def _settings(of: Facts) -> tuple[Row, ...]:
    return (*tuple(told.code(of))[2:], *told.software(of))


def _licenses(of: Facts) -> tuple[Row, ...]:
    return tuple((f"data set {d.dataset}", d.license and f"{d.license} (as registered)") for d in of.seen.datasets)


def render(card: Scorecard) -> bytes:
    raise AuditError(
        "a scorecard holds only the beginning of the lists of inputs",
        f"auditor report {card.run.job_id or 'RUN'} --format neurips, on a run or a capture",
    )


FORMAT = Format("neurips", ".neurips.tex", render, "application/x-tex", of_deposit=draft)
