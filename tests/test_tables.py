"""Do tables read well in a narrow terminal, and say nothing wrong of what they leave out?"""

from __future__ import annotations

from io import StringIO

from rich.console import Console, RenderableType

from auditor.cli.tables import evidence_table, incomplete, lineage_tree, runs_table
from auditor.model import Evidence, Grade, Phase, Status
from auditor.scorecard import Edge, Node
from auditor.store import RunRow

ROW = RunRow(
    "bf54403284f7eb12", "4711_4", "fit", "COMPLETED", "2026-11-23T16:17:01+00:00", 3.0, 42.0, 82.0, 72.0, "paper", "pinned"
)


def shown(what: RenderableType, width: int) -> list[str]:
    paper = StringIO()
    Console(file=paper, width=width, color_system=None).print(what)
    return [row.rstrip() for row in paper.getvalue().splitlines()]


def test_a_wide_terminal_shows_every_column_of_a_run() -> None:
    assert shown(runs_table((ROW,), 120), 120) == [
        "run               job     name  state      submitted         score  rung    label",
        "bf54403284f7eb12  4711_4  fit   COMPLETED  2026-11-23 16:17  42–82  pinned  paper",
    ]


def test_runs_that_were_not_read_to_their_end_are_named_in_one_line() -> None:
    assert incomplete((("1", "COMPLETED"), ("2", "TIMEOUT"), ("3", ""))) == ""
    assert incomplete((("1", "COMPLETED"), ("2", "PENDING"))) == "job 2: its record is not complete yet: auditor sweep"
    assert incomplete([(str(n), "submitted") for n in range(5)]) == (
        "jobs 0, 1, 2 and 2 more: their records are not complete yet: auditor sweep"
    )


def test_a_narrow_one_shows_what_tells_runs_apart_and_cuts_nothing_in_two() -> None:
    assert shown(runs_table((ROW,), 80), 80) == [
        "run       job     name  state      submitted    score",
        "bf544032  4711_4  fit   COMPLETED  11-23 16:17  42–82",
    ]
    assert shown(runs_table((ROW,), 60), 60) == ["run       job     name  state", "bf544032  4711_4  fit   COMPLETED"]


def test_the_reason_of_missing_evidence_has_room_in_80_columns() -> None:
    gone = Evidence(
        probe="container-references",
        version=1,
        kind="ContainerReferences",
        phase=Phase.SUBMIT,
        attempt=0,
        status=Status.ABSENT,
        grade=Grade.DECLARED,
        source="",
        reason="the script names no image",
        taken_at="2026-11-23T16:17:01+00:00",
        host="n1",
        data=None,
    )
    assert shown(evidence_table((gone,), 80), 80)[-1] == (
        "container-references  submit  absent  declared  the script names no image"
    )


def test_a_lineage_that_is_cut_gives_no_count() -> None:
    nodes = (Node("r1", "this-run", "fit"), Node("f1", "file", "a.csv"), Node("more-output", "file", "and 6 more outputs"))
    edges = (Edge("r1", "f1"), Edge("r1", "more-output"))
    assert shown(lineage_tree("r1", nodes, edges), 80) == [
        "run r1",
        "├── went in: 0",
        "└── came out",
        "    ├── a.csv",
        "    └── and 6 more outputs",
    ]
