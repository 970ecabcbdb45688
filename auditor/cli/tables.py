"""How do results look in a terminal? Rich tables and panels; every text from outside is cleaned first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from auditor.cli.plain import printable
from auditor.model import Phase

if TYPE_CHECKING:
    from auditor.campaign import Row as Campaign
    from auditor.config import Settings
    from auditor.doctor import Row
    from auditor.model import Evidence
    from auditor.preflight import Preflight
    from auditor.scorecard import Change, Edge, Node, Scorecard
    from auditor.store import PackageVersion, RunRow, SoftwareUse
    from auditor.whereabouts import Since

STATE = {
    "COMPLETED": "green",
    "FAILED": "red",
    "TIMEOUT": "red",
    "OUT_OF_MEMORY": "red",
    "NODE_FAIL": "red",
    "CANCELLED": "yellow",
}
WIDE, ROOMY = 110, 70
"""Columns of a terminal that has room for everything; for the date and the score too."""
STATUS = {"ok": "green", "absent": "dim", "failed": "red", "withheld": "yellow"}
ANSWER = {"yes": "green", "partly": "yellow", "no": "red", "unknown": "magenta"}


def cell(text: object, style: str = "") -> Text:
    """Text from outside, without control sequences and without markup."""
    return Text(printable(str(text)), style=style)


def table(*columns: str, title: str = "") -> Table:
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in columns:
        fixed = name in {"run", "job", "state", "submitted", "score", "rung", "probe", "phase", "status", "taken"}
        made.add_column(
            name,
            overflow="fold",
            no_wrap=fixed,
            min_width=len(name),
            justify="right" if name in {"score", "attempts"} else "left",
        )
    return made


def interval(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{low:.0f}–{high:.0f}"


GOING_ON = frozenset(
    """SUBMITTED STARTED ENDED PENDING RUNNING SUSPENDED CONFIGURING COMPLETING REQUEUED REQUEUE_HOLD REQUEUE_FED RESV_DEL_HOLD
    RESIZING SIGNALING STAGE_OUT STOPPED""".split()
)
"""Our own words and Slurm's (squeue(1), JOB STATE CODES) for a run of which more will be known."""


def incomplete(jobs: Iterable[tuple[str, str]]) -> str:
    """One line for (job, state) of which not all was read yet, with what reads it; empty: all were."""
    waiting = list(dict.fromkeys(job for job, state in jobs if state.upper() in GOING_ON))
    if not waiting:
        return ""
    named = ", ".join(waiting[:3]) + (f" and {len(waiting) - 3} more" if len(waiting) > 3 else "")
    one = len(waiting) == 1
    return f"job{'' if one else 's'} {named}: {'its record is' if one else 'their records are'} not complete yet: auditor sweep"


def runs_table(rows: Sequence[RunRow], width: int = WIDE) -> Table:
    """On a narrow terminal: beginnings of run ids, no year, and only the columns that tell runs apart."""
    wide, roomy = width >= WIDE, width >= ROOMY
    made = table("run", "job", "name", "state", *(["submitted", "score"] if roomy else []), *(["rung", "label"] if wide else []))
    for r in rows:
        when = (r.submitted if wide else r.submitted[5:])[: 16 if wide else 11].replace("T", " ")
        cells = [cell(r.id if wide else r.id[:8]), cell(r.job_id), cell(r.name), cell(r.state, STATE.get(r.state, ""))]
        cells += [cell(when), cell(interval(r.low, r.high))] if roomy else []
        cells += [cell(r.rung or "–"), cell(r.label)] if wide else []
        made.add_row(*cells)
    return made


def campaigns_table(rows: Sequence[Campaign], width: int = WIDE) -> Table:
    """What to ask for first; times without their year on a narrow terminal."""
    roomy = width >= ROOMY
    made = table("campaign", "name", "runs", "states", *(["first", "last"] if roomy else []), "joined by")
    for r in rows:
        states = ", ".join(f"{number:,} {state}" for state, number in r.states.items())
        times = [cell(t[5:16].replace("T", " ") or "–") for t in (r.first, r.last)] if roomy else []
        made.add_row(cell(r.ask), cell(r.name), f"{r.runs:,}", cell(states), *times, ", ".join(r.why))
    return made


def run_panel(card: Scorecard) -> RenderableType:
    run = card.run
    made = table("", "")
    for key, value in (
        ("run", run.id),
        ("job", f"{run.job_id} on {run.cluster or run.scheduler}"),
        ("name", run.name),
        ("state", run.state),
        ("command", run.command),
        ("work directory", run.workdir),
        ("submitted", run.submitted_at),
        ("started", run.started_at),
        ("ended", run.ended_at),
        ("attempts", run.attempts),
        ("label", run.label),
        (
            "score",
            f"{interval(card.low, card.high)}, coverage {card.coverage or 0:.0f} %"
            if card.verifiable
            else f"not verifiable: {card.integrity}",
        ),
    ):
        made.add_row(Text(key, style="bold"), cell(value if value not in {"", None} else "not known"))
    made.show_header = False
    return made


def evidence_table(evidence: Iterable[Evidence], width: int = WIDE) -> Table:
    wide = width >= WIDE
    made = table("probe", "phase", "status", "grade", "source or reason", *(["taken"] if wide else []), title="\nEvidence")
    order = list(Phase)
    for e in sorted(evidence, key=lambda e: (order.index(e.phase), e.attempt, e.probe)):
        phase = f"{e.phase} #{e.attempt}" if e.attempt else e.phase
        said = e.source if e.status == "ok" else e.reason
        taken = [e.taken_at[:19].replace("T", " ")] if wide else []
        made.add_row(e.probe, phase, Text(e.status, style=STATUS[e.status]), e.grade, cell(said), *taken)
    return made


