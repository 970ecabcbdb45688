"""What goes into the appendix of a paper written in LaTeX? A fragment for `\\input`, which needs the package longtable and no class file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from auditor.scorecard import Format, Scorecard
from reports.formats import environment, view, words
from reports.formats.clean import tidy
from reports.formats.texcode import PREAMBLE, code, comment, tex

ROWS = 60
"""Of a table."""


def render(card: Scorecard) -> bytes:
    card = tidy(card)
    parts = (_head(card), _ladder(card), _tips(card), _environment(card), _claims(card), _replays(card), _record(card))
    return ("\n".join(text for part in parts for text in part) + "\n").encode("ascii")


def longtable(columns: str, heads: Sequence[str], rows: Iterable[Sequence[str]], caption: str) -> str:
    """A table over as many pages as it takes, with its head on each; cells are LaTeX already. columns: widths of the line."""
    spec = "".join(rf"p{{{width}\linewidth}}" for width in columns.split())
    top = " & ".join(rf"\textbf{{{head}}}" for head in heads)
    body = "\n".join(f"{' & '.join(row)} \\\\" for row in rows)
    return "\n".join(
        (
            rf"\begin{{longtable}}{{{spec}}}",
            rf"\caption{{{caption}}}\\",
            rf"\hline {top} \\ \hline \endfirsthead",
            rf"\hline {top} \\ \hline \endhead",
            r"\hline \endfoot",
            body,
            r"\end{longtable}",
            "",
        )
    )


def _head(card: Scorecard) -> Iterator[str]:
    told = view.headline(card)
    yield f"% Reproducibility audit of run {comment(card.run.id)}, made by run-auditor. Needs \\usepackage{{longtable}}."
    yield PREAMBLE
    yield rf"\section{{Reproducibility audit: {tex(view.title(card), 120)}}}"
    yield rf"\textbf{{{tex(f'{told.figure} {told.unit}'.strip(), 60)}.}} {tex(told.sentence)} {tex(told.coverage)}"
    yield tex("A run's score is an interval: its lower end counts every open question as not reached, its upper end as reached.")
    yield ""


def _ladder(card: Scorecard) -> Iterator[str]:
    rows = (
        (tex(words.upper(words.rung(rung.name))), "reached" if rung.reached else "not reached", tex(words.upper(rung.reason)))
        for rung in card.rungs
    )
    yield longtable("0.22 0.14 0.54", ("Rung", "State", "Because"), rows, "Reproducibility ladder")


def _tips(card: Scorecard) -> Iterator[str]:
    rows = ((f"{tip.number}. {tex(tip.title, 120)}", tex(view.levels(tip)), tex(view.result(tip))) for tip in card.tips)
    yield longtable("0.3 0.16 0.44", ("Tip", "Reached", "The finding that says most"), rows, "The twelve tips (arXiv 2606.07491)")


def _environment(card: Scorecard) -> Iterator[str]:
    around = card.surroundings
    yield r"\subsection*{Environment}"
    yield tex(environment.verdict(card)[0])
    yield ""
    if around.images:
        rows = ((code(i.name), r" \newline ".join(code(d) for d in i.digests[:2]) or "no digest") for i in around.images[:ROWS])
        yield longtable("0.4 0.5", ("Image", "Digest"), rows, "Container images")
    if around.software:
        soft = ((tex(p.ecosystem), tex(p.name, 120), tex(p.version, 80) or "not known") for p in around.software[:ROWS])
        yield longtable("0.2 0.4 0.3", ("Kind", "Name", "Version"), soft, "Software that matters most")


def _claims(card: Scorecard) -> Iterator[str]:
    told = [view.claim(c) for _, claims in view.claimed(card) for c in claims]
    rows = [(tex(name), code(place), tex(state), tex(why)) for name, place, state, why in told]
    if rows:
        yield longtable("0.2 0.25 0.13 0.32", ("Claim", "Output", "State", "Because"), rows[:ROWS], "Claims of the paper")


def _replays(card: Scorecard) -> Iterator[str]:
    for _, verdict in view.replays(card)[:3]:
        same = str(verdict.get("sameness", "not-run"))
        yield rf"\noindent\textbf{{Replay: {tex(words.SAMENESS.get(same, same), 80)}.}} {tex(view.replayed(verdict))}"
        yield ""


def _record(card: Scorecard) -> Iterator[str]:
    run = card.run
    rows = (
        ("Run", code(run.id)),
        ("Job", tex(" on ".join(word for word in (run.job_id, run.cluster) if word))),
        ("State", tex(run.state)),
        ("Command", code(run.command)),
        ("Started", tex(words.when(run.started_at))),
        ("Ended", tex(words.when(run.ended_at))),
        ("Rules", code(card.ruleset)),
        ("Evidence", f"{len(card.evidence)} pieces, each named by the sha256 of its content"),
    )
    yield longtable("0.2 0.7", ("What", "Value"), [(name, value or "not known") for name, value in rows], "The run")


FORMAT = Format("latex", ".tex", render, "application/x-tex")
