"""When do two tables hold the same?"""

from __future__ import annotations

import pytest

from auditor.replay.compare import look
from auditor.replay.compare.content import Content
from auditor.replay.compare.ledger import Compared
from auditor.replay.compare.rules import Rules
from auditor.verdict import Sameness


def compare(expected: str, actual: str, name: str = "out.csv") -> Compared:
    return look(Content(name, raw=expected.encode()), Content(name, raw=actual.encode()), Rules())


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("x,y\n1,2.0\n", "x,y\n1,2.0000000001\n"),
        ("x,y\n1,2.0\n", 'x,y\r\n"1",2\r\n'),
        ("x;y\n1;2.5\n", "x;y\n1;2.50\n"),
        ("\ufeffx,y\n1,2\n", "x,y\n1,2\n"),
    ],
)
def test_tables_with_close_numbers_are_equivalent(expected: str, actual: str) -> None:
    assert compare(expected, actual) == Compared(Sameness.EQUIVALENT, "csv", compare(expected, actual).detail)


@pytest.mark.parametrize(
    ("expected", "actual", "detail"),
    [
        ("x,y\n1,2.0\n", "x,y\n1,2.1\n", "row 2, y: 2.0 became 2.1"),
        ("x,y\n1,2\n", "x,y\n1,3\n", "row 2, y: 2 became 3"),
        ("x,y\n1,2\n3,4\n", "x,y\n1,2\n", "rows: 3 became 2\nrow 3: 3,4 became (no row)"),
        ("x,y\n1,2\n", "x\n1\n", "row 1: 2 columns became 1 columns\nrow 2: 2 columns became 1 columns"),
        ("x,y\n1,2\n", "y,x\n1,2\n", "row 1, x: x became y\nrow 1, y: y became x"),
        ("x,y\n1,nan\n2,1.0\n", "x,y\n1,nan\n2,1.00\n", "row 2, y: nan became nan"),
        ("x,name\n1,ada\n", "x,name\n1,bob\n", "row 2, name: ada became bob"),
    ],
)
def test_what_differs_in_a_table_is_named_by_row_and_column(expected: str, actual: str, detail: str) -> None:
    assert compare(expected, actual) == Compared(Sameness.DIFFERENT, "csv", detail)


def test_a_file_that_is_no_table_after_all_is_compared_as_text() -> None:
    assert compare('x,"y\n1,2\n', "x,y\n1,2\n").comparator == "text"
