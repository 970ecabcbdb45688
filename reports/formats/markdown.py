"""How does a scorecard become a page of GitHub-flavoured Markdown? Tables, task lists, and a footnote for each piece of evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from auditor.campaigncard import CampaignCard
from auditor.model import Outcome
from auditor.scorecard import Cited, Finding, Format, Scorecard, TipScore
from reports.formats import environment, view, words
from reports.formats.clean import tidy
from reports.formats.gfm import code, escape, fence, table
from reports.formats.pictures.resources import told as used
from reports.formats.pictures.timeline import sentences

BAR, ROWS, NOTES = 40, 50, 300
"""Characters of the bar; rows of a table; footnotes."""


def render(card: Scorecard) -> bytes:
    card = tidy(card)
    notes = _notes(card)
    parts = (
        _head(card),
        _ladder(card, notes),
        _todo(card, notes),
        _tips(card, notes),
        _environment(card, notes),
        _drift(card, notes),
        _replay(card),
        _claims(card),
        _run(card),
    )
    body = "\n\n".join(block for part in (*parts, _evidence(card, notes)) for block in part)
    return f"{body}\n".encode()


def _head(card: Scorecard) -> Iterator[str]:
    told, run = view.headline(card), card.run
    facts = (
        run.state,
        run.cluster and f"on {run.cluster}",
        run.user and f"by {run.user}",
        run.submitted_at and words.when(run.submitted_at),
    )
    yield f"# Reproducibility audit: {escape(view.title(card), 120)}"
    yield escape(", ".join(fact for fact in facts if fact), 300)
    yield f"## {told.figure} {told.unit}".rstrip()
    if card.verifiable and card.low is not None and card.high is not None:
        low, high = round(card.low * BAR / 100), round(card.high * BAR / 100)
        yield f"`{'█' * low}{'▒' * (high - low)}{'░' * (BAR - high)}`"
    yield f"{escape(told.sentence)} {told.coverage}".rstrip()


def _ladder(card: Scorecard, notes: dict[str, int]) -> Iterator[str]:
    yield "## Reproducibility ladder"
    yield "\n".join(
        f"- [{'x' if rung.reached else ' '}] **{escape(words.upper(words.rung(rung.name)), 40)}:** {escape(words.upper(rung.reason))}{_cite(rung.cites, notes)}"
        for rung in card.rungs
    )


def _todo(card: Scorecard, notes: dict[str, int]) -> Iterator[str]:
    todos = view.todo(card)
    if todos:
        yield f"## {view.HEADING[len(todos)]}"
    for number, item in enumerate(todos, 1):
        yield f"{number}. **{escape(item.finding.title)}** (tip {item.tip.number})"
        yield _indent(_said(item.finding, notes))


def _tips(card: Scorecard, notes: dict[str, int]) -> Iterator[str]:
    yield "## The twelve tips"
    rows = ((f"{tip.number}. {escape(tip.title, 120)}", view.levels(tip), _tally(tip)) for tip in card.tips)
    yield table(("Tip", "Reached", "Findings"), rows)
    for tip in card.tips:
        yield f"### {tip.number}. {escape(tip.title, 120)}"
        yield f"{escape(tip.why, 1200)} {words.upper(view.levels(tip))}."
        for finding in tip.findings:
            yield f"- **{escape(finding.title)}** (`{code(finding.check, 60)}`, level {finding.level})"
            yield _indent(_said(finding, notes), 2)


def _said(finding: Finding, notes: dict[str, int]) -> str:
    sign = f"{words.SIGNS[finding.outcome]} **{words.OUTCOMES[finding.outcome]}**"
    said = f"{sign}: {escape(finding.message, 2000)}{_cite(finding.cites, notes)}"
    if finding.fix and finding.outcome in (Outcome.FAILED, Outcome.WEAK):
        return f"{said}\n\n{fence(finding.fix)}"
    if finding.settles and finding.outcome in (Outcome.UNKNOWN, Outcome.ERROR):
        return f"{said}\n\n*To settle it:* {escape(finding.settles, 600)}"
    return said


def _tally(tip: TipScore) -> str:
    return ", ".join(f"{number} {words.OUTCOMES[outcome]}" for outcome, number in view.tally(tip)) or "none"


def _environment(card: Scorecard, notes: dict[str, int]) -> Iterator[str]:
    around = card.surroundings
    yield "## Environment"
    yield escape(environment.verdict(card)[0], 300)
    for image in around.images:
        said = (image.drift and f"since submission: {image.drift}", image.today and f"registry: {image.today}")
        told = (environment.how(image), *image.digests[:2], *said, *image.notes)
        yield f"- **{escape(image.name, 200)}**: {escape('; '.join(t for t in told if t), 600)}{_cite(image.cites, notes)}"
    rows = (
        (
            escape(environment.way(w), 80),
            escape(environment.state(w), 40),
            escape(w.evidence, 400) + _cite(w.cites, notes),
        )
        for w in around.ways
    )
    if around.ways:
        yield table(("Way to have it again", "State", "Evidence"), rows)
    yield escape(environment.leaked(card), 300)
    if around.leaks:
        serious = {True: " (changes what runs)", False: ""}
        yield "\n".join(
            f"- {escape(environment.leak(k), 40)}{serious[k.serious]}: {escape(k.detail, 300)}{_cite(k.cites, notes)}"
            for k in around.leaks[:ROWS]
        )
    yield escape(environment.software(card), 600)
    if around.software:
        yield table(
            ("Kind", "Name", "Version"),
            (
                (
                    escape(p.ecosystem, 40) + (" (of the host)" if p.host else ""),
                    escape(p.name, 120),
                    escape(p.version, 80) or "–",
                )
                for p in around.software[:ROWS]
            ),
        )


def _drift(card: Scorecard, notes: dict[str, int]) -> Iterator[str]:
    yield "## Between submission and start"
    yield view.drift(card)
    changes = card.story.drift[:ROWS]
    if changes:
        rows = (
            (
                escape(words.rung(c.what), 40),
                escape(c.name, 160) + _cite(c.cites, notes),
                escape(c.before, 200),
                escape(c.after, 200),
            )
            for c in changes
        )
        yield table(("What", "Name", "At submission", "At start"), rows)
    if len(card.story.drift) > ROWS:
        yield f"{len(card.story.drift) - ROWS} more are in the JSON report."


def _replay(card: Scorecard) -> Iterator[str]:
    for _, verdict in view.replays(card)[:1]:
        same = words.SAMENESS.get(str(verdict.get("sameness")), words.SAMENESS["not-run"])
        yield "## Replay"
        yield f"**{same}.** {escape(view.replayed(verdict), 600)}"
        names = ("where", "environment", "sandbox", "started_at", "bundle")
        yield table(
            ("Fact", "Value"),
            ((words.upper(name.replace("_", " ")), escape(str(verdict.get(name) or words.UNKNOWN), 200)) for name in names),
        )


def _claims(card: Scorecard) -> Iterator[str]:
    checks = view.claimed(card)
    if checks:
        yield "## Claims of the paper"
    for cited, claims in checks:
        yield f"Checked {words.when(cited.taken_at)}, {escape(cited.source, 200)}."
        columns = ("Claim", "Output", "State", "Because")
        rows = (view.claim(c) for c in claims[:ROWS])
        yield table(
            columns, ((escape(name), f"`{code(place, 200)}`", escape(state), escape(why)) for name, place, state, why in rows)
        )


def _run(card: Scorecard) -> Iterator[str]:
    run = card.run
    facts = {
        "Command": f"`{code(run.command, 300)}`" if run.command else words.UNKNOWN,
        "Folder": f"`{code(run.workdir, 300)}`" if run.workdir else words.UNKNOWN,
        "Submitted": escape(words.when(run.submitted_at)),
        "Started": escape(words.when(run.started_at)),
        "Ended": escape(words.when(run.ended_at)),
        "Attempts": str(run.attempts),
        "Label": escape(run.label) or words.UNKNOWN,
    }
    gauges = [(escape(words.gauge(g.name), 60), escape(used(g)), escape(g.source, 60)) for g in card.story.gauges[:ROWS]]
    yield "## The run"
    yield table(("Fact", "Value"), facts.items())
    if told := sentences(card):
        yield "\n".join(f"- {escape(sentence)}" for sentence in told)
    if gauges:
        yield table(("Resource", "Asked and used", "Source"), gauges)


def _evidence(card: Scorecard, notes: dict[str, int]) -> Iterator[str]:
    """Footnotes for what is cited; a list of the rest."""
    by_id = {cited.id: cited for cited in reversed(card.evidence)}
    yield "## Evidence"
    yield "Footnotes name the evidence of each statement. Not cited: " + (_uncited(card, notes) or "nothing") + "."
    yield f"Run `{code(card.run.id, 40)}`, rules `{code(card.ruleset, 100)}`, made by auditor {escape(card.auditor, 20)}. Same evidence, same page."
    if notes:
        yield "\n".join(f"[^{number}]: {_cited(by_id[id_])}" for id_, number in notes.items())


def _uncited(card: Scorecard, notes: dict[str, int]) -> str:
    rest = [
        f"{escape(words.kind(c.kind), 60)} ({words.STATUSES[c.status]}, {words.PHASES[c.phase]})"
        for c in card.evidence
        if c.id not in notes
    ]
    return ", ".join(rest[:ROWS]) + (f" and {len(rest) - ROWS} more" if len(rest) > ROWS else "")


def _cited(cited: Cited) -> str:
    said = f"{escape(words.kind(cited.kind), 60)}, {words.STATUSES[cited.status]} {words.PHASES[cited.phase]}"
    where = f"{f' on {escape(cited.host, 60)}' if cited.host else ''}, {escape(words.when(cited.taken_at), 40)}"
    reason = f" {escape(cited.reason, 300)}." if cited.reason else ""
    source = f", from {escape(cited.source, 120)}" if cited.source else ""
    return f"{said}{where}{source}; {cited.grade}.{reason} `{code(cited.id, 80)}`"


def _notes(card: Scorecard) -> dict[str, int]:
    """Footnote numbers in the order of first use."""
    known = {cited.id for cited in card.evidence}
    used_in = (
        [rung.cites for rung in card.rungs]
        + [f.cites for tip in card.tips for f in tip.findings]
        + [i.cites for i in card.surroundings.images]
        + [w.cites for w in card.surroundings.ways]
        + [k.cites for k in card.surroundings.leaks[:ROWS]]
        + [c.cites for c in card.story.drift[:ROWS]]
    )
    order = dict.fromkeys(i for cites in used_in for i in cites if i in known)
    return {id_: number for number, id_ in enumerate(list(order)[:NOTES], 1)}


def _cite(ids: Iterable[str], notes: dict[str, int]) -> str:
    return "".join(f"[^{notes[i]}]" for i in list(ids)[:12] if i in notes)


def _indent(text: str, by: int = 3) -> str:
    return "\n".join(" " * by + row if row else "" for row in text.split("\n"))


def of_campaign(card: CampaignCard) -> bytes:
    """A campaign's card in the same form."""
    from reports.formats.campaign.markdown import render as whole  # it builds on this file

    return whole(card)


FORMAT = Format("markdown", ".md", render, "text/markdown", of_campaign=of_campaign)
