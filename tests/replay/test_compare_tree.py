"""When do two JSON documents hold the same?"""

from __future__ import annotations

import pytest

from auditor.replay.compare import look
from auditor.replay.compare.content import Content
from auditor.replay.compare.ledger import Compared
from auditor.replay.compare.rules import Rules
from auditor.verdict import Sameness


def compare(expected: str, actual: str) -> Compared:
    return look(Content("metrics.json", raw=expected.encode()), Content("metrics.json", raw=actual.encode()), Rules())


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ('{"a": 1.0, "b": 2}', '{"b": 2, "a": 1.00000001}'),
        ("[1.5, [2]]", "[1.5,[2.0]]"),
        ('{"a": "x"}', '{"a":"x"}'),
    ],
)
def test_documents_with_close_numbers_are_equivalent(expected: str, actual: str) -> None:
    assert compare(expected, actual).sameness is Sameness.EQUIVALENT


@pytest.mark.parametrize(
    ("expected", "actual", "detail"),
    [
        ('{"a": 1.0}', '{"a": 1.1}', "$.a: 1.0 became 1.1"),
        ('{"a": 1}', '{"a": 2}', "$.a: 1 became 2"),
        ('{"a": 1}', '{"b": 1}', "$.a: 1 became (absent)\n$.b: (absent) became 1"),
        ('{"a": [1, 2]}', '{"a": [1]}', "$.a: 2 items became 1 items"),
        ('{"a": true}', '{"a": 1}', "$.a: true became 1"),
        ('{"a": NaN, "b": 1.0}', '{"a": NaN, "b": 1.00}', "$.a: nan became nan"),
        ('{"a": null}', '{"a": 0.0}', "$.a: null became 0.0"),
        ('{"a": 1e400, "b": 1}', '{"a": -1e400, "b": 1}', "$.a: inf became -inf"),
    ],
)
def test_what_differs_in_a_document_is_named_by_its_path(expected: str, actual: str, detail: str) -> None:
    assert compare(expected, actual) == Compared(Sameness.DIFFERENT, "json", detail)


def test_a_document_deeper_than_any_result_is_compared_as_text() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    assert compare(deep, deep + "\n1").comparator == "text"


def test_a_broken_document_is_compared_as_text() -> None:
    assert compare('{"a": 1', '{"a": 2').detail == "line 1: 1 became 2"
