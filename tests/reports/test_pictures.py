"""Do the pictures show what the scorecard says?"""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from auditor.scorecard import Edge, Gauge, Node, Scorecard, Span, Story
from reports.formats.pictures import interval, lineage, resources, timeline, tips
from reports.formats.pictures.layers import Layout, layout
from reports.formats.pictures.svg import fit, folded
from tests.reports import sample

DRAW = {
    "interval": interval.interval,
    "tips": tips.tips,
    "timeline": timeline.timeline,
    "resources": resources.resources,
    "lineage": lineage.lineage,
}


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def told(svg: str) -> str:
    return drawn(svg).findtext("desc") or ""


def rects(svg: str, look: str) -> list[dict[str, str]]:
    return [r.attrib for r in drawn(svg).iter("rect") if look in r.get("class", "").split()]


def with_story(**story: object) -> Scorecard:
    return replace(sample.bare(), story=Story(**story))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", DRAW)
@pytest.mark.parametrize("card", ["good", "broken", "nasty"])
def test_every_picture_is_well_formed_and_says_what_it_shows(name: str, card: str) -> None:
    svg = DRAW[name](sample.everyone()[card])
    if svg:
        assert drawn(svg).findtext("title")
        assert told(svg)


@pytest.mark.parametrize("name", ["interval", "timeline", "resources", "lineage"])
def test_there_is_no_picture_of_what_is_not_known(name: str) -> None:
    assert DRAW[name](sample.bare()) == ""


def test_the_bar_is_solid_to_the_lower_number_and_hatched_to_the_upper() -> None:
    svg = interval.interval(replace(sample.good(), low=25.0, high=75.0))
    (sure,) = rects(svg, "sure")
    (maybe,) = [r.attrib for r in drawn(svg).iter("rect") if r.get("fill", "").startswith("url")]
    assert (float(sure["x"]), float(sure["width"])) == (10, 110)
    assert (float(maybe["x"]), float(maybe["width"])) == (120, 220)


def test_the_dial_has_three_rings_for_each_tip_and_tells_them_apart() -> None:
    looks = [
        c.get("class", "").removeprefix("cell ")
        for c in drawn(tips.tips(sample.good())).iter("path")
        if "cell" in c.get("class", "")
    ]
    sure, high = sum(t.low for t in sample.TIPS if t.applicable), sum(t.high for t in sample.TIPS if t.applicable)
    assert (looks.count("sure"), looks.count("maybe"), looks.count("na")) == (sure, high - sure, 3)


def test_the_dial_of_an_unverifiable_run_shows_no_level() -> None:
    svg = tips.tips(sample.broken())
    assert ('class="cell sure"' in svg, "not verifiable" in svg) == (False, True)


def test_the_time_line_says_how_long_each_attempt_waited_and_ran() -> None:
    attempts = (
        Span("attempt 0", "TIMEOUT", "2026-11-20T10:00:00+00:00", "2026-11-20T10:10:00+00:00", "2026-11-20T12:10:00+00:00", 0),
        Span("attempt 1", "RUNNING", "2026-11-20T12:10:00+00:00", "2026-11-20T12:11:00+00:00", "", 1),
    )
    svg = timeline.timeline(with_story(attempts=attempts))
    assert told(svg) == "attempt 0: TIMEOUT, waited 10 min, ran 2 h. attempt 1: RUNNING, waited 1 min, no end is known."
    assert (len(rects(svg, "bad")), len(rects(svg, "busy")), len(rects(svg, "wait"))) == (1, 1, 2)


def test_only_so_many_attempts_are_drawn_and_the_rest_is_counted() -> None:
    attempts = tuple(Span(f"a{i}", "FAILED", "", "2026-11-20T10:00:00+00:00", "2026-11-20T10:00:01+00:00", i) for i in range(90))
    svg = timeline.timeline(with_story(attempts=attempts))
    assert (len(rects(svg, "ran")), told(svg).startswith("66 more are not drawn. a0: ")) == (24, True)


def test_times_that_are_no_times_draw_nothing() -> None:
    assert timeline.timeline(with_story(attempts=(Span("a", "FAILED", "x", "", "later", 0),))) == ""


@pytest.mark.parametrize("span", [0.5, 59, 600, 7200, 86400, 30 * 86400, 900 * 86400])
def test_the_axis_has_between_two_and_nine_marks(span: float) -> None:
    assert 0 < span / timeline.tick(span) <= 9


def test_a_gauge_fills_as_much_of_its_frame_as_was_used() -> None:
    svg = resources.resources(with_story(gauges=(Gauge("memory", "byte", 1024.0, 256.0, "sacct"),)))
    (asked,), (used,) = rects(svg, "asked"), rects(svg, "used")
    assert float(used["width"]) / float(asked["width"]) == pytest.approx(0.25)
    assert told(svg) == "Memory: asked 1 KiB, used 256 B (25 %)."


