"""Are the rounds of a loop held by a program, or by somebody who submits the next one when the last one has ended?"""

from __future__ import annotations

from itertools import pairwise

from auditor.campaign import Campaign, Sibling
from auditor.model import Fact, Verdict
from probes.submission import Submission
from probes.workflows.record import WorkflowRuns, WorkflowSeen
from reports.judging.again import script
from reports.judging.amounts import several, some
from reports.judging.engineruns import mine, told
from reports.judging.verdicts import Maybe, Unclear, failed, not_applicable, passed, weak

# two runs may be a correction; from three on it is a habit
ROUNDS = 3


def engine_loops(engines: Maybe[WorkflowRuns]) -> list[tuple[WorkflowSeen, str]]:
    """Loops in the records of engines that this run belongs to, each in words: the names that come around again, or the construct."""
    if not isinstance(engines, Fact):
        return []
    found = []
    for run in mine(engines):
        for ring, rounds in zip(run.loops, run.iterations, strict=False):
            if rounds >= 2 or len(ring) > 1:
                found.append((run, f"{' -> '.join((*ring, ring[0]))} in {told(run)}, {several(rounds, 'round')}"))
        found += [(run, f"{c.text} in {told(run)}") for c in run.constructs if c.what == "loop"]
    return found


def handmade_rounds(campaign: Fact[Campaign], submission: Fact[Submission], engines: Maybe[WorkflowRuns]) -> Verdict:
    c = campaign.value
    alike = [s for s in c.siblings if s.run_id in set(c.lookalikes)]
    rounds = _in_a_row(alike, c)
    if len(rounds) + 1 < ROUNDS:
        if engines is None:
            raise Unclear("fewer than three rounds among separate submissions; what engines recorded was not looked at")
        return not_applicable(
            f"{several(len(alike), 'look-alike')} of this submission, of which {len(rounds)} handed a file on to the next round or to this run: "
            f"from {ROUNDS - 1} on that is a loop",
            campaign,
        )
    if loops := engine_loops(engines):
        return passed(f"an engine holds the loop: {loops[0][1]}")
    first = some(f"{s.job_id} ({s.submitted_at[:16]})" for s in rounds)
    fix = (
        f"# loop.sh, one place that counts, stops and can be read by others:\nfor round in $(seq 1 20); do\n"
        f"  sbatch --wait {script(submission.value)} $round || exit 1\n  ./converged.sh results && break   # the stop rule\ndone"
    )
    waits = [s for s in rounds if s.dependency]
    if len(waits) * 2 >= len(rounds):
        return weak(
            f"{several(len(rounds) + 1, 'round')} as separate submissions, chained by dependencies: {first}; nothing decides whether to go on",
            fix,
            campaign,
        )
    one_by_one = all(b.submitted_at >= a.ended_at for a, b in pairwise(rounds) if a.ended_at)
    how = "each submitted after the one before had ended" if one_by_one else "some before the one before had ended"
    return failed(
        f"{several(len(rounds) + 1, 'round')} as separate submissions, {how}: {first}; no program that is recorded holds them together",
        fix,
        campaign,
    )


def _in_a_row(alike: list[Sibling], campaign: Campaign) -> list[Sibling]:
    """Look-alikes that read what another one made, or made what another one (or this run) read."""
    ring = {s.run_id for s in alike} | {campaign.run_id}
    handed = {k.source for k in campaign.links if k.source in ring and k.target in ring and k.source != k.target}
    handed |= {k.target for k in campaign.links if k.source in ring and k.target in ring and k.source != k.target}
    return sorted((s for s in alike if s.run_id in handed), key=lambda s: (s.submitted_at, s.job_id))
