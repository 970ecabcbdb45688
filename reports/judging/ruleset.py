"""Which rules judged? A version, and the sha256 over every word and every line of code that can change an outcome.

The hash covers the declared table (id, level, tip, title, needs) and the *source text* of the modules that judge: a declared
version alone is forgotten when a threshold moves, and byte code differs between Python releases, while the source text in the
wheel is the same everywhere.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Mapping
from functools import cache

from auditor import codec, registry
from auditor.model import Check, Tip

VERSION = "2"
SHARED = (
    "probes.script.phases",
    "reports.campaigns.clock",
    "reports.campaigns.engines",
    "reports.campaigns.fold",
    "reports.campaigns.member",
    "reports.campaigns.reading",
    "reports.campaigns.score",
    "reports.campaigns.totals",
    "reports.campaigns.trackers",
    "reports.judging.again",
    "reports.judging.amounts",
    "reports.judging.cures",
    "reports.judging.engineinputs",
    "reports.judging.engineruns",
    "reports.judging.imagefacts",
    "reports.judging.imagelabels",
    "reports.judging.imageways",
    "reports.judging.judge",
    "reports.judging.ladder",
    "reports.judging.leaks",
    "reports.judging.levels",
    "reports.judging.moved",
    "reports.judging.naming",
    "reports.judging.phases",
    "reports.judging.proofs",
    "reports.judging.ranking",
    "reports.judging.recipes",
    "reports.judging.record",
    "reports.judging.sightings",
    "reports.judging.software",
    "reports.judging.staging",
    "reports.judging.strays",
    "reports.judging.sureruns",
    "reports.judging.tracerules",
    "reports.judging.trackedruns",
    "reports.judging.traces",
    "reports.judging.tree",
    "reports.judging.verdicts",
)
"""What every tip stands on."""


@cache
def ruleset() -> str:
    """`2-<64 hex>` for the tips that are installed, third parties' included."""
    return f"{VERSION}-{fingerprint(registry.tips())}"


def fingerprint(tips: Mapping[int, Tip]) -> str:
    modules = {c.judge.__module__ for t in tips.values() for c in (*t.checks, *t.campaign)}
    sources = {m: _source(m) for m in sorted({*modules, *SHARED})}
    return codec.digest({"tips": [_row(t) for _, t in sorted(tips.items())], "sources": sources})


def _row(tip: Tip) -> list[object]:
    row = [tip.number, tip.slug, tip.title, list(map(_check, tip.checks))]
    return [*row, list(map(_check, tip.campaign))] if tip.campaign else row


def _check(c: Check) -> list[object]:
    return [c.id, c.level, c.title, c.source, [[n.kind.__name__, list(n.phases), n.absent, n.optional] for n in c.needs]]


def _source(module: str) -> str:
    try:
        text = inspect.getsource(importlib.import_module(module))
    except OSError:  # installed as byte code only
        return "no source"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
