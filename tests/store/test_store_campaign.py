"""Which runs belong together, why, and what does the group look like?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auditor import codec
from auditor.campaign import Campaign, Held
from auditor.model import Capture, Phase
from auditor.scorecard import Edge, Node
from auditor.store import Store
from probes.data import DataFile, Reference
from tests.factory import accounting, at, attempt, capture, file, job, manifest, seen


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "store.duckdb")) as opened:
        yield opened


def ran(
    job_id: str, script: str, *argv: str, minute: int, reads: Iterable[str] = (), makes: Iterable[str] = (), **changes: Any
) -> list[Capture]:
    """A run of `<script>.sh argv` that started at this minute and lasted less than one."""
    of = job(
        job_id,
        **{
            "script": f"#!/bin/bash\npython {script}.py {' '.join(argv)}\n",
            "script_path": f"/w/{script}.sh",
            "argv": (f"{script}.sh", *argv),
            "submitted_at": at(minute),
            **changes,
        },
    )
    tried = attempt(submitted=at(minute), started=at(minute, 10), ended=at(minute, 50))
    data = manifest(*(file(f) for f in reads), *(file(f, "output") for f in makes))
    return [
        capture(of, Phase.SUBMIT),
        capture(of, Phase.END, seen(data, taken_at=at(minute, 50))),
        capture(of, Phase.LATER, seen(accounting(job_id, tried, name=script), taken_at=at(minute + 1))),
    ]


def campaign(store: Store, job_id: str) -> Campaign:
    return codec.build(store.campaign(store.resolve(job_id)).data, Campaign)


def ids(*job_ids: str) -> tuple[str, ...]:
    return tuple(job(job_id).run_id for job_id in job_ids)


def loop() -> list[Capture]:
    """simulate -> train -> predict -> simulate ..., twice around and a last simulation; each train reads all simulations so far."""
    found: list[Capture] = []
    for n in range(3):
        found += ran(f"{n}0", "simulate", str(n), minute=10 * n, reads=[f"params{n}"], makes=[f"sim{n}"])
        if n < 2:
            found += ran(
                f"{n}1", "train", str(n), minute=10 * n + 2, reads=[f"sim{k}" for k in range(n + 1)], makes=[f"model{n}"]
            )
            found += ran(f"{n}2", "predict", str(n), minute=10 * n + 4, reads=[f"model{n}"], makes=[f"params{n + 1}"])
    return found


def test_a_run_alone_has_an_empty_campaign(store: Store) -> None:
    store.ingest(ran("1", "train", minute=0))
    assert campaign(store, "1") == Campaign(ids("1")[0], (), (), (), 0, 0, 1, (), ())


def test_outputs_that_become_inputs_make_a_loop(store: Store) -> None:
    store.ingest(loop())
    found = campaign(store, "11")
    assert found.why == ("data",)
    assert found.iterations == 2
    assert found.cycle == ids("01", "02", "10", "11")
    assert [(s.job_id, s.name) for s in found.siblings][:3] == [("00", "simulate"), ("01", "train"), ("02", "predict")]
    assert (ids("02")[0], ids("10")[0], "params1") in [(k.source, k.target, k.path) for k in found.links]
    assert found.lookalikes == ()  # the two trainings wait for each other's data: no array could replace them
    assert campaign(store, "00").iterations == 3


def test_the_same_bytes_whatever_the_order_of_ingest(store: Store, tmp_path: Path) -> None:
    store.ingest(loop())
    with Store.open(str(tmp_path / "other.duckdb")) as other:
        for one in reversed(loop()):
            other.ingest([one])
        assert codec.dumps(other.campaign(ids("11")[0])) == codec.dumps(store.campaign(ids("11")[0]))


def test_a_data_set_that_two_runs_read_joins_nothing(store: Store) -> None:
    store.ingest(ran("1", "train", minute=0, reads=["mnist"]) + ran("2", "other", minute=1, reads=["mnist"]))
    assert campaign(store, "1").siblings == ()


def test_an_empty_file_joins_nothing(store: Store) -> None:
    empty = file("done.flag", "output", size=0)
    made = capture(job("1"), Phase.END, seen(manifest(empty)))
    read = capture(job("2"), Phase.START, seen(manifest(file("done.flag", size=0))))
    store.ingest([made, read])
    assert campaign(store, "1").siblings == ()


def test_what_was_made_after_it_was_read_joins_nothing(store: Store) -> None:
    store.ingest(ran("1", "read", minute=0, reads=["data"]) + ran("2", "make", minute=5, makes=["data"]))
    assert campaign(store, "1").links == campaign(store, "2").links == ()


def test_an_input_that_an_array_declares_is_read_by_each_of_its_tasks(store: Store) -> None:
    array = job("50", is_array=True, submitted_at=at(5))
    tasks = [capture(job(f"50_{n}", submitted_at="", started_at=at(6)), Phase.START) for n in range(2)]
    store.ingest(
        [*ran("1", "make", minute=0, makes=["data"]), capture(array, Phase.SUBMIT, seen(manifest(file("data")))), *tasks]
    )
    for seen_from in ("1", "50_0"):
        links = [(link.source, link.target) for link in campaign(store, seen_from).links]
        assert set(links) == {(ids("1")[0], task.job.run_id) for task in tasks}


def test_what_an_input_was_when_it_was_submitted_counts_until_it_was_seen_at_the_start(store: Store) -> None:
    store.ingest(ran("1", "old", minute=0, makes=["old"]) + ran("2", "new", minute=1, makes=["new"]))
    waits = job("3", submitted_at=at(2))
    store.ingest([capture(waits, Phase.SUBMIT, seen(manifest(file("data", content="old"))))])
    assert [link.source for link in campaign(store, "3").links] == [*ids("1")]
    starts = replace(waits, started_at=at(9))
    store.ingest([capture(starts, Phase.START, seen(manifest(file("data", content="new"))))])
    for seen_from in ("1", "2", "3"):
        links = [(link.source, link.target) for link in campaign(store, seen_from).links]
        assert links == ([] if seen_from == "1" else [(ids("2")[0], ids("3")[0])])


def test_a_label_joins_runs(store: Store) -> None:
    store.ingest(ran("1", "a", minute=0, label="study") + ran("2", "b", minute=1, label="study") + ran("3", "c", minute=2))
    found = campaign(store, "1")
    assert (found.why, [s.job_id for s in found.siblings]) == (("label",), ["2"])


def test_a_dependency_joins_runs_and_is_told(store: Store) -> None:
    store.ingest(ran("12", "prepare", minute=0))
    store.ingest([capture(job("13", argv=("--dependency=afterok:12", "train.sh"), submitted_at=at(1)), Phase.SUBMIT)])
    waiting = accounting("14", attempt(state="PENDING"), dependency="afterany:13(unfulfilled)", final=False)
    store.ingest([capture(job("14", submitted_at=at(2)), Phase.SUBMIT, seen(waiting))])
    found = campaign(store, "12")
    assert found.why == ("dependency",)
    assert [(s.job_id, s.dependency) for s in found.siblings] == [("13", "12"), ("14", "13")]


def test_a_number_that_was_given_out_again_later_is_not_what_was_waited_for(store: Store) -> None:
    store.ingest([capture(job("12", submitted_at=at(0)), Phase.SUBMIT)])
    store.ingest([capture(job("13", argv=("-d", "afterok:12", "x.sh"), submitted_at=at(1)), Phase.SUBMIT)])
    again = job("12", submission="again", submitted_at=at(2))
    store.ingest([capture(again, Phase.SUBMIT)])
    assert [s.run_id for s in campaign(store, "13").siblings] == [*ids("12")]
    assert codec.build(store.campaign(again.run_id).data, Campaign).siblings == ()


def test_tasks_of_an_array_are_counted(store: Store) -> None:
    array = job("50", is_array=True, argv=("--array=0-3%2", "train.sh"))
    tasks = [capture(job(f"50_{n}"), Phase.LATER, seen(accounting(f"50_{n}", array_throttle=2))) for n in range(4)]
    store.ingest([capture(array, Phase.SUBMIT), *tasks])
    found = campaign(store, "50_2")
    assert (found.why, found.array_size, found.array_throttle, len(found.siblings)) == (("array",), 4, 2, 3)
    assert found.siblings[0].command == "--array=#-#%# train.sh"


def test_waiting_for_an_array_is_waiting_for_its_tasks(store: Store) -> None:
    array = job("50", is_array=True, cluster="")
    store.ingest([capture(array, Phase.SUBMIT), *(capture(job(f"50_{n}", submitted_at=""), Phase.START) for n in range(2))])
    older = job("50", submission="older", submitted_at="2025-01-01T00:00:00+00:00")
    store.ingest(
        [capture(older, Phase.SUBMIT), capture(job("60", argv=("-d", "afterok:50", "x.sh"), submitted_at=at(1)), Phase.SUBMIT)]
    )
    found = campaign(store, "60")
    assert (found.why, [s.job_id for s in found.siblings]) == (("dependency",), ["50_0", "50_1"])


def test_submissions_that_differ_only_in_numbers_look_alike(store: Store) -> None:
    for n in range(4):
        store.ingest(ran(str(10 + n), "train", f"--lr={n / 10}", minute=n))
    store.ingest(ran("20", "train", "--lr=0.0", minute=5))  # the same once more: a repetition, not a sweep
    store.ingest(ran("21", "train", "--lr=0.5", "--fast", minute=6))  # more than a number
    store.ingest(ran("22", "train", "--lr=0.7", minute=7, user="bob"))
    store.ingest(ran("23", "train", "--lr=0.8", minute=8, submitted_at="2026-11-30T12:00:00+00:00"))  # a week later
    assert campaign(store, "10").lookalikes == ids("11", "12", "13")


def test_lineage_shows_what_came_from_where(store: Store) -> None:
    store.ingest(
        ran("1", "simulate", minute=0, reads=["params"], makes=["sim"]) + ran("2", "train", minute=2, reads=["sim", "seed"])
    )
    nodes, edges = store.lineage(ids("2")[0])
    labels = {n.id: n.label for n in nodes}
    assert nodes[0] == Node(ids("2")[0], "this-run", "train (2)")
    assert sorted((labels[e.source], labels[e.target]) for e in edges) == [
        ("seed", "train (2)"),
        ("sim", "train (2)"),
        ("simulate (1)", "sim"),
    ]


def test_a_large_lineage_is_summed_up(store: Store) -> None:
    store.ingest(ran("1", "gather", minute=90, reads=[f"part{n}" for n in range(80)], makes=[f"out{n}" for n in range(30)]))
    for n in range(80):
        store.ingest(ran(str(100 + n), "work", str(n), minute=n, makes=[f"part{n}"]))
    nodes, edges = store.lineage(ids("1")[0])
    assert len(nodes) <= 60
    assert {"and 24 more outputs"} <= {n.label for n in nodes}
    assert any(n.label.endswith("more runs") for n in nodes)
    assert {e.source for e in edges} | {e.target for e in edges} <= {n.id for n in nodes}
    assert Edge(ids("1")[0], "more-output") in edges


def drawn(store: Store, job_id: str) -> list[tuple[str, str]]:
    """The picture's edges by the labels of their ends."""
    nodes, edges = store.lineage(ids(job_id)[0])
    labels = {n.id: n.label for n in nodes}
    return sorted((labels[e.source], labels[e.target]) for e in edges)