def events_table(events: Iterable[Any]) -> Table:
    made = table("when", "what", "detail")
    for e in events:
        made.add_row(str(e.seen_at), cell(e.what), cell(e.detail))
    return made


def changes_table(changes: Iterable[Change], before: str, after: str) -> Table:
    made = table("what", "name", before, after)
    for c in changes:
        made.add_row(cell(c.what), cell(c.name), cell(_short(c.before)), cell(_short(c.after)))
    return made


def _short(text: str) -> str:
    """Digests by their first twelve digits; `--json` has them whole."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1…", text)


WHEN = {"start": "as it started", "end": "as it ended", "submit": "at submission", "later": "only afterwards"}


def uses_table(uses: Iterable[SoftwareUse]) -> Table:
    made = table("run", "job", "submitted", "ecosystem", "name", "version", "seen", "digest")
    for u in uses:
        when = cell(u.submitted[:16].replace("T", " "))
        digest = _short(u.digest.removeprefix("sha256:")) or "–"
        made.add_row(
            cell(u.run_id), cell(u.job_id), when, *map(cell, (u.ecosystem, u.name, u.version or "–", WHEN[u.when], digest))
        )
    return made


def versions_table(versions: Iterable[PackageVersion]) -> Table:
    made = table("name", "version", "runs", "first", "last", "newest run")
    for v in versions:
        made.add_row(*map(cell, (v.name, v.version or "–", v.runs, v.first[:10], v.last[:10], v.newest_run)))
    return made


def lineage_tree(
    run_id: str, nodes: Sequence[Node], edges: Sequence[Edge], cycle: Sequence[str] = (), iterations: int = 0
) -> Tree:
    """This run in the middle: what went in above, what came out below, with the runs that made and used it, and the loop it is on."""
    names = {n.id: n for n in nodes}
    root = Tree(cell(f"run {run_id}", "bold"))
    this = next((n.id for n in nodes if n.kind == "this-run"), run_id)
    for title, pairs in (
        ("went in", [(e.source, [x.source for x in edges if x.target == e.source]) for e in edges if e.target == this]),
        ("came out", [(e.target, [x.target for x in edges if x.source == e.target]) for e in edges if e.source == this]),
    ):
        cut = any(node.startswith("more-") for node, _ in pairs)  # the picture leaves some out
        branch = root.add(Text(title if cut else f"{title}: {len(pairs)}", style="bold"))
        for node, beyond in pairs:
            leaf = branch.add(cell(names[node].label if node in names else node))
            for other in beyond:
                _beyond(leaf, title, other, names, edges)
            if not beyond and not cut and "more-runs" not in names:
                leaf.add(cell(_alone(names.get(node), title), "dim"))
    if cycle:
        way = " → ".join(names[r].label if r in names else r for r in cycle)
        root.add(cell(f"on a loop, {iterations} times around: {way}", "bold"))
    return root


def _beyond(leaf: Tree, title: str, other: str, names: Mapping[str, Node], edges: Sequence[Edge]) -> None:
    """The run that made or used a file, or the file of the same content elsewhere, with the runs that made or used that one."""
    label = names[other].label if other in names else other
    if other in names and names[other].kind == "file":
        twin = leaf.add(cell(f"{'a copy of' if title == 'went in' else 'copied as'} {label}", "dim"))
        for edge in edges:
            near, far = (edge.target, edge.source) if title == "went in" else (edge.source, edge.target)
            if near == other and names[far].kind != "file":
                _beyond(twin, title, far, names, edges)
        return
    leaf.add(cell(f"{'made by' if title == 'went in' else 'used by'} {label}", "cyan"))


def _alone(node: Node | None, title: str) -> str:
    """Of a file that joins this run to no other."""
    if node and node.kind == "dataset":
        return "a registered data set"
    return "no run that we know made it" if title == "went in" else "no run that we know used it"


def since_table(found: Sequence[Since]) -> Table:
    made = table("file", "role", "today", "by")
    for one in found:
        style = {"same": "green", "gone": "red", "changed": "red"}.get(one.state, "yellow")
        others = f"made by {' '.join(one.others)}" if one.others else ""
        origin = f"read from {' '.join(one.origin)}" if one.origin else ""
        said = "; ".join(filter(None, (others, origin, one.reason)))
        made.add_row(cell(one.path), one.role, Text(one.state, style=style), cell(said, "dim"))
    return made


def doctor_table(rows: Iterable[Row]) -> Table:
    made = table("question", "answer", "seen", "what follows")
    for r in rows:
        made.add_row(r.question, Text(r.answer, style=ANSWER[r.answer]), cell(r.seen), cell(r.means, "dim"))
    return made


def settings_table(settings: Settings, keys: Sequence[str]) -> Table:
    from auditor.config import toml

    made = table("setting", "value", "from")
    for key in keys:
        made.add_row(key, cell(toml(getattr(settings.config, key))), cell(settings.origin[key], "dim"))
    return made


def preflight_view(result: Preflight) -> RenderableType:
    parts: list[RenderableType] = [cell(f"✗ {p}", "red") for p in result.problems]
    for f in result.findings:
        mark, style = ("✗", "red") if f.outcome == "failed" else ("!", "yellow")
        parts.append(Text.assemble((f"{mark} tip {f.tip} ", style), (f"{f.check}: ", "bold"), cell(f.message)))
        if f.fix:
            parts.append(Text.assemble("    ", cell(f.fix.replace("\n", "\n    "), "cyan")))
    if not parts:
        parts.append(Text("nothing to mend before you submit", style="green"))
    parts.append(Text(f"{result.undecided} checks can only be settled by the run itself", style="dim"))
    return Group(*parts)
