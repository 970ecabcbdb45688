"""Does the store give back what it was given, once, and merged as one run?"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor import codec
from auditor.model import AuditError, Phase
from auditor.scorecard import RunCard, Rung, Scorecard, Story
from auditor.store import Store
from probes.git import GitState
from tests.factory import (
    accounting,
    at,
    attempt,
    capture,
    file,
    git_state,
    hardware,
    job,
    manifest,
    packages,
    seen,
    sha,
    submission,
    unseen,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "store.duckdb")) as opened:
        yield opened


GOOD = {"how": "declared", "kind": "file", "mtime_ns": 1, "path": "a", "role": "input", "sha256": sha("a"), "size": 1}


def scorecard(run_id: str, low: float) -> Scorecard:
    card = RunCard(run_id, "train", "1", "lab", "slurm", "ada", "COMPLETED", "train.sh", "/w\udcff", at(0), at(1), at(2), 1)
    rungs = (Rung("captured", True, "evidence of every phase"), Rung("pinned", low > 30, ""))
    return Scorecard(card, low, 90.0, 80.0, True, "", rungs, (), Story(), (), "1-" + sha("rules"), "0.1.0")


def test_evidence_comes_back_as_it_went_in(store: Store) -> None:
    before = capture(job(), Phase.SUBMIT, seen(submission()), seen(manifest(file("a.csv"), file("b\udcff.csv"))))
    after = capture(job(), Phase.LATER, seen(accounting()), unseen(GitState, "no repository\there\n"))
    store.ingest([before, after])
    assert store.evidence(job().run_id) == (before.evidence[1], before.evidence[0], after.evidence[1], after.evidence[0])


def test_ingesting_twice_is_ingesting_once(store: Store) -> None:
    known = capture(job(), Phase.SUBMIT, seen(submission()), seen(git_state()))
    assert store.ingest([known]) == 2
    assert store.ingest([known, known]) == 0
    assert store.query("select count(*) from evidence") == [(2,)]
    assert store.query("select count(*) from capture") == [(1,)]


@pytest.mark.parametrize(
    "odd",
    [
        {"files": [GOOD], "a": {"files": [GOOD]}},
        {"files": [GOOD], "root": '"files":[]'},
        {"files": [{**GOOD, "size": 5.0}]},
        {"files": [{**GOOD, "size": True}]},
        {"files": [{**GOOD, "size": 2**64}]},
        {"files": [{**GOOD, "sha256": sha("x").upper()}]},
        {"files": [{**GOOD, "note": "of another version"}]},
        {"files": [GOOD, {"path": "b"}]},
        {"files": "none"},
        {},
    ],
)
def test_a_manifest_of_another_shape_comes_back_unchanged(store: Store, odd: dict[str, object]) -> None:
    strange = dataclasses.replace(seen(manifest()), data=odd)
    store.ingest([capture(job(), Phase.SUBMIT, strange)])
    assert codec.dumps(store.evidence(job().run_id)[0].data) == codec.dumps(odd)


def test_the_same_evidence_in_two_captures_is_one_piece(store: Store) -> None:
    store.ingest([capture(job(), Phase.SUBMIT, seen(hardware()))])
    assert store.ingest([capture(job(), Phase.SUBMIT, seen(hardware()), seen(git_state()))]) == 1


def test_a_package_list_shared_by_many_runs_is_stored_once(store: Store) -> None:
    shared = seen(packages("numpy==2.0", "torch==2.9"))
    store.ingest([capture(job(str(n)), Phase.START, shared) for n in range(10)])
    assert store.query("select name from component order by name") == [("cpython",), ("numpy",), ("torch",)]
    assert store.evidence(job("7").run_id)[0].data == shared.data


def test_what_an_array_submitted_holds_for_each_task(store: Store) -> None:
    array = job("50", is_array=True, label="sweep", script="#!/bin/bash\nwork\n")
    task = job("50_3", script="", argv=(), user="", submitted_at="", script_path="", workdir="", started_at=at(5))
    store.ingest([capture(task, Phase.START, seen(hardware())), capture(array, Phase.SUBMIT, seen(submission()))])
    assert [e.kind for e in store.evidence(task.run_id)] == ["Submission", "Hardware"]
    merged = store.job(task.run_id)
    assert (merged.job_id, merged.is_array, merged.script, merged.label) == ("50_3", False, "#!/bin/bash\nwork\n", "sweep")
    assert (merged.started_at, merged.run_id) == (at(5), task.run_id)


def test_a_job_is_merged_from_its_captures_whatever_their_order(store: Store) -> None:
    submitted = job(inputs=("data/*.csv",))
    first = job(script="", argv=(), started_at=at(1))
    again = job(script="", argv=(), started_at=at(30), attempt=1, cluster="")
    store.ingest([capture(again, Phase.START), capture(first, Phase.START), capture(submitted, Phase.SUBMIT)])
    assert store.job(submitted.run_id) == job(inputs=("data/*.csv",), started_at=at(30), attempt=1)


def test_an_adopted_job_keeps_the_identity_it_was_adopted_under(store: Store) -> None:
    adopted = job("77", submission="", cluster="lab", submitted_at=at(2))
    store.ingest([capture(adopted, Phase.LATER, seen(accounting("77")))])
    assert store.job(adopted.run_id).run_id == adopted.run_id


def test_a_list_shows_what_accounting_says_and_before_that_what_we_saw(store: Store) -> None:
    store.ingest(
        [
            capture(job("1"), Phase.SUBMIT, seen(submission())),
            capture(job("2", label="sweep"), Phase.START, seen(hardware())),
            capture(job("3"), Phase.LATER, seen(accounting("3", attempt(state="TIMEOUT"), name="long", used_seconds=60.0))),
        ]
    )
    rows = [(r.job_id, r.name, r.state, r.elapsed, r.label) for r in store.runs()]
    assert rows == [
        ("3", "long", "TIMEOUT", 60.0, ""),
        ("2", "train.sh", "started", None, "sweep"),
        ("1", "train.sh", "submitted", None, ""),
    ]
    assert [r.job_id for r in store.runs(label="sweep")] == ["2"]
    assert [r.job_id for r in store.runs(state="timeout")] == ["3"]
    assert len(store.runs(limit=1)) == 1


def test_an_array_is_listed_itself_only_until_its_tasks_are_known(store: Store) -> None:
    store.ingest([capture(job("50", is_array=True), Phase.SUBMIT)])
    assert [r.job_id for r in store.runs()] == ["50"]
    store.ingest([capture(job("50_1"), Phase.START), capture(job("50_0"), Phase.START)])
    assert sorted(r.job_id for r in store.runs()) == ["50_0", "50_1"]


def test_unfinished_are_those_without_final_accounting(store: Store) -> None:
    running = accounting("2", attempt(state="RUNNING"), final=False)
    store.ingest(
        [
            capture(job("1"), Phase.LATER, seen(accounting("1"), phase=Phase.LATER)),
            capture(job("2"), Phase.START, seen(running)),
            capture(job("3"), Phase.SUBMIT),
            capture(job("4"), Phase.SUBMIT),
        ]
    )
    store.record(job("4").run_id, "given-up", "Slurm does not know it any more")
    assert store.unfinished() == (job("2"), job("3"))


def test_a_job_that_had_ended_when_it_was_submitted_is_still_to_be_completed(store: Store) -> None:
    store.ingest([capture(job("1"), Phase.SUBMIT, seen(accounting("1")))])
    assert store.unfinished() == (job("1"),)
    store.ingest([capture(job("1"), Phase.LATER, seen(accounting("1"), phase=Phase.LATER))])
    assert store.unfinished() == ()


def test_a_tasks_record_is_its_own_and_never_the_summary_of_its_array(store: Store) -> None:
    array, fine = job("50", submission="s", is_array=True), job("50_1", submission="s")
    bad = accounting("50", attempt(state="FAILED"))
    store.ingest(
        [
            capture(array, Phase.SUBMIT, seen(submission())),
            capture(dataclasses.replace(array, ended_at=at(9)), Phase.LATER, seen(bad, phase=Phase.LATER, taken_at=at(59))),
            capture(
                dataclasses.replace(fine, ended_at=at(5)),
                Phase.LATER,
                seen(accounting("50_1"), phase=Phase.LATER, taken_at=at(59)),
            ),
        ]
    )
    told = [e.data["job_id"] for e in store.evidence(fine.run_id) if e.kind == "JobAccounting"]
    assert told == ["50_1"]
    assert [e.kind for e in store.evidence(array.run_id)] == ["Submission", "JobAccounting"]
    assert store.job(fine.run_id).ended_at == at(5)


def test_a_digest_leads_to_who_made_and_who_read_the_file(store: Store) -> None:
    store.ingest(
        [
            capture(job("1"), Phase.END, seen(manifest(file("model.bin", "output", "weights")), taken_at=at(1))),
            capture(job("2"), Phase.START, seen(manifest(file("in/model.bin", content="weights")), taken_at=at(2))),
        ]
    )
    found = [(u.run_id, u.role, u.path) for u in store.uses(sha("weights"))]
    assert found == [(job("1").run_id, "output", "model.bin"), (job("2").run_id, "input", "in/model.bin")]
    assert store.uses(sha("nothing")) == ()
    with pytest.raises(AuditError, match="is no sha256"):
        store.uses("weights")


def test_a_file_with_words_that_we_do_not_know_yet_is_kept_and_found(store: Store) -> None:
    told = seen(manifest(file("weights.pt", "output", "weights")))
    [one] = told.data["files"] if told.data else ()
    later = dataclasses.replace(told, data={**(told.data or {}), "files": [{**one, "colour": "red"}]})
    left = capture(job(), Phase.END, later)
    store.ingest([left])
    assert store.evidence(job().run_id) == left.evidence
    assert [(u.role, u.path) for u in store.uses(sha("weights"))] == [("output", "weights.pt")]


def test_a_manifest_from_before_data_sets_is_the_same_bytes_again(store: Store) -> None:
    told = seen(manifest(file("weights.pt", "output", "weights")))
    files = [{name: value for name, value in f.items() if name != "dataset"} for f in (told.data or {})["files"]]
    before = dataclasses.replace(told, data={**(told.data or {}), "files": files})
    left = capture(job(), Phase.END, before, told)
    store.ingest([left])
    assert {e.id for e in store.evidence(job().run_id)} == {e.id for e in left.evidence}


def test_a_data_set_that_many_runs_read_is_found_in_all_of_them(store: Store) -> None:
    store.ingest(capture(job(str(n)), Phase.START, seen(manifest(file("mnist"), file(f"own{n}")))) for n in range(30))
    assert {u.run_id for u in store.uses(sha("mnist"))} == {job(str(n)).run_id for n in range(30)}


def test_a_package_is_followed_through_its_versions(store: Store) -> None:
    old, new = seen(packages("numpy==1.26")), seen(packages("numpy==2.0"))
    store.ingest([capture(job(str(n), submitted_at=at(n)), Phase.START, old if n < 3 else new) for n in range(5)])
    drift = [(p.version, p.runs, p.first, p.last) for p in store.package_versions("numpy")]
    assert drift == [("1.26", 3, at(0), at(2)), ("2.0", 2, at(3), at(4))]
    assert [u.run_id for u in store.packages("numpy", "2.0")[0]] == [job("4").run_id, job("3").run_id]


def test_events_are_kept_in_order(store: Store) -> None:
    store.record("a" * 16, "reported", "report.html")
    store.record("b" * 16, "bundled", "über\n.zip")
    assert [(e.run_id[0], e.what, e.detail) for e in store.events()] == [
        ("a", "reported", "report.html"),
        ("b", "bundled", "über\n.zip"),
    ]
    assert len(store.events("b" * 16)) == 1


def test_an_unknown_run_is_an_error_with_a_hint(store: Store) -> None:
    for ask in (store.job, store.evidence, store.campaign, store.lineage):
        with pytest.raises(AuditError, match="no run feedfeedfeedfeed") as error:
            ask("feedfeedfeedfeed")
        assert "auditor list" in error.value.hint


def test_data_of_any_size_fits_between_small_ones(store: Store) -> None:
    big = unseen(GitState, "x" * 3_000_000)
    wide = seen(manifest(*(file(f"f{i}") for i in range(5_000))))
    mixed = capture(job(), Phase.END, seen(hardware()), big, wide)
    store.ingest([mixed])
    assert {e.id for e in store.evidence(job().run_id)} == {e.id for e in mixed.evidence}


def test_history_tells_how_one_users_scores_moved(store: Store) -> None:
    array = job("50", is_array=True, submitted_at=at(9))
    bare = {"user": "", "submitted_at": "", "script": "", "argv": ()}
    store.ingest(
        [
            capture(job("1", submitted_at=at(2)), Phase.SUBMIT),
            capture(job("2", submitted_at=at(1)), Phase.SUBMIT),
            capture(job("3", user="bob"), Phase.SUBMIT),
            capture(job("4"), Phase.SUBMIT),
            capture(array, Phase.SUBMIT),
            capture(job("50_7", **bare), Phase.START),
        ]
    )
    for job_id, low in (("1", 30.0), ("2", 40.0), ("3", 50.0), ("50_7", 60.0), ("1", 35.0)):
        store.save_scorecard(scorecard(job(job_id, **bare).run_id, low))
    assert [(r.job_id, r.low) for r in store.history("ada")] == [("2", 40.0), ("1", 35.0), ("50_7", 60.0)]
    assert [r.job_id for r in store.history()] == ["3", "2", "1", "50_7"]


def test_the_last_scorecard_counts_and_the_same_again_changes_nothing(store: Store) -> None:
    run_id = job("1").run_id
    assert store.scorecard(run_id) is None
    first, second = scorecard(run_id, 30.0), scorecard(run_id, 35.0)
    for card in (first, second, second):
        store.save_scorecard(card)
    assert store.scorecard(run_id) == second
    assert store.query("select count(*) from audit") == [(2,)]
    store.save_scorecard(first)
    assert store.scorecard(run_id) == first
