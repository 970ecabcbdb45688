"""Which steps did a run have? The scheduler's (each `srun`), or the tasks of the engine that ran inside of it, those of one name as one step."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from probes.schedulers import StepRecord
from probes.workflows import State
from probes.workflows.record import TaskGroup, WorkflowSeen
from reports.archive.crate_facts import FAILED, mark, stamp
from reports.archive.known import Known
from reports.archive.recipe import Recipe

OURS = frozenset({"batch", "extern", "interactive"})
"""Slurm's own steps: the script itself, what came in by ssh, an allocation's shell (sacct(1), JobID)."""
MOST = 200


@dataclass(frozen=True)
class Told:
    """A step. failed: None: not known; usage: (sacct field or empty, name, value, QUDT unit)."""

    id: str
    name: str
    tool: str
    description: str
    failed: bool | None
    error: str
    started: str
    ended: str
    usage: tuple[tuple[str, str, str, str], ...]
    system: str
    """The engine or scheduler that started it, and its version."""
    version: str


def steps(known: Known, recipe: Recipe) -> tuple[Told, ...]:
    """The engine's tasks where one ran inside, else the scheduler's steps; none where the script is not in the crate."""
    if not workflow(recipe):
        return ()
    inside = next((w for w in known.workflows if w.relation == "inside" and w.groups), None)
    if inside:
        return tuple(_group(inside, group) for group in inside.groups[:MOST])
    last = known.accounting.attempts[-1] if known.accounting and known.accounting.attempts else None
    own = [s for s in last.steps if s.name not in OURS] if last else []
    return tuple(_step(recipe, s, known.accounting.version if known.accounting else "") for s in own[:MOST])


def workflow(recipe: Recipe) -> str:
    """The batch script's path in the crate, empty when it is not carried."""
    return next((f.carried for f in recipe.files if f.role == "code" and f.place == recipe.script and f.carried), "")


def _step(recipe: Recipe, step: StepRecord, version: str) -> Told:
    program = posixpath.basename(step.command.split()[0]) if step.command.split() else f"srun step {step.name}"
    state = step.state.split(" ")[0].rstrip("+")
    usage = (
        ("MaxRSS", "peak resident memory of a task", step.max_rss, "BYTE"),
        ("TotalCPU", "user plus system CPU time", step.cpu_seconds, "SEC"),
        ("Elapsed", "elapsed wall time", step.elapsed, "SEC"),
        ("NTasks", "tasks", step.tasks, "NUM"),
    )
    return Told(
        id=f"#step-{recipe.run_id}-{mark(step.name)[:8]}",
        name=f"srun step {step.name}",
        tool=program,
        description=f"{step.command or 'command not recorded'}; its end was not recorded, it is no later than the run's",
        failed=state in FAILED or None if state != "COMPLETED" else False,
        error=f"{step.state}, exit code {step.exit_code}",
        started="",
        ended="",
        usage=tuple((field, name, number(value), unit) for field, name, value, unit in usage if value is not None),
        system=recipe.scheduler,
        version=version or "not recorded",
    )


def _group(run: WorkflowSeen, group: TaskGroup) -> Told:
    failed = sum(n for state, n in group.states.items() if state == State.FAILED)
    count = f"{group.tasks} task{'s' if group.tasks != 1 else ''}, {group.attempts} attempt{'s' if group.attempts != 1 else ''}"
    usage = (("", "wall time, summed over tasks", group.seconds, "SEC"), ("", "peak memory of a task", group.memory_used, "BYTE"))
    return Told(
        id=f"#task-{mark(run.system + run.id + group.name)[:16]}",
        name=f"{group.name}: {count}",
        tool=group.name,
        description=f"{run.system}: {group.command or 'command not recorded'}",
        failed=bool(failed) if group.states else None,
        error="; ".join(group.reasons)[:500] or f"{failed} of {group.tasks} failed",
        started=stamp(group.started),
        ended=stamp(group.ended),
        usage=tuple((field, name, number(value), unit) for field, name, value, unit in usage if value),
        system=run.system,
        version=run.version or "not recorded",
    )


def number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def clean(text: str) -> str:
    """One line that every JSON-LD reader takes."""
    plain = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", plain)[:1000]