def with_files(
    job_id: str, minute: int, *files: DataFile, workdir: str = "/w", datasets: Iterable[Reference] = ()
) -> list[Capture]:
    """A run of these files, in a work directory of its own."""
    first, _, last = ran(job_id, f"step{job_id}", minute=minute, workdir=workdir)
    data = manifest(*files, root=workdir, datasets=tuple(datasets))
    return [first, capture(first.job, Phase.END, seen(data, taken_at=at(minute, 50))), last]


def test_files_of_equal_content_are_drawn_under_their_own_names(store: Store) -> None:
    zero = [file(name, "output", "0\n") for name in ("a.txt", "b.txt")]
    store.ingest(with_files("1", 0, *zero) + with_files("2", 2, file("b.txt", content="0\n"), file("c.txt", "output", "0\n")))
    assert drawn(store, "1") == [
        ("b.txt", "step2 (2)"),
        ("step1 (1)", "a.txt"),
        ("step1 (1)", "b.txt"),
    ]
    assert drawn(store, "2") == [
        ("b.txt", "step2 (2)"),
        ("step1 (1)", "b.txt"),
        ("step2 (2)", "c.txt"),
    ]


def test_a_copy_that_was_read_elsewhere_is_a_file_of_its_own_beside_the_one_that_was_made(store: Store) -> None:
    store.ingest(
        with_files("1", 0, file("out.csv", "output", "x"), workdir="/sim")
        + with_files("2", 2, file("in.csv", content="x"), workdir="/train")
    )
    assert drawn(store, "2") == [("in.csv", "step2 (2)"), ("out.csv", "in.csv"), ("step1 (1)", "out.csv")]


