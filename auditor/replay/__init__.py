"""Does it come out the same? Plan, unpack, rebuild, run, compare, verdict."""

from __future__ import annotations

from auditor.replay.evidence import verdict_evidence
from auditor.replay.execute import execute
from auditor.replay.plan import Plan, plan

__all__ = ["Plan", "execute", "plan", "verdict_evidence"]