def test_a_little_is_not_called_nothing() -> None:
    assert resources.told(Gauge("time", "s", 300.0, 0.46, "")) == "asked 5 min, used 0.46 s (below 1 %)"


def test_more_used_than_asked_looks_different() -> None:
    svg = resources.resources(with_story(gauges=(Gauge("memory", "byte", 1024.0, 2048.0, "sacct"),)))
    assert (len(rects(svg, "over")), "(200 %)" in svg) == (1, True)


def test_a_chain_lies_in_layers_from_left_to_right() -> None:
    a, f, b = Node("a", "run", "a"), Node("f", "file", "f"), Node("b", "this-run", "b")
    edges = (Edge("f", "b"), Edge("a", "f"))
    assert layout((b, f, a), edges) == Layout(((a,), (f,), (b,)), edges, 0)


def test_a_cycle_is_drawn_and_does_not_push_layers_apart() -> None:
    nodes = tuple(Node(i, "run", i) for i in "abc")
    plan = layout(nodes, (Edge("a", "b"), Edge("b", "c"), Edge("c", "a")))
    assert ([[n.id for n in layer] for layer in plan.layers], len(plan.edges)) == ([["a"], ["b"], ["c"]], 3)
    assert "edge back" in lineage.draw(nodes, plan.edges)


def test_crossings_are_avoided_where_sorting_can() -> None:
    nodes = tuple(Node(i, "run", i) for i in ("a", "b", "y", "x"))
    plan = layout(nodes, (Edge("a", "x"), Edge("b", "y")))
    left, right = ([n.id for n in layer] for layer in plan.layers)
    assert [{"a": "x", "b": "y"}[i] for i in left] == right


def test_sixty_inputs_are_folded_into_ten_boxes_and_say_how_many_more() -> None:
    nodes = (Node("me", "this-run", "me"), *(Node(f"f{i}", "file", f"f{i}") for i in range(46)))
    plan = layout(nodes, tuple(Edge(f"f{i}", "me") for i in range(46)))
    assert ([len(layer) for layer in plan.layers], plan.layers[0][-1].label) == ([10, 1], "37 more")


def test_what_is_far_from_this_run_is_counted_and_not_drawn() -> None:
    nodes = (Node("me", "this-run", "me"), *(Node(f"n{i}", "run", f"n{i}") for i in range(400)))
    edges = (Edge("me", "n0"), *(Edge(f"n{i}", f"n{i + 1}") for i in range(399)))
    plan = layout(nodes, edges)
    assert (len(plan.layers), plan.layers[0][0].id, plan.left > 0) == (7, "me", True)
    last = layout((*nodes[1:], Node("end", "this-run", "end")), (*edges[1:], Edge("n399", "end")))
    assert [len(layer) for layer in last.layers] == [1] * 7 and last.layers[-1][0].id == "end"
    assert "farther away, not drawn." in lineage.draw(nodes, edges)


def test_edges_to_unknown_nodes_are_left_out() -> None:
    assert layout((Node("a", "run", "a"),), (Edge("a", "gone"), Edge("a", "a"))).edges == ()


def test_a_lineage_can_stand_alone_as_a_document() -> None:
    svg = lineage.draw(sample.STORY.nodes, sample.STORY.edges)
    assert drawn(svg).tag == "{http://www.w3.org/2000/svg}svg"
    assert "--sure:" in svg


@pytest.mark.parametrize(
    ("words", "columns", "lines"),
    [("short", 10, ("short",)), ("results/model.pt", 11, ("results/", "model.pt")), ("x" * 30, 10, ("x" * 10, "…" + "x" * 9))],
)
def test_a_long_label_takes_two_lines_and_keeps_its_end(words: str, columns: int, lines: tuple[str, ...]) -> None:
    assert folded(words, columns) == lines


def test_wide_characters_count_twice() -> None:
    assert (fit("日本語", 6), fit("日本語", 5)) == ("日本語", "日…")


def test_a_data_set_is_told_apart_from_a_file() -> None:
    nodes = (Node("r", "this-run", "this run"), Node("d", "dataset", "iris 3"), Node("f", "file", "a.csv"))
    svg = lineage.draw(nodes, (Edge("d", "r"), Edge("f", "r")))
    assert "1 run and 1 file and 1 data set, joined by 2 steps of data, left to right." in svg
    assert [t.text for t in drawn(svg).iter() if t.tag.endswith("title") and t.text and "iris" in t.text] == ["data set: iris 3"]