def test_a_file_that_is_named_from_another_folder_is_still_one_file(store: Store) -> None:
    store.ingest(
        with_files("1", 0, file("out.csv", "output", "x"), workdir="/sim")
        + with_files("2", 2, file("/sim/out.csv", content="x"), workdir="/train")
    )
    assert drawn(store, "2") == [("/sim/out.csv", "step2 (2)"), ("step1 (1)", "/sim/out.csv")]


def test_a_file_that_was_updated_in_place_is_two_files_of_one_name(store: Store) -> None:
    store.ingest(with_files("1", 0, file("state", content="old"), file("state", "output", "new")))
    nodes, _ = store.lineage(ids("1")[0])
    assert [n.label for n in nodes if n.kind == "file"] == ["state", "state"]
    assert len({n.id for n in nodes}) == 3
    assert drawn(store, "1") == [("state", "step1 (1)"), ("step1 (1)", "state")]


IRIS = Reference("/data/iris", "iris", "", f"sha256:{'a' * 64}", "unchanged", 150, 4551, "3", "10.24432/C56C76", "CC-BY-4.0")


def test_a_registered_data_set_is_in_the_lineage_of_all_that_read_it(store: Store) -> None:
    store.ingest(
        with_files("1", 0, file("m", "output", "x"), datasets=[IRIS])
        + with_files("2", 2, file("m", content="x"), datasets=[IRIS])
    )
    assert drawn(store, "2") == [("iris 3", "step1 (1)"), ("iris 3", "step2 (2)"), ("m", "step2 (2)"), ("step1 (1)", "m")]
    assert [n.kind for n in store.lineage(ids("2")[0])[0] if n.label == "iris 3"] == ["dataset"]
    one, two = ids("1", "2")
    said = ("/data/iris", "iris", IRIS.digest, "unchanged", "", "3", "10.24432/C56C76", "CC-BY-4.0", "", 150, 4551)
    assert store.family(two).datasets == tuple(sorted((Held(one, *said), Held(two, *said)), key=lambda h: h.run_id))


