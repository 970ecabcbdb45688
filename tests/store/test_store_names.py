"""Which run is meant by a name?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.model import AuditError, Capture, Phase
from auditor.store import Store
from tests.factory import at, capture, job


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "store.duckdb")) as opened:
        opened.ingest(
            capture(one, Phase.SUBMIT)
            for one in (
                job("99", submitted_at=at(1)),
                job("100", submitted_at=at(1)),
                job("200", is_array=True, submitted_at=at(0)),
                *(job(f"200_{n}", submitted_at=at(0)) for n in range(7)),
                job("123", submission="first", submitted_at="2025-01-01T00:00:00+00:00"),
                job("123", submission="second", submitted_at=at(0)),
            )
        )
        yield opened


def test_a_run_is_known_by_its_id_a_prefix_and_its_job_id(store: Store) -> None:
    id_ = job("99").run_id
    assert store.resolve(id_) == store.resolve(id_[:9]) == store.resolve(id_.upper()) == store.resolve("99") == id_
    assert store.resolve("200_4") == job("200_4").run_id


def test_without_a_name_it_is_the_newest_and_that_is_told(store: Store) -> None:
    newest = job("100").run_id
    assert store.resolve() == store.resolve("last") == newest
    assert store.notes == [f"the last run: {newest}, job 100"] * 2


def test_a_replay_of_ours_is_not_the_user_s_last_run(store: Store) -> None:
    store.ingest([Capture(job("300", label="replay", submitted_at=at(30)), Phase.SUBMIT, ())])
    assert store.resolve("last") == job("100").run_id
    assert store.resolve("300") == job("300").run_id


def test_a_job_id_that_was_used_again_means_the_newest(store: Store) -> None:
    assert store.resolve("123") == job("123", submission="second").run_id
    assert store.notes == [
        f"2 runs had job id 123; taking the newest, {job('123', submission='second').run_id}, submitted {at(0)}"
    ]


def test_an_array_asks_for_a_task(store: Store) -> None:
    with pytest.raises(AuditError, match="200 is an array of 7 runs we know") as error:
        store.resolve("200")
    assert error.value.hint == "name one task: 200_0, 200_1, 200_2, 200_3, 200_4 and 2 more"


def test_an_ambiguous_prefix_lists_the_candidates(store: Store) -> None:
    store.ingest(capture(job(f"3{n}"), Phase.SUBMIT) for n in range(40))
    prefix = next(p for p in "abcdef" if len([r for r in store.runs(limit=0) if r.id.startswith(p)]) > 1)
    with pytest.raises(AuditError, match=f"{prefix} could be ") as error:
        store.resolve(prefix)
    assert error.value.hint.startswith("one of: " + prefix)


@pytest.mark.parametrize("name", ["404", "zz", "' or 1=1 --", "%", "\udcff", "99\n"])
def test_a_name_nobody_has_is_an_error_with_a_hint(store: Store, name: str) -> None:
    with pytest.raises(AuditError, match="no run is called") as error:
        store.resolve(name)
    assert "auditor list" in error.value.hint


def test_an_empty_store_says_how_to_fill_it(tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "empty.duckdb")) as store, pytest.raises(AuditError, match="holds no run yet"):
        store.resolve()
