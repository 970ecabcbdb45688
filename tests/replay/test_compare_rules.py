"""What may differ without being another result? Rules by field, and rules learnt from two runs."""

from __future__ import annotations

import json

import pytest

from auditor.replay.compare import look
from auditor.replay.compare.content import Content
from auditor.replay.compare.learn import learn
from auditor.replay.compare.ledger import Compared
from auditor.replay.compare.rules import FieldRule, Rules, field_of
from auditor.replay.compare.tolerance import Tolerance
from auditor.verdict import Sameness


def content(name: str, value: object) -> Content:
    return Content(name, raw=(value if isinstance(value, str) else json.dumps(value)).encode())


def compared(name: str, a: object, b: object, *fields: FieldRule) -> Compared:
    return look(content(name, a), content(name, b), Rules(fields=fields))


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("row 5, seconds", "seconds"),
        ("$.runs[3].time", "$.runs[*].time"),
        ("/weights[12]", "/weights[*]"),
        ("line 12", "line 12"),
        ("rows", "rows"),
    ],
)
def test_a_field_is_a_place_without_its_position(place: str, field: str) -> None:
    assert field_of(place) == field


def test_a_field_that_is_not_compared_is_named_with_who_says_so() -> None:
    rule = FieldRule("$.seconds", None, "claims.toml")
    found = compared("m.json", {"loss": 0.5, "seconds": 3.1}, {"loss": 0.5, "seconds": 9.9}, rule)
    detail = "within rtol 1e-06, atol 1e-12; same values, written differently\nby rule: $.seconds: not compared (claims.toml)"
    assert found == Compared(Sameness.EQUIVALENT, "json", detail)


def test_a_field_may_have_a_tolerance_of_its_own_and_no_other_gains_by_it() -> None:
    rule = FieldRule("$.loss", Tolerance(rtol=0.1), "author")
    assert compared("m.json", {"loss": 0.50, "n": 1.0}, {"loss": 0.52, "n": 1.0}, rule).sameness is Sameness.EQUIVALENT
    assert compared("m.json", {"loss": 0.50, "n": 1.0}, {"loss": 0.52, "n": 1.1}, rule).sameness is Sameness.DIFFERENT


def test_a_column_is_a_field_in_all_rows() -> None:
    rule = FieldRule("seconds", None, "author")
    a, b = "id,seconds\n1,2.0\n2,3.0\n", "id,seconds\n1,2.5\n2,3.5\n"
    assert compared("t.csv", a, b, rule).sameness is Sameness.EQUIVALENT


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"x": [1, 2]}, {"x": [1]}),
        ({"x": 1.0}, {"x": float("nan")}),
        ({"x": 1.0}, {"y": 1.0}),
        ({"x": 1.0}, {"x": "1.0"}),
    ],
)
def test_no_rule_excuses_structure_a_nan_or_another_type(a: object, b: object) -> None:
    assert compared("m.json", a, b, FieldRule("*", None, "everything")).sameness is Sameness.DIFFERENT


def test_rules_that_leave_nothing_make_nothing_the_same() -> None:
    found = compared("m.json", {"t": "a"}, {"t": "b"}, FieldRule("*", None, "everything"))
    assert found.detail.splitlines()[0] == "nothing that the rules leave is the same"


def test_two_runs_teach_what_varies_by_itself() -> None:
    one = {"loss": 0.5, "acc": 0.9000, "time": "12:00", "seconds": 1.0}
    two = {"loss": 0.5, "acc": 0.9009, "time": "12:07", "seconds": 9.0}
    rules = learn(content("m.json", one), content("m.json", two), Rules())
    assert [(r.fields, r.tolerance and round(r.tolerance.rtol, 4)) for r in rules] == [
        ("$.acc", 0.01),
        ("$.seconds", None),
        ("$.time", None),
    ]
    assert rules[2].why == 'two runs of this bundle gave "12:00" and "12:07"'


def test_what_was_learnt_excuses_as_much_as_was_seen_and_no_more() -> None:
    one, two = {"loss": 0.5, "acc": 0.9000}, {"loss": 0.5, "acc": 0.9009}
    rules = Rules(fields=learn(content("m.json", one), content("m.json", two), Rules()))
    assert look(content("m.json", {"loss": 0.5, "acc": 0.905}), content("m.json", one), rules).sameness is Sameness.EQUIVALENT
    assert look(content("m.json", {"loss": 0.5, "acc": 0.5}), content("m.json", one), rules).sameness is Sameness.DIFFERENT
    assert look(content("m.json", {"loss": 0.6, "acc": 0.9}), content("m.json", one), rules).sameness is Sameness.DIFFERENT


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"a": 1.0}, {"a": 2.0}),  # nothing stays the same
        ({"a": 1.0, "b": [1]}, {"a": 2.0, "b": [1, 2]}),  # the form varies
        ({"a": 1.0, "b": 2.0}, {"a": float("nan"), "b": 2.0}),
        ({f"k{n}": n for n in range(60)} | {"s": 0}, {f"k{n}": n + 1 for n in range(60)} | {"s": 0}),
    ],
)
def test_an_output_that_does_not_repeat_teaches_nothing(one: object, two: object) -> None:
    assert learn(content("m.json", one), content("m.json", two), Rules()) == ()


def test_brackets_in_a_learnt_field_are_no_pattern() -> None:
    rules = learn(content("m.json", {"a": [{"t": "x"}], "s": 1}), content("m.json", {"a": [{"t": "y"}], "s": 1}), Rules())
    assert [r.fields for r in rules] == ["$.a[[][*]].t"]
    found = compared("m.json", {"a": [{"t": "x"}], "s": 1}, {"a": [{"t": "z"}], "s": 1}, *rules)
    assert found.sameness is Sameness.EQUIVALENT