def test_what_a_run_found_when_it_began_is_what_it_read_of_a_data_set(store: Store) -> None:
    of = with_files("1", 0)[0].job
    captures = []
    for phase, state in ((Phase.SUBMIT, "unchanged"), (Phase.START, "changed"), (Phase.LATER, "unchanged")):
        captures.append(capture(of, phase, seen(manifest(datasets=(replace(IRIS, state=state),)))))
    store.ingest(captures)
    assert [h.state for h in store.family(ids("1")[0]).datasets] == ["changed"]
    assert drawn(store, "1") == [("iris 3 (changed)", "step1.sh (1)")]


def test_a_task_reads_the_data_set_that_its_array_declared(store: Store) -> None:
    array = job("7", is_array=True)
    task = job("7_0", submission=array.submission)
    store.ingest([capture(array, Phase.SUBMIT, seen(manifest(datasets=(IRIS,)))), capture(task, Phase.START)])
    assert [(h.run_id, h.name) for h in store.family(task.run_id).datasets] == [(task.run_id, "iris")]


def test_many_data_sets_are_summed_up(store: Store) -> None:
    many = [replace(IRIS, path=f"/data/{n}", dataset=f"set{n:02}", digest=f"sha256:{n:064}", version="") for n in range(20)]
    store.ingest(with_files("1", 0, datasets=many))
    nodes, _ = store.lineage(ids("1")[0])
    assert [n.label for n in nodes[1:]] == [*(f"set{n:02}" for n in sorted(range(20), key=str)[:6]), "and 14 more data sets"]
