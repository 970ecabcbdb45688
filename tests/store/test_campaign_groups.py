"""Which runs make one campaign, by which name is it found, and what does each run see of it?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor import codec, spool
from auditor.campaign import Campaign, Group
from auditor.home import Home
from auditor.model import AuditError, Capture, Phase
from auditor.store import Store, ingest_spool, rebuild
from probes.workflows.record import WorkflowRuns
from tests.factory import accounting, at, attempt, capture, file, job, manifest, seen
from tests.store.test_store_campaign import loop, ran
from tests.study import driven, snakemake, study


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "store.duckdb")) as opened:
        yield opened


def jobs(store: Store, name: str, most: int = 0) -> list[str]:
    """Job numbers of the campaign, in its order."""
    return [seen.job.job_id for seen in store.group(name, most).runs()]


def of(store: Store, name: str) -> Group:
    return store.group(name).group()


def engine(
    number: str, *native: str, relation: str = "inside", id_: str = "run1", minute: int = 0, cluster: str = "lab"
) -> list[Capture]:
    """A run in whose work directory the record of an engine run lies."""
    told = seen(WorkflowRuns((snakemake(*native, relation=relation, id_=id_),), 1), taken_at=at(minute + 60))
    one = job(number, submitted_at=at(minute), cluster=cluster)
    return [capture(one, Phase.SUBMIT), capture(one, Phase.LATER, told)]


def test_a_label_names_its_runs_whatever_else_reads_their_data(store: Store) -> None:
    store.ingest(ran("1", "prepare", minute=0, makes=["clean.csv"]))
    store.ingest(ran("2", "train", minute=1, reads=["clean.csv"], label="fig3"))
    store.ingest(ran("3", "train", "--large", minute=2, reads=["clean.csv"], label="fig4"))

    assert (jobs(store, "fig3"), of(store, "fig3").why) == (["1", "2"], ("data",))
    assert (jobs(store, "fig4"), jobs(store, "2")) == (["1", "3"], ["1", "2"])
    assert jobs(store, "1") == ["1"]  # it was given no label, so it enters none: both are other campaigns


def test_runs_that_an_engine_started_are_found_by_their_job_numbers(store: Store) -> None:
    store.ingest([*ran("11", "a", minute=1), *ran("12", "b", minute=2), *ran("13", "c", minute=3), *engine("10", "11", "12")])

    found = of(store, "12")

    assert (found.why, jobs(store, "10"), jobs(store, "13")) == (("engine",), ["10", "11", "12"], ["13"])
    assert [(t.by, t.target == found.runs[1]) for t in found.ties] == [("engine", True), ("engine", False)]
    assert found.engines == {"snakemake run1 /home/ada/study": (found.runs[:1], found.runs[1:])}


def test_one_run_alone_is_told_of_its_engine_too(store: Store) -> None:
    store.ingest([*ran("11", "a", minute=1), *ran("12", "b", minute=2), *engine("10", "11", "12")])

    alone = codec.build(store.campaign(store.resolve("11")).data, Campaign)

    assert (alone.why, [s.job_id for s in alone.siblings]) == (("engine",), ["10", "12"])


def test_two_runs_that_name_the_same_engine_run_belong_together(store: Store) -> None:
    store.ingest(
        [*engine("20", relation="task"), *engine("21", relation="task", minute=1), *engine("22", relation="task", id_="run2")]
    )

    assert (jobs(store, "20"), of(store, "20").why) == (["20", "21"], ("engine",))


def test_a_record_that_only_lies_near_joins_nothing(store: Store) -> None:
    store.ingest([*engine("20", relation="folder"), *engine("21", relation="folder")])

    assert jobs(store, "20") == ["20"]


def test_equal_job_numbers_of_two_clusters_are_two_jobs(store: Store) -> None:
    here, there = ran("11", "a", minute=2), ran("11", "b", minute=1, cluster="other", submission="x11")
    store.ingest([*here, *there, *engine("10", "11", cluster="other")])

    assert [s.job.cluster for s in store.group("10").runs()] == ["other", "other"]


def test_a_number_that_was_given_again_means_the_newest_before_the_record_was_read(store: Store) -> None:
    for year, submission in ((2024, "old"), (2027, "later")):
        stamp = f"{year}-01-01T00:00:00+00:00"
        store.ingest([capture(job("11", submission=submission, submitted_at=stamp), Phase.SUBMIT)])
    store.ingest([*ran("11", "a", minute=1), *engine("10", "11")])

    assert [s.job.submission for s in store.group("10").runs()] == ["s10", "s11"]


def test_an_array_is_named_by_its_number(store: Store) -> None:
    array = job("50", is_array=True, argv=("--array=0-2%2", "train.sh"))
    tasks = [capture(job(f"50_{n}"), Phase.LATER, seen(accounting(f"50_{n}", array_throttle=2))) for n in range(3)]
    store.ingest([capture(array, Phase.SUBMIT), *tasks])

    found = of(store, "50")

    assert (found.name, found.why, jobs(store, "50")) == ("array 50", ("array",), ["50_0", "50_1", "50_2"])
    assert list(found.arrays.values()) == [3]


def test_of_two_arrays_of_one_number_the_newest_is_taken_and_that_is_said(store: Store) -> None:
    for cluster, minute in (("lab", 0), ("other", 5)):
        store.ingest(
            [
                capture(job(f"50_{n}", cluster=cluster, submission=f"{cluster}50", submitted_at=at(minute)), Phase.START)
                for n in (0, 1)
            ]
        )

    assert [s.job.cluster for s in store.group("50").runs()] == ["other", "other"]
    assert store.notes == ["2 arrays had the number 50; taking the newest, of cluster other"]


def test_what_nobody_is_called_is_said_with_a_hint(store: Store) -> None:
    store.ingest(ran("1", "train", minute=0))

    with pytest.raises(AuditError) as error:
        store.group("nosuch")

    assert (error.value.message, error.value.hint) == (
        "no campaign, run or job is called nosuch",
        "`auditor campaign` shows the campaigns we know, `auditor list` the runs",
    )


def test_runs_that_wait_for_each_other_in_a_circle_end_the_search_and_are_told(store: Store) -> None:
    for number, other in (("12", "13"), ("13", "14"), ("14", "12"), ("15", "14")):
        told = accounting(
            number, attempt(state="PENDING", started="", ended=""), dependency=f"afterok:{other}(unfulfilled)", final=False
        )
        store.ingest([capture(job(number), Phase.SUBMIT, seen(told))])

    found = of(store, "12")

    assert len(found.runs) == 4
    assert sorted(found.cycles) == sorted(store.resolve(number) for number in ("12", "13", "14"))


def test_a_campaign_that_is_too_large_is_cut_and_that_is_said(store: Store) -> None:
    store.ingest([capture(job(f"50_{n}", submission="s50"), Phase.START) for n in range(30)])

    found = store.group("50_7", 10).group()

    assert (len(found.runs), found.known, found.gaps) == (10, 30, ("20 more runs belong to it and were not looked at",))
    assert jobs(store, "50_7", 4) == ["50_27", "50_28", "50_29", "50_7"]  # what was named, then the newest


def test_each_run_sees_the_same_of_it_as_when_it_is_asked_alone(store: Store) -> None:
    store.ingest([*loop(), *ran("90", "train", "0", minute=50, label="x"), *ran("91", "train", "1", minute=51, label="x")])
    array = job("50", is_array=True, argv=("--array=0-3%2", "train.sh"))
    store.ingest(
        [capture(array, Phase.SUBMIT), *(capture(job(f"50_{n}"), Phase.LATER, seen(accounting(f"50_{n}"))) for n in range(4))]
    )

    for name in ("11", "x", "50"):
        for one in store.group(name).runs():
            assert one.place == codec.build(store.campaign(one.place.run_id).data, Campaign)


def test_each_run_comes_with_its_own_evidence_as_when_it_is_asked_alone(store: Store) -> None:
    store.ingest(study(tasks=3))

    for one in store.group("surrogate").runs():
        assert (one.job, one.evidence) == (store.job(one.place.run_id), store.evidence(one.place.run_id))


def test_the_same_runs_in_another_order_give_the_same_group(store: Store, tmp_path: Path) -> None:
    store.ingest(study(tasks=3))
    with Store.open(str(tmp_path / "other.duckdb")) as other:
        other.ingest(reversed(list(study(tasks=3))))
        assert codec.dumps(of(other, "surrogate")) == codec.dumps(of(store, "surrogate"))


def test_data_that_passes_is_counted_and_never_backwards_in_time(store: Store) -> None:
    store.ingest(ran("1", "sim", minute=0, makes=["a", "b"]) + ran("2", "train", minute=5, reads=["a", "b"], makes=["m"]))
    store.ingest(ran("3", "late", minute=9, reads=["a"]))
    early = capture(job("4", submitted_at="2026-11-23T11:00:00+00:00"), Phase.START, seen(manifest(file("b"))))
    store.ingest([early])

    found = of(store, "1")

    assert [(t.by, t.files, t.bytes, t.path) for t in found.ties] == [("data", 2, 2, "a"), ("data", 1, 1, "a")]


def test_every_campaign_is_listed_once_the_newest_first(store: Store) -> None:
    store.ingest(
        [
            *loop(),
            *ran("90", "train", minute=50, label="study"),
            *ran("91", "train", minute=51, label="study"),
            *ran("95", "x", minute=60),
        ]
    )

    rows, older = store.campaigns()

    assert [(r.ask if r.name == "study" else r.name, r.runs, r.why, dict(r.states)) for r in rows] == [
        ("study", 2, ("label",), {"COMPLETED": 2}),
        ("simulate, job 00", 7, ("data",), {"COMPLETED": 7}),
    ]
    assert older == 0
    assert [jobs(store, r.ask) for r in rows] == [["90", "91"], ["00", "01", "02", "10", "11", "12", "20"]]


def test_the_listed_engine_campaign_is_the_one_that_is_found(store: Store) -> None:
    store.ingest([*study(tasks=3, label=""), *driven("1001", "1002", "1003", label="")])

    (row,), _ = store.campaigns()

    assert (row.why, row.runs) == (("array", "data", "dependency", "engine"), 7)
    assert len(jobs(store, row.ask)) == 7


def test_engine_runs_are_known_again_after_a_rebuild_and_twice_is_once(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    for _ in range(2):
        for one in (*ran("11", "a", minute=1), *engine("10", "11")):
            spool.save(home.spool, one)
        with Store.open(home.store) as opened:
            ingest_spool(opened, home)
            rows = opened.query("select count(*) from engine_run") + opened.query("select count(*) from engine_job")
            before = of(opened, "10")
    rebuild(home)

    with Store.open(home.store) as opened:
        assert (rows, of(opened, "10")) == ([(1,), (1,)], before)
        assert before.why == ("engine",)


def test_evidence_of_an_engine_in_another_shape_is_kept_and_joins_nothing(store: Store) -> None:
    odd = seen(WorkflowRuns((), 0))
    store.ingest([capture(job("10"), Phase.LATER, odd.__class__(**{**vars(odd), "data": {"runs": [{"system": 7}]}}))])

    assert jobs(store, "10") == ["10"]
