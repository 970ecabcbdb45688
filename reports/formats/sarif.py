"""How do findings reach programs that read the results of code analysis? As SARIF 2.1.0: one rule a check, one result a finding.

OASIS SARIF 2.1.0 (errata 01), sections 3.14 (run), 3.27 (result), 3.49 (reportingDescriptor). `kind` holds our outcomes: what could not
be told is `open`, a check that broke needs a person's `review`; `level` is `none` unless the kind is `fail` (3.27.10).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from auditor.model import Outcome
from auditor.scorecard import Finding, Format, Scorecard, TipScore
from reports.formats import view, words
from reports.formats.clean import tidy

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
SOURCE = "https://arxiv.org/abs/2606.07491"
"""The twelve tips: what the rules come from."""

KINDS = {
    Outcome.PASSED: ("pass", "none"),
    Outcome.WEAK: ("fail", "warning"),
    Outcome.FAILED: ("fail", "error"),
    Outcome.UNKNOWN: ("open", "none"),
    Outcome.NOT_APPLICABLE: ("notApplicable", "none"),
    Outcome.ERROR: ("review", "none"),
}
Node = dict[str, Any]


def render(card: Scorecard) -> bytes:
    """Same scorecard, same bytes: no clock, keys sorted."""
    card = tidy(card)
    pairs = [(tip, finding) for tip in card.tips for finding in tip.findings]
    order = {check: number for number, check in enumerate(dict.fromkeys(f.check for _, f in pairs))}
    run = {
        "tool": {"driver": _driver(card)},
        "automationDetails": {"id": f"run-auditor/{card.run.id}"},
        "invocations": [_invocation(pairs)],
        "results": [_result(card, tip, finding, order) for tip, finding in pairs],
        "columnKind": "unicodeCodePoints",
        "properties": _summary(card),
    }
    return (json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, sort_keys=True, indent=2) + "\n").encode("ascii")


def _driver(card: Scorecard) -> Node:
    return {
        "name": "run-auditor",
        "version": card.auditor or "0",
        "informationUri": SOURCE,
        "rules": list({f.check: _rule(tip, f) for tip in reversed(card.tips) for f in reversed(tip.findings)}.values())[::-1],
        "properties": {"ruleset": card.ruleset},
    }


def _rule(tip: TipScore, finding: Finding) -> Node:
    name = "".join(word.capitalize() for word in finding.check.split("-"))
    return {
        "id": finding.check,
        **({"name": name} if name.lower() != finding.check else {}),  # no name is better than the id again (3.49.7)
        "shortDescription": {"text": _sentence(finding.title)},
        "fullDescription": {"text": _sentence(tip.why)},
        "help": {"text": _sentence(tip.advice)},
        "helpUri": SOURCE,
        "properties": {"tags": [f"tip-{tip.number}", tip.slug], "level": finding.level, "source": finding.source},
    }


def _result(card: Scorecard, tip: TipScore, finding: Finding, order: dict[str, int]) -> Node:
    kind, level = KINDS[finding.outcome]
    told = " ".join(_advice(finding))
    mark = hashlib.sha256(f"{card.run.id}\0{finding.check}\0{finding.message}".encode("utf-8", "surrogatepass")).hexdigest()
    return {
        "ruleId": finding.check,
        "ruleIndex": order[finding.check],
        "kind": kind,
        "level": level,
        "message": {"text": told},
        "locations": [{"logicalLocations": [{"name": view.title(card), "fullyQualifiedName": f"run {card.run.id}"}]}],
        "partialFingerprints": {"runCheckMessage/v1": mark},
        "properties": {
            "outcome": finding.outcome.value,
            "grade": finding.grade.value,
            "tip": tip.number,
            "evidence": list(finding.cites),
        },
    }


def _advice(finding: Finding) -> Iterator[str]:
    yield _sentence(finding.message or finding.title)
    if finding.fix and finding.outcome in (Outcome.FAILED, Outcome.WEAK):
        yield f"To mend it: {finding.fix}"
    if finding.settles and finding.outcome in (Outcome.UNKNOWN, Outcome.ERROR):
        yield f"To settle it: {finding.settles}"


def _invocation(pairs: list[tuple[TipScore, Finding]]) -> Node:
    """The audit itself went through; a check of it that broke is told as a notification (3.20.21)."""
    broken = [
        {"level": "error", "associatedRule": {"id": f.check}, "message": {"text": _sentence(f.message or f.title)}}
        for _, f in pairs
        if f.outcome is Outcome.ERROR
    ]
    return {"executionSuccessful": True, "toolExecutionNotifications": broken}


def _summary(card: Scorecard) -> Node:
    told, on = view.headline(card), view.standing(card)
    return {
        "low": card.low if card.verifiable else None,
        "high": card.high if card.verifiable else None,
        "coverage": card.coverage if card.verifiable else None,
        "verifiable": card.verifiable,
        "headline": f"{told.figure} {told.unit}".strip(),
        "rung": words.rung(on.name) if on else "",
        "job": card.run.job_id,
    }


def _sentence(text: str) -> str:
    text = text.strip() or "Nothing is said"
    return text if text[-1] in ".!?" else f"{text}."


FORMAT = Format("sarif", ".sarif", render, "application/sarif+json")
