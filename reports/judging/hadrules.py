"""Can the environment be had again, and was it? Judges of tip 7 that stand on the ranking of ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.model import Absent, Fact, Verdict
from auditor.scorecard import Way
from auditor.verdict import ReplayVerdict
from probes.containers import ContainerReferences
from probes.packages import PythonPackages
from reports.judging import naming
from reports.judging.amounts import some
from reports.judging.cures import better, pull
from reports.judging.proofs import same, step, summary, unequal
from reports.judging.ranking import STRONG, besides, ways
from reports.judging.strays import declared
from reports.judging.verdicts import Maybe, Unclear, failed, passed, weak

REBUILT = ("rebuilt-from-lock", "bare-python", "image-by-digest")
CONTAINERS = 7
"""So many of the facts that are handed over are about containers; software follows."""


def unobtainable_environment(
    at_start: Maybe[ContainerReferences], typed: Maybe[ContainerReferences], *others: Fact[Any] | Absent | None
) -> Verdict:
    """The best way decides; what lies beside it (another image by tag; without an image, modules) must come back too.

    A look that is missing may hide such a thing; inside an image, what the host has does not matter.
    """
    facts = (typed, *others)
    every = [f for f in (at_start, *facts) if isinstance(f, Fact)]
    found = ways(every)
    best, beside = found[0], besides(found)
    used = [f for f in every if f.evidence_id in {c for w in found for c in w.cites}]
    missing = any(f is None for f in (facts[:CONTAINERS] if best.name.startswith("image-") else facts))
    if best.name == "nothing" and missing:
        raise Unclear("what the job ran in was not seen")
    if best.name == "nothing" or best.state == "lost":
        return failed(_said(best), best.how or pull(), *used)
    if best.name not in STRONG or best.state == "partial" or beside:
        more = f"; and {some(w.evidence for w in beside)}" if beside else ""
        return weak(f"the best way is {_said(best)}{more}", better(best, every), *used)
    if best.name == "image-file":
        return weak(_said(best), better(best, every), *used)
    if best.state != "confirmed" and (best.name == "image-by-digest" or _only_declared(best, every)):
        raise Unclear(_said(best))
    if missing:
        raise Unclear(f"{_said(best)}; not everything that the job used was seen")
    naming.settled(typed, at_start)
    return passed(_said(best), *used)


def _only_declared(best: Way, every: Sequence[Fact[Any]]) -> bool:
    """A lock file beside the project says which archives are meant, and not that these were installed."""
    python = [f.value for f in every if isinstance(f.value, PythonPackages)]
    return best.name == "lock-with-hashes" and any(declared(p) for p in python)


def _said(way: Way) -> str:
    return f"{way.name.replace('-', ' ')}: {way.evidence}"


def environment_not_rebuilt(replay: Fact[ReplayVerdict]) -> Verdict:
    v = replay.value
    state, detail = step(v, "environment")
    had = [f"{i.reference}: {i.level.replace('-', ' ')}" for i in v.images]
    levels = f" ({some(had)})" if had else ""
    gap = unequal(v)
    rebuilt = v.environment in (*REBUILT, "image-rebuilt") and state == "done"
    if rebuilt and v.environment_equal is None and gap and same(v):
        raise Unclear(f"{v.environment} ({detail}): {summary(v)}; but {gap}")
    if rebuilt and gap:
        return failed(f"{v.environment}: {gap} ({detail})", f"auditor replay BUNDLE   # of run {v.run_id}; its report names them")
    if rebuilt and same(v):
        return passed(f"{v.environment}{levels}: {summary(v)}")
    if v.environment in (*REBUILT, "image-rebuilt"):
        return failed(
            f"{v.environment}, {state} ({detail or summary(v)})",
            f"auditor replay BUNDLE   # of run {v.run_id}, which carries the lock",
        )
    said = f"replayed with what the machine has ({v.environment or 'nothing'}), not with a rebuilt environment"
    return failed(said, f"auditor replay BUNDLE   # of run {v.run_id}, where its lock or image can be had")
