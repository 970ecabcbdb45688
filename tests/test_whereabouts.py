"""What became of a run's files: told by reading them again, and by asking the store whose they are now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from auditor.model import Capture, Phase
from auditor.store import Store
from auditor.whereabouts import Since, since
from auditor.world import RealWorld
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
