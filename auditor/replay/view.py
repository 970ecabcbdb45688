"""How do a plan and a verdict look in a terminal? Texts of a bundle are shown cleaned and never as markup."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.replay.chain import Chain
from auditor.replay.plan import Plan
from auditor.verdict import ChainVerdict, ReplayVerdict, Sameness
from reports.archive.words import shown

COLOURS = {
    Sameness.IDENTICAL: "green",
    Sameness.EQUIVALENT: "green",
    Sameness.DIFFERENT: "red",
    Sameness.NOT_RUN: "yellow",
    Sameness.NOT_COMPARED: "cyan",
}
MOST = 40


def plan_view(plan: Plan) -> RenderableType:
    """What can be checked, what cannot, what will run, and what it costs."""
    recipe = plan.recipe
    head = Text(
        f"Replay of run {shown(recipe.name)} ({recipe.scheduler} job {shown(recipe.job_id)}), bundle {plan.bundle[:16]}", "bold"
    )
    blocks = [
        ("Can", plan.can, "green"),
        ("Cannot", plan.cannot, "yellow"),
        ("Will", plan.will if plan.runnable else (), "cyan"),
        (f"Level {plan.level} proves, if all goes well", plan.proves, "green"),
        ("It leaves open", plan.leaves, "yellow"),
    ]
    parts: list[RenderableType] = [head]
    for title, lines, colour in blocks:
        if lines:
            parts += [
                Text(title, f"bold {colour}"),
                *(Padding(Text(f"- {shown(line, 400)}"), (0, 0, 0, 2)) for line in lines[:MOST]),
            ]
    parts.append(Text(f"Cost: {plan.cost}"))
    if not plan.runnable:
        parts.append(Text("It cannot run here: the bundle is only checked and unpacked.", "bold yellow"))
    return Group(*parts)


def verdict_view(verdict: ReplayVerdict) -> RenderableType:
    """The verdict first, then the outputs, then the steps."""
    head = Text(verdict.sameness.value, f"bold {COLOURS[verdict.sameness]}") + Text(f": {shown(verdict.reason, 400)}")
    table = Table(box=None, pad_edge=False)
    for title in ("output", "verdict", "compared as", "what differs"):
        table.add_column(title, overflow="fold")
    for output in verdict.outputs[:MOST]:
        detail = "\n".join(shown(line, 300) for line in output.detail.splitlines())
        table.add_row(
            Text(shown(output.path)), Text(output.sameness.value, COLOURS[output.sameness]), output.comparator, Text(detail)
        )
    images = [
        Text(f"image {shown(i.reference)}: {i.way}, {i.level.replace('-', ' ')}: {shown(i.why, 300)}")
        for i in verdict.images[:MOST]
    ]
    steps = [Text(f"{step.name}: {step.state}, {shown(step.detail, 400)}", "dim") for step in verdict.steps]
    more = [
        *(Text(f"smaller: {shown(s, 300)}") for s in verdict.smoke[:MOST]),
        *(Text(f"run {r.number}: {r.sameness}, {shown(r.reason, 300)}") for r in verdict.rounds[:MOST]),
        *(Text(f"by rule: {shown(r, 300)}") for r in verdict.rules[:MOST]),
        *(Text(f"proved: {shown(s, 300)}", "green") for s in verdict.proved),
        *(Text(f"not proved: {shown(s, 300)}", "yellow") for s in verdict.not_proved),
    ]
    return Group(head, *([table] if verdict.outputs else []), *images, *more, *steps)


def chain_plan_view(ready: Chain) -> RenderableType:
    """The order and its reasons, then each plan."""
    names = {run: f"{shown(p.recipe.name)} (job {shown(p.recipe.job_id)})" for run, p in ready.plans.items()}
    parts: list[RenderableType] = [Text(f"Replay of {len(names)} runs, in this order", "bold")]
    for run in ready.graph.order:
        why = "; ".join(shown(f"after {names[k.before]}: {k.why}", 200) for k in ready.graph.links if k.after == run)
        parts.append(Padding(Text(f"- {names[run]}{f', {why}' if why else ''}"), (0, 0, 0, 2)))
    parts += [Text(f"left out: {shown(line, 300)}", "yellow") for line in ready.left_out[:MOST]]
    return Group(*parts, *(plan_view(p) for p in list(ready.plans.values())[:MOST]))


def chain_view(found: ChainVerdict) -> RenderableType:
    """One verdict for all, then each."""
    head = Text(found.sameness.value, f"bold {COLOURS[found.sameness]}") + Text(f": {found.reason}")
    each: list[RenderableType] = []
    for verdict in found.verdicts[:MOST]:
        each += [Text(f"run {verdict.run_id}", "bold"), Padding(verdict_view(verdict), (0, 0, 0, 2))]
    return Group(head, *(Text(f"left out: {shown(line, 300)}", "yellow") for line in found.left_out[:MOST]), *each)
