"""How does a person read what a bisection would do, and what it found?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from auditor.bisection import Bisection, Cause, NotApplied
from auditor.replay.bisect.factor import Factor
from auditor.replay.bisect.prepare import Prepared
from reports.archive.words import shown
from reports.judging.amounts import several

WIDE = 60
FEW = 12


def plan_text(ready: Prepared) -> str:
    """Before the question whether it may run."""
    return "\n".join(_plan(ready))


def _plan(ready: Prepared) -> Iterator[str]:
    found = ready.differences
    yield f"A is run {ready.a.recipe.run_id} ({ready.a.recipe.job_id}), B is run {ready.b.recipe.run_id} ({ready.b.recipe.job_id})"
    yield f"{several(len(found.factors), 'difference')} can be carried over from B to A, the likeliest cause first:"
    for factor in found.factors[: 2 * FEW]:
        yield f"  {factor.layer}: {_factor(factor)}"
    if len(found.factors) > 2 * FEW:
        yield f"  and {len(found.factors) - 2 * FEW} more"
    yield from _refused(found.not_applied)
    yield f"compared: {', '.join(shown(n, WIDE) for n in ready.outputs[:FEW])}, and the exit code"
    shut = ready.a.plan.sandbox
    where = "as Slurm jobs" if ready.options.on == "slurm" else "on this machine"
    yield f"each experiment runs {where}, {'in a sandbox' if shut.kind != 'none' else f'WITHOUT a sandbox ({shut.reason})'}"
    once = ready.a.recipe.original.seconds
    cost = f", of which the original took {once:.0f} s each" if once else ""
    yield f"about {_estimate(len(found.factors), ready.options.controls)} runs, at most {ready.options.runs}{cost}"


def _estimate(factors: int, controls: int) -> int:
    """Controls, a search for two culprits, a certificate."""
    return 2 * controls + 2 * max(1, factors.bit_length()) + 4


def _factor(factor: Factor) -> str:
    more = f" (together: {factor.coupled})" if factor.coupled else ""
    return f"{shown(factor.name, WIDE)}: {_state(factor.before)} -> {_state(factor.after)}, by {factor.how}{more}"


def _state(text: str) -> str:
    short = text[:19] if text.startswith("sha256:") and ";" not in text else text
    return shown(short, WIDE)


def _refused(refused: Sequence[NotApplied]) -> Iterator[str]:
    if refused:
        yield f"{several(len(refused), 'difference')} cannot be carried over here:"
    for one in refused[:FEW]:
        yield f"  {one.layer}: {shown(one.name, WIDE)}: {_state(one.before)} -> {_state(one.after)}, because {one.because}"
    if len(refused) > FEW:
        yield f"  and {len(refused) - FEW} more"


def text(found: Bisection) -> str:
    return "\n".join(_lines(found))


def _lines(found: Bisection) -> Iterator[str]:
    yield f"Certified: {found.reason}" if found.certified else f"Not certified, because {found.reason}"
    for one in found.causes if found.certified or len(found.causes) <= FEW else ():
        yield from _cause(one)
    if found.stabilisers:
        yield f"held still in every run: {', '.join(found.stabilisers)}"
    for proof in found.proofs:
        runs = ", ".join(dict.fromkeys(proof.runs)) or "no run"
        yield f"  {'yes' if proof.holds else 'NO '}  {proof.claim}: {', '.join(proof.answers) or 'not tried'} ({runs})"
    yield from (f"note: {shown(n, 300)}" for n in found.notes)
    yield from _refused(found.not_applied)
    yield (
        f"{several(found.runs, 'run')} in {found.seconds:.0f} s, {found.search_runs} of them to search {several(found.differences, 'difference')}; "
        f"compared {', '.join(shown(n, WIDE) for n in found.outputs[:FEW])} ({found.rules}); {found.where}, sandbox {found.sandbox}"
    )


def _cause(one: Cause) -> Iterator[str]:
    yield f"  {one.layer}: {shown(one.name, WIDE)}: {_state(one.before)} -> {_state(one.after)}, by {one.how}"
    yield from (f"      {line}" for line in one.detail)
