"""Which variable does a script name an image by, and what was in it?"""

from __future__ import annotations

import pytest

from reports.archive.typed import expanded, variable


@pytest.mark.parametrize(
    ("typed", "resolved", "found"),
    [
        ("$SIF", "/shared/x.sif", {"SIF": "/shared/x.sif"}),
        ("${IMAGES}/x.sif", "/shared/x.sif", {"IMAGES": "/shared"}),
        ("docker://quay.io/lab/fit:${TAG}", "docker://quay.io/lab/fit:2", {"TAG": "2"}),
        ("x.sif", "x.sif", {}),
        ("$HOME/x.sif", "/home/ada/x.sif", {}),
        ("$1", "x.sif", {}),
        ("$LD_PRELOAD", "/x.so", {}),
        ("$A/$B", "/a/b", {}),
        ("${SIF:-x.sif}", "x.sif", {}),
        ("$SIF", "", {}),
        ("$DIR/x.sif", "/elsewhere/y.sif", {}),
    ],
)
def test_one_plain_variable_is_told_by_what_the_name_came_to(typed: str, resolved: str, found: dict[str, str]) -> None:
    assert variable(typed, resolved) == found


@pytest.mark.parametrize(
    ("typed", "name"),
    [("$A/${B}.sif", "/a/b.sif"), ("x.sif", "x.sif"), ("$C", ""), ("$(ls)", ""), ("${A:-x}", ""), ("`ls`", ""), ("", "")],
)
def test_a_name_comes_out_with_other_variables_or_not_at_all(typed: str, name: str) -> None:
    assert expanded(typed, {"A": "/a", "B": "b"}) == name
