"""What shape has the graph of tasks? Literal tasks, the answer beside them."""

from __future__ import annotations

import pytest

from probes.workflows import File, State, Task, WorkflowRun, taskgraph
from probes.workflows.record import GroupLink
from probes.workflows.summary import summary
from probes.workflows.taskgraph import graph, links, loops


def task(id: str, name: str, *, reads: str = "", makes: str = "", needs: tuple[str, ...] = ()) -> Task:
    files = (*(File(p, "input") for p in reads.split()), *(File(p, "output") for p in makes.split()))
    return Task(id, name, State.SUCCEEDED, needs=needs, files=files)


FAN = (
    task("1", "split", makes="a b c"),
    task("2", "work", reads="a", makes="x"),
    task("3", "work", reads="b", makes="y"),
    task("4", "work", reads="c", makes="z"),
    task("5", "merge", reads="x y z"),
)
FEEDBACK = (
    task("s0", "simulate", makes="t0"),
    task("m0", "train", reads="t0", makes="w0"),
    task("p0", "predict", reads="w0", makes="c0"),
    task("s1", "simulate", reads="c0", makes="t1"),
    task("m1", "train", reads="t1", makes="w1"),
    task("p1", "predict", reads="w1", makes="c1"),
    task("plot", "plot", reads="c1"),
)


def test_a_fan_is_as_wide_as_its_widest_level() -> None:
    found = graph(FAN)
    assert (found.width, found.depth, found.cyclic) == (3, 3, False)


def test_links_between_names_count_pairs_of_tasks() -> None:
    assert links(graph(FAN)) == (GroupLink("split", "work", 3, "file"), GroupLink("work", "merge", 3, "file"))


def test_a_declared_need_is_a_dependency_and_a_shared_file_says_more() -> None:
    tasks = (task("1", "a", makes="f"), task("2", "b", needs=("1",)), task("3", "c", needs=("1",), reads="f"))
    assert links(graph(tasks)) == (GroupLink("a", "b", 1, "dependency"), GroupLink("a", "c", 1, "file"))


def test_names_that_come_around_again_are_a_loop_with_its_rounds() -> None:
    assert loops(graph(FEEDBACK)) == ((("simulate", "train", "predict"), 2),)


def test_a_name_that_follows_itself_is_a_loop_of_one() -> None:
    chain = (task("1", "step", makes="a"), task("2", "step", reads="a", makes="b"), task("3", "step", reads="b"))
    assert loops(graph(chain)) == ((("step",), 3),)


def test_a_fan_has_no_loop() -> None:
    assert loops(graph(FAN)) == ()


def test_a_record_whose_tasks_wait_for_each_other_is_cyclic_and_still_drawn() -> None:
    found = graph((task("1", "a", needs=("2",)), task("2", "b", needs=("1",)), task("3", "c")))
    assert (found.cyclic, found.order, found.depth) == (True, (2,), 1)
    assert loops(found) == ((("a", "b"), 0),)


def test_a_need_that_no_task_answers_binds_nothing() -> None:
    assert graph((task("1", "a", needs=("gone",)),)).edges == {}


def test_a_task_that_reads_what_it_makes_does_not_wait_for_itself() -> None:
    assert graph((task("1", "a", reads="f", makes="f"),)).edges == {}


def test_a_chain_of_ten_thousand_tasks_is_walked_without_recursion() -> None:
    chain = tuple(task(str(n), f"step{n}", reads=str(n), makes=str(n + 1)) for n in range(10_000))
    found = graph(chain)
    assert (found.depth, found.width, loops(found)) == (10_000, 1, ())


def test_thousands_of_tasks_that_write_and_read_one_file_are_joined_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taskgraph, "MAX_EDGES", 100)
    tasks = tuple(task(str(n), "append", reads="all.log", makes="all.log") for n in range(30))

    assert (len(graph(tasks).edges), graph(tasks).whole, graph(FAN).whole) == (100, False, True)
    assert "links between tasks beyond" in summary(WorkflowRun("x", "1", "r", "/x", State.SUCCEEDED, "", tasks=tasks)).omitted[-1]
