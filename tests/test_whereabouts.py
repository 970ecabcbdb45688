"""What became of a run's files: told by reading them again, and by asking the store whose they are now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.datasets import add
from auditor.model import Capture, Phase
from auditor.store import Store
from auditor.whereabouts import Since, orphans, since
from auditor.world import RealWorld
from probes.data import Reference
from probes.datasets import Dataset
from tests.factory import at, capture, file, job, manifest, seen


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "store.duckdb")) as opened:
        yield opened


def ran(job_id: str, root: Path, reads: dict[str, str], makes: dict[str, str]) -> Capture:
    """A run that read and made files with these texts."""
    files = [replace(file(p), sha256=sha(t)) for p, t in reads.items()]
    files += [replace(file(p, "output"), sha256=sha(t)) for p, t in makes.items()]
    data = replace(manifest(*files), root=str(root))
    return capture(job(job_id), Phase.LATER, seen(data, phase=Phase.LATER, taken_at=at(1)))


def test_files_are_the_same_changed_gone_or_written_over(store: Store, tmp_path: Path) -> None:
    (tmp_path / "same.csv").write_text("as it was")
    (tmp_path / "edited.csv").write_text("by hand")
    (tmp_path / "result.txt").write_text("second result")
    reads = {"same.csv": "as it was", "edited.csv": "before", "gone.csv": "x"}
    store.ingest([ran("1", tmp_path, reads, {"result.txt": "first result"})])
    store.ingest([ran("2", tmp_path, {}, {"result.txt": "second result"}), ran("3", tmp_path, {}, {"made.csv": "as it was"})])
    one, two, three = (job(n).run_id for n in "123")
    assert since(store, one, RealWorld()) == (
        Since("edited.csv", "input", sha("before"), "changed", sha("by hand")),
        Since("gone.csv", "input", sha("x"), "gone"),
        Since("same.csv", "input", sha("as it was"), "same", sha("as it was"), origin=(three,)),
        Since("result.txt", "output", sha("first result"), "changed", sha("second result"), others=(two,)),
    )


def test_a_file_that_cannot_be_read_is_not_called_changed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    store.ingest([ran("1", tmp_path, {"folder": "was a file"}, {})])
    (found,) = since(store, job("1").run_id, RealWorld())
    assert (found.state, found.reason) == ("unreadable", "Is a directory")


def test_a_file_in_an_output_folder_that_no_run_made_is_an_orphan(store: Store, tmp_path: Path) -> None:
    for name, text in {"results/a.csv": "made", "results/deep/b.csv": "by hand", "elsewhere.csv": "not asked"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    run = ran("1", tmp_path, {}, {"results/a.csv": "made"})
    here = replace(run.job, workdir=str(tmp_path), outputs=("results/*.csv", "*.log"))
    store.ingest([replace(run, job=here)])
    assert orphans(store, here.run_id, RealWorld()) == (Since("results/deep/b.csv", "", "", "orphan", sha("by hand")),)


def test_what_the_run_itself_read_there_is_no_orphan_of_its_outputs(store: Store, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "seed").write_text("given")
    run = ran("1", tmp_path, {"state/seed": "given"}, {})
    here = replace(run.job, workdir=str(tmp_path), outputs=("state/*",))
    store.ingest([replace(run, job=here)])
    assert orphans(store, here.run_id, RealWorld()) == ()


def test_what_another_run_made_is_nobodys_orphan(store: Store, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").write_text("theirs")
    run = ran("1", tmp_path, {}, {})
    here = replace(run.job, workdir=str(tmp_path), outputs=("out",))
    store.ingest([replace(run, job=here), ran("2", tmp_path / "other", {}, {"y": "theirs"})])
    assert orphans(store, here.run_id, RealWorld()) == ()


def test_a_registered_data_set_is_one_row_and_nothing_of_it_is_read(store: Store, tmp_path: Path) -> None:
    class Later(RealWorld):
        def now(self) -> datetime:
            return super().now() + timedelta(hours=1)

    (tmp_path / "iris").mkdir()
    (tmp_path / "iris" / "a").write_text("1")
    world = Later({"AUDITOR_HOME": str(tmp_path / "home")}, str(tmp_path))
    (tmp_path / "home").mkdir()
    known = add(world, str(tmp_path / "home" / "datasets"), Dataset("iris", "iris", "", 0, 0, "", ""))
    referred = Reference("iris", "iris", "", known.digest, "unchanged", 1, 1)
    data = replace(manifest(datasets=(referred,)), root=str(tmp_path))
    store.ingest([capture(job("1"), Phase.LATER, seen(data, phase=Phase.LATER, taken_at=at(1)))])
    run = job("1").run_id
    digest = known.digest.removeprefix("sha256:")
    assert since(store, run, world) == (Since("iris", "input", digest, "same", digest, reason="data set iris"),)
    (tmp_path / "iris" / "b").write_text("2")
    assert since(store, run, world) == (Since("iris", "input", digest, "changed", reason="data set iris: new b"),)
    again = add(world, str(tmp_path / "home" / "datasets"), Dataset("iris", "iris", "", 0, 0, "", ""))
    now = again.digest.removeprefix("sha256:")
    assert since(store, run, world) == (Since("iris", "input", digest, "changed", now, reason="data set iris"),)
    assert since(store, run, RealWorld({}, str(tmp_path)))[0].state == "unreadable"
    (tmp_path / "iris").rename(tmp_path / "moved")
    assert since(store, run, world)[0].state == "gone"


def test_a_declared_output_that_was_there_before_the_run_was_not_made_by_it(store: Store, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("by hand")
    (tmp_path / "copied.csv").write_text("of another run")
    run = ran("1", tmp_path, {}, {"old.csv": "by hand", "copied.csv": "of another run"})
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
    store.ingest([replace(run, job=replace(run.job, workdir=str(tmp_path), started_at=tomorrow))])
    store.ingest([ran("2", tmp_path / "other", {}, {"x": "of another run"})])
    why = "it was there before this run began"
    assert since(store, run.job.run_id, RealWorld()) == (
        Since("copied.csv", "output", sha("of another run"), "same", sha("of another run"), (job("2").run_id,), reason=why),
        Since("old.csv", "output", sha("by hand"), "orphan", sha("by hand"), reason=why),
    )
