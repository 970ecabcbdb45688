"""Does the published schema say what our JSON is?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from auditor import codec
from auditor.scorecard import Scorecard
from reports.formats.json import FORMAT
from reports.formats.schema import PUBLISHED, schema
from tests.reports import sample

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*/scorecard.json"))
VALIDATOR = Draft202012Validator(schema())


def test_the_published_schema_is_the_one_the_types_give() -> None:
    assert json.loads(PUBLISHED.read_text("utf-8")) == schema()


def test_the_schema_is_a_schema_with_a_name() -> None:
    Draft202012Validator.check_schema(schema())
    assert schema()["$id"] == "urn:run-auditor:scorecard:1"


@pytest.mark.parametrize("name", ["good", "bare", "broken"])
def test_a_report_keeps_to_the_schema_and_reads_back_as_it_was(name: str) -> None:
    raw = FORMAT.render(sample.everyone()[name])
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(raw))] == []
    assert codec.plain(codec.loads(raw, Scorecard)) == json.loads(raw)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parent.name)
def test_golden_scorecards_keep_to_the_schema(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(json.loads(path.read_bytes()))] == []


@pytest.mark.parametrize(
    "broken",
    [
        {"low": 101},
        {"coverage": -1},
        {"verifiable": "yes"},
        {"rungs": [{"name": "captured"}]},
        {"schema": 2},
        {"tips": [{"number": "one"}]},
    ],
)
def test_what_is_not_a_scorecard_is_refused(broken: dict[str, Any]) -> None:
    data = {**json.loads(FORMAT.render(sample.good())), **broken}
    assert not VALIDATOR.is_valid(data)


def test_every_field_is_required() -> None:
    data = json.loads(FORMAT.render(sample.good()))
    del data["integrity"]
    assert not VALIDATOR.is_valid(data)


def test_field_docstrings_become_descriptions() -> None:
    assert schema()["properties"]["ruleset"]["description"] == "Version of the rules and the sha256 over them: `1-<64 hex>`."
