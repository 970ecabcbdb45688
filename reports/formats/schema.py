"""What may other programs expect of a scorecard in JSON, a run's or a campaign's? A JSON Schema (2020-12), read off the value types and their docstrings."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import textwrap
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from auditor.campaigncard import CampaignCard
from auditor.scorecard import Scorecard
from auditor.verdict import ChainVerdict, ReplayVerdict

PUBLISHED = Path(__file__).with_name("scorecard.schema.json")
OF_CAMPAIGNS = Path(__file__).with_name("campaign.schema.json")
OF_VERDICTS = Path(__file__).with_name("verdict.schema.json")
OF_CHAINS = Path(__file__).with_name("chain.schema.json")

ID = "urn:run-auditor:scorecard:1"
CAMPAIGN_ID = "urn:run-auditor:campaign:1"
VERDICT_ID = "urn:run-auditor:verdict:1"
CHAIN_ID = "urn:run-auditor:chain:1"
"""The number is the schema's version; published ones are never edited."""

_PERCENT = {"minimum": 0, "maximum": 100}
_SHA256 = {"pattern": "^[0-9a-f]{64}$"}

_BOUNDS: dict[tuple[str, str], dict[str, Any]] = {
    ("Scorecard", "low"): _PERCENT,
    ("Scorecard", "high"): _PERCENT,
    ("Scorecard", "coverage"): _PERCENT,
    ("Scorecard", "schema"): {"const": 1},
    ("TipScore", "low"): {"minimum": 0, "maximum": 3},
    ("TipScore", "high"): {"minimum": 0, "maximum": 3},
    ("Finding", "level"): {"minimum": 1, "maximum": 3},
    ("Cited", "id"): _SHA256,
    ("RunCard", "attempts"): {"minimum": 0},
    ("CampaignCard", "low"): _PERCENT,
    ("CampaignCard", "high"): _PERCENT,
    ("CampaignCard", "coverage"): _PERCENT,
    ("CampaignCard", "schema"): {"const": 1},
    ("CampaignCard", "record_id"): _SHA256,
    ("CampaignTip", "low"): {"minimum": 0, "maximum": 3},
    ("CampaignTip", "high"): {"minimum": 0, "maximum": 3},
    ("Fold", "level"): {"minimum": 1, "maximum": 3},
    ("Fold", "share"): {"minimum": 0, "maximum": 1},
}
"""What types cannot say."""

_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean", types.NoneType: "null"}


def schema(type_: type = Scorecard, id_: str = ID) -> dict[str, Any]:
    """The schema of a card, with one definition for each type it holds."""
    defined: dict[str, Any] = {}
    top = _object(type_, defined)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": id_,
        "title": type_.__name__,
        **top,
        "$defs": defined,
    }


def published() -> dict[Path, dict[str, Any]]:
    """Every schema that is published, and its file."""
    return {
        PUBLISHED: schema(),
        OF_CAMPAIGNS: schema(CampaignCard, CAMPAIGN_ID),
        OF_VERDICTS: schema(ReplayVerdict, VERDICT_ID),
        OF_CHAINS: schema(ChainVerdict, CHAIN_ID),
    }


def _object(type_: Any, defined: dict[str, Any]) -> dict[str, Any]:
    hints, told = typing.get_type_hints(type_), _told(type_)
    properties = {}
    for field in dataclasses.fields(type_):
        about = {"description": told[field.name]} if field.name in told else {}
        properties[field.name] = {**_any(hints[field.name], defined), **_BOUNDS.get((type_.__name__, field.name), {}), **about}
    return {"description": _flat(type_.__doc__), "type": "object", "properties": properties, "required": list(properties)}


def _any(hint: Any, defined: dict[str, Any]) -> dict[str, Any]:
    if hint is Any:
        return {}
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    if typing.get_origin(hint) is tuple:
        return {"type": "array", "items": _any(typing.get_args(hint)[0], defined)}
    if typing.get_origin(hint) is Mapping:
        return {"type": "object", "additionalProperties": _any(typing.get_args(hint)[1], defined)}
    if isinstance(hint, types.UnionType):
        return {"type": [_SIMPLE[part] for part in typing.get_args(hint)]}
    if hint.__name__ not in defined:
        defined[hint.__name__] = {}  # a place, in case the type holds itself
        defined[hint.__name__] = _enum(hint) if issubclass(hint, Enum) else _object(hint, defined)
    return {"$ref": f"#/$defs/{hint.__name__}"}


def _enum(hint: type[Enum]) -> dict[str, Any]:
    return {"description": _flat(hint.__doc__), "enum": [member.value for member in hint]}


def _told(type_: type) -> dict[str, str]:
    """The texts that stand under fields in the source."""
    body = ast.parse(textwrap.dedent(inspect.getsource(type_))).body[0].body  # type: ignore[attr-defined]
    pairs = itertools.pairwise(body)
    return {
        field.target.id: _flat(text.value.value)
        for field, text in pairs
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def _flat(text: str | None) -> str:
    return " ".join((text or "").split())
